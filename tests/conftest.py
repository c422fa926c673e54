"""What every test may ask for: a migrated database of either kind, and a clock that it sets."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from sqlalchemy import Engine

from registry.db import open_engine
from registry.migrate import upgrade
from tests.support.clock import SetClock
from tests.support.counterparts import absent
from tests.support.postgres import POSTGRES_URL, PostgresDatabase

if TYPE_CHECKING:
    from tests.support.s3 import S3Server
    from tests.support.world import World

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database made by the migrations, once; tests copy it."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_database(worker_id: str) -> Iterator[PostgresDatabase]:
    """A PostgreSQL database made by the migrations, once a worker; emptied after each test."""
    database = PostgresDatabase(worker_id)
    yield database
    database.drop()


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh migrated database: the test runs once on each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    require_postgres()
    database: PostgresDatabase = request.getfixturevalue("postgres_database")
    with database.lend() as url:
        yield url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh migrated SQLite database, for tests in which the kind makes no difference."""
    path = tmp_path / "vrijgave.sqlite"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh migrated database of each kind."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still until the test moves it."""
    return SetClock()


@pytest.fixture
def world(engine: Engine, clock: SetClock, tmp_path: Path) -> "World":
    """A whole service without HTTP, on a database of each kind."""
    from tests.support.world import World

    return World(engine, tmp_path / "home", clock)


@pytest.fixture
def sqlite_world(sqlite_url: str, clock: SetClock, tmp_path: Path) -> Iterator["World"]:
    """A whole service without HTTP on SQLite, for tests in which the kind makes no difference."""
    from tests.support.world import World

    engine = open_engine(sqlite_url)
    yield World(engine, tmp_path / "home", clock)
    engine.dispose()


def require_postgres() -> None:
    """Go on where there is a server; skip by name, or fail where counterparts are required."""
    if not POSTGRES_URL:
        absent("no PostgreSQL: VRIJGAVE_TEST_POSTGRES_URL is not set (tests/support/postgres.sh)")


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator["S3Server"]:
    """A running S3 server."""
    from tests.support.s3 import s3_server

    with s3_server(tmp_path_factory.mktemp("weed")) as server:
        yield server
