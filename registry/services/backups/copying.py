"""The database as one SQLite file, as of one moment, whichever database it is; and back.

SQLite copies itself while it is written to. A PostgreSQL is read in one repeatable-read transaction
into an SQLite of the same schema: the copy can then be verified anywhere, needs no program of
PostgreSQL's version, and goes back into either.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Table,
    Text,
    bindparam,
    cast,
    exists,
    func,
    insert,
    inspect,
    select,
    type_coerce,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from connectors.local import sync_file
from registry.db import open_engine, snapshot
from registry.migrate import upgrade
from registry.migrations.schema import metadata

_AT_ONCE = 5_000


def copy_out(engine: Engine, path: Path) -> None:
    """Copy the database, as of one moment, to a new SQLite file."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(path)) as copied, _driver(engine) as driver:
            driver.backup(copied)
        return
    copy = open_engine(f"sqlite:///{path}")
    upgrade(copy)
    with snapshot(engine) as session, copy.begin() as target:
        _copy_rows(session.connection(), target)
    copy.dispose()


def copy_in(path: Path, engine: Engine, scratch: Path) -> None:
    """Put a copy's rows into an empty database, in the schema of this version.

    :param scratch: folder for a copy of the copy, which is brought up to date there.
    """
    fresh = scratch / "restoring.sqlite"
    shutil.copyfile(path, fresh)
    try:
        source = open_engine(f"sqlite:///{fresh}")
        upgrade(source)
        if engine.dialect.name == "sqlite":
            with _driver(source) as copied, _driver(engine) as target:
                copied.backup(target)
        else:
            upgrade(engine)
            with snapshot(source) as session, engine.begin() as connection:
                _copy_rows(session.connection(), connection)
                _count_on(connection)
        settle(source)
    finally:
        fresh.unlink(missing_ok=True)


def is_empty(engine: Engine) -> bool:
    """Whether no row stands in any of our tables."""
    with engine.execution_options(read_only=True).connect() as connection:
        there = set(inspect(connection).get_table_names())
        tables = [table for table in metadata().sorted_tables if table.name in there]
        return not any(connection.scalar(select(exists().select_from(one))) for one in tables)


@contextmanager
def _driver(engine: Engine) -> Iterator[sqlite3.Connection]:
    """SQLite's own connection, which alone can copy a database."""
    with closing(engine.raw_connection()) as connection:
        driver: Any = connection.driver_connection
        yield driver


def settle(copy: Engine) -> None:
    """Leave a copy as one file, durably, and let go of it."""
    with _driver(copy) as driver:
        driver.execute("PRAGMA journal_mode=DELETE")
    copy.dispose()
    sync_file(Path(str(copy.url.database)))


def _copy_rows(source: Connection, target: Connection) -> None:
    for table in metadata().sorted_tables:
        backward = {key.parent.name for key in table.foreign_keys if key.column.table is table}
        rows = source.execution_options(yield_per=_AT_ONCE).execute(select(*_read(table, source)))
        late: list[dict[str, Any]] = []
        for run in rows.mappings().partitions(_AT_ONCE):
            whole = [dict(row) for row in run]
            late += [row for row in whole if any(row[f"v_{name}"] for name in backward)]
            first = [row | {f"v_{name}": None for name in backward} for row in whole]
            target.execute(_insert(table, target), first)
        if late:
            target.execute(_link(table, backward), late)


def _read(table: Table, source: Connection) -> Iterator[ColumnElement[Any]]:
    """The columns, JSON as the very text that is stored."""
    plain = type_coerce if source.dialect.name == "sqlite" else cast
    for column in table.columns:
        found = plain(column, Text) if isinstance(column.type, JSON) else column
        yield found.label(f"v_{column.name}")


def _insert(table: Table, target: Connection) -> Any:
    return insert(table).values({one.name: _value(one, target) for one in table.columns})


def _value(column: Column[Any], target: Connection) -> ColumnElement[Any]:
    if not isinstance(column.type, JSON):
        return bindparam(f"v_{column.name}", type_=column.type)
    given = bindparam(f"v_{column.name}", type_=Text())
    return given if target.dialect.name == "sqlite" else cast(given, column.type)


def _link(table: Table, names: set[str]) -> Any:
    """Rows that name others of their table: those may come later, so the name is set at the end."""
    own = [column == bindparam(f"v_{column.name}") for column in table.primary_key]
    return update(table).where(*own).values({name: bindparam(f"v_{name}") for name in names})


def _count_on(target: Connection) -> None:
    """Let PostgreSQL number new rows after those that came."""
    for table in metadata().sorted_tables:
        for column in table.primary_key:
            sequence = target.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
            if sequence is not None:
                target.execute(select(func.setval(sequence, func.max(column))))
