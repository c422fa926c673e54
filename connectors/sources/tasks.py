"""The jobs of an import, as the child does them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from connectors.duck.child import Job
from connectors.duck.session import SPILL, identifier, literal, open_session, single_copy
from connectors.duck.wire import pack
from connectors.errors import error
from connectors.local import sha256_of, sync_file
from connectors.ports import Format
from connectors.sources import laying, staging
from connectors.sources.files import Seen, check_head, look_through
from connectors.sources.sampling import sample
from connectors.sources.staging import Raw

LAID = "laid.parquet"
EDITION = "edition.parquet"
REFUSED = "refused.csv"
MOST_VALUES = 100_000
"""Different values of a column whose values are looked up one by one."""
MOST_GROUPS = 50_000
"""Combinations of the columns that rows are grouped by."""

_LAID_SHARE = 0.6  # of the second process's progress: the rest is sorting
_PARQUET = "FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, ROW_GROUP_SIZE 61440"


def profile(job: Job) -> dict[str, Any]:
    """Columns with sampled values, size and hash of a delivery."""
    path, form = _delivery(job)
    seen = look_through(path, form)
    with _session(job, [path]) as connection:
        columns, rows = sample(connection, path, form, job.orders["records"])
    return {"columns": columns, "rows": rows, "bytes": seen.bytes, "sha256": seen.sha256}


def stage(job: Job) -> dict[str, Any]:
    """Stage a delivery and find the different values of the columns to look up."""
    orders = job.orders
    path, form = _delivery(job)
    seen = None if form == "json" else _look_through(job, path, form)
    with _session(job, [path]) as connection:
        with job.stage("stage"), job.progress(_share(connection, 0, 1)):
            raw = _stage(connection, path, form, orders)
        # a JSON document has no lines to measure: only reading its records finds an endless one
        seen = seen or _look_through(job, path, form)
        known = {name for name, _ in raw.columns}
        for source in orders["sources"]:
            if source not in known:
                raise error("no-such-column", column=source)
        with job.stage("different values"):
            values = {source: _different(connection, raw, source) for source in orders["lookups"]}
    return {"raw": raw.plain(), "values": values, "sha256": seen.sha256, "bytes": seen.bytes}


def lay_out(job: Job) -> dict[str, Any]:
    """Write the laid-out file and the refused rows; count."""
    orders = job.orders
    directory = Path(orders["directory"])
    raw = Raw(**{**orders["raw"], "columns": [tuple(one) for one in orders["raw"]["columns"]]})
    judge = laying.Judge(raw, orders["columns"])
    inputs = [Path(raw.path), *([Path(raw.gaps)] if raw.gaps else [])]
    with _session(job, inputs) as connection:
        laying.load_lookups(connection, orders["lookups"])
        with job.stage("duplicates"):
            laying.find_duplicates(connection, judge, orders["columns"])
        with job.stage("refused"):
            laying.list_refused(connection, judge)
            reasons = laying.write_refused(connection, judge, str(directory / REFUSED))
        with job.stage("accepted"), job.progress(_share(connection, 0, _LAID_SHARE)):
            nulls = _write_accepted(connection, judge, directory / LAID)
        with job.stage("count"):
            counts = _count(connection, orders, directory / LAID)
        with job.stage("sort"), job.progress(_share(connection, _LAID_SHARE, 1)):
            rows = _write_edition(connection, orders, directory)
        refused = _one(connection, "SELECT count(*) FROM refused") + raw.unreadable
    with job.stage("hash"):
        files = _finish(directory, rows, refused)
    return {**counts, **files, "nulls": nulls, "reasons": reasons, "refused": refused}


TASKS: Mapping[str, Callable[[Job], dict[str, Any]]] = {
    "profile": profile,
    "stage": stage,
    "lay_out": lay_out,
}


def _look_through(job: Job, path: Path, form: Format) -> Seen:
    with job.stage("read through"):
        return look_through(path, form)


def _delivery(job: Job) -> tuple[Path, Format]:
    path = Path(job.orders["path"])
    if any(mark in str(path) for mark in "*?[]{}"):
        raise error("bad-plan", problem="the delivery's own path holds a wildcard")
    check_head(path)
    return path, job.orders["format"]


def _session(job: Job, inputs: Sequence[Path]) -> duckdb.DuckDBPyConnection:
    return open_session(
        inputs,
        Path(job.orders["directory"]),
        threads=job.orders["threads"],
        memory_mb=job.orders["memory_mb"],
        ordered=True,
        withholding=True,
    )


def _share(connection: duckdb.DuckDBPyConnection, start: float, stop: float) -> Callable[[], float]:
    """The share of the job that is done, while a query takes it from `start` to `stop`."""
    return lambda: start + (stop - start) * max(0.0, connection.query_progress()) / 100


def _stage(
    connection: duckdb.DuckDBPyConnection, path: Path, form: Format, orders: Mapping[str, Any]
) -> Raw:
    directory = Path(orders["directory"])
    if form == "parquet":
        return staging.stage_parquet(connection, path)
    if form == "csv":
        return staging.stage_csv(connection, path, directory)
    return staging.stage_json(path, form, orders["records"], orders["sources"], directory)


def _different(connection: duckdb.DuckDBPyConnection, raw: Raw, source: str) -> list[str]:
    text = f"nullif(trim(CAST({identifier(source)} AS VARCHAR)), '')"
    found = connection.execute(
        f"SELECT DISTINCT {text} AS value "  # noqa: S608 - the name is quoted
        "FROM read_parquet([$raw], hive_partitioning = false) "
        f"WHERE {text} IS NOT NULL LIMIT {MOST_VALUES + 1}",
        {"raw": raw.path},
    ).fetchall()
    if len(found) > MOST_VALUES:
        raise error("too-many-values", column=source, limit=MOST_VALUES)
    return [line[0] for line in found]


def _write_accepted(
    connection: duckdb.DuckDBPyConnection, judge: laying.Judge, target: Path
) -> dict[str, int]:
    """Write the laid-out rows; answers NULLs per column."""
    statement = (
        f"COPY ({laying.accepted(judge)}) TO {literal(str(target))} ({_PARQUET}, RETURN_STATS)"
    )
    written = connection.execute(
        single_copy(connection, statement), {"raw": judge.raw.path, **judge.params}
    ).fetchall()
    statistics = written[0][4]
    return {
        column.name: int(statistics.get(identifier(column.name), {}).get("null_count", 0))
        for column in judge.columns
    }


def _write_edition(
    connection: duckdb.DuckDBPyConnection, orders: Mapping[str, Any], directory: Path
) -> int:
    """The laid-out rows in groups of equal facts, without those that are withheld; how many.

    Within a group they stand as they were delivered. Sorted, a filter on facts skips whole row
    groups. And full row groups say nothing: in any other order their sizes would tell how many
    rows were withheld between two that are there.
    """
    laid, edition = directory / LAID, directory / EDITION
    keys = [f"{identifier(name)} NULLS FIRST" for name in orders["group_by"]]
    order = ", ".join([*keys, identifier(laying.PLACE)])
    statement = (
        f"COPY (SELECT * EXCLUDE ({identifier(laying.PLACE)}) "  # noqa: S608 - all are quoted
        f"FROM read_parquet([{literal(str(laid))}], hive_partitioning = false) "
        f"{_not_withheld(orders)} ORDER BY {order}) "
        f"TO {literal(str(edition))} ({_PARQUET})"
    )
    rows = _one(connection, single_copy(connection, statement))
    laid.unlink()
    return rows


def _count(
    connection: duckdb.DuckDBPyConnection, orders: Mapping[str, Any], edition: Path
) -> dict[str, Any]:
    """Rows, columns, tallies and groups of the file that was just written."""
    file = f"read_parquet([{literal(str(edition))}], hive_partitioning = false)"
    tallies = {
        plan["name"]: connection.execute(
            f"SELECT CAST({identifier(plan['name'])} AS VARCHAR), count(*) FROM {file} "  # noqa: S608
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        for plan in orders["columns"]
        if plan["tally"]
    }
    described = connection.execute(f"DESCRIBE SELECT * FROM {file}").fetchall()  # noqa: S608
    return {
        "rows": _one(connection, f"SELECT count(*) FROM {file}"),  # noqa: S608
        "columns": [line[:2] for line in described if line[0] != laying.PLACE],
        "tallies": tallies,
        "groups": _groups(connection, orders, file),
    }


def _groups(
    connection: duckdb.DuckDBPyConnection, orders: Mapping[str, Any], file: str
) -> list[Any]:
    if not orders["group_by"]:
        return []
    names = ", ".join(identifier(name) for name in orders["group_by"])
    where = _not_withheld(orders)
    found = connection.execute(
        f"SELECT {names}, count(*) FROM {file} {where} "  # noqa: S608 - names are quoted
        f"GROUP BY {names} ORDER BY {names} LIMIT {MOST_GROUPS + 1}"
    ).fetchall()
    if len(found) > MOST_GROUPS:
        raise error("too-many-groups", limit=MOST_GROUPS)
    return [[[pack(value) for value in line[:-1]], line[-1]] for line in found]


def _not_withheld(orders: Mapping[str, Any]) -> str:
    flag = orders["not_where"]
    return f"WHERE NOT coalesce({identifier(flag)}, true)" if flag else ""


def _finish(directory: Path, rows: int, refused: int) -> dict[str, Any]:
    """Hash and sync what was written, and leave nothing else behind."""
    edition, listed = directory / EDITION, directory / REFUSED
    for leftover in (directory / SPILL).iterdir():
        leftover.unlink()
    (directory / SPILL).rmdir()
    if not refused:
        listed.unlink()
    return {
        "file": _file(edition, rows),
        "refused_file": _file(listed, refused) if refused else None,
    }


def _file(path: Path, rows: int) -> dict[str, Any]:
    sync_file(path)
    return {
        "name": path.name,
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "rows": rows,
    }


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    line = connection.execute(query).fetchone()
    return int(line[0]) if line else 0
