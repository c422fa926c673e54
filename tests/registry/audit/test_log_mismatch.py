"""A log that is not what was signed is refused, with what to do."""

from pathlib import Path

import pytest

from registry.audit import (
    Entry,
    store,
)
from registry.audit.checkpoint import SigningKey
from registry.audit.heads import LogMismatch
from registry.audit.log import FileHeadStore
from registry.audit.merkle import leaf_hash
from registry.db import open_engine, reading
from tests.registry.audit.conftest import ORIGIN, World, entries

TAMPERINGS = {
    "an integrated entry is edited": (
        "UPDATE audit_entry SET body = :body, leaf_hash = leaf_hash WHERE tree_index = 3"
    ),
    "an integrated entry is edited with its hash": (
        "UPDATE audit_entry SET body = :body, leaf_hash = :leaf, id = :id WHERE tree_index = 3"
    ),
    "an integrated entry is no entry any more": (
        "UPDATE audit_entry SET body = :rubbish WHERE tree_index = 3"
    ),
    "an integrated entry is deleted": "DELETE FROM audit_entry WHERE tree_index = 3",
    "the last integrated entry is deleted": "DELETE FROM audit_entry WHERE tree_index = 5",
    "an integrated entry is renumbered": "UPDATE audit_entry SET number = 99 WHERE tree_index = 5",
    "an integrated entry is moved": "UPDATE audit_entry SET tree_index = 77 WHERE tree_index = 5",
    "a pending entry is deleted": "DELETE FROM audit_entry WHERE number = 7",
    "the counter is set back": "UPDATE audit_stream SET last = 7",
    "the head is set back": "UPDATE audit_head SET size = 5",
    "the head gets another root": "UPDATE audit_head SET root = :leaf",
    "the head is gone": "DELETE FROM audit_head",
    "the checkpoint says something else": "UPDATE audit_checkpoint SET note = :note WHERE size = 6",
    "the checkpoint is signed by another": (
        "UPDATE audit_checkpoint SET note = :forged WHERE size = 6"
    ),
    "a tile is gone": "DELETE FROM audit_tile",
    "a tile is changed": "UPDATE audit_tile SET hashes = :tile",
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_changed_database_is_refused(world: World, what: str) -> None:
    """Whatever is changed behind the log's back, the service refuses to start, with a way out."""
    world.acts(4)
    first = world.integrate()
    world.acts(2)
    last = world.integrate()
    world.acts(2)
    world.check()
    assert first is not None
    assert last is not None
    other = Entry.from_bytes(entries(world)[3].to_bytes())
    fake = Entry(**{**other.__dict__, "id": other.id[:-4] + "0000"})
    world.run(
        TAMPERINGS[what],
        **{
            name: value
            for name, value in {
                "body": fake.to_bytes(),
                "leaf": leaf_hash(fake.to_bytes()),
                "id": fake.id,
                "rubbish": b"rubbish",
                "note": first.note,
                "forged": SigningKey.generate(ORIGIN).sign(last.head.body()),
                "tile": bytes(32 * 6),
            }.items()
            if f":{name}" in TAMPERINGS[what]
        },
    )
    with pytest.raises(LogMismatch) as caught:
        world.check()
    assert "Stop the service" in caught.value.help.en
    assert caught.value.status == 503


@pytest.mark.parametrize("lost", ["size = 6", "size > 0"])
def test_a_lost_checkpoint_is_published_again(world: World, lost: str) -> None:
    """Without its row the last head is as if not published yet: the same note is made again."""
    world.acts(4)
    world.integrate()
    world.acts(2)
    last = world.integrate()
    world.run(f"DELETE FROM audit_checkpoint WHERE {lost}")  # noqa: S608  # our own text
    world.check()
    assert world.integrate() == last
    assert world.check() == last


def test_an_interior_tile_is_checked(sqlite_world: World) -> None:
    """A hash that no root depends on any more is still compared with the entries."""
    sqlite_world.acts(300)
    sqlite_world.integrate()
    sqlite_world.check()
    with reading(sqlite_world.engine) as session:
        hashes = store.tiles(session).hashes(0, 0, 0, 256)
    sqlite_world.run(
        "UPDATE audit_tile SET hashes = :hashes WHERE level = 0 AND number = 0",
        hashes=bytes(32) + hashes[32:],
    )
    with pytest.raises(LogMismatch, match="0/0"):
        sqlite_world.check()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit_entry SET body = :body WHERE number = 6", "was changed"),
        ("UPDATE audit_entry SET stream = 'org_b' WHERE number = 6", "was changed"),
        ("DELETE FROM audit_entry WHERE number = 6", "entry 6 of `org_a` is missing"),
        ("DELETE FROM audit_entry WHERE number = 5", "entry 5 of `org_a` is missing"),
        ("UPDATE audit_tile SET hashes = :body", "does not give the root"),
        ("DELETE FROM audit_tile", "does not give the root"),
        ("UPDATE audit_head SET size = 3", "not signed so"),
    ],
)
def test_a_changed_database_is_not_signed(world: World, statement: str, told: str) -> None:
    """The sequencer signs nothing on top of rows that were changed since they were written."""
    world.acts(4)
    signed = world.integrate()
    world.acts(3)
    world.run(statement, **({"body": bytes(128)} if ":body" in statement else {}))
    with pytest.raises(LogMismatch) as caught:
        world.integrate()
    assert told in caught.value.text.en
    with reading(world.engine) as session:
        assert store.published(session, ORIGIN) == signed
    assert world.heads.load() == (signed.head if signed else None)


def test_a_copy_of_the_database_cannot_fork(sqlite_world: World, tmp_path: Path) -> None:
    """Two services on copies of one database: the second head store lets only one go on."""
    sqlite_world.acts(3)
    sqlite_world.integrate()
    copy = tmp_path / "copy.sqlite"
    _copy(sqlite_world, copy)
    other = World(open_engine(f"sqlite:///{copy}"), sqlite_world.heads, sqlite_world.key)
    sqlite_world.act()
    other.act("org_b")
    assert sqlite_world.integrate() is not None
    with pytest.raises(LogMismatch):
        other.integrate()
    with pytest.raises(LogMismatch):
        other.check()
    sqlite_world.check()
    other.engine.dispose()


def _copy(world: World, target: Path) -> None:
    connection = world.engine.raw_connection()
    connection.driver_connection.execute("VACUUM INTO ?", (str(target),))  # type: ignore[union-attr]  # sqlite3
    connection.close()


def test_a_restored_backup_is_refused(sqlite_world: World, tmp_path: Path) -> None:
    """A database older than the last signed head neither starts nor signs."""
    sqlite_world.acts(3)
    sqlite_world.integrate()
    backup = tmp_path / "backup.sqlite"
    _copy(sqlite_world, backup)
    sqlite_world.acts(2)
    sqlite_world.integrate()
    restored = World(open_engine(f"sqlite:///{backup}"), sqlite_world.heads, sqlite_world.key)
    for act in (restored.check, restored.integrate):
        with pytest.raises(LogMismatch, match="signed last is"):
            act()
    restored.engine.dispose()


def test_a_missing_head_is_refused(sqlite_world: World, tmp_path: Path) -> None:
    """A log that has signed before does not go on without its second head."""
    sqlite_world.acts(3)
    sqlite_world.integrate()
    lost = World(sqlite_world.engine, FileHeadStore(tmp_path / "other.head"), sqlite_world.key)
    for act in (lost.check, lost.integrate):
        with pytest.raises(LogMismatch, match="missing"):
            act()


def test_another_log_is_refused(sqlite_world: World) -> None:
    """A key of another origin does not sign on top of this log's head."""
    sqlite_world.acts(3)
    sqlite_world.integrate()
    other = World(sqlite_world.engine, sqlite_world.heads, SigningKey.generate("b.example/log"))
    for act in (other.check, other.integrate):
        with pytest.raises(LogMismatch):
            act()
