"""The database's schema: one linear history, brought up to date when the service starts.

All steps that are due run in one transaction, on SQLite as on PostgreSQL: a failure or a kill
leaves the schema as it was. Two processes that start at once take turns.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from registry.errors import Conflict, Text, Unavailable

_LOCK = 0x7672696A  # any fixed number: it names the lock that upgraders of a PostgreSQL share


def upgrade(engine: Engine) -> None:
    """Run the steps that the database still lacks; none where it is up to date.

    :raises Unavailable: the database was made by a newer version of the product.
    """
    with _alone(engine) as connection:
        if _pending(connection):
            command.upgrade(_config(connection), "head")


def current(engine: Engine) -> bool:
    """Whether the database has exactly the schema of this version."""
    return not pending(engine)


@cache
def newest_step() -> str:
    """The step of the schema that this version works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def stands_at(engine: Engine) -> str:
    """The step of the schema that the database has; empty before the first."""
    with engine.execution_options(read_only=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def pending(engine: Engine) -> list[str]:
    """The steps that :func:`upgrade` would run, oldest first, each by its number.

    :raises Unavailable: the database was made by a newer version of the product.
    """
    with engine.execution_options(read_only=True).connect() as connection:
        return _pending(connection)


def _pending(connection: Connection) -> list[str]:
    steps = [step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()]
    steps.reverse()
    stands = MigrationContext.configure(connection).get_current_revision()
    if stands is None:
        return steps
    if stands not in steps:
        raise _newer(stands, steps[-1])
    return steps[steps.index(stands) + 1 :]


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "registry:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A connection in one transaction that no other upgrader is in."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                yield connection
            return
        # SQLite alters a table by making it anew; with foreign keys enforced, dropping the old one
        # would take the rows that refer to it along. The pragma works only outside a transaction.
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                _refuse_dangling(connection)
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def _refuse_dangling(connection: Connection) -> None:
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if rows:
        tables = ", ".join(sorted({str(row[0]) for row in rows}))
        raise Conflict(
            "dangling-rows",
            Text(
                f"Rijen in {tables} verwijzen naar rijen die er niet zijn; er is niets gewijzigd.",
                f"Rows in {tables} refer to rows that are not there; nothing was changed.",
            ),
            Text(
                "Zet een kopie van de database terug en meld deze fout.",
                "Restore a copy of the database and report this fault.",
            ),
        )


def _newer(stands: str, known: str) -> Unavailable:
    return Unavailable(
        "database-newer",
        Text(
            f"De database is van een nieuwere versie (stap {stands}; deze versie kent {known}).",
            f"The database is of a newer version (step {stands}; this version knows {known}).",
        ),
        Text(
            "Installeer de versie die de database het laatst gebruikte, of een nieuwere.",
            "Install the version that used the database last, or a newer one.",
        ),
    )
