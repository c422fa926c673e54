"""The rights ledger as rows: what was entered, when, and where its snapshots stand.

Rows of :class:`RightsLine` are only ever added.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index
from sqlmodel import Field, SQLModel

from catalog.columns import UtcDateTime


class LedgerMoment(SQLModel, table=True):
    """One act on a dataset's ledger; its number is the moment that extracts and manifests state.

    The file is the snapshot of what stands as of this moment, made by a job soon after the act.
    """

    __tablename__ = "ledger_moment"

    dataset_id: str = Field(primary_key=True, foreign_key="dataset.id")
    number: int = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    decided_by: str
    """The actor's id; empty for an outsider."""
    method: str
    """``form``, ``file``, ``complaint``, ``withdrawal`` or ``settlement``."""
    lines: int
    digest: str
    """Of the lines in canonical JSON."""
    items: int = 0
    key: str = ""
    """Where the store keeps the snapshot; empty until it is made."""
    sha256: str = ""
    bytes: int = Field(default=0, sa_type=BigInteger)


class RightsLine(SQLModel, table=True):
    """One line of a ledger: what a rightsholder says, or was decided, of one item."""

    __tablename__ = "rights_line"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('opt_out', 'withdrawal', 'embargo', 'dispute', 'clearance')", name="kind"
        ),
        Index("ix_rights_line_moment", "dataset_id", "moment"),
        Index("ix_rights_line_item", "dataset_id", "item"),
    )

    id: str = Field(primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    moment: int
    item: str = Field(max_length=26)
    """The item's opaque id, which is the same in every edition."""
    kind: str
    rightsholder: str = ""
    share: int = 100
    """Per cent of the rights."""
    territory: str = "*"
    """Countries with spaces between, or ``*`` for everywhere."""
    dated: str = ""
    """The date as it was given, vague or not (EDTF, or in words)."""
    until: date | None = None
    """The last day it can mean, for an embargo."""
    evidence: str = ""
    ends: str | None = Field(default=None, foreign_key="rights_line.id")
    decided_by: str


class EditionCount(SQLModel, table=True):
    """Items of an edition per class of equal facts, as the ledger leaves them at a moment.

    ``classes`` lists ``{"facts", "closed_in", "items"}``. Hard-blocked and withdrawn items are in
    none of them.
    """

    __tablename__ = "edition_count"

    edition_id: str = Field(primary_key=True, foreign_key="edition.id")
    moment: int
    classes: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON))
