"""What was asked, decided, agreed and cut, as rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime


class AccessRequest(SQLModel, table=True):
    """One question of an organisation about one or several datasets."""

    __tablename__ = "access_request"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    filed_by: str
    environment_id: str = Field(foreign_key="environment.id")
    use: str
    purpose: str | None = None
    user_class: str
    note: str = ""
    filed_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DecisionRow(SQLModel, table=True):
    """The answer on one part (permit, review or deny) of one dataset of a request."""

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("request_id", "edition_id", "part"),
        CheckConstraint("part IN ('permit', 'review', 'deny')", name="part"),
        CheckConstraint(
            "state IN ('permitted', 'pending', 'approved', 'refused', 'denied', 'withdrawn')",
            name="state",
        ),
    )

    id: str = Field(primary_key=True)
    request_id: str = Field(index=True, foreign_key="access_request.id")
    dataset_id: str = Field(index=True, foreign_key="dataset.id")
    archive_id: str = Field(index=True, foreign_key="organisation.id")
    edition_id: str = Field(foreign_key="edition.id")
    offer_id: str = Field(foreign_key="offer.id")
    part: str
    state: str
    items: int
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON))
    """The summary's lines of this part: outcome, rule, reason code, both texts, items."""
    snapshot: dict[str, Any] = Field(sa_column=Column(JSON))
    """What the engine was given and said: enough to replay the decision."""
    decided_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Until when the archive has promised an answer; both sides see it."""
    reviewed_by: str | None = None
    reviewed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer: str = ""
    """What the archive wrote with its yes or no."""


class Agreement(SQLModel, table=True):
    """An ODRL Agreement, frozen and hashed, between an archive and a user of data."""

    __tablename__ = "agreement"
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'in_force', 'declined', 'revoked')", name="state"),
    )

    id: str = Field(primary_key=True)
    decision_id: str = Field(unique=True, foreign_key="decision.id")
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    archive_id: str = Field(index=True, foreign_key="organisation.id")
    dataset_id: str = Field(index=True, foreign_key="dataset.id")
    edition_id: str = Field(foreign_key="edition.id")
    environment_id: str = Field(foreign_key="environment.id")
    document: dict[str, Any] = Field(sa_column=Column(JSON))
    digest: str
    state: str = "proposed"
    valid_from: datetime = Field(sa_type=UtcDateTime)
    valid_until: datetime = Field(sa_type=UtcDateTime)
    accepted_by: str | None = None
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_reason: str = ""


class Extract(SQLModel, table=True):
    """A cut of an edition for one agreement; this row is the truth, the job only works on it."""

    __tablename__ = "extract"
    __table_args__ = (
        CheckConstraint(
            "state IN ('ordered', 'running', 'ready', 'failed', 'cancelled', 'expired')",
            name="state",
        ),
    )

    id: str = Field(primary_key=True)
    agreement_id: str = Field(index=True, foreign_key="agreement.id")
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    state: str = "ordered"
    columns: list[str] = Field(default_factory=list, sa_column=Column(JSON))
    snapshot: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    """The decision at the order: rights fix at this moment."""
    identity: str = Field(default="", index=True)
    """Digest of row set and columns; equal extracts have equal identities."""
    progress: int = 0
    rows: int = 0
    bytes: int = Field(default=0, sa_type=BigInteger)
    manifest: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    signature: str = ""
    problem: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    ordered_by: str
    ordered_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ledger_moment: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """The moment of the rights ledger that it was cut at."""
    checked_moment: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """The last moment of the ledger that is known to close none of its items."""
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Since when it is not given out, because the ledger closed an item that it holds."""
    successor_id: str | None = Field(default=None, foreign_key="extract.id")
    """The extract that takes its place once it was stopped."""
    edition_id: str = Field(foreign_key="edition.id")
    """The edition it is cut from: the agreement's, or a newer one that its terms cover."""


class Part(SQLModel, table=True):
    """One Parquet file of an extract."""

    __tablename__ = "part"

    extract_id: str = Field(primary_key=True, foreign_key="extract.id")
    number: int = Field(primary_key=True)
    key: str
    sha256: str
    bytes: int = Field(sa_type=BigInteger)
    rows: int


class Access(SQLModel, table=True):
    """One reading of one part as a person thinks of it: a window in which ranges are counted."""

    __tablename__ = "access"
    __table_args__ = (
        Index(
            "ix_access_without_lineage",
            "closed_at",
            sqlite_where=text("lineage IS NULL"),
            postgresql_where=text("lineage IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    extract_id: str = Field(index=True, foreign_key="extract.id")
    part: int
    agreement_id: str = Field(index=True, foreign_key="agreement.id")
    caller: str
    environment_id: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    until: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    address: str | None = Field(default=None, max_length=45)
    """Network address that it was read from: a person's, so it can be erased."""
    ranges: int | None = None
    """What it came to, once closed."""
    bytes: int | None = Field(default=None, sa_type=BigInteger)
    lineage: str | None = None
    """The lineage file that holds it; empty until it is written there."""


class AccessRange(SQLModel, table=True):
    """One answered range of an access: what was asked for and what was sent."""

    __tablename__ = "access_range"

    id: int | None = Field(default=None, primary_key=True)
    access_id: str = Field(index=True, foreign_key="access.id")
    start: int = Field(sa_type=BigInteger)
    stop: int = Field(sa_type=BigInteger)
    sent: int | None = Field(default=None, sa_type=BigInteger)
    """Bytes that left; unknown while they do, and after a crash."""
    at: datetime = Field(sa_type=UtcDateTime)
