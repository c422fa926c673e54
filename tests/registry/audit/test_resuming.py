"""A restored log is given back what was signed after the backup, and never shows two histories."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from registry.audit import Act, store
from registry.audit.heads import FileHeadStore, LogMismatch
from registry.audit.keys import open_head_store, open_signer
from registry.audit.resuming import Later, take_in
from registry.audit.taking import rotate_key
from registry.db import open_engine, transaction
from registry.errors import Conflict, InvalidInput
from registry.settings import Settings
from tests.registry.audit.conftest import World

Restore = Callable[[], World]


@pytest.fixture
def sqlite_log(sqlite_url: str, tmp_path: Path) -> World:
    """A log on SQLite, whose one file a test can copy."""
    return World(open_engine(sqlite_url), FileHeadStore(tmp_path / "head"))


@pytest.fixture
def backup(sqlite_log: World, tmp_path: Path) -> Restore:
    """Call it to make a copy of the log as it is now; call the result to restore that elsewhere."""
    return lambda: copied(sqlite_log, tmp_path / "restored.sqlite")


def copied(world: World, path: Path) -> World:
    """The same log with its present head, as a restore leaves it."""
    with world.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(str(world.engine.url.database), path)
    heads = FileHeadStore(path.with_suffix(".head"))
    if (head := world.heads.load()) is not None:
        heads.swap(None, head)
    return replace(world, engine=open_engine(f"sqlite:///{path}"), heads=heads)


def later_of(world: World, export: bytes, tmp_path: Path, *acts: Act) -> Later:
    """Take an export's later entries into a log."""
    file = tmp_path / "later.jsonl"
    file.write_bytes(export)
    with transaction(world.engine) as session:
        return take_in(session, world.key.verifier, file, acts)


def test_the_same_head_is_signed_again(
    sqlite_log: World, backup: Restore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries signed after the backup stand under their own indices again; both logs agree."""
    monkeypatch.setattr(store, "WALK_ROWS", 64)
    sqlite_log.acts(300, "org_a", "org_b")
    sqlite_log.integrate()
    sqlite_log.act("org_b")  # is in the copy, but has no index there yet
    restored = backup()
    sqlite_log.acts(200, "org_a", "org_c")
    published = sqlite_log.integrate()
    assert published is not None
    export = sqlite_log.export()
    later = later_of(restored, export, tmp_path, Act.DATASET_REGISTERED)
    assert (later.first, later.count, len(later.entries)) == (300, 201, 201)
    again = restored.integrate()
    assert again is not None
    assert again.note == published.note
    assert restored.check() == again
    restored.act("org_c")
    restored.integrate()
    assert restored.verify(restored.export(), published).ok


def test_on_each_database(world: World, tmp_path: Path) -> None:
    """A log that was emptied takes its own export back, on SQLite as on PostgreSQL."""
    world.acts(20, "org_a", "org_b")
    published = world.integrate()
    export = world.export()
    for table in ("entry", "stream", "tile", "head", "checkpoint"):
        world.run(f"DELETE FROM audit_{table}")  # noqa: S608 -- names from above
    assert later_of(world, export, tmp_path).count == 20
    fresh = replace(world, heads=FileHeadStore(tmp_path / "fresh"))
    assert fresh.integrate() == published
    assert fresh.check() == published


def test_nothing_later_is_no_fault(sqlite_log: World, backup: Restore, tmp_path: Path) -> None:
    """An export that ends where the backup does gives nothing back, from whichever index on."""
    sqlite_log.acts(300)
    sqlite_log.integrate()
    restored = backup()
    assert later_of(restored, sqlite_log.export(first=299), tmp_path).count == 0


@pytest.mark.parametrize("harm", ["older", "changed", "part"])
def test_only_a_whole_later_export_counts(
    harm: str, sqlite_log: World, backup: Restore, tmp_path: Path
) -> None:
    """An export from before the backup, a changed one or one archive's part is refused."""
    sqlite_log.acts(5, "org_a", "org_b")
    sqlite_log.integrate()
    older = sqlite_log.export()
    sqlite_log.acts(5, "org_a", "org_b")
    sqlite_log.integrate()
    restored = backup()
    sqlite_log.act()
    sqlite_log.integrate()
    export = {
        "older": older,
        "changed": sqlite_log.export().replace(b'"number":6', b'"number":7', 1),
        "part": sqlite_log.export("org_a"),
    }[harm]
    with pytest.raises(InvalidInput) as refused:
        later_of(restored, export, tmp_path)
    assert refused.value.code == "export-unproven"
    assert restored.check() is not None


def test_two_histories_are_found(sqlite_log: World, backup: Restore, tmp_path: Path) -> None:
    """A copy that went on by itself takes no other history in, signed or still waiting."""
    sqlite_log.acts(5)
    sqlite_log.integrate()
    waiting, signed = backup(), copied(sqlite_log, tmp_path / "signed.sqlite")
    for restored in (waiting, signed):
        restored.act()
    signed.integrate()
    sqlite_log.acts(2, "org_a", "org_b")
    sqlite_log.integrate()
    with pytest.raises(LogMismatch):
        later_of(waiting, sqlite_log.export(), tmp_path)
    with pytest.raises(InvalidInput, match="another root"):
        later_of(signed, sqlite_log.export(), tmp_path)


def test_a_gap_before_the_export_is_found(
    sqlite_log: World, backup: Restore, tmp_path: Path
) -> None:
    """An export that begins beyond the backup leaves entries out, and is refused."""
    sqlite_log.acts(5)
    sqlite_log.integrate()
    restored = backup()
    sqlite_log.acts(5, "org_b")
    sqlite_log.integrate()
    with pytest.raises(LogMismatch):
        later_of(restored, sqlite_log.export(first=7), tmp_path)


def test_a_replaced_key_signs_no_more(sqlite_log: World, backup: Restore, tmp_path: Path) -> None:
    """A backup from before a rotation goes no further: its key was retired in what follows."""
    settings = Settings(home=tmp_path / "home")
    sqlite_log.key, sqlite_log.heads = open_signer(settings), open_head_store(settings)
    sqlite_log.acts(5)
    sqlite_log.integrate()
    restored = backup()
    rotate_key(settings, sqlite_log.engine)
    with pytest.raises(Conflict) as refused:
        later_of(restored, sqlite_log.export(), tmp_path)
    assert refused.value.code == "key-replaced"
