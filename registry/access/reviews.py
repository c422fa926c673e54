"""Reviews of the log: what an archive planned, and what was looked at and signed."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column
from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime


class ReviewPlan(SQLModel, table=True):
    """How often an archive looks at its log, and how many entries are drawn each time."""

    __tablename__ = "review_plan"

    archive_id: str = Field(primary_key=True, foreign_key="organisation.id")
    days: int
    sample_size: int
    since: datetime = Field(sa_type=UtcDateTime)
    """From when on it holds; every ``days`` from here a review is due."""
    due_at: datetime = Field(sa_type=UtcDateTime)
    """When the next review is due."""
    reminded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    passed: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
    """When reviews were due under earlier plans: planning anew takes none of them away."""


class LogReview(SQLModel, table=True):
    """A review that was signed: what it looked at, what it found and what was said of it."""

    __tablename__ = "log_review"

    id: str = Field(primary_key=True)
    archive_id: str = Field(index=True, foreign_key="organisation.id")
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it was planned; empty for one nobody planned."""
    first_number: int = Field(sa_type=BigInteger)
    last_number: int = Field(sa_type=BigInteger)
    report: dict[str, Any] = Field(sa_column=Column(JSON))
    """Sample, findings with their rule and evidence, and what was said: its digest is signed."""
    outcome: str
    signed_by: str
    signed_at: datetime = Field(sa_type=UtcDateTime)
    entry_id: str
    """The audit entry of the signature."""
