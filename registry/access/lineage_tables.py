"""Where lineage stands in files: which Parquet file holds which items, or which accesses."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime


class LineageFile(SQLModel, table=True):
    """A Parquet file of lineage, sorted by slot: a hash of the item or the extract, 0 to 65,535.

    Files of one run lie side by side in ``low`` to ``high``; a level is a run merged from eight of
    the level below. An extract's own file (level 0, items) is kept when it has been merged: it is
    the evidence of what left. Other merged files are removed after a while.
    """

    __tablename__ = "lineage_file"
    __table_args__ = (
        CheckConstraint("kind IN ('items', 'accesses')", name="kind"),
        Index("ix_lineage_file_open", "dataset_id", "kind", "merged_at"),
    )

    id: str = Field(primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    kind: str
    run: str
    level: int = 0
    low: int = 0
    high: int = 65_535
    key: str
    sha256: str
    bytes: int = Field(sa_type=BigInteger)
    rows: int = Field(sa_type=BigInteger)
    extract_id: str | None = Field(default=None, unique=True, foreign_key="extract.id")
    made_at: datetime = Field(sa_type=UtcDateTime)
    merged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
