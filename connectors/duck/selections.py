"""Selections, in the child: check the files, run one SELECT, answer its rows or write them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from connectors.duck.child import Job
from connectors.duck.extract import ROW_GROUP, check_sources
from connectors.duck.session import SPILL, literal, open_session, single_copy
from connectors.duck.wire import pack, unpack_all
from connectors.errors import error
from connectors.local import sha256_of, sync_file

_FILE = "selected.parquet"


def rows(job: Job) -> dict[str, Any]:
    """The first rows of the selection."""
    connection, params = _opened(job)
    text = _single_select(connection, job.orders["text"])
    with job.stage("select"):
        found = connection.execute(text, params).fetchmany(int(job.orders["most"]))
    return {"rows": [[pack(value) for value in row] for row in found]}


def write(job: Job) -> dict[str, Any]:
    """The selection as a Parquet file, rows in the order of the text."""
    directory = Path(job.orders["directory"])
    connection, params = _opened(job)
    path = directory / _FILE
    options = (
        "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION V2, "
        f"ROW_GROUP_SIZE {ROW_GROUP}"
    )
    text = _single_select(connection, job.orders["text"])
    statement = single_copy(connection, f"COPY ({text}\n) TO {literal(str(path))} ({options})")
    with job.stage("select"):
        (written,) = connection.execute(statement, params).fetchall()
    connection.close()
    for leftover in (directory / SPILL).iterdir():
        leftover.unlink()
    (directory / SPILL).rmdir()
    sync_file(path)
    size = path.stat().st_size
    return {"name": _FILE, "bytes": size, "sha256": sha256_of(path), "rows": written[0]}


TASKS: Mapping[str, Callable[[Job], dict[str, Any]]] = {"rows": rows, "write": write}


def _opened(job: Job) -> tuple[duckdb.DuckDBPyConnection, dict[str, Any]]:
    """A locked session on the files, once their hashes were checked, and all parameters."""
    orders = job.orders
    files = {name: [Path(one["path"]) for one in some] for name, some in orders["files"].items()}
    with job.stage("hash sources"):
        for some in orders["files"].values():
            check_sources(some)
    connection = open_session(
        [path for paths in files.values() for path in paths],
        Path(orders["directory"]),
        threads=orders["threads"],
        memory_mb=orders["memory_mb"],
        ordered=True,
    )
    named = {name: [str(path) for path in paths] for name, paths in files.items()}
    return connection, {**unpack_all(orders["params"]), **named}


def _single_select(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The text itself, once DuckDB's own parser has said that it is one SELECT and no more."""
    try:
        found = connection.extract_statements(text)
    except duckdb.Error:
        raise error("bad-plan", problem="the selection cannot be parsed") from None
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise error("bad-plan", problem="the selection is more than a selection")
    return text
