"""The migrations make exactly the tables that the code expects, on both databases."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import BigInteger, Engine, Integer, create_engine, inspect, text

from registry import migrate
from registry.db import open_engine
from registry.errors import Conflict, Unavailable
from registry.migrations.schema import compare_default, metadata
from tests.support.postgres import empty_database

ROOT = Path(__file__).parents[3]


@pytest.fixture
def fresh(engine: Engine, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a database without tables, of the same kind as `engine`."""
    with ExitStack() as stack:
        if engine.dialect.name == "sqlite":
            url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
        else:
            url = stack.enter_context(empty_database())
        empty = open_engine(url)
        stack.callback(empty.dispose)
        yield empty


def test_metadata_and_migrations_agree(engine: Engine) -> None:
    """Comparing the migrated database with the tables finds no difference."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": compare_default}
        )
        assert compare_metadata(context, metadata()) == []


def test_migrated_equals_created(engine: Engine, fresh: Engine) -> None:
    """Columns, keys, checks and indexes equal those of tables made straight from the code."""
    metadata().create_all(fresh)
    assert _described(engine) == _described(fresh)


def _described(engine: Engine) -> dict[str, Any]:
    seen = inspect(engine)
    return {
        table: {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"], _default(c["default"]))
                for c in seen.get_columns(table)
            ],
            "key": seen.get_pk_constraint(table),
            "unique": sorted(seen.get_unique_constraints(table), key=_name),
            "foreign": sorted(seen.get_foreign_keys(table), key=_name),
            "checks": sorted(seen.get_check_constraints(table), key=_name),
            "indexes": sorted(str(sorted(_plain(i))) for i in seen.get_indexes(table)),
        }
        for table in seen.get_table_names()
        if table != "alembic_version"
    }


def _default(described: str | None) -> str | None:
    # A migration lets PostgreSQL number a key that the code always gives itself: no difference.
    return None if described is None or described.startswith("nextval(") else described


def _plain(index: Any) -> list[tuple[str, str]]:
    options = index.get("dialect_options", {})
    return [(k, str(v)) for k, v in {**index, **options}.items() if k != "dialect_options"]


def _name(described: Any) -> str:
    return str(described["name"])


def test_constraints_have_names() -> None:
    """Every constraint has a name, without which a later migration could not alter it."""
    for table in metadata().tables.values():
        for constraint in table.constraints:
            assert constraint.name, f"{table.name}: {constraint!r}"


def test_byte_counts_are_wide() -> None:
    """A file may pass 2 GiB, which PostgreSQL's INTEGER cannot count."""
    narrow = [
        f"{table.name}.{column.name}"
        for table in metadata().tables.values()
        for column in table.columns
        if column.name in {"bytes", "start", "stop", "sent"}
        if isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)
    ]
    assert narrow == []


def test_upgrade_is_idempotent(fresh: Engine) -> None:
    """An empty database is behind, and current after one upgrade; a second changes nothing."""
    assert migrate.pending(fresh)[0] == "0001"
    assert not migrate.current(fresh)
    migrate.upgrade(fresh)
    assert migrate.pending(fresh) == []
    before = _described(fresh)
    migrate.upgrade(fresh)
    assert migrate.current(fresh)
    assert _described(fresh) == before


def test_newer_database_is_refused(fresh: Engine) -> None:
    """A database that a later version has altered is left alone, with a sentence that says why."""
    migrate.upgrade(fresh)
    with fresh.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for ask in (migrate.upgrade, migrate.pending, migrate.current):
        with pytest.raises(Unavailable, match="newer version") as refused:
            ask(fresh)
        assert refused.value.code == "database-newer"
        assert "nieuwere versie" in refused.value.text.nl


def test_failing_step_leaves_nothing(fresh: Engine) -> None:
    """A step that fails half-way takes back the tables that it had made already."""
    with fresh.begin() as connection:
        connection.execute(text("CREATE TABLE part (mine INTEGER)"))
    with pytest.raises(Exception, match="part"):
        migrate.upgrade(fresh)
    assert inspect(fresh).get_table_names() == ["part"]


def test_two_processes_take_turns(fresh: Engine) -> None:
    """Two upgraders at once: one works, the other finds the work done."""
    problems: list[Exception] = []

    def run() -> None:
        try:
            migrate.upgrade(fresh)
        except Exception as problem:  # noqa: BLE001 -- whatever it is, the test shows it
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert migrate.current(fresh)


def test_foreign_keys_are_enforced_again(tmp_path: Path) -> None:
    """Connections that an upgrade has used enforce SQLite's foreign keys as before."""
    fresh = open_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    migrate.upgrade(fresh)
    with fresh.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    fresh.dispose()


def test_dangling_rows_stop_an_upgrade(tmp_path: Path) -> None:
    """An upgrade refuses to commit where rows refer to rows that are not there."""
    fresh = open_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with sqlite3.connect(tmp_path / "empty.sqlite") as driver:
        driver.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        driver.execute("CREATE TABLE child (parent INTEGER REFERENCES parent (id))")
        driver.execute("INSERT INTO child VALUES (7)")
    driver.close()
    with pytest.raises(Conflict, match="Rows in child"):
        migrate.upgrade(fresh)
    assert "dataset" not in inspect(fresh).get_table_names()
    fresh.dispose()


def test_importing_the_tables_alone_suffices(tmp_path: Path) -> None:
    """A process that imported nothing else yet upgrades to the whole schema."""
    code = (
        "import sys\nfrom registry.db import open_engine\nfrom registry.migrate import upgrade\n"
        "upgrade(open_engine(sys.argv[1]))\n"
    )
    path = tmp_path / "other.sqlite"
    subprocess.run(
        [sys.executable, "-c", code, f"sqlite:///{path}"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        check=True,
    )
    made = create_engine(f"sqlite:///{path}")
    assert set(metadata().tables) < set(inspect(made).get_table_names())
    made.dispose()
