"""What keeps a service from serving is found, with its cause and the way out."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.local import LocalStore
from connectors.s3 import S3Address, S3ObjectStore
from registry import examining
from registry.audit.restored import Restored, mark
from registry.db import open_engine
from registry.examining import Finding, ailments, unready
from tests.support.s3 import S3Server
from tests.support.world import World


def found(world: World) -> dict[str, Finding]:
    """What keeps this world from serving."""
    return {one.what: one for one in unready(world.settings, world.engine, world.ports.store)}


@pytest.fixture
def ready(world: World) -> World:
    """A service with a log, on a database of each kind."""
    world.an_archive()
    world.check_log()
    return world


def test_a_ready_service(ready: World) -> None:
    """Nothing is found in one that can serve."""
    assert found(ready) == {}


def test_another_schema(sqlite_world: World) -> None:
    """An older or newer database is told from one that does not answer."""
    sqlite_world.an_archive()
    sqlite_world.check_log()
    with sqlite_world.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0007'"))
    told = found(sqlite_world)["schema"]
    assert "0007" in told.cause.en
    assert "vrijgave migrate" in told.fix.en


def test_no_database(sqlite_world: World, tmp_path: Path) -> None:
    """A file that is no database is found, because a page of it is read."""
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database" * 1000)
    engine = open_engine(f"sqlite:///{broken}")
    told = [*unready(sqlite_world.settings, engine, sqlite_world.ports.store)]
    assert told[0].what == "database"
    assert "not a database" in told[0].cause.en
    engine.dispose()


def test_store_keys_and_head(sqlite_world: World, tmp_path: Path) -> None:
    """A store without its folder, keys that are gone or open to all, a head that is missing."""
    world = sqlite_world
    world.an_archive()
    world.check_log()
    keys = world.settings.home / "keys"
    store = LocalStore(tmp_path / "store")
    shutil.rmtree(tmp_path / "store")
    assert [one.what for one in unready(world.settings, world.engine, store)] == ["store"]
    keys.chmod(0o755)
    assert {what: one.fatal for what, one in found(world).items()} == {"keys": False}
    keys.chmod(0o700)
    (keys / "audit.head").rename(tmp_path / "head")
    assert set(found(world)) == {"log"}
    (keys / "audit.key").unlink()
    assert set(found(world)) == {"keys", "log"}


def test_a_bucket_that_answers_or_not(s3: S3Server, tmp_path: Path) -> None:
    """A bucket is asked; one that lets nobody in, or is not there, is found."""
    address = s3.address("ready", patience=2.0)
    S3ObjectStore(address, tmp_path / "scratch").check()
    for wrong in (replace(address, secret_key="x"), S3Address("s3://b/p", "http://127.0.0.1:9")):
        told = [*examining._store(S3ObjectStore(replace(wrong, patience=0.5), tmp_path / "s"))]
        assert [one.what for one in told] == ["store"]


def test_what_a_doctor_sees_besides(
    sqlite_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restored service, a policy file that is not there, no operator, no mail, a full disk."""
    world = sqlite_world
    world.an_archive()
    world.check_log()
    mark(world.settings, Restored("2026-11-23", 1, "00", whole=True))
    full = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    settings = world.settings.model_copy(update={"witness_policy": tmp_path / "absent"})
    told = {one.what: one for one in ailments(settings, world.engine, world.ports.store)}
    assert set(told) == {"restore", "witnesses", "operator", "disk", "mail"}
    assert [what for what, one in told.items() if one.fatal] == ["restore", "witnesses"]
    assert all(one.cause.nl and one.cause.en and one.fix.nl and one.fix.en for one in told.values())
    with world.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    assert "schema" in {one.what for one in ailments(settings, world.engine, world.ports.store)}


def test_a_healthy_service_has_no_ailments(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an operator and a mail server there is nothing to tell."""
    sqlite_world.an_operator()
    sqlite_world.check_log()
    settings = sqlite_world.settings.model_copy(update={"smtp_host": "mail.example"})
    assert [*ailments(settings, sqlite_world.engine, sqlite_world.ports.store)] == []
