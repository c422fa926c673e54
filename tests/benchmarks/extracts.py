"""What an extract costs beside the same COPY typed into bare DuckDB, and how flat its memory is.

The peer runs in a process of its own, with DuckDB's defaults but for threads and order: the same
SELECT, options and bound values. The least of several turns counts on both sides: a busy machine
only ever adds. Hashing the sources is measured apart: the peer does not do it. The edition is laid
out as an import does, so that some row groups need not be encoded again.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from catalog.ingest import BLOCKED, FACTS, layout
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
GOALS_FROM = 10_000_000
"""Rows from which ratios are held to a goal; of a million rows the start is a third."""
_CC = "https://creativecommons.org"
CLEARED = {
    "10 %": (f"{_CC}/licenses/by/4.0/",),
    "50 %": (
        f"{_CC}/publicdomain/mark/1.0/",
        f"{_CC}/publicdomain/zero/1.0/",
        f"{_CC}/licenses/by-sa/3.0/nl/",
        "http://rightsstatements.org/vocab/NKC/1.0/",
    ),
    "100 %": (),
}
"""Which rights statements are cleared for about such a share of the items; none stands for all."""
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
    edition = edition_of(rows, place)
    hashing = []
    for share in CLEARED:
        ours, peers = [], []
        for number in range(_REPEATS):
            plan = plan_of(edition, place / f"{share}-{number}", share)
            ours.append(cut(plan))
            peers.append(bare(plan, place / f"{share}-bare-{number}"))
            for used in (plan.out_dir, place / f"{share}-bare-{number}"):
                shutil.rmtree(used)
        hashing += [one.usage.cpu["hash sources"] for one in ours]
        yield from _lines(rows, share, ours, peers)
    name = f"extract {rows // 1_000_000} M rows: CPU to hash the sources"
    yield Line(name, min(hashing), "s")


def _lines(
    rows: int, share: str, ours: list[ExtractResult], peers: list[dict[str, float]]
) -> Iterator[Line]:
    name = f"extract {rows // 1_000_000} M rows, {share}"
    cpu, peer = min(map(cpu_of, ours)), min(one["cpu"] for one in peers)
    ratio = cpu / peer
    if rows < GOALS_FROM:
        yield Line(f"{name}: CPU", cpu, "s", peer, ratio)
    else:
        yield Line(f"{name}: CPU", cpu, "s", peer, ratio, "ratio <= 1.05", ratio <= 1.05)
    peak = max(one.usage.peak_rss for one in ours) / MIB
    peer_peak = max(one["peak"] for one in peers)
    yield Line(
        f"{name}: peak memory", peak, "MiB", peer_peak, peak / peer_peak,
        f"<= {_MOST_MB} MB", peak * MIB <= _MOST_MB * 1_000_000,
    )  # fmt: skip
    yield Line(f"{name}: rows given out", ours[0].rows, "rows")


def cut(plan: ExtractPlan) -> ExtractResult:
    """Make the plan's directory and run it."""
    plan.out_dir.mkdir()
    return open_extractor().extract(plan)


def cpu_of(result: ExtractResult) -> float:
    """CPU seconds of the whole process, its start included, but for the hashing of its sources."""
    return result.usage.cpu_seconds - result.usage.cpu["hash sources"]


def edition_of(rows: int, place: Path, group_by: Sequence[str] = FACTS) -> SourceFile:
    """The generator's collection, imported as a check does; or in another order."""
    delivery, out = place / "delivery.parquet", place / f"edition-{len(group_by)}"
    out.mkdir()
    generator.write(delivery, rows)
    laid = open_importer(place).lay_out(
        Delivery(delivery, "parquet"),
        layout(generator.mapping(), key=b"benchmark"),
        out,
        group_by=group_by,
        not_where=BLOCKED,
    )
    delivery.unlink()
    return SourceFile(out / laid.file.name, laid.file.sha256, laid.file.bytes)


def plan_of(edition: SourceFile, out: Path, share: str) -> ExtractPlan:
    """An extract of about this share of the items, two columns masked."""
    shown = ("_item", "_rights", "_rightsholder", "title_nl", "title_en", "abstract", "date",
             "subjects", "places", "language", "duration")  # fmt: skip
    masked = ("persons", "media_url")
    statements = {f"v{number}": text for number, text in enumerate(CLEARED[share])}
    named = ", ".join(f"${name}" for name in statements)
    facts = f"AND _opt_out = false AND _embargo_until <= $day AND _rights IN ({named})"
    return ExtractPlan(
        sources=(edition,),
        columns=(
            *(OutColumn(name, name, "VARCHAR") for name in shown),
            *(OutColumn(name, None, "VARCHAR") for name in masked),
        ),
        where=f"NOT _blocked {facts if statements else ''}",
        params={"day": date(2026, 11, 23), **statements} if statements else {},
        metadata={"edition": "archive/news@1"},
        out_dir=out,
    )


def bare(plan: ExtractPlan, target: Path) -> dict[str, float]:
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
    told = json.dumps(spec, default=str).encode()
    done = subprocess.run(
        [sys.executable, "-c", _BARE], input=told, stdout=subprocess.PIPE, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[0])
    return found
