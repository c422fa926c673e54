"""An auditor's time: which archives' streams it may read, and until when."""

from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from registry.db import UtcDateTime


class Mandate(SQLModel, table=True):
    """What an auditor was asked to look at: one archive's stream or all, for a time."""

    __tablename__ = "mandate"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    """The auditor's organisation."""
    archive_id: str | None = Field(default=None, index=True, foreign_key="organisation.id")
    """The archive that asked for it; empty where the operator did, for all archives."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    until: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def end(self) -> datetime:
        """When it ends or ended."""
        return self.until if self.ended_at is None else min(self.ended_at, self.until)


def mandates_of(session: Session, organisation_id: str) -> list[Mandate]:
    """All that an auditor's organisation was ever asked, the one that lasts longest first."""
    own = select(Mandate).where(col(Mandate.organisation_id) == organisation_id)
    return sorted(session.exec(own), key=lambda one: one.end, reverse=True)
