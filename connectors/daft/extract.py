"""Cut an extract with Daft, in the child: check the sources, run the plan, put the parts together.

DuckDB reads the plan as well, without a row: it refuses what it would refuse, and the empty file
that it writes says which types the parts must have.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

os.environ |= {
    "DO_NOT_TRACK": "true",
    "DAFT_ANALYTICS_ENABLED": "0",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}

import daft
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from daft.io.sink import DataSink, WriteResult
from daft.recordbatch import MicroPartition
from daft.schema import Schema

from connectors.daft.translating import Names, Translator, Typed, column
from connectors.duck.child import Job
from connectors.duck.extract import ROW_GROUP, check_sources, copy_statement, finish
from connectors.duck.relations import files_of, overlaid
from connectors.duck.session import open_session, single_copy
from connectors.duck.wire import unpack_all
from connectors.errors import error
from connectors.stitching import Encoded, Piece, stitch

_SHAPE, _PIECES, _PARTS = "shape", "pieces", "parts"
_OVER = "vrijgave_overlay."
_ALIKE = frozenset(
    {
        pa.string(),
        pa.bool_(),
        pa.int32(),
        pa.int64(),
        pa.float64(),
        pa.date32(),
        pa.timestamp("us"),
        pa.timestamp("us", "UTC"),
    }
)
"""Types that come out as DuckDB writes them; lists and structs of them do too."""


def extract(job: Job) -> dict[str, Any]:
    """Write the parts named in the orders; answers their names, sizes, hashes and rows."""
    orders = job.orders
    directory = Path(orders["out_dir"])
    files = [*orders["sources"], *overlaid(orders)]
    with job.stage("hash sources"):
        check_sources(files)
    with job.stage("copy"):
        written = _run(orders, [Path(one["path"]) for one in files], directory)
    with job.stage("hash parts"):
        made = finish(directory, written, _SHAPE, _PIECES, _PARTS)
    return {"rows": sum(one["rows"] for one in made), "files": made}


TASKS = {"extract": extract}


def _run(orders: Mapping[str, Any], files: Sequence[Path], directory: Path) -> dict[Path, int]:
    """Rows per part, in their order."""
    if orders["cluster"]:
        daft.set_runner_ray(orders["cluster"])
    else:
        daft.set_runner_native(orders["threads"])
    connection = open_session(
        files,
        directory,
        threads=orders["threads"],
        memory_mb=orders["memory_mb"],
        withholding=True,
    )
    empty = _shape(connection, orders, directory / _SHAPE)
    frame = _frame(connection, orders, pq.read_schema(empty))
    connection.close()
    pieces = directory / _PIECES
    pieces.mkdir()
    shown = pq.read_schema(empty).remove_metadata()
    frame.write_sink(_Pieces(str(pieces), shown.serialize().to_pybytes()))
    found = [Encoded(path) for path in sorted(pieces.iterdir())]
    if not found:
        return {empty: 0}
    empty.unlink()
    parts = directory / _PARTS
    parts.mkdir()
    written = stitch(
        _groups(found, shown.names),
        parts,
        metadata=orders["metadata"],
        part_bytes=orders["part_bytes"],
        prefix="part-",
    )
    for one in found:
        one.path.unlink()
    return {parts / name: rows for name, rows in written.items()}


def _groups(found: Sequence[Encoded], names: Sequence[str]) -> Iterator[list[Piece]]:
    for file in found:
        for group in range(len(file.groups)):
            yield [Piece(file, group, name, name) for name in names]


def _shape(connection: duckdb.DuckDBPyConnection, orders: Mapping[str, Any], target: Path) -> Path:
    """The file that DuckDB writes when no row passes."""
    params = unpack_all(orders["params"]) | files_of(orders)
    single_copy(connection, copy_statement(orders, target))
    nothing = copy_statement({**orders, "where": f"({orders['where']}\n) AND false"}, target)
    connection.execute(single_copy(connection, nothing), params)
    (path,) = target.iterdir()
    return path


def _frame(
    connection: duckdb.DuckDBPyConnection, orders: Mapping[str, Any], shape: pa.Schema
) -> daft.DataFrame:
    """The plan: scan, ledger join, filter, mask."""
    sources = [one["path"] for one in orders["sources"]]
    types = _types(sources)
    frame = daft.read_parquet(sources)
    known: Names = {(name,): column(name, kind) for name, kind in types.items()}
    params = unpack_all(orders["params"])
    if orders["overlay"] is not None:
        frame, laid = _laid_over(connection, frame, orders["overlay"], types)
        known |= laid
    translator = Translator(connection, known, params)
    frame = frame.where(translator.condition(orders["where"]).fill_null(False))
    columns = [
        _shown(translator, one, types, shape.field(one["name"]).type) for one in orders["columns"]
    ]
    return frame.select(*columns)


def _types(files: Sequence[str]) -> dict[str, pa.DataType]:
    """The columns of equal files; DuckDB gives names that differ in case alone others."""
    schemas = [pq.read_schema(file) for file in files]
    names = schemas[0].names
    if any(not one.equals(schemas[0]) for one in schemas) or len(
        {name.casefold() for name in names}
    ) < len(names):
        raise error("beyond-engine", what="files of different columns")
    return dict(zip(names, schemas[0].types, strict=True))


def _laid_over(
    connection: duckdb.DuckDBPyConnection,
    frame: daft.DataFrame,
    overlay: Mapping[str, Any],
    types: Mapping[str, pa.DataType],
) -> tuple[daft.DataFrame, Names]:
    """The frame joined to what is laid over it, and the columns that this changes or adds."""
    file = overlay["file"]["path"]
    over = _types([file])
    key = overlay["key"]
    other = daft.read_parquet(file).select(*(daft.col(n).alias(f"{_OVER}{n}") for n in over))
    joined = frame.join(other, left_on=key, right_on=f"{_OVER}{key}", how="left")
    columns: Names = {("source", name): column(name, kind) for name, kind in types.items()}
    for name, kind in over.items():
        if name != key:
            columns["overlay", name] = column(f"{_OVER}{name}", kind)
    translator = Translator(connection, columns, {})
    texts = {**overlay["columns"], **overlay["added"]}
    found = {name: translator.expression(text) for name, text in texts.items()}
    laid = joined.with_columns({name: one.expression for name, one in found.items()})
    return laid, {(name,): Typed(one.kind, daft.col(name)) for name, one in found.items()}


def _shown(
    translator: Translator,
    one: Mapping[str, Any],
    types: Mapping[str, pa.DataType],
    wanted: pa.DataType,
) -> daft.Expression:
    """A column of the extract: shown, shown in some rows, or NULL."""
    source = one["expression"]
    if not _is_alike(wanted) or (source is not None and not _equal(types[source], wanted)):
        raise error("beyond-engine", what=f"the type {wanted}")
    nothing = daft.lit(None).cast(daft.DataType.from_arrow_type(wanted))
    if source is None:
        return nothing.alias(one["name"])
    if one["shown"] is None:
        return daft.col(source).alias(one["name"])
    shown = translator.condition(one["shown"]).fill_null(False)
    return shown.if_else(daft.col(source), nothing).alias(one["name"])


def _is_alike(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return _is_alike(kind.value_type)
    if pa.types.is_struct(kind):
        return all(_is_alike(kind.field(place).type) for place in range(kind.num_fields))
    return kind in _ALIKE


def _equal(kind: pa.DataType, wanted: pa.DataType) -> bool:
    """Equal but for the name that a list gives its elements."""
    if pa.types.is_list(kind) and pa.types.is_list(wanted):
        return _equal(kind.value_type, wanted.value_type)
    return bool(kind == wanted)


class _Pieces(DataSink[dict[str, Any]]):
    """Writes each batch of rows that an engine's worker has ready as a file of its own."""

    def __init__(self, directory: str, schema: bytes) -> None:
        self._directory, self._schema = directory, schema

    def schema(self) -> Schema:
        """Of what is answered: nothing."""
        return Schema.from_pyarrow_schema(pa.schema({"rows": pa.int64()}))

    def write(
        self, micropartitions: Iterator[MicroPartition]
    ) -> Iterator[WriteResult[dict[str, Any]]]:
        """Encode with the types that DuckDB gives them, and no schema of Arrow's beside."""
        schema = pa.ipc.read_schema(pa.py_buffer(self._schema))
        for batch in micropartitions:
            table = batch.to_arrow().cast(schema)
            if table.num_rows:
                _write(table, f"{self._directory}/{uuid4().hex}.parquet")
            yield WriteResult({}, bytes_written=table.nbytes, rows_written=table.num_rows)

    def finalize(self, write_results: list[WriteResult[dict[str, Any]]]) -> MicroPartition:
        """How many rows each batch had."""
        return MicroPartition.from_pydict({"rows": [one.rows_written for one in write_results]})


def _write(table: pa.Table, path: str) -> None:
    pq.write_table(
        table,
        path,
        row_group_size=ROW_GROUP,
        compression="zstd",
        compression_level=1,
        data_page_version="2.0",
        store_schema=False,
    )
