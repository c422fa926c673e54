"""Writing to the log and bringing it into the tree, on each kind of database."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import Session

from registry.audit import (
    Act,
    Entry,
    MalformedEntry,
    TreeHead,
    VocabularyError,
    matching,
    sequencing,
    store,
    verify_receipt,
)
from registry.audit.checkpoint import SigningKey
from registry.audit.heads import HeadStore, LogMismatch
from registry.audit.log import FileHeadStore, append, check_log, erase, integrate, pseudonym
from registry.audit.merkle import leaf_hash
from registry.db import open_engine, reading, transaction
from registry.errors import NotFound
from tests.registry.audit.conftest import ORIGIN, START, World


def entries(world: World) -> list[Entry]:
    """Every entry as stored, in order of writing."""
    with reading(world.engine) as session:
        rows = session.execute(text("SELECT body FROM audit_entry ORDER BY position")).scalars()
        return [Entry.from_bytes(body) for body in rows]


def test_an_act_is_an_entry(world: World) -> None:
    """What was recorded stands in the entry, with the persons under their pseudonyms."""
    with transaction(world.engine) as session:
        made = append(
            session,
            Act.ACTOR_SIGNED_IN,
            at=START,
            archive=None,
            actor="se_1",
            organisation="org_a",
            ids={"seat": "se_1", "organisation": "org_a"},
            facts={"method": "link"},
        )
        known_as = pseudonym(session, "se_1")
    [entry] = entries(world)
    assert entry == Entry(
        id=made,
        time="2026-11-23T09:30:00.000Z",
        act="actor:signed-in",
        archive="operator",
        number=1,
        actor=known_as,
        organisation="org_a",
        ids={"seat": known_as, "organisation": "org_a"},
        facts={"method": "link"},
    )
    assert "se_1" not in entry.to_bytes().decode()


def test_an_act_that_rolls_back_leaves_nothing(world: World) -> None:
    """Act and entry commit together or not at all; the number is given again."""
    world.act()
    with Session(world.engine) as session:
        _append(session)
        session.rollback()
    world.act()
    assert [entry.number for entry in entries(world)] == [1, 2]


def _append(session: Session, archive: str = "org_a", number: int = 1) -> str:
    return append(
        session,
        Act.DATASET_REGISTERED,
        at=START,
        archive=archive,
        actor=None,
        organisation=None,
        ids={"dataset": f"ds_{number}"},
        facts={},
    )


def test_what_does_not_fit_the_vocabulary_is_not_recorded(world: World) -> None:
    """A wrong act, or an archive that cannot name a stream, fails before anything is written."""
    with pytest.raises(VocabularyError), transaction(world.engine) as session:
        append(
            session,
            Act.DATASET_REGISTERED,
            at=START,
            archive="org_a",
            actor=None,
            organisation=None,
            ids={},
            facts={},
        )
    with pytest.raises(MalformedEntry), transaction(world.engine) as session:
        _append(session, "Not A Stream")
    assert entries(world) == []


def test_each_archive_counts_for_itself(world: World) -> None:
    """Numbers are gap-free per archive; acts without archive are the operator's."""
    for at in range(9):
        world.act(("org_a", "org_b", None)[at % 3])
    got = [(entry.archive, entry.number) for entry in entries(world)]
    assert got == [
        (name, number) for number in (1, 2, 3) for name in ("org_a", "org_b", "operator")
    ]


def _write(url: str, archives: tuple[str, ...], count: int) -> None:
    engine = open_engine(url)
    for at in range(count):
        with transaction(engine) as session:
            _append(session, archives[at % len(archives)], at)
    engine.dispose()


def _sequence(url: str, heads: Path, key: str, done: str) -> None:
    engine, signer = open_engine(url), SigningKey.parse(key)
    while not Path(done).exists():
        integrate(engine, signer, FileHeadStore(heads), START)
        time.sleep(0.002)
    engine.dispose()


def test_writers_and_sequencers_at_once(world: World, database_url: str, tmp_path: Path) -> None:
    """Three writers and two sequencers in processes of their own: no gap, no loss, one history."""
    world.integrate()
    spawn = multiprocessing.get_context("spawn")
    done, heads = tmp_path / "done", tmp_path / "heads" / "audit.head"
    names = ("org_a", "org_b", "org_c")
    writers = [spawn.Process(target=_write, args=(database_url, names, 81)) for _ in range(3)]
    sequencers = [
        spawn.Process(target=_sequence, args=(database_url, heads, world.key.to_text(), str(done)))
        for _ in range(2)
    ]
    for process in (*sequencers, *writers):
        process.start()
    while any(writer.is_alive() for writer in writers):
        time.sleep(0.05)
        world.check()  # a check beside running writers and sequencers raises no false alarm
    done.touch()
    for process in (*sequencers, *writers):
        process.join(60)
        assert process.exitcode == 0
    world.integrate()
    last = world.check()
    assert last is not None
    assert last.size == 243
    counted = Counter(entry.archive for entry in entries(world))
    assert counted == dict.fromkeys(names, 81)
    assert world.verify(world.export()).ok


@pytest.mark.postgres
def test_an_entry_that_commits_late_is_not_skipped(postgres_url: str, tmp_path: Path) -> None:
    """On PostgreSQL a transaction may commit after a later one: it joins the tree next time."""
    engine = open_engine(postgres_url)
    world = World(engine, FileHeadStore(tmp_path / "heads" / "audit.head"))
    with transaction(engine) as early:
        _append(early, "org_slow")
        world.acts(5)
        first = world.integrate()
        assert first is not None
        assert first.size == 5
    second = world.integrate()
    assert second is not None
    assert second.size == 6
    world.check()
    assert world.verify(world.export(), first).ok
    engine.dispose()


@pytest.mark.postgres
def test_one_sequencer_at_a_time(postgres_url: str, tmp_path: Path) -> None:
    """While another holds the lock, a sequencer does nothing and says so."""
    engine = open_engine(postgres_url)
    world = World(engine, FileHeadStore(tmp_path / "heads" / "audit.head"))
    world.act()
    with transaction(engine) as other:
        assert store.lock(other)
        assert world.integrate() is None
    assert world.integrate() is not None
    engine.dispose()


def test_numbers_hold_a_pseudonym_per_person(world: World) -> None:
    """One person is one pseudonym; erasing the key cuts it loose and breaks no proof."""
    mine = world.act(actor="se_1")
    world.act(actor="se_2")
    world.act(actor="se_1")
    first, second, third = (entry.actor for entry in entries(world))
    assert first == third != second
    world.integrate()
    proof = world.receipt(mine)
    assert proof is not None
    with transaction(world.engine) as session:
        assert erase(session, "se_1")
        assert not erase(session, "se_1")
        assert pseudonym(session, "se_1") != first
    verify_receipt(proof, [world.key.verifier])
    assert world.verify(world.export()).ok
    world.check()


def test_a_receipt_comes_with_the_tree(world: World) -> None:
    """No receipt before integration; afterwards each entry has one that verifies for ever."""
    ids = world.acts(5, "org_a", "org_b")
    assert world.receipt(ids[0]) is None
    world.integrate()
    early = world.receipt(ids[4])
    ids += world.acts(300)
    assert world.receipt(ids[-1]) is None
    world.integrate()
    for entry_id in ids[::13]:
        proof = world.receipt(entry_id)
        assert proof is not None
        entry, checkpoint = verify_receipt(proof, [world.key.verifier])
        assert (entry.id, checkpoint.size) == (entry_id, 305)
    assert early is not None
    verify_receipt(early, [world.key.verifier])
    with pytest.raises(NotFound):
        world.receipt("019aafd1-6e40-7a6b-8c1d-2e3f4a5b6c7d")


def test_nothing_to_do_is_nothing_done(world: World) -> None:
    """Without new entries no checkpoint is signed and nothing changes."""
    assert world.integrate() is None
    assert world.check() is None
    world.act()
    made = world.integrate()
    assert made is not None
    assert world.integrate() is None
    assert world.check() == made


def test_a_long_backlog_goes_in_batches(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More entries than a batch are integrated over several runs, in order."""
    monkeypatch.setattr(sequencing, "BATCH", 10)
    monkeypatch.setattr(store, "WALK_ROWS", 7)
    sqlite_world.acts(25, "org_a", "org_b")
    sizes = [made.size for _ in range(4) if (made := sqlite_world.integrate())]
    assert sizes == [10, 20, 25]
    assert sqlite_world.check() is not None
    assert sqlite_world.verify(sqlite_world.export()).ok


# What someone with access to the database may do to it, and the alarm it must raise.
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


class Crash(Exception):  # noqa: N818  # not an error of ours: the power that fails
    """The process ends here."""


class FailingHeads:
    """A head store on which the power fails just before or just after the exchange."""

    def __init__(self, heads: HeadStore, after: bool) -> None:
        self.heads, self.after = heads, after

    def load(self) -> TreeHead | None:
        """What stands there."""
        return self.heads.load()

    def swap(self, old: TreeHead | None, new: TreeHead) -> None:
        """Exchange, or not, and fail."""
        if self.after:
            self.heads.swap(old, new)
        raise Crash


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("before", [0, 4])
def test_a_crash_at_the_exchange_is_mended(world: World, before: int, after: bool) -> None:
    """Power lost on either side of the exchange: the next run publishes the very same head."""
    world.acts(before)
    world.integrate()
    first = world.acts(3)
    with pytest.raises(Crash):
        integrate(world.engine, world.key, FailingHeads(world.heads, after), world.now)
    world.check()
    world.acts(2)
    made = world.integrate()
    assert made is not None
    assert made.size in (before + 3, before + 5)
    world.integrate()
    last = world.check()
    assert last is not None
    assert last.size == before + 5
    assert world.receipt(first[0]) is not None
    assert world.verify(world.export(), made).ok


def _statements(world: World) -> int:
    """How many statements one run of the sequencer takes."""
    count = 0

    def counting(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(world.engine, "before_cursor_execute", counting)
    world.integrate()
    event.remove(world.engine, "before_cursor_execute", counting)
    return count


def test_a_crash_at_every_statement_is_mended(world: World) -> None:
    """Power lost before any statement or commit of the sequencer: the log stays one history."""
    world.acts(3)
    world.integrate()
    world.acts(2)
    total = _statements(world)
    assert total > 10
    for point in range(total):
        for hook in ("before_cursor_execute", "commit"):
            world.acts(2, "org_a", "org_b")
            _crash_at(world, hook, point)
            world.check()
    while world.integrate():
        pass
    last = world.check()
    assert last is not None
    assert last.size == 5 + 4 * total
    assert world.verify(world.export()).ok


def _crash_at(world: World, hook: str, point: int) -> None:
    left = point

    def crash(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Crash

    event.listen(world.engine, hook, crash)
    try:
        world.integrate()
    except Crash:
        pass
    finally:
        event.remove(world.engine, hook, crash)


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from registry.audit import Act
from registry.audit.checkpoint import SigningKey
from registry.audit.merkle import leaf_hash
from registry.audit.log import FileHeadStore, append, integrate
from registry.db import open_engine, transaction

url, heads, key = sys.argv[1:]
engine, at = open_engine(url), datetime(2026, 11, 23, tzinfo=UTC)
while True:
    for number in range(7):
        with transaction(engine) as session:
            made = append(
                session, Act.DATASET_REGISTERED, at=at, archive="org_a", actor="se_1",
                organisation=None, ids={"dataset": f"ds_{number}"}, facts={},
            )
        print(made, flush=True)
    integrate(engine, SigningKey.parse(key), FileHeadStore(Path(heads)), at)
"""


def test_a_killed_process_loses_nothing(world: World, database_url: str, tmp_path: Path) -> None:
    """Killed again and again at any moment: every entry that was acknowledged is proven."""
    heads = tmp_path / "heads" / "audit.head"
    command = [sys.executable, "-c", KILLED, database_url, str(heads), world.key.to_text()]
    acknowledged: list[str] = []
    for turn in range(4):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        acknowledged += [process.stdout.readline().strip() for _ in range(5 + 17 * turn)]
        time.sleep(0.003 * turn)
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += process.stdout.read().split("\n")[:-1]
        process.wait()
        process.stdout.close()
        world.check()
    while world.integrate():
        pass
    last = world.check()
    assert last is not None
    written = [entry.id for entry in entries(world)]
    assert set(acknowledged) <= set(written)
    assert last.size == len(written)
    assert world.verify(world.export()).ok


def test_the_check_waits_for_a_moving_head(sqlite_world: World) -> None:
    """A head that another process exchanges during the check raises no false alarm."""

    class Moving:
        def __init__(self) -> None:
            self.steps = [self._nothing, self._grow]

        def _nothing(self) -> None:
            pass

        def _grow(self) -> None:
            sqlite_world.act()
            sqlite_world.integrate()

        def load(self) -> TreeHead | None:
            if self.steps:
                self.steps.pop(0)()
            return sqlite_world.heads.load()

        def swap(self, old: TreeHead | None, new: TreeHead) -> None:
            raise AssertionError

    sqlite_world.acts(2)
    sqlite_world.integrate()
    last = check_log(sqlite_world.engine, sqlite_world.key.verifier, Moving())
    assert last is not None
    assert last.size == 3


def test_the_clock_may_go_back(sqlite_world: World) -> None:
    """A clock set back changes no order and no proof."""
    sqlite_world.act()
    sqlite_world.now -= timedelta(days=400)
    sqlite_world.act()
    sqlite_world.integrate()
    sqlite_world.check()
    assert sqlite_world.verify(sqlite_world.export()).ok


def test_the_engine_may_be_of_either_kind(engine: Engine) -> None:
    """The databases that the product supports are the ones the log knows how to lock."""
    assert engine.dialect.name in store._LOCK.keys() & matching._ONE_STATE.keys()
