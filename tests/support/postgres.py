"""Databases on the PostgreSQL that ``VRIJGAVE_TEST_POSTGRES_URL`` names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text

from registry.db import open_engine
from registry.migrate import upgrade

POSTGRES_URL = os.environ.get("VRIJGAVE_TEST_POSTGRES_URL", "")
"""A superuser's address; empty where there is no server."""


class PostgresTemplate:
    """A migrated database that is cloned for each test: cheaper than migrating each anew."""

    def __init__(self, worker: str) -> None:
        self._name = _new(f"template_{worker}")
        engine = open_engine(_url(self._name))
        upgrade(engine)
        engine.dispose()

    @contextmanager
    def clone(self) -> Iterator[str]:
        """The address of a fresh copy, dropped afterwards."""
        name = _new("test", template=self._name)
        try:
            yield _url(name)
        finally:
            _drop(name)

    def drop(self) -> None:
        """Remove the template."""
        _drop(self._name)


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


def _new(kind: str, template: str = "template1") -> str:
    name = f"vg_{kind}_{uuid4().hex[:12]}"
    # Copying files is quicker than logging each page of the copy (PostgreSQL 15 on).
    _run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    return name


def _drop(name: str) -> None:
    _run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _run(statement: str) -> None:
    url = make_url(POSTGRES_URL).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
