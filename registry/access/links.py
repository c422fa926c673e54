"""Signed links, as rows; the signature itself is kept nowhere."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime


class SignedLink(SQLModel, table=True):
    """Addresses that read the parts of one extract for a while without a header.

    Whoever made it holds it: a person's seat or a client, and the token it was made with, if any.
    It gives nothing that its holder could not read at that moment.
    """

    __tablename__ = "signed_link"

    id: str = Field(primary_key=True)
    extract_id: str = Field(index=True, foreign_key="extract.id")
    agreement_id: str = Field(foreign_key="agreement.id")
    environment_id: str = Field(foreign_key="environment.id")
    seat_id: str | None = Field(default=None, foreign_key="seat.id")
    client_id: str | None = Field(default=None, foreign_key="client.id")
    credential_id: str | None = Field(default=None, foreign_key="credential.id")
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
