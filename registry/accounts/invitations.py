"""Invitations to take a seat in an organisation, until they are used, withdrawn or over."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime


class Invitation(SQLModel, table=True):
    """A seat kept free for one address; the row is gone once someone took it."""

    __tablename__ = "invitation"

    id: str = Field(primary_key=True)
    """The id of the seat that accepting it makes."""
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    hash: str = Field(unique=True)
    """SHA-256 of its secret, which is shown once."""
    email: str = Field(index=True)
    admin: bool
    invited_by: str | None = None
    """The seat that did; empty for the operator at the machine."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(index=True, sa_type=UtcDateTime)
