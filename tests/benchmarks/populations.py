"""Taking a complete population out of the log, and checking it offline."""

import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from registry.audit import Act
from registry.audit.checkpoint import SigningKey
from registry.audit.log import FileHeadStore, append, integrate
from registry.audit.population_check import verify_population
from registry.db import open_engine, reading, transaction
from registry.migrate import upgrade
from registry.services.populations import (
    PopulationOrder,
    record_population,
    write_population,
)
from tests.benchmarks.line import Line
from tests.support.rows import AT

ENTRIES = {"ci": 20_000, "full": 1_000_000}
ARCHIVE = "org_bench"


def run(size: str) -> Iterator[Line]:
    """A period in which every other entry is another archive's."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        engine = open_engine(f"sqlite:///{home}/bench.sqlite")
        upgrade(engine)
        key, heads = SigningKey.generate("bench.example/audit/v1"), FileHeadStore(home / "head")
        _fill(engine, ENTRIES[size] // 10)
        _taken(engine, key, heads, home)
        before = _peak()
        _fill(engine, ENTRIES[size])
        path, seconds = _taken(engine, key, heads, home)
        yield Line("population: accesses taken out", round(ENTRIES[size] / seconds), "entries/s")
        grown = (_peak() - before) / 1e6
        yield Line(
            name="population: memory that ten times as many entries take more",
            value=round(grown, 1),
            unit="MB",
            goal="<= 64 MB",
            holds=grown <= 64,
        )
        started = time.perf_counter()
        report, result = verify_population(path, [key.verifier])
        yield Line(
            name="population: checked offline, rows made again",
            value=round(report.count / (time.perf_counter() - started)),
            unit="entries/s",
            goal="nothing found",
            holds=result.ok,
        )
        engine.dispose()


def _fill(engine: Engine, count: int) -> None:
    for start in range(0, count, 500):
        with transaction(engine) as session:
            for number in range(start, start + 500):
                for archive in (ARCHIVE, "org_other"):
                    append(
                        session,
                        Act.ACCESS_OPENED,
                        at=AT,
                        archive=archive,
                        actor="seat_1",
                        organisation="org_user",
                        ids={"access": f"acc_{number}", "agreement": "agr_1", "extract": "ext_1"},
                        facts={"part": 1, "until": "2026-11-23T09:05:00.000Z"},
                    )


def _taken(engine: Engine, key: SigningKey, heads: FileHeadStore, home: Path) -> tuple[Path, float]:
    day = date(2026, 11, 23)
    order = PopulationOrder(
        kind="accesses", archive=ARCHIVE, since=day, until=day, sample=25, seed="bench"
    )
    with transaction(engine) as session:
        report = record_population(session, None, order, at=AT)
    while integrate(engine, key, heads, AT) is not None:
        pass
    path = home / "bench.population.zip"
    started = time.perf_counter()
    with path.open("wb") as out, reading(engine) as session:
        write_population(session, out, key.verifier, report, home)
    return path, time.perf_counter() - started


def _peak() -> int:
    """Peak resident bytes of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
