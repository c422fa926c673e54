"""The log as rows: entries, the streams that number them, the tree and its checkpoints."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from registry.db import UtcDateTime

# SQLite gives a row its number only in a column of type INTEGER, which holds 64 bits there.
_BIG = BigInteger().with_variant(Integer(), "sqlite")


class AuditStream(SQLModel, table=True):
    """The last number given out in an archive's stream; its row lock makes numbers gap-free."""

    __tablename__ = "audit_stream"

    name: str = Field(primary_key=True, max_length=100)
    last: int = Field(sa_type=BigInteger)


class AuditEntry(SQLModel, table=True):
    """One entry: its canonical bytes, and where it stands."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        UniqueConstraint("stream", "number"),
        # Positions on SQLite are given in the order of commits: what is pending stands beyond what
        # is integrated. There this index stays empty, and an entry need not write to it.
        Index(
            "ix_audit_entry_pending",
            "position",
            sqlite_where=text("tree_index < 0"),
            postgresql_where=text("tree_index IS NULL"),
        ),
        # Partial, so that writing an entry need not touch it.
        Index(
            "ix_audit_entry_tree_index",
            "tree_index",
            unique=True,
            sqlite_where=text("tree_index IS NOT NULL"),
            postgresql_where=text("tree_index IS NOT NULL"),
        ),
    )

    position: int | None = Field(default=None, primary_key=True, sa_type=_BIG)
    """Order of writing. Given under the stream's row lock, so it rises with the number."""
    id: str = Field(unique=True, max_length=36)
    stream: str = Field(max_length=100)
    number: int = Field(sa_type=BigInteger)
    body: bytes
    leaf_hash: bytes
    tree_index: int | None = Field(default=None, sa_type=BigInteger)
    """Index in the tree; empty until the sequencer has integrated the entry."""


class AuditTile(SQLModel, table=True):
    """Up to 256 hashes of the tree, as C2SP tlog-tiles cuts it; the last of a level still grows."""

    __tablename__ = "audit_tile"

    level: int = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    hashes: bytes


class AuditHead(SQLModel, table=True):
    """Size and root of the tree that these rows hold, one row; published or about to be."""

    __tablename__ = "audit_head"

    id: int = Field(default=1, primary_key=True)
    size: int = Field(sa_type=BigInteger)
    root: bytes


class AuditCheckpoint(SQLModel, table=True):
    """A published checkpoint."""

    __tablename__ = "audit_checkpoint"

    size: int = Field(primary_key=True, sa_type=BigInteger)
    root: bytes
    note: str
    published_at: datetime = Field(sa_type=UtcDateTime)
    witnessed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Since when as many witnesses have cosigned it as the policy asks."""


class AuditRetiredKey(SQLModel, table=True):
    """A key that signed before: the log names its successor in an entry of its own."""

    __tablename__ = "audit_retired_key"

    verifier: str = Field(primary_key=True, max_length=500)
    entry: str = Field(max_length=36)
    """Id of the entry that names the successor."""
    until: int | None = Field(default=None, sa_type=BigInteger)
    """Size of the last checkpoint it signed: the first over that entry."""


class AuditSubjectKey(SQLModel, table=True):
    """The random key that makes a person's pseudonym; without it no entry leads to the person."""

    __tablename__ = "audit_subject_key"

    subject: str = Field(primary_key=True)
    key: bytes
