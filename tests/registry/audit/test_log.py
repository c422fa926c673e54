"""Writing to the log and bringing it into the tree, on each kind of database."""

import multiprocessing
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import Session

from registry.audit import (
    Act,
    Entry,
    MalformedEntry,
    VocabularyError,
    sequencing,
    store,
    verify_receipt,
)
from registry.audit.checkpoint import SigningKey
from registry.audit.log import FileHeadStore, append, erase, integrate, known_pseudonym, pseudonym
from registry.db import open_engine, transaction
from registry.errors import NotFound
from tests.registry.audit.conftest import START, World, entries


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
        assert known_pseudonym(session, "se_1") == first
        assert erase(session, "se_1")
        assert not erase(session, "se_1")
        assert known_pseudonym(session, "se_1") is None
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
