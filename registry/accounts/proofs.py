"""Proofs that an environment is what was registered, as rows."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime


class EnvironmentProof(SQLModel, table=True):
    """Evidence about an environment, which an archive or the operator accepts for a time."""

    __tablename__ = "environment_proof"
    __table_args__ = (
        CheckConstraint("state IN ('given', 'accepted', 'refused')", name="state"),
        CheckConstraint("kind IN ('certificate', 'contract', 'audit', 'other')", name="kind"),
    )

    id: str = Field(primary_key=True)
    environment_id: str = Field(index=True, foreign_key="environment.id")
    kind: str
    reference: str
    """What it is and where it can be looked at: a certificate's number, an address."""
    holds_until: datetime = Field(sa_type=UtcDateTime)
    given_by: str
    given_at: datetime = Field(sa_type=UtcDateTime)
    state: str = "given"
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
