"""A delivery as one raw Parquet file, in the child: every value as it was delivered, plus its line.

A Parquet delivery is its own raw file. CSV is staged by DuckDB, JSON by PyArrow in row groups, so
that later passes cost the same for every format and none holds the delivery in memory.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.duck.session import identifier
from connectors.errors import error
from connectors.ports import Format
from connectors.sources.files import LONGEST_RECORD
from connectors.sources.paths import Path as JsonPath
from connectors.sources.paths import read_path
from connectors.sources.records import Record, json_array, json_lines

MOST_COLUMNS = 2000

LINE = "_line"
REASON = "_reason"
RAW = "_raw"
OURS = frozenset({LINE, REASON, RAW})
"""Columns of a file of refused rows; in a delivery they are ours coming back, and passed over."""

_BATCH = 20_000  # records held at a time
_CSV_BUFFER = 8_000_000
_ROW_GROUP = 20_480


@dataclass(frozen=True)
class Raw:
    """Where the raw rows stand, and how their line follows from `number` (their place, from 1).

    `columns` are names with DuckDB types. `gaps` is the Parquet file of unreadable rows (`_line`,
    `_raw`), `unreadable` their number. `lines` says what a row's line is: its `number` (Parquet),
    `_line` in the raw file (JSON), or `csv`: its number, one for the header, one for each
    unreadable row before it.
    """

    path: str
    columns: list[tuple[str, str]]
    lines: str
    gaps: str = ""
    unreadable: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON for the pipe."""
        return asdict(self)


def parquet_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    """Names and types of a Parquet file; `DeliveryError` when it is none."""
    try:
        found = connection.execute(
            "DESCRIBE SELECT * FROM read_parquet([$path], hive_partitioning = false)",
            {"path": str(path)},
        ).fetchall()
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.SerializationException):
        raise error("not-parquet") from None
    return _bounded([(line[0], line[1]) for line in found if line[0] not in OURS])


def stage_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> Raw:
    """A Parquet delivery, as it is."""
    return Raw(str(path), parquet_columns(connection, path), lines="number")


# --- CSV ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written: its separator and its header."""

    separator: str
    columns: tuple[str, ...]


def read_dialect(path: Path) -> Dialect:
    """The separator that splits the header most, and the header's names."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.read(LONGEST_RECORD)
    if not head.strip():
        raise error("empty-file")
    headers = {mark: _header(head, mark) for mark in (",", ";", "\t", "|")}
    separator = max(headers, key=lambda mark: len(headers[mark]))
    names = headers[separator]
    if not any(names) or len({name.casefold() for name in names}) != len(names):
        raise error("not-csv")
    _bounded([(name, "VARCHAR") for name in names])
    return Dialect(separator, names)


def _header(head: str, separator: str) -> tuple[str, ...]:
    try:
        names = next(
            csv.reader(io.StringIO(head, newline=""), delimiter=separator, strict=True), []
        )
    except csv.Error:
        return ()
    return tuple(name.strip() or f"column{place}" for place, name in enumerate(names, start=1))


def csv_relation(dialect: Dialect) -> str:
    """The rows of a CSV file as texts; its path is the parameter `path`."""
    columns = ", ".join(f"{identifier(name)}: 'VARCHAR'" for name in dialect.columns)
    return (
        "read_csv($path, auto_detect = false, header = true, quote = '\"', escape = '\"', "
        f"delim = '{dialect.separator}', columns = {{{columns}}}, nullstr = '', "
        f"max_line_size = {LONGEST_RECORD}, buffer_size = {_CSV_BUFFER}, "
        "store_rejects = true, rejects_limit = 0)"
    )


def stage_csv(connection: duckdb.DuckDBPyConnection, path: Path, directory: Path) -> Raw:
    """A CSV delivery, staged; rows that do not fit the header go to the file of gaps."""
    dialect = read_dialect(path)
    kept = [name for name in dialect.columns if name not in OURS]
    raw, gaps = directory / "raw.parquet", directory / "gaps.parquet"
    names = ", ".join(identifier(name) for name in kept)
    connection.execute(
        f"COPY (SELECT {names} FROM {csv_relation(dialect)}) TO $raw "  # noqa: S608 - quoted
        f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {_ROW_GROUP})",
        {"path": str(path), "raw": str(raw)},
    )
    connection.execute(
        "COPY (SELECT line::BIGINT AS _line, any_value(csv_line) AS _raw FROM reject_errors "
        "GROUP BY line ORDER BY line) TO $gaps (FORMAT parquet)",
        {"gaps": str(gaps)},
    )
    counted = connection.execute(
        "SELECT count(*) FROM read_parquet($gaps)", {"gaps": str(gaps)}
    ).fetchone()
    columns = [(name, "VARCHAR") for name in kept]
    return Raw(str(raw), columns, "csv", str(gaps), counted[0] if counted else 0)


# --- JSON --------------------------------------------------------------------------------------


def stage_json(
    path: Path, form: Format, records: str, sources: Sequence[str], directory: Path
) -> Raw:
    """A JSON delivery, staged: a column per path that the mapping names."""
    paths = {source: read_path(source) for source in sources}
    found = json_lines(path) if form == "jsonl" else json_array(path, records)
    raw, gaps = directory / "raw.parquet", directory / "gaps.parquet"
    rows, unreadable, seen = _write_json(found, paths, raw, gaps)
    if rows + unreadable == 0:
        raise error("empty-file")
    if rows:
        _refuse_unseen(paths, seen)
    columns = [(name, "VARCHAR[]" if one.many else "VARCHAR") for name, one in paths.items()]
    return Raw(str(raw), columns, LINE, str(gaps), unreadable)


def _write_json(
    found: Iterator[Record], paths: dict[str, JsonPath], raw: Path, gaps: Path
) -> tuple[int, int, set[str]]:
    fields = [pa.field(LINE, pa.int64())]
    fields += [
        pa.field(name, pa.list_(pa.string()) if path.many else pa.string())
        for name, path in paths.items()
    ]
    schema = pa.schema(fields)
    gap_schema = pa.schema([pa.field(LINE, pa.int64()), pa.field(RAW, pa.string())])
    rows, unreadable, seen = 0, 0, set[str]()
    with (
        pq.ParquetWriter(raw, schema, compression="zstd") as good,
        pq.ParquetWriter(gaps, gap_schema, compression="zstd") as bad,
    ):
        for batch in _batches(found):
            whole = [one for one in batch if one.value is not None]
            broken = [one for one in batch if one.value is None]
            good.write_batch(_json_batch(whole, paths, schema, seen))
            bad.write_batch(_gap_batch(broken, gap_schema))
            rows, unreadable = rows + len(whole), unreadable + len(broken)
    return rows, unreadable, seen


def _batches(found: Iterator[Record]) -> Iterator[list[Record]]:
    """Records in lists of bearable size: long ones fill a list sooner."""
    batch: list[Record] = []
    size = 0
    for record in found:
        batch.append(record)
        size += 1 + len(record.raw) // 1000
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _json_batch(
    batch: Sequence[Record], paths: dict[str, JsonPath], schema: pa.Schema, seen: set[str]
) -> pa.RecordBatch:
    arrays = [pa.array([one.line for one in batch], pa.int64())]
    for name, path in paths.items():
        read = path.values if path.many else path.value
        values = [read(one.value) or None for one in batch]
        if name not in seen and any(value is not None for value in values):
            seen.add(name)
        arrays.append(pa.array(values, schema.field(name).type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _gap_batch(batch: Sequence[Record], schema: pa.Schema) -> pa.RecordBatch:
    lines = pa.array([one.line for one in batch], pa.int64())
    return pa.RecordBatch.from_arrays(
        [lines, pa.array([one.raw for one in batch], pa.string())], schema=schema
    )


def _refuse_unseen(paths: dict[str, JsonPath], seen: set[str]) -> None:
    """A path that finds nothing in the whole file is a slip of the pen, not an empty column."""
    for name in paths:
        if name not in seen:
            raise error("no-such-column", column=name)


def _bounded(columns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(columns) > MOST_COLUMNS:
        raise error("too-many-columns", columns=len(columns), limit=MOST_COLUMNS)
    if not columns:
        raise error("empty-file")
    return columns
