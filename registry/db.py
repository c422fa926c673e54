"""The database: one engine, one session per request or job, the one ``commit()``.

SQLite runs in WAL mode with full durability and foreign keys; a transaction that will write takes
the write lock when it begins, so that two writers queue instead of failing half-way. Writers of
one process queue in the order in which they asked (:mod:`registry.turns`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from catalog.columns import UtcDateTime
from registry.turns import LONGEST_WAIT, Turn, Turns

__all__ = [
    "Statement",
    "UtcDateTime",
    "open_engine",
    "reading",
    "snapshot",
    "transaction",
    "turn_awaited",
]


_POSTGRES_WRITERS = 10
"""Requests of one process that write at once; of its 15 connections five are left to others."""


def open_engine(url: str) -> Engine:
    """An engine for SQLite or PostgreSQL with the durability the product promises."""
    if url.startswith("postgresql:"):
        url = url.replace("postgresql:", "postgresql+psycopg:", 1)
    if not url.startswith("sqlite"):
        turns = Turns(_POSTGRES_WRITERS)
        return create_engine(url, pool_pre_ping=True, execution_options={"turns": turns})
    engine = create_engine(
        url,
        connect_args={"timeout": LONGEST_WAIT, "check_same_thread": False},
        execution_options={"turns": Turns(1)},
        # A thread that waits for its turn holds a connection, which whoever writes must not lack.
        # Those beyond the pool's size are opened anew each time, which takes longer than a read.
        pool_size=20,
        max_overflow=-1,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


# An act with its entry writes six pages and more: at the default of 1,000 pages of log between
# checkpoints, one commit in every hundred and fifty would wait for one.
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "wal_autocheckpoint=4000",
)


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # The driver must not open transactions by itself: BEGIN IMMEDIATE below takes the write lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    options = connection.get_execution_options()
    turn: Turn | None = options.get("turn")
    if turn is not None:
        turn.take()
    read_only = options.get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One act: the session commits when the block ends and rolls back when it raises."""
    turn = Turn(engine.get_execution_options()["turns"])
    bound, info = engine.execution_options(turn=turn), {"turn": turn}
    try:
        with Session(bound, expire_on_commit=False, info=info) as session, session.begin():
            yield session
    finally:
        turn.end()


async def turn_awaited(session: Session) -> None:
    """Wait until a :func:`transaction` may begin, holding neither a thread nor a connection."""
    turn: Turn = session.info["turn"]
    await turn.awaited()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only reads; on SQLite it takes no write lock."""
    with Session(engine.execution_options(read_only=True)) as session:
        yield session


# SQLite shows a reader one state throughout; PostgreSQL does so when asked.
_ONE_STATE = {"postgresql": {"isolation_level": "REPEATABLE READ"}, "sqlite": {}}


@contextmanager
def snapshot(engine: Engine) -> Iterator[Session]:
    """A session that only reads, and sees the database as of one moment."""
    with reading(engine.execution_options(**_ONE_STATE[engine.dialect.name])) as session:
        yield session


class Statement:
    """SQL for the paths that every act takes, run by the driver itself.

    A third of the cost of the same text through SQLAlchemy. Parameters are written ``:name``;
    values must be what both drivers take (text, integers, bytes, ``None``).
    """

    def __init__(self, sql: str) -> None:
        self._texts = {"sqlite": sql, "postgresql": re.sub(r":(\w+)", r"%(\1)s", sql)}

    def run(self, session: Session, values: Mapping[str, Any]) -> None:
        """Run it in the session's transaction."""
        self._run(session, "execute", values)

    def run_each(self, session: Session, values: Sequence[Mapping[str, Any]]) -> None:
        """Run it in the session's transaction once for each of the values."""
        self._run(session, "executemany", values)

    def row(self, session: Session, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run it in the session's transaction; the first row it gives."""
        return self._run(session, "execute", values).fetchone()

    def rows(self, session: Session, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it in the session's transaction; all rows that it gives."""
        return list(self._run(session, "execute", values).fetchall())

    def _run(self, session: Session, how: str, values: Any) -> DBAPICursor:
        connection = session.connection()
        dialect, cursor = connection.dialect, connection.connection.cursor()
        sql, errors = self._texts[dialect.name], dialect.loaded_dbapi.Error
        try:
            getattr(cursor, how)(sql, values)
        except errors as error:  # as SQLAlchemy tells it, for whoever handles that
            raise DBAPIError.instance(sql, values, error, errors) from error
        return cursor
