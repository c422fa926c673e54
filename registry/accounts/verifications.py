"""Who an organisation is: told once with evidence, verified by the operator for a time."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from registry.accounts.tables import Organisation
from registry.db import UtcDateTime
from registry.errors import NotAllowed, Text


class Verification(SQLModel, table=True):
    """What an organisation said it is, and what the operator found."""

    __tablename__ = "verification"
    __table_args__ = (
        CheckConstraint("state IN ('applied', 'verified', 'refused', 'withdrawn')", name="state"),
        CheckConstraint("number_kind IN ('kvk', 'vat')", name="number_kind"),
    )

    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    state: str = "applied"
    legal_name: str
    number_kind: str
    number: str
    country: str = Field(max_length=2)
    signatory: str
    """Who signs for it: a person's name, emptied when that person is erased."""
    signatory_role: str
    evidence: str
    """Where what proves it can be seen."""
    applied_by: str
    applied_at: datetime = Field(sa_type=UtcDateTime)
    decided_by: str | None = None
    """The verifier; empty for the operator at the machine."""
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""
    """What the operator wrote with the decision; the organisation reads it."""
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reminded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def lapse_of(organisation: Organisation, at: datetime) -> NotAllowed | None:
    """Why an organisation that was verified is so no longer; ``None`` where nothing ended.

    An organisation that never was verified has nothing to lose: what it may is the archives' terms.
    """
    help_ = Text(
        "Laat uw organisatie opnieuw controleren op de pagina Organisatie.",
        "Have your organisation verified again on the page Organisation.",
    )
    if organisation.verification == "withdrawn":
        return NotAllowed(
            "verification-withdrawn",
            Text(
                "De beheerder heeft de controle van uw organisatie ingetrokken.",
                "The operator withdrew the verification of your organisation.",
            ),
            help_,
        )
    if organisation.verified_until is not None and organisation.verified_until <= at:
        return NotAllowed(
            "verification-lapsed",
            Text(
                "De controle van uw organisatie is verlopen.",
                "The verification of your organisation has lapsed.",
            ),
            help_,
        )
    return None
