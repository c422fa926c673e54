"""Databases on the PostgreSQL that ``VRIJGAVE_TEST_POSTGRES_URL`` names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import Connection, create_engine, make_url, text

from registry.db import open_engine
from registry.migrate import upgrade

POSTGRES_URL = os.environ.get("VRIJGAVE_TEST_POSTGRES_URL", "")
"""A superuser's address; empty where there is no server."""


class PostgresDatabase:
    """One migrated database a worker, emptied between tests: a new one would take seconds."""

    def __init__(self, worker: str) -> None:
        self._name = _new(f"worker_{worker}")
        engine = open_engine(_url(self._name))
        upgrade(engine)
        engine.dispose()

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The address of the database, with every table empty."""
        try:
            yield _url(self._name)
        finally:
            self._empty()

    def drop(self) -> None:
        """Remove the database."""
        _drop(self._name)

    def _empty(self) -> None:
        with _superuser(self._name) as connection:
            # Whoever a test left behind, such as a worker it killed, may still hold locks.
            connection.execute(_END_OTHERS)
            connection.execute(text("DROP SCHEMA IF EXISTS dbos CASCADE"))
            tables = connection.scalars(_TABLES).all()
            sequences = connection.scalars(_SEQUENCES).all()
            statements = [
                # Without its triggers a table can be emptied before those that name it.
                "SET session_replication_role = replica",
                *(f"DELETE FROM {table}" for table in tables),  # noqa: S608 -- names quoted there
                *(f"ALTER SEQUENCE {sequence} RESTART" for sequence in sequences),
            ]
            connection.execute(text("; ".join(statements)))


_END_OTHERS = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_TABLES = text(
    "SELECT format('%I', tablename) FROM pg_tables"
    " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
)
_SEQUENCES = text("SELECT format('%I', sequencename) FROM pg_sequences WHERE schemaname = 'public'")


@contextmanager
def empty_database() -> Iterator[str]:
    """The address of a database without any table, dropped afterwards."""
    name = _new("empty")
    try:
        yield _url(name)
    finally:
        _drop(name)


def _url(name: str) -> str:
    return make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)


def _new(kind: str) -> str:
    name = f"vg_{kind}_{uuid4().hex[:12]}"
    _run(f'CREATE DATABASE "{name}"')
    return name


def _drop(name: str) -> None:
    _run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _run(statement: str) -> None:
    with _superuser() as connection:
        connection.execute(text(statement))


@contextmanager
def _superuser(database: str | None = None) -> Iterator[Connection]:
    url = make_url(POSTGRES_URL).set(drivername="postgresql+psycopg")
    engine = create_engine(url if database is None else url.set(database=database))
    with engine.connect() as plain:
        yield plain.execution_options(isolation_level="AUTOCOMMIT")
    engine.dispose()
