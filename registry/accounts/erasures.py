"""Acts that removed personal fields for good, as rows; they hold none themselves."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Column
from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime


class Erasure(SQLModel, table=True):
    """What was emptied, why, and when no remnant of it was left in the database's files."""

    __tablename__ = "erasure"
    __table_args__ = (CheckConstraint("reason IN ('on-request', 'retention')", name="reason"),)

    id: str = Field(primary_key=True)
    reason: str
    removed: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON))
    """Records emptied, per retention profile."""
    entry_id: str | None = None
    """The audit entry of it; a daily round that found nothing has none."""
    at: datetime = Field(sa_type=UtcDateTime)
    overwritten_at: datetime | None = Field(default=None, index=True, sa_type=UtcDateTime)
    """Since when the space that it freed has been overwritten."""
