"""Who may do what, as rows: organisations, seats, machines, environments and their credentials."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, text
from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime

ROLES = ("archive", "user", "auditor", "operator")


class Organisation(SQLModel, table=True):
    """A legal body that takes part, in one role."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("role IN ('archive', 'user', 'auditor', 'operator')", name="role"),
        CheckConstraint("state IN ('unverified', 'active', 'blocked')", name="state"),
    )

    id: str = Field(primary_key=True)
    slug: str = Field(unique=True, max_length=60)
    name: str
    role: str
    user_class: str = "commercial"
    country: str = Field(max_length=2)
    state: str = "active"
    created_at: datetime = Field(sa_type=UtcDateTime)
    verification: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    """``verified`` or ``withdrawn``, as its newest verification ended; empty before the first."""
    verified_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Seat(SQLModel, table=True):
    """A person's place in an organisation."""

    __tablename__ = "seat"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    email: str = Field(unique=True)
    name: str
    language: str = "nl"
    active: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)
    admin: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    """Whether this person invites, changes and removes seats; the first of an organisation does."""
    left_email: str | None = Field(default=None, index=True)
    """The address of someone who left."""


class Client(SQLModel, table=True):
    """A machine of an organisation (OAuth 2.0 client, RFC 6749 section 2).

    It proves itself in one of three ways: with a secret of ours, with keys of its own, or with
    access tokens of an issuer that the operator trusts.
    """

    __tablename__ = "client"
    __table_args__ = (
        Index(
            "uq_client_issuer",
            "issuer",
            "issuer_client",
            "issuer_subject",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    name: str
    secret_hash: str = ""
    """Empty where it has no secret, which no secret hashes to."""
    scopes: list[str] = Field(default_factory=list, sa_column=Column(JSON))
    created_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    environment_id: str | None = Field(default=None, foreign_key="environment.id")
    """Where it processes: all its tokens are bound to it."""
    keys: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
    """Its own public keys (JWK), with which it signs who it is."""
    issuer: str | None = None
    """Whose access tokens it shows, where those are not ours."""
    issuer_client: str | None = None
    """Its `client_id` there."""
    issuer_subject: str | None = None
    """Its `sub` there."""
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it last got a token, or showed one of its issuer, to within a minute."""


class Credential(SQLModel, table=True):
    """Something a caller shows: kept as a SHA-256 hash, seen in full only once.

    ``kind`` is ``link`` (signs a person in, once), ``session`` (a browser) or ``token`` (a tool).
    """

    __tablename__ = "credential"
    __table_args__ = (CheckConstraint("kind IN ('link', 'session', 'token')", name="kind"),)

    id: str = Field(primary_key=True)
    kind: str
    hash: str = Field(unique=True)
    seat_id: str | None = Field(default=None, index=True, foreign_key="seat.id")
    client_id: str | None = Field(default=None, index=True, foreign_key="client.id")
    name: str = ""
    scopes: list[str] = Field(default_factory=list, sa_column=Column(JSON))
    environment_id: str | None = Field(default=None, foreign_key="environment.id")
    """Tokens for reading extracts are bound to the environment they are used from."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it was last shown, to within a minute."""
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    jkt: str | None = None
    """Thumbprint of the key that it is bound to (RFC 9449): it is good with a proof alone."""


class SpentProof(SQLModel, table=True):
    """A proof of possession that was shown once; kept as long as it could be shown again."""

    __tablename__ = "spent_proof"

    id: str = Field(primary_key=True)
    """SHA-256 of who made it and its `jti`."""
    until: datetime = Field(index=True, sa_type=UtcDateTime)


class Environment(SQLModel, table=True):
    """Where a recipient processes: country, operator, and the networks it reads from."""

    __tablename__ = "environment"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    name: str
    country: str = Field(max_length=2)
    operator: str
    operator_country: str = Field(max_length=2)
    """Jurisdiction of the operator's ultimate parent."""
    secure: bool = False
    """A secure environment from which data cannot leave."""
    networks: list[str] = Field(default_factory=list, sa_column=Column(JSON))
    """CIDR ranges; empty means any address."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    certificates: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
    """Names and numbers of the certificates that its operator holds."""
    proven_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Until when the newest accepted proof holds; without one the registration is all there is."""
    stored_country: str | None = Field(default=None, max_length=2)
    """Where the data is stored; unknown satisfies no rule."""
    place: str | None = None
    """The data centre or room, as archives that trust it name it; counts while it is proven."""


class OutboxMail(SQLModel, table=True):
    """A message for a person; without a mail server the operator reads it here.

    :param next_try_at: when the mail server is asked next; none when that is over.
    :param problem: what came of the last try, for the operator; empty where it was taken.
    """

    __tablename__ = "outbox_mail"

    id: str = Field(primary_key=True)
    seat_id: str = Field(index=True, foreign_key="seat.id")
    subject: str
    body: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    next_try_at: datetime | None = Field(default=None, index=True, sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str = Field(default="", sa_column_kwargs={"server_default": text("''")})

    @property
    def state(self) -> str:
        """``sent``, ``waiting``, or ``ended``: not sent, and not tried again."""
        if self.sent_at is not None:
            return "sent"
        return "ended" if self.next_try_at is None else "waiting"


class IdempotencyKey(SQLModel, table=True):
    """The answer once given to a POST with this key, so that repeating it has one effect."""

    __tablename__ = "idempotency_key"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=200)
    request_hash: str
    status: int
    headers: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    body: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)
