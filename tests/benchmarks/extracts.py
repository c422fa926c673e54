"""What an extract costs beside the same COPY typed into bare DuckDB, and how flat its memory is.

The peer runs in a process of its own, with DuckDB's defaults but for threads and order: the same
SELECT, options and bound values. The least of several turns counts on both sides: a busy machine
only ever adds. Hashing the sources is measured apart: the peer does not do it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from catalog.ingest import layout
from connectors import (
    Delivery,
    ExtractPlan,
    ExtractResult,
    OutColumn,
    SourceFile,
    open_extractor,
    open_importer,
)
from connectors.duck.extract import copy_statement
from connectors.ports import MIB
from registry.demo import generator
from tests.benchmarks.line import Line

_SIZES = {"ci": (1_000_000,), "full": (1_000_000, 10_000_000)}
_REPEATS = 5
_MOST_MB = 400
_WHERE = (
    "NOT _blocked AND _opt_out = false AND _embargo_until <= $day "
    "AND _rights IN ($a, $b, $c, $d, $e)"
)
_PARAMS = {
    "day": "2026-11-23",
    "a": "https://creativecommons.org/publicdomain/mark/1.0/",
    "b": "https://creativecommons.org/publicdomain/zero/1.0/",
    "c": "https://creativecommons.org/licenses/by/4.0/",
    "d": "https://creativecommons.org/licenses/by-sa/3.0/nl/",
    "e": "http://rightsstatements.org/vocab/NKC/1.0/",
}
_BARE = """
import json, resource, sys, duckdb
spec = json.loads(sys.stdin.read())
connection = duckdb.connect()
connection.execute("SET threads = 2")
connection.execute("SET enable_progress_bar = false")
connection.execute("SET preserve_insertion_order = false")
connection.execute(spec["sql"], spec["params"]).fetchall()
used = resource.getrusage(resource.RUSAGE_SELF)
status = open("/proc/self/status").read()
peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "peak": peak / 1024}), flush=True)
"""


def run(size: str) -> Iterator[Line]:
    """The lines for one size: `ci` at a million rows, `full` at ten million as well."""
    for rows in _SIZES[size]:
        with tempfile.TemporaryDirectory() as place:
            yield from _at(rows, Path(place))


def _at(rows: int, place: Path) -> Iterator[Line]:
    edition = _edition(rows, place)
    plans = [_plan(edition, place / f"out-{number}") for number in range(_REPEATS)]
    ours, bare = [], []
    for number, plan in enumerate(plans):
        plan.out_dir.mkdir()
        ours.append(open_extractor().extract(plan))
        bare.append(_bare(plan, place / f"bare-{number}"))
    yield from _lines(rows, ours, bare)


def _lines(rows: int, ours: list[ExtractResult], bare: list[dict[str, float]]) -> Iterator[Line]:
    name = f"extract {rows // 1_000_000} M rows"
    hashing = min(one.usage.cpu["hash sources"] for one in ours)
    cpu = min(one.usage.cpu_seconds - one.usage.cpu["hash sources"] for one in ours)
    peer = min(one["cpu"] for one in bare)
    ratio = cpu / peer
    yield Line(f"{name}: CPU", cpu, "s", peer, ratio, "ratio <= 1.10", ratio <= 1.10)
    yield Line(f"{name}: CPU to hash the sources", hashing, "s")
    peak = max(one.usage.peak_rss for one in ours) / MIB
    peer_peak = max(one["peak"] for one in bare)
    yield Line(
        f"{name}: peak memory", peak, "MiB", peer_peak, peak / peer_peak,
        f"<= {_MOST_MB} MB", peak * MIB <= _MOST_MB * 1_000_000,
    )  # fmt: skip
    yield Line(f"{name}: rows given out", ours[0].rows, "rows")


def _edition(rows: int, place: Path) -> SourceFile:
    """The generator's collection, imported."""
    delivery, out = place / "delivery.parquet", place / "edition"
    out.mkdir()
    generator.write(delivery, rows)
    laid = open_importer(place).lay_out(
        Delivery(delivery, "parquet"), layout(generator.mapping(), key=b"benchmark"), out
    )
    delivery.unlink()
    return SourceFile(out / laid.file.name, laid.file.sha256, laid.file.bytes)


def _plan(edition: SourceFile, out: Path) -> ExtractPlan:
    shown = ("_item", "_rights", "_rightsholder", "title_nl", "title_en", "abstract", "date",
             "subjects", "places", "language", "duration")  # fmt: skip
    masked = ("persons", "media_url")
    return ExtractPlan(
        sources=(edition,),
        columns=(
            *(OutColumn(name, name, "VARCHAR") for name in shown),
            *(OutColumn(name, None, "VARCHAR") for name in masked),
        ),
        where=_WHERE,
        params=_PARAMS,
        metadata={"edition": "archive/news@1"},
        out_dir=out,
    )


def _bare(plan: ExtractPlan, target: Path) -> dict[str, float]:
    """The same COPY in a bare DuckDB process: its CPU seconds and peak memory in MiB."""
    orders = {
        "columns": [vars(column) for column in plan.columns],
        "metadata": plan.metadata,
        "where": plan.where,
        "part_bytes": plan.part_bytes,
    }
    spec = {
        "sql": copy_statement(orders, target),
        "params": {**plan.params, "vrijgave_sources": [str(one.path) for one in plan.sources]},
    }
    done = subprocess.run(
        [sys.executable, "-c", _BARE], input=json.dumps(spec).encode(), stdout=subprocess.PIPE,
        check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[0])
    return found
