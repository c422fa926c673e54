"""Cut an extract, in the child: check the sources, COPY, hash and sync the parts.

Row groups that are given out whole are not encoded again (:mod:`connectors.duck.whole`).
"""

import gc
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.duck import whole
from connectors.duck.child import Job
from connectors.duck.relations import SOURCES, files_of, masked, overlaid, relation
from connectors.duck.session import (
    SPILL,
    identifier,
    literal,
    open_session,
    single_copy,
)
from connectors.duck.wire import unpack_all
from connectors.errors import error
from connectors.local import sha256_of, sync_file

ROW_GROUP = 32_768
"""Rows; small groups keep the writer's memory flat and let a reader skip more."""

_PARTS, _WHOLE = "parts", "whole"


def extract(job: Job) -> dict[str, Any]:
    """Write the parts named in the orders; answers their names, sizes, hashes and rows."""
    gc.disable()  # a large footer is half a million objects without a cycle; the process ends soon
    orders = job.orders
    directory = Path(orders["out_dir"])
    files = [*orders["sources"], *overlaid(orders)]
    sources = [Path(one["path"]) for one in files]
    with job.stage("hash sources"):
        check_sources(files)
    with job.stage("copy"):
        rows = _copy(job, sources, directory)
    with job.stage("hash parts"):
        files = finish(directory, rows, _PARTS, _WHOLE)
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


def _copy(job: Job, sources: Sequence[Path], directory: Path) -> dict[Path, int]:
    """Rows per written file, in their order."""
    orders = job.orders
    connection = open_session(
        sources,
        directory,
        threads=orders["threads"],
        memory_mb=orders["memory_mb"],
        withholding=True,
    )
    params = unpack_all(orders["params"])
    if SOURCES in params:
        raise error("bad-plan", problem=f"the parameter `{SOURCES}` is ours")
    params |= files_of(orders)
    statement = single_copy(connection, copy_statement(orders, directory / _PARTS))
    with job.progress(lambda: max(0.0, connection.query_progress()) / 100):
        taken = whole.take(connection, orders, params, directory / _WHOLE)
        written = dict(taken.files)
        if taken.rest:
            params[SOURCES] = [str(path) for path in taken.rest]
            found = connection.execute(statement, params).fetchall()
            written |= _in_order(found, directory / _PARTS)
    connection.close()
    return written


def _in_order(found: Sequence[Sequence[Any]], parts: Path) -> dict[Path, int]:
    rows = {Path(line[0]).name: int(line[1]) for line in found}
    return {parts / name: rows[name] for name in sorted(rows, key=_number)}


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


def _expression(column: Mapping[str, Any]) -> str:
    if column["expression"] is None:
        return masked(column)
    source = identifier(column["expression"])
    if column["shown"] is None:
        return source
    return f"CASE WHEN ({column['shown']}\n) THEN {source} END"


def finish(directory: Path, written: Mapping[Path, int], *cleared: str) -> list[dict[str, Any]]:
    """Hash and sync what was written, and move it to where the caller looks.

    :param cleared: directories that are to go, with what is left in them.
    """
    files = []
    for number, (place, rows) in enumerate(written.items()):
        if not rows and len(written) > 1:
            place.unlink()  # of the rest nothing passed
            continue
        path = place.rename(directory / f"part-{number:05}.parquet")
        sync_file(path)
        files.append(
            {
                "name": path.name,
                "bytes": path.stat().st_size,
                "sha256": sha256_of(path),
                "rows": rows,
            }
        )
    for folder in (SPILL, *cleared):
        if (directory / folder).exists():
            shutil.rmtree(directory / folder)
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
