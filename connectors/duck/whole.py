"""Row groups that an extract gives out whole: their chunks are copied, not encoded once more.

An edition is laid out in groups of equal facts, so that most row groups pass a filter with all of
their rows or with none. Which do is counted, not guessed from statistics. Nothing of a row that is
held back is copied: its group is not whole, and goes through COPY.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from connectors.duck.relations import masked, overlaid, relation
from connectors.duck.session import identifier, literal
from connectors.stitching import Encoded, Piece, stitch
from connectors.thrift import Unreadable

_NUMBER = "file_row_number"


@dataclass(frozen=True)
class Taken:
    """What was copied: rows by file, and the files from which the rest is still to be chosen."""

    files: Mapping[Path, int]
    rest: Sequence[Path]


def take(
    connection: duckdb.DuckDBPyConnection,
    orders: Mapping[str, Any],
    params: Mapping[str, Any],
    directory: Path,
) -> Taken:
    """Copy the row groups of which the extract gives out every row, into a new `directory`.

    Those with some of their rows are put into a file of their own, so that no other is read again.
    """
    untouched = Taken({}, [Path(one["path"]) for one in orders["sources"]])
    try:
        source = _source(orders)
        passing = _passing(connection, orders, params, source) if source else {}
        whole = [group for group, all_of_it in passing.items() if all_of_it]
        if source is None or not whole:
            return untouched
        directory.mkdir()
        written = stitch(
            _pieces(connection, orders["columns"], source, whole, directory),
            directory,
            metadata=orders["metadata"],
            part_bytes=orders["part_bytes"],
            prefix="part-",
        )
        partly = [group for group, all_of_it in passing.items() if not all_of_it]
        rest = _as_they_are(source, partly, directory)
    except Unreadable:  # COPY has its own reader, and says what is wrong if something is
        return untouched
    return Taken({directory / name: rows for name, rows in written.items()}, rest)


def _source(orders: Mapping[str, Any]) -> Encoded | None:
    """The one file to copy from, where its chunks can stand in the extract as they are.

    Of a ledger with more items than there are row groups, hardly a group stays untouched: looking
    for those would cost more than it saves.
    """
    if len(orders["sources"]) != 1:
        return None
    source = Encoded(Path(orders["sources"][0]["path"]))
    laid_over = orders.get("overlay") or {"columns": {}, "added": {}}
    changed = {*laid_over["columns"], *laid_over["added"], _NUMBER}
    shown = {one["expression"] for one in orders["columns"] if one["expression"] is not None}
    few = all(
        sum(Encoded(Path(file["path"])).rows) <= len(source.groups) for file in overlaid(orders)
    )
    # all groups but the last are equally long: a row's place tells its group
    even = len({*source.rows[:-1]}) == 1 or len(source.rows) == 1
    fits = even and source.rows[-1] <= source.rows[0]
    known = shown <= source.columns.keys() and not shown & changed
    return source if few and fits and known and _NUMBER not in source.columns else None


def _passing(
    connection: duckdb.DuckDBPyConnection,
    orders: Mapping[str, Any],
    params: Mapping[str, Any],
    source: Encoded,
) -> dict[int, bool]:
    """The groups with rows that pass, and whether all do, with every cell that may be masked.

    One that is larger than a part should be does not count as whole.
    """
    masks = " AND ".join(f"({one['shown']}\n)" for one in orders["columns"] if one["shown"])
    found = connection.execute(
        f"SELECT {_NUMBER} // {source.rows[0]}, count(*) FILTER ({masks or 'true'}) "  # noqa: S608 - our own text
        f"FROM {relation(orders, numbered=True)} WHERE ({orders['where']}\n) "
        "GROUP BY 1 ORDER BY 1",
        params,
    ).fetchall()
    return {
        group: rows == source.rows[group] and source.bytes(group) <= orders["part_bytes"]
        for group, rows in found
    }


def _as_they_are(source: Encoded, groups: Sequence[int], directory: Path) -> list[Path]:
    """These row groups with all of their columns, in one file; none where there are none."""
    pieces = ([Piece(source, group, name, name) for name in source.columns] for group in groups)
    size = source.path.stat().st_size
    written = stitch(pieces, directory, metadata={}, part_bytes=size, prefix="rest-")
    return [directory / name for name in written]


def _pieces(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[Mapping[str, Any]],
    source: Encoded,
    groups: Sequence[int],
    directory: Path,
) -> Iterator[list[Piece]]:
    hidden = [one for one in columns if one["expression"] is None]
    empty: dict[int, Encoded] = {}
    for group in groups:
        rows = source.rows[group]
        if hidden and rows not in empty:
            empty[rows] = _nulls(connection, hidden, rows, directory / f"nulls-{rows}")
        yield [
            Piece(empty[rows], 0, one["name"], one["name"])
            if one["expression"] is None
            else Piece(source, group, one["expression"], one["name"])
            for one in columns
        ]
    for file in empty.values():
        file.path.unlink()


def _nulls(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[Mapping[str, Any]],
    rows: int,
    path: Path,
) -> Encoded:
    """A row group of so many NULLs in these columns."""
    chosen = ", ".join(f"{masked(one)} AS {identifier(one['name'])}" for one in columns)
    options = f"FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, ROW_GROUP_SIZE {rows}"
    connection.execute(
        f"COPY (SELECT {chosen} FROM range({rows})) TO {literal(str(path))} ({options})"  # noqa: S608 - quoted
    )
    found = Encoded(path)
    if found.rows != [rows]:
        raise Unreadable
    return found
