"""Cut an extract, in the child: check the sources, COPY, hash and sync the parts."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.duck.child import Job
from connectors.duck.session import (
    SPILL,
    identifier,
    known_type,
    literal,
    open_session,
    single_copy,
)
from connectors.duck.wire import unpack_all
from connectors.errors import error
from connectors.local import sha256_of, sync_file

ROW_GROUP = 32_768
"""Rows; small groups keep the writer's memory flat and let a reader skip more."""

_PARTS = "parts"
SOURCES, _OVERLAY = "vrijgave_sources", "vrijgave_overlay"
# names of parameters; those of the filter compiler never start so


def extract(job: Job) -> dict[str, Any]:
    """Write the parts named in the orders; answers their names, sizes, hashes and rows."""
    orders = job.orders
    directory = Path(orders["out_dir"])
    files = [*orders["sources"], *overlaid(orders)]
    sources = [Path(one["path"]) for one in files]
    with job.stage("hash sources"):
        check_sources(files)
    with job.stage("copy"):
        rows = _copy(job, sources, directory)
    with job.stage("hash parts"):
        files = _finish(directory, rows)
    return {"rows": sum(one["rows"] for one in files), "files": files}


TASKS = {"extract": extract}


def check_sources(sources: Sequence[Mapping[str, Any]]) -> None:
    """A bit that flipped in a Parquet file gives wrong rows without an error; its hash tells."""
    for one in sources:
        path = Path(one["path"])
        if not path.is_file() or path.stat().st_size != one["bytes"]:
            raise error("source-changed")
        if sha256_of(path) != one["sha256"]:
            raise error("source-changed")


def _copy(job: Job, sources: Sequence[Path], directory: Path) -> dict[str, int]:
    """Rows per written file, by name."""
    orders = job.orders
    connection = open_session(
        sources, directory, threads=orders["threads"], memory_mb=orders["memory_mb"]
    )
    params = unpack_all(orders["params"])
    if SOURCES in params:
        raise error("bad-plan", problem=f"the parameter `{SOURCES}` is ours")
    params |= files_of(orders)
    statement = single_copy(connection, copy_statement(orders, directory / _PARTS))
    with job.progress(lambda: max(0.0, connection.query_progress()) / 100):
        written = connection.execute(statement, params).fetchall()
    connection.close()
    return {Path(line[0]).name: line[1] for line in written}


def copy_statement(orders: Mapping[str, Any], target: Path) -> str:
    """The one COPY of an extract; values are bound, names and texts quoted."""
    columns = ", ".join(
        f"{_expression(one)} AS {identifier(one['name'])}" for one in orders["columns"]
    )
    metadata = ", ".join(
        f"{literal(name)}: {literal(text)}" for name, text in sorted(orders["metadata"].items())
    )
    options = [
        "FORMAT parquet",
        "COMPRESSION zstd",
        "COMPRESSION_LEVEL 1",
        "PARQUET_VERSION V2",
        f"ROW_GROUP_SIZE {ROW_GROUP}",
        f"FILE_SIZE_BYTES {int(orders['part_bytes'])}",
        "FILENAME_PATTERN 'part-{i}'",
        "RETURN_STATS",
        *([f"KV_METADATA {{{metadata}}}"] if metadata else []),
    ]
    return (
        f"COPY (SELECT {columns} FROM {relation(orders)} "  # noqa: S608 - quoted
        f"WHERE ({orders['where']}\n)) TO {literal(str(target))} ({', '.join(options)})"
    )


def overlaid(orders: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The file that is laid over the sources, where there is one."""
    overlay = orders.get("overlay")
    return [] if overlay is None else [overlay["file"]]


def files_of(orders: Mapping[str, Any], prefix: str = "") -> dict[str, list[str]]:
    """The parameters that name the files to read."""
    found = {f"{prefix}{SOURCES}": [str(one["path"]) for one in orders["sources"]]}
    over = [str(one["path"]) for one in overlaid(orders)]
    return found | ({f"{prefix}{_OVERLAY}": over} if over else {})


def relation(orders: Mapping[str, Any], prefix: str = "") -> str:
    """The rows to choose from: the sources, with what is laid over them in place."""
    source = f"read_parquet(${prefix}{SOURCES}, hive_partitioning = false)"
    overlay = orders.get("overlay")
    if overlay is None:
        return source
    replaced = ", ".join(
        f"{text} AS {identifier(name)}" for name, text in overlay["columns"].items()
    )
    added = "".join(f", {text} AS {identifier(name)}" for name, text in overlay["added"].items())
    key = identifier(overlay["key"])
    return (
        f"(SELECT source.* REPLACE ({replaced}){added} FROM {source} AS source "  # noqa: S608 - as above
        f"LEFT JOIN read_parquet(${prefix}{_OVERLAY}, hive_partitioning = false) AS overlay "
        f"ON overlay.{key} = source.{key})"
    )


def _expression(column: Mapping[str, Any]) -> str:
    if column["expression"] is None:
        return f"CAST(NULL AS {known_type(column['sql_type'])})"
    source = identifier(column["expression"])
    if column["shown"] is None:
        return source
    return f"CASE WHEN ({column['shown']}\n) THEN {source} END"


def _finish(directory: Path, rows: Mapping[str, int]) -> list[dict[str, Any]]:
    """Hash and sync what was written, and move it to where the caller looks."""
    files = []
    parts = directory / _PARTS
    for number, written in enumerate(sorted(rows, key=_number)):
        name = f"part-{number:05}.parquet"
        path = (parts / written).rename(directory / name)
        sync_file(path)
        size = path.stat().st_size
        files.append(
            {"name": name, "bytes": size, "sha256": sha256_of(path), "rows": rows[written]}
        )
    parts.rmdir()
    for leftover in (directory / SPILL).iterdir():
        leftover.unlink()
    (directory / SPILL).rmdir()
    _sync_directory(directory)
    return files


def _number(name: str) -> int:
    return int(name.removeprefix("part-").removesuffix(".parquet"))


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
