"""Sign-ins through an OpenID provider, as rows: those under way, and who a provider's person is."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime


class SignInAttempt(SQLModel, table=True):
    """A sign-in that waits for the provider's answer; taken once, by the browser that began it."""

    __tablename__ = "sign_in_attempt"

    id: str = Field(primary_key=True)
    """SHA-256 of the secret in the browser's cookie."""
    provider: str
    state: str
    nonce: str
    verifier: str
    """The secret of PKCE (RFC 7636)."""
    wanted: str
    """The page to go to afterwards."""
    seat_id: str | None = None
    """Whoever was signed in already and connects this provider to their seat."""
    stepped_up: bool = False
    """Whether a second factor was asked for; it is asked for once."""
    until: datetime = Field(index=True, sa_type=UtcDateTime)


class Identity(SQLModel, table=True):
    """A person as an OpenID provider knows them, and their seat here.

    An e-mail address changes hands; the provider's subject does not, so that is what counts.
    """

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: str = Field(primary_key=True)
    issuer: str
    subject: str
    seat_id: str = Field(index=True, foreign_key="seat.id")
    created_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime = Field(sa_type=UtcDateTime)
    claims: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What the provider told at the last sign-in."""
