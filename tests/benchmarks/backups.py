"""How long a backup takes to make and to verify: of a dataset's items, and of the log's entries."""

import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from registry.audit.acts import Act
from registry.audit.log import Recorded, append_all
from registry.audit.taking import publish_all
from registry.db import open_engine, transaction
from registry.migrate import upgrade
from registry.services.backups.taking import take
from registry.services.backups.verifying import verify
from tests.benchmarks.line import Line
from tests.support.clock import SetClock
from tests.support.world import World

COUNT = {"ci": 50_000, "full": 1_000_000}
GOAL = 120


def run(size: str) -> Iterator[Line]:
    """Both, on SQLite and a disk, of as many items as entries."""
    count = COUNT[size]
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'vrijgave.sqlite'}")
        upgrade(engine)
        world = World(engine, Path(folder) / "home", SetClock())
        world.a_published_dataset(items=count)
        _fill_log(engine, world, count)
        started = time.perf_counter()
        take(world.settings, engine, world.ports.store, Path(folder) / "backup", at=world.clock())
        yield Line(f"backup of {count:,} items and entries made", _since(started), "s")
        started = time.perf_counter()
        found = verify(Path(folder) / "backup")
        seconds = _since(started)
        engine.dispose()
    yield Line(
        name=f"backup of {count:,} items and {found.manifest.size:,} entries verified",
        value=seconds,
        unit="s",
        goal=f"<= {GOAL} s at 1,000,000 of each, nothing found",
        holds=found.ok and seconds <= GOAL,
    )


def _fill_log(engine: Engine, world: World, count: int) -> None:
    """Entries that no row answers to, as auditors leave by looking."""
    facts = {"kind": "lineage", "method": "bench"}
    for start in range(0, count, 1000):
        moments = (world.clock() + timedelta(milliseconds=start + at) for at in range(1000))
        acts = [
            Recorded(Act.AUDIT_LOOKED, at, "org_01kbench", "se_01kbench", "org_01k", {}, facts)
            for at in moments
        ]
        with transaction(engine) as session:
            append_all(session, acts)
    publish_all(world.settings, engine)


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 2)
