"""The other engine beside DuckDB, on this machine: the same extract in unsorted order.

In the order of its delivery no row group passes whole, so that both engines encode every row.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from connectors import open_extractor
from connectors.ports import MIB, ExtractPlan, ExtractResult
from tests.benchmarks.extracts import edition_of, plan_of
from tests.benchmarks.line import Line

_SIZES = {"ci": 1_000_000, "full": 10_000_000}
_REPEATS = 3


def run(size: str) -> Iterator[Line]:
    """Wall and CPU seconds of an extract of half the items, and the most memory."""
    rows = _SIZES[size]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        plan = plan_of(edition_of(rows, place, ()), place, "50 %")
        daft = [_cut(plan, place / f"daft-{number}", "daft") for number in range(_REPEATS)]
        duck = [_cut(plan, place / f"duck-{number}", "duckdb") for number in range(_REPEATS)]
    what = f"extract by Daft, {rows // 1_000_000} M rows, 50 %"
    sides = [_figures(daft), _figures(duck)]
    for unit, value, peer in zip(("s", "CPU s", "MiB"), *sides, strict=True):
        yield Line(f"{what}: {unit}", value, unit, peer, value / peer)


def _figures(turns: Sequence[tuple[float, ExtractResult]]) -> tuple[float, float, float]:
    """The least wall and CPU seconds, and the most memory."""
    used = [result.usage for _, result in turns]
    cpu, peak = min(one.cpu_seconds for one in used), max(one.peak_rss for one in used)
    return min(wall for wall, _ in turns), cpu, peak / MIB


def _cut(
    plan: ExtractPlan, out: Path, engine: Literal["duckdb", "daft"]
) -> tuple[float, ExtractResult]:
    out.mkdir()
    begun = time.perf_counter()
    result = open_extractor(engine).extract(replace(plan, out_dir=out))
    return time.perf_counter() - begun, result
