"""What exists, as rows: datasets, deliveries, editions, offers and the counts per rights class."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from catalog.columns import UtcDateTime


class Dataset(SQLModel, table=True):
    """A collection that an archive registered; written ``archive/slug``."""

    __tablename__ = "dataset"
    __table_args__ = (
        UniqueConstraint("archive_id", "slug"),
        CheckConstraint("state IN ('draft', 'published', 'withdrawn')", name="state"),
    )

    id: str = Field(primary_key=True)
    archive_id: str = Field(index=True, foreign_key="organisation.id")
    slug: str = Field(max_length=80)
    state: str = "draft"
    title_nl: str
    title_en: str
    description_nl: str = ""
    description_en: str = ""
    item_key: bytes
    """Secret from which opaque item ids are made; never leaves the service."""
    declarations: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    """Per kind: ``{"how": "column"|"none"|"constant", "value": …, "by": actor, "at": moment}``."""
    terms: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    residency: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    created_at: datetime = Field(sa_type=UtcDateTime)


class Delivery(SQLModel, table=True):
    """A file an archive handed in, and what checking it gave."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(
            "state IN ('received', 'checking', 'checked', 'failed', 'published')", name="state"
        ),
    )

    id: str = Field(primary_key=True)
    dataset_id: str = Field(index=True, foreign_key="dataset.id")
    file_name: str
    format: str
    bytes: int = Field(sa_type=BigInteger)
    sha256: str
    state: str = "received"
    mapping: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    report: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    problem: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    progress: int = 0
    received_at: datetime = Field(sa_type=UtcDateTime)
    place: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    """Name of the archive's own place where the file was left; empty: it stands in our store."""
    place_key: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    """The object in that place."""


class Edition(SQLModel, table=True):
    """An immutable published state of a dataset; written ``archive/slug@number``."""

    __tablename__ = "edition"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)

    id: str = Field(primary_key=True)
    dataset_id: str = Field(index=True, foreign_key="dataset.id")
    delivery_id: str = Field(foreign_key="delivery.id")
    number: int
    sha256: str
    bytes: int = Field(sa_type=BigInteger)
    key: str
    """Where the object store keeps the edition's Parquet file."""
    rows: int
    """All rows, hard-blocked ones too: for the owner's eyes only."""
    items: int
    """Rows that are not hard-blocked: the total that everyone else sees."""
    columns: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON))
    """Content columns in order: ``{"name", "type", "role", "title_nl", "title_en"}``."""
    published_at: datetime = Field(sa_type=UtcDateTime)


class Offer(SQLModel, table=True):
    """An ODRL Offer on one edition, frozen and hashed when it was published."""

    __tablename__ = "offer"
    __table_args__ = (CheckConstraint("state IN ('in_force', 'withdrawn')", name="state"),)

    id: str = Field(primary_key=True)
    dataset_id: str = Field(index=True, foreign_key="dataset.id")
    edition_id: str = Field(index=True, foreign_key="edition.id")
    document: dict[str, Any] = Field(sa_column=Column(JSON))
    digest: str
    automatic: bool
    """Whether clear cases are agreed without a person of the archive."""
    agreement_days: int
    masked: list[str] = Field(default_factory=list, sa_column=Column(JSON))
    """Content columns that an extract shows as NULL."""
    state: str = "in_force"
    published_at: datetime = Field(sa_type=UtcDateTime)


class RightsClass(SQLModel, table=True):
    """How many items of an edition share the same facts, so that a pre-check only reads a row.

    Hard-blocked items are in no class.
    """

    __tablename__ = "rights_class"

    edition_id: str = Field(primary_key=True, foreign_key="edition.id")
    number: int = Field(primary_key=True)
    facts: dict[str, Any] = Field(sa_column=Column(JSON))
    """``rights``, ``rightsholder``, ``embargo_until`` (ISO), ``opt_out``, ``personal_data``."""
    items: int
