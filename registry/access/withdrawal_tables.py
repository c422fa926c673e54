"""What was taken back, who was told, and claims that an archive must decide, as rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column
from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime


class Withdrawal(SQLModel, table=True):
    """One act that takes items back from everyone, and how far its consequences are."""

    __tablename__ = "withdrawal"

    id: str = Field(primary_key=True)
    archive_id: str = Field(index=True, foreign_key="organisation.id")
    dataset_id: str = Field(index=True, foreign_key="dataset.id")
    moment: int
    """The moment of the ledger at which its lines stand."""
    reason: str
    items: int
    decided_by: str
    at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    """Until when recipients are asked to have removed the items."""
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When every extract that holds an item had been found and stopped."""


class Notice(SQLModel, table=True):
    """What one recipient was told of a withdrawal, and what came back."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint(
            "receipt IN ('', 'removed', 'not_held', 'removed_but_trained')", name="receipt"
        ),
    )

    id: str = Field(primary_key=True)
    withdrawal_id: str = Field(index=True, foreign_key="withdrawal.id")
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    extracts: list[str] = Field(default_factory=list, sa_column=Column(JSON))
    items: int
    manifest_key: str
    """Where the store keeps the removal manifest."""
    manifest_digest: str
    signature: str
    made_at: datetime = Field(sa_type=UtcDateTime)
    mailed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the last of the recipient's webhooks had taken it."""
    reminders: int = 0
    reminded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    escalated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    receipt: str = ""
    """What the recipient declares: nothing of it is enforced."""
    remark: str = ""
    received_by: str | None = None
    received_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Webhook(SQLModel, table=True):
    """Where an organisation's own service is told of withdrawals (Standard Webhooks)."""

    __tablename__ = "webhook"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True, foreign_key="organisation.id")
    address: str
    secret: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class NoticeCall(SQLModel, table=True):
    """How far one notice is at one webhook."""

    __tablename__ = "notice_call"

    notice_id: str = Field(primary_key=True, foreign_key="notice.id")
    webhook_id: str = Field(primary_key=True, index=True, foreign_key="webhook.id")
    tries: int = 0
    next_try_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Absent once it was taken, or is tried no more."""
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str = ""
    """Why the last try failed."""


class Dispute(SQLModel, table=True):
    """A claim on one item that its archive must decide; the item is closed until it has.

    Every side reads the same page, with the key of the link that they got.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'open', 'upheld', 'rejected')", name="state"),
    )

    id: str = Field(primary_key=True)
    archive_id: str = Field(index=True, foreign_key="organisation.id")
    dataset_id: str = Field(index=True, foreign_key="dataset.id")
    item: str
    identifier: str
    """The item as whoever opened it named it."""
    state: str = "open"
    """``waiting`` where too many were open for it to close the item by itself."""
    line_id: str | None = Field(default=None, foreign_key="rights_line.id")
    claims: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON))
    """``{"rightsholder", "share", "territory", "statement", "evidence", "at"}``, oldest first."""
    contact: str
    """E-mail address of who opened it; for the archive's eyes only."""
    key_hash: str
    source: str = Field(index=True)
    """Digest of the network address that it came from, so that one cannot flood."""
    opened_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer: str = ""
