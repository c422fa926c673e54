"""A backup is of one moment, can be verified anywhere, and is put back whole or not at all."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from registry.audit.log import open_signer
from registry.audit.restored import marked
from registry.audit.taking import take_export
from registry.audit.verifying import verify_file
from registry.db import open_engine, reading
from registry.errors import Conflict, InvalidInput, Unavailable
from registry.migrations.schema import metadata
from registry.runtime import open_runtime
from registry.services.backups.manifest import DATABASE, MANIFEST, files_of, held, read, write
from registry.services.backups.taking import take
from registry.services.backups.verifying import verify
from registry.services.fsck import Promise
from tests.registry.services.backups.conftest import Backed, back_up
from tests.support.world import World


def rows(engine: Engine) -> dict[str, list[str]]:
    """All that stands in a database, table by table, JSON as its text."""
    found = {}
    with reading(engine) as session:
        for table in metadata().sorted_tables:
            found[table.name] = sorted(map(str, session.execute(select(table)).mappings()))
    return found


def test_what_is_restored_is_what_was(backed: Backed, tmp_path: Path) -> None:
    """Every row, entry, file and key is there again; fsck and `audit verify` find no fault."""
    before = rows(backed.world.engine)
    made = backed.elsewhere.restore(backed.folder)
    assert verify(backed.folder).ok
    assert rows(backed.elsewhere.engine) == before
    assert backed.elsewhere.findings() == ()
    here = backed.elsewhere
    assert {path.name for path in (here.settings.home / "keys").glob("*.key")} == {
        path.name for path in (backed.world.settings.home / "keys").glob("*.key")
    }
    out = tmp_path / "restored.jsonl"
    take_export(here.settings, here.engine, out, None, 0)
    key = open_signer(backed.world.settings).verifier
    good, told = verify_file(out, [str(key)], [], "en")
    assert good, told
    assert made.size >= 20


def test_it_serves_nothing_yet(backed: Backed) -> None:
    """A restored service does not start before it was opened again."""
    backed.elsewhere.restore(backed.folder)
    with pytest.raises(Unavailable) as refused:
        open_runtime(backed.elsewhere.settings, backed.world.clock)
    assert refused.value.code == "restored"
    assert "reopen" in refused.value.help.en


def test_new_rows_are_numbered_on(backed: Backed) -> None:
    """After a restore the database gives numbers that no row has yet."""
    backed.elsewhere.restore(backed.folder)
    done = backed.reopen(None)
    assert (done.taken_in, done.repeated, done.closed) == (0, 0, 0)
    assert backed.elsewhere.findings() == ()
    assert marked(backed.elsewhere.settings) is None
    open_runtime(backed.elsewhere.settings, backed.world.clock).engine.dispose()


def test_taken_while_files_come_and_go(sqlite_world: World, tmp_path: Path) -> None:
    """A file that is removed while it is copied is passed over; one that comes is there."""

    class Moving:
        """The world's store, in which one file goes and one comes while it is listed."""

        waits = False

        def __getattr__(self, name: str) -> object:
            return getattr(sqlite_world.ports.store, name)

        def keys(self, prefix: str = "") -> list[str]:
            return ["gone/file", *sqlite_world.ports.store.keys(prefix)]

    sqlite_world.a_published_dataset(items=20)
    folder = tmp_path / "backup"
    made = take(
        sqlite_world.settings,
        sqlite_world.engine,
        Moving(),  # type: ignore[arg-type] # as far as a backup asks
        folder,
        at=sqlite_world.clock(),
    )
    assert verify(folder).ok
    assert not any("gone" in one.path for one in made.held)


def test_taken_under_load(world: World, tmp_path: Path) -> None:
    """Backups made while acts commit are each of one moment, and whole."""
    stop = threading.Event()

    def act() -> None:
        while not stop.is_set():
            world.a_dataset(archive)

    archive = world.an_archive()
    busy = threading.Thread(target=act)
    busy.start()
    try:
        sizes = [back_up(world, tmp_path / f"backup{number}").size for number in range(3)]
    finally:
        stop.set()
        busy.join()
    assert sizes == sorted(sizes)
    assert all(verify(tmp_path / f"backup{number}").ok for number in range(3))


@pytest.mark.parametrize("harm", ["flip", "lose", "add", "database", "key"])
def test_harm_is_found_and_named(harm: str, folder: Path) -> None:
    """A flipped byte, a lost or added file, rows or keys of another moment: each by its path."""
    part = next(path for path in sorted((folder / "files").rglob("*")) if path.is_file())
    key = folder / "keys" / "audit.key"
    if harm == "flip":
        part.chmod(0o600)
        part.write_bytes(part.read_bytes()[:-1] + b"\0")
    elif harm == "lose":
        part.unlink()
    elif harm == "add":
        part = folder / "files" / "more"
        part.write_bytes(b"more")
    elif harm == "database":
        part = folder / DATABASE
        engine = open_engine(f"sqlite:///{part}")
        with engine.begin() as connection:
            connection.execute(text("UPDATE part SET rows = rows + 1"))
        engine.dispose()
    else:
        part = key
        key.write_text("no key")
    found = verify(folder)
    assert part.relative_to(folder).as_posix() in {one.subject for one in found.findings}


@pytest.mark.parametrize("harm", ["database", "key"])
def test_harm_under_a_new_manifest_is_found(harm: str, folder: Path) -> None:
    """Who also changes the manifest is found by the log, the rows and the files themselves."""
    if harm == "database":
        engine = open_engine(f"sqlite:///{folder / DATABASE}")
        with engine.begin() as connection:
            connection.execute(text("UPDATE agreement SET state = 'revoked'"))
            connection.execute(text("PRAGMA journal_mode=DELETE"))
        engine.dispose()
    else:
        (folder / "keys" / "audit.key").write_text("no key")
    for leftover in folder.glob("*.sqlite-*"):
        leftover.unlink()
    fresh = tuple(held(folder, path) for path in files_of(folder))
    write(folder, read(folder).model_copy(update={"held": fresh}))
    promise = Promise.RECORDED if harm == "database" else Promise.SIGNED
    assert promise in {one.promise for one in verify(folder).findings}


def test_a_manifest_that_names_no_database_is_found(folder: Path) -> None:
    """A backup without its database or its log's key is not whole, whatever its manifest says."""
    (folder / DATABASE).unlink()
    manifest = read(folder)
    left = tuple(one for one in manifest.held if one.path != DATABASE)
    write(folder, manifest.model_copy(update={"held": left}))
    assert [one.subject for one in verify(folder).findings] == [DATABASE]


def test_only_backups_are_taken_for_one(folder: Path, tmp_path: Path) -> None:
    """A folder without manifest, or with one of another form, is no backup."""
    with pytest.raises(InvalidInput, match="no backup"):
        verify(tmp_path)
    (folder / MANIFEST).write_text("{}")
    with pytest.raises(InvalidInput, match="no backup"):
        verify(folder)


def test_a_broken_backup_is_not_restored(on_sqlite: Backed) -> None:
    """Nothing is put back of a backup that is not whole; nor is one written over."""
    with pytest.raises(Conflict, match="exists already"):
        back_up(on_sqlite.world, on_sqlite.folder)
    (on_sqlite.folder / DATABASE).unlink()
    with pytest.raises(InvalidInput) as refused:
        on_sqlite.elsewhere.restore(on_sqlite.folder)
    assert refused.value.code == "backup-broken"
    assert marked(on_sqlite.elsewhere.settings) is None


def test_a_service_is_never_restored_over(backed: Backed) -> None:
    """A restore takes an empty home and an empty database, and leaves any other as it is."""
    backed.elsewhere.restore(backed.folder)
    with pytest.raises(Conflict) as refused:
        backed.elsewhere.restore(backed.folder)
    assert refused.value.code == "not-empty"
    for path in (backed.elsewhere.settings.home / "keys").iterdir():
        path.unlink()
    with pytest.raises(Conflict, match="rows in its database"):
        backed.elsewhere.restore(backed.folder)


def test_only_its_owner_reads_it(folder: Path) -> None:
    """A backup holds keys: its folder and they are for one user alone."""
    keys = folder / "keys"
    modes = [path.stat().st_mode & 0o077 for path in (folder, keys, *keys.iterdir())]
    assert not any(modes)
