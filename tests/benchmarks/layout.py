"""What the layout of an edition saves, and what a repeat of an extract costs.

The peer of the layout is the same edition in the order of its delivery; of what is not encoded
again, the same COPY typed into bare DuckDB; of a repeat, the first time. Lineage is written for
every extract, once it can be read: it has a line of its own.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from unittest.mock import patch

from connectors import SourceFile
from connectors.duck.session import open_session
from connectors.ports import ExtractPlan
from registry.db import open_engine
from registry.migrate import upgrade
from registry.services import cutting
from registry.services.lineage.keeping import file_items
from tests.benchmarks.extracts import GOALS_FROM, bare, cpu_of, cut, edition_of, plan_of
from tests.benchmarks.line import Line
from tests.support.clock import SetClock
from tests.support.world import World

_SIZES = {"ci": 1_000_000, "full": 10_000_000}
_REPEATS = 5
_OF_A_REPEAT = 1_000_000


def run(size: str) -> Iterator[Line]:
    """The lines; an edition of a million rows, with `full` of ten million."""
    with tempfile.TemporaryDirectory() as place:
        yield from _laid_out(_SIZES[size], Path(place))
    with tempfile.TemporaryDirectory() as place:
        yield from _repeated(Path(place))


def _laid_out(rows: int, place: Path) -> Iterator[Line]:
    sorted_, plain = edition_of(rows, place), edition_of(rows, place, ())
    million = f"{rows // 1_000_000} M rows"
    value, peer = (_least(one, place, "10 %") for one in (sorted_, plain))
    yield _line(f"10 % extract of {million}, laid out by rights: CPU", value, peer, 0.4, rows)
    value, peer = (_verdict(plan_of(one, place, "10 %")) for one in (sorted_, plain))
    name = f"verdict counted over {million}, laid out by rights"
    yield Line(name, value, "ms", peer, value / peer, "<= 50 ms", value <= 50)
    plans = [plan_of(sorted_, place / f"bare-{number}", "100 %") for number in range(3)]
    peer = min(bare(plan, plan.out_dir)["cpu"] for plan in plans)
    value = _least(sorted_, place, "100 %")
    name = f"wholly cleared edition of {million}, beside encoding it: CPU"
    yield _line(name, value, peer, 0.1, rows)


def _line(name: str, value: float, peer: float, most: float, rows: int = GOALS_FROM) -> Line:
    ratio = value / peer
    if rows < GOALS_FROM:
        return Line(name, value, "s", peer, ratio)
    return Line(name, value, "s", peer, ratio, f"ratio <= {most}", ratio <= most)


def _least(edition: SourceFile, place: Path, share: str) -> float:
    with tempfile.TemporaryDirectory(dir=place) as out:
        plans = [plan_of(edition, Path(out) / str(n), share) for n in range(_REPEATS)]
        return min(cpu_of(cut(plan)) for plan in plans)


def _verdict(plan: ExtractPlan) -> float:
    """Milliseconds to count the rows that a filter passes, in an open session on two threads."""
    (source,) = plan.sources
    with tempfile.TemporaryDirectory() as directory:
        session = open_session([source.path], Path(directory), threads=2, memory_mb=512)
        query = f"SELECT count(*) FROM read_parquet($file) WHERE {plan.where}"
        params = {**plan.params, "file": str(source.path)}
        took = []
        for _ in range(_REPEATS):
            begun = time.perf_counter()
            session.execute(query, params).fetchall()
            took.append(time.perf_counter() - begun)
        session.close()
    return min(took) * 1000


def _repeated(place: Path) -> Iterator[Line]:
    engine = open_engine(f"sqlite:///{place / 'bench.sqlite'}")
    upgrade(engine)
    world = World(engine, place / "home", SetClock(datetime.now(UTC)))
    published, startup = world.a_published_dataset(items=_OF_A_REPEAT), world.a_startup()
    agreement = world.an_agreement(startup, published)
    spent = []
    with patch.object(cutting, "file_items"):
        for _ in range(_REPEATS):
            extract = world.an_ordered_extract(startup, agreement)
            spent.append(_cpu(partial(cutting.run_extract, engine, world.ports, extract.id)))
    name = f"repeat of an extract of {_OF_A_REPEAT:,} items: CPU"
    yield _line(name, min(spent[1:]), spent[0], 0.1)
    lineage = _cpu(partial(file_items, engine, world.ports, extract.id))
    yield Line(f"lineage of an extract of {_OF_A_REPEAT:,} items: CPU", lineage, "s")
    engine.dispose()


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process and of those that it started and saw end."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    both = (getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)
