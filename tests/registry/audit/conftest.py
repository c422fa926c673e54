"""A whole log in one object, on SQLite and, where there is a server, on PostgreSQL."""

import io
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlmodel import SQLModel

from registry.audit import Act, Checkpoint, Entry, Verification, verify_export
from registry.audit import tables as _tables  # noqa: F401  # the rows must be known to be created
from registry.audit.checkpoint import SigningKey
from registry.audit.heads import HeadStore
from registry.audit.log import FileHeadStore, append, check_log, export, integrate, receipt
from registry.audit.quorum import WitnessPolicy
from registry.db import open_engine, reading, transaction
from tests.support.counterparts import absent

ORIGIN = "vrijgave.example/audit/v1"
START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@dataclass
class World:
    """A log with its key and its second head store; the clock moves a millisecond an act."""

    engine: Engine
    heads: HeadStore
    key: SigningKey = field(default_factory=lambda: SigningKey.generate(ORIGIN))
    now: datetime = START

    def act(self, archive: str | None = "org_a", actor: str | None = "se_1") -> str:
        """Record one act in a transaction of its own."""
        self.now += timedelta(milliseconds=1)
        with transaction(self.engine) as session:
            return append(
                session,
                Act.DATASET_REGISTERED,
                at=self.now,
                archive=archive,
                actor=actor,
                organisation="org_a",
                ids={"dataset": "ds_1"},
                facts={},
            )

    def acts(self, count: int, *archives: str) -> list[str]:
        """Record many acts, the archives taking turns."""
        names = archives or ("org_a",)
        return [self.act(names[at % len(names)]) for at in range(count)]

    def integrate(self) -> Checkpoint | None:
        """Run the sequencer once."""
        return integrate(self.engine, self.key, self.heads, self.now)

    def check(self) -> Checkpoint | None:
        """The check that the service makes before it starts."""
        return check_log(self.engine, self.key.verifier, self.heads)

    def receipt(self, entry_id: str) -> str | None:
        """The receipt of one entry."""
        with reading(self.engine) as session:
            return receipt(session, entry_id)

    def export(self, archive: str | None = None, first: int = 0) -> bytes:
        """An export as bytes."""
        out = io.BytesIO()
        with reading(self.engine) as session:
            export(session, out, self.key.verifier, archive=archive, first=first)
        return out.getvalue()

    def verify(
        self, data: bytes, *known: Checkpoint, policy: WitnessPolicy | None = None
    ) -> Verification:
        """What an auditor with the right key finds in an export."""
        return verify_export(io.BytesIO(data), [self.key.verifier], known, policy)

    def run(self, statement: str, **values: object) -> None:
        """Change the database behind the log's back."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)


def entries(world: World) -> list[Entry]:
    """Every entry as stored, in order of writing."""
    with reading(world.engine) as session:
        rows = session.execute(text("SELECT body FROM audit_entry ORDER BY position")).scalars()
        return [Entry.from_bytes(body) for body in rows]


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a new SQLite database with the log's tables."""
    url = f"sqlite:///{tmp_path / 'log.sqlite'}"
    create_tables(url)
    return url


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The address of a new PostgreSQL database with the log's tables; dropped afterwards."""
    server = os.environ.get("VRIJGAVE_TEST_POSTGRES_URL")
    if not server:
        absent("PostgreSQL: VRIJGAVE_TEST_POSTGRES_URL is not set")
    name = f"vrijgave_audit_{secrets.token_hex(6)}"
    admin = create_engine(
        server.replace("postgresql:", "postgresql+psycopg:", 1), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = server.rsplit("/", 1)[0] + "/" + name
    create_tables(url)
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def create_tables(url: str) -> None:
    """Make the log's tables."""
    engine = open_engine(url)
    ours = [table for table in SQLModel.metadata.sorted_tables if table.name.startswith("audit_")]
    SQLModel.metadata.create_all(engine, tables=ours)
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A new database of each kind."""
    kind = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(kind)
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The database's engine, closed afterwards."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> World:
    """An empty log on each kind of database."""
    return World(engine, FileHeadStore(tmp_path / "heads" / "audit.head"))


@pytest.fixture
def sqlite_world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """An empty log on SQLite, for what does not depend on the database."""
    engine = open_engine(sqlite_url)
    yield World(engine, FileHeadStore(tmp_path / "heads" / "audit.head"))
    engine.dispose()
