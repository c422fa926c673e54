"""The log through crashes at every step: what was promised stands, and the next run mends."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from registry import db
from registry.audit import (
    TreeHead,
    store,
)
from registry.audit.heads import HeadStore
from registry.audit.log import check_log, integrate
from tests.registry.audit.conftest import World, entries


class Crash(Exception):  # not an error of ours: the power that fails
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
    assert engine.dialect.name in store._LOCK.keys() & db._ONE_STATE.keys()
