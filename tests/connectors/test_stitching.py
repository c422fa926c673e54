"""Chunks copied from one Parquet file to another hold what they held, and nothing else."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import ExtractPlan, OutColumn, Overlay, SourceFile, open_extractor, thrift
from connectors.local import sha256_of
from connectors.stitching import Encoded, Piece, stitch
from connectors.thrift import Unreadable

SIZE = 4096
"""Rows of a row group here."""


def _values(number: int) -> dict[str, object]:
    some = number % 5
    return {
        "text": ("", "één", None, f"title {number}", "𝄞")[some],
        "whole": (0, 2**63 - 1, -(2**63), None, number)[some],
        "real": (float("nan"), float("inf"), -0.0, None, 1 / 3)[some],
        "flag": (True, False, None, True, False)[some],
        "day": (date(1, 1, 1), date(9999, 12, 31), None, date(2026, 11, 23), date(1969, 12, 31))[
            some
        ],
        "moment": datetime(2026, 3, 29, 1, number % 60, tzinfo=UTC) if some else None,
        "price": Decimal(number) / 100 if some else None,
        "words": ([], None, ["a", None], ["b"], [""])[some],
        "place": ({"x": number, "y": None}, None, {"x": None, "y": ["n"]}, None, {"x": 1, "y": []})[
            some
        ],
    }


TABLE = pa.Table.from_pylist(
    [_values(number) for number in range(3 * SIZE + 100)],
    pa.schema(
        {
            "text": pa.string(),
            "whole": pa.int64(),
            "real": pa.float64(),
            "flag": pa.bool_(),
            "day": pa.date32(),
            "moment": pa.timestamp("us", "UTC"),
            "price": pa.decimal128(12, 2),
            "words": pa.list_(pa.string()),
            "place": pa.struct({"x": pa.int64(), "y": pa.list_(pa.string())}),
        }
    ),
)


def by_arrow(path: Path) -> None:
    """Write the table with PyArrow."""
    pq.write_table(TABLE, path, row_group_size=SIZE, compression="snappy")


def by_duckdb(path: Path) -> None:
    """Write it with DuckDB, with indexes and filters beside the chunks."""
    connection = duckdb.connect()
    connection.register("given", TABLE)
    connection.execute(
        f"COPY given TO '{path}' (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, "
        f"ROW_GROUP_SIZE {SIZE})"
    )


WRITERS = (by_arrow, by_duckdb)


def _whole(source: Encoded, names: Sequence[str]) -> list[list[Piece]]:
    return [
        [Piece(source, group, name, f"my {name}") for name in names]
        for group in range(len(source.groups))
    ]


@pytest.mark.parametrize("write", WRITERS)
def test_what_is_copied_reads_the_same(write: Callable[[Path], None], tmp_path: Path) -> None:
    """Some columns in another order, under other names: the same rows and types for two readers."""
    write(tmp_path / "source")
    names = ["place", "text", "price", "words", "moment", "real", "whole", "day", "flag"]
    written = stitch(
        _whole(Encoded(tmp_path / "source"), names),
        tmp_path,
        metadata={"told": "één"},
        part_bytes=1 << 20,
        prefix="part-",
    )
    (name,) = written
    assert written[name] == TABLE.num_rows
    source, copy = pq.read_table(tmp_path / "source", columns=names), pq.read_table(tmp_path / name)
    assert copy.column_names == [f"my {one}" for one in names]
    assert repr(copy.rename_columns(names).to_pylist()) == repr(source.to_pylist())
    assert copy.schema.types == source.schema.types
    assert pq.read_metadata(tmp_path / name).metadata == {b"told": "één".encode()}
    pq.write_table(source, tmp_path / "again")
    read = [
        duckdb.read_parquet(str(path)).project("CAST(COLUMNS(*) AS VARCHAR)").fetchall()
        for path in (tmp_path / name, tmp_path / "again")
    ]
    assert read[0] == read[1]


def test_statistics_still_let_a_reader_skip(tmp_path: Path) -> None:
    """A filter reads the same rows through the copied minima and maxima."""
    by_duckdb(tmp_path / "source")
    (name,) = stitch(
        _whole(Encoded(tmp_path / "source"), ["whole"]),
        tmp_path, metadata={}, part_bytes=1 << 20, prefix="part-",
    )  # fmt: skip
    found = pq.read_table(tmp_path / name, filters=[("my whole", ">", 3 * SIZE)])
    assert (
        found.num_rows
        == pq.read_table(tmp_path / "source", filters=[("whole", ">", 3 * SIZE)]).num_rows
    )
    assert pq.read_metadata(tmp_path / name).row_group(0).column(0).is_stats_set


@pytest.mark.parametrize("write", WRITERS)
def test_a_footer_comes_out_as_it_went_in(write: Callable[[Path], None], tmp_path: Path) -> None:
    """Reading and writing a footer changes no byte of it, fields unknown here included."""
    write(tmp_path / "source")
    content = (tmp_path / "source").read_bytes()
    footer = content[-8 - int.from_bytes(content[-8:-4], "little") : -8]
    assert thrift.write(thrift.read(footer)) == footer


def test_a_damaged_footer_is_unreadable(tmp_path: Path) -> None:
    """Cut short or changed anywhere, it is read as something or refused; nothing else happens."""
    by_arrow(tmp_path / "source")
    content = (tmp_path / "source").read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    chance, refused = random.Random(1), 0
    for _ in range(300):
        changed = bytearray(content)
        changed[chance.randrange(len(content) - 8 - length, len(content))] = chance.randrange(256)
        (tmp_path / "changed").write_bytes(changed[: chance.choice((None, -9, -4))])
        try:
            Encoded(tmp_path / "changed")
        except Unreadable:
            refused += 1
    assert refused > 100


def test_what_is_no_plain_parquet_is_unreadable(tmp_path: Path) -> None:
    """Another file, two columns of one name, and an encrypted chunk are not copied from."""
    path = tmp_path / "some"
    path.write_bytes(b"PAR1 but not for long")
    with pytest.raises(Unreadable):
        Encoded(path)
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), path)
    with pytest.raises(Unreadable):
        Encoded(path)
    pq.write_table(pa.table({"a": [1]}), path)
    sealed, short = Encoded(path), Encoded(path)
    sealed.chunks(0, "a")[0][8] = (thrift.STRUCT, {})
    short.chunks(0, "a")[0][3][1][7] = (thrift.I64, 1 << 20)
    for number, source in enumerate((sealed, short)):
        with pytest.raises(Unreadable):
            stitch(
                _whole(source, ["a"]),
                tmp_path, metadata={}, part_bytes=1, prefix=f"{number}-",
            )  # fmt: skip
    assert stitch([], tmp_path, metadata={}, part_bytes=1, prefix="none") == {}


def source_file(path: Path) -> SourceFile:
    """A file as an edition registers it."""
    return SourceFile(path, sha256_of(path), path.stat().st_size)


@pytest.fixture
def plan(tmp_path: Path) -> ExtractPlan:
    """An edition of six row groups: free, closed or mixed, the last one free and short."""
    groups = ("free", "closed", "mixed", "free", "closed", "free")
    count = 5 * SIZE + 100
    rights = [
        ("free", "closed")[n % 2] if groups[n // SIZE] == "mixed" else groups[n // SIZE]
        for n in range(count)
    ]
    table = pa.table(
        {
            "_item": [f"i{n}" for n in range(count)],
            "_rights": rights,
            "title": [f"{rights[n]}-title-{n}" for n in range(count)],
            "names": [f"person-{n}" for n in range(count)],
        }
    )
    path, out = tmp_path / "edition.parquet", tmp_path / "out"
    pq.write_table(table, path, row_group_size=SIZE, compression="none", use_dictionary=False)
    out.mkdir()
    return ExtractPlan(
        sources=(source_file(path),),
        columns=(
            OutColumn("_item", "_item", "VARCHAR"),
            OutColumn("title", "title", "VARCHAR"),
            OutColumn("names", None, "VARCHAR"),
        ),
        where="_rights = $free",
        params={"free": "free"},
        metadata={"edition": "archive/news@1"},
        out_dir=out,
    )


def _rows(plan: ExtractPlan) -> list[tuple[object, ...]]:
    found = pq.read_table(plan.out_dir).to_pylist()
    return sorted(tuple(row.values()) for row in found)


def _expected(plan: ExtractPlan, *closed: str) -> list[tuple[object, ...]]:
    rows = pq.read_table(plan.sources[0].path).to_pylist()
    return sorted(
        (row["_item"], row["title"], None)
        for row in rows
        if row["_rights"] == "free" and row["_item"] not in closed
    )


def test_whole_groups_are_copied_and_the_rest_is_filtered(plan: ExtractPlan) -> None:
    """Together they are the rows that pass, masked, and no byte of any other row is there."""
    result = open_extractor().extract(plan)
    assert _rows(plan) == _expected(plan)
    assert result.rows == len(_rows(plan)) == sum(file.rows for file in result.files)
    copied, *rest = (pq.read_metadata(plan.out_dir / file.name) for file in result.files)
    assert (copied.num_row_groups, copied.num_rows, len(rest)) == (3, 2 * SIZE + 100, 1)
    for file in result.files:
        content = (plan.out_dir / file.name).read_bytes()
        assert b"closed-title" not in content
        assert b"person-" not in content
        assert sha256_of(plan.out_dir / file.name) == file.sha256
        assert pq.read_metadata(plan.out_dir / file.name).metadata[b"edition"]
    assert {one.name for one in plan.out_dir.iterdir()} == {one.name for one in result.files}
    assert len({repr(pq.read_schema(plan.out_dir / one.name)) for one in result.files}) == 1


def test_an_edition_that_passes_whole_is_never_encoded(plan: ExtractPlan) -> None:
    """All groups are copied, in their order and in parts of the size asked for."""
    everything = replace(plan, where="true", params={}, part_bytes=600_000)
    result = open_extractor().extract(everything)
    assert len(result.files) > 1
    items = pa.concat_tables(
        pq.read_table(plan.out_dir / one.name, columns=["_item"]) for one in result.files
    )
    assert items["_item"].to_pylist() == [f"i{n}" for n in range(5 * SIZE + 100)]


def test_a_column_shown_in_some_rows_leaves_only_whole_groups(plan: ExtractPlan) -> None:
    """A group in which one cell is masked is written anew; the mask holds everywhere."""
    columns = (
        OutColumn("_item", "_item", "VARCHAR"),
        OutColumn("title", "title", "VARCHAR", "_rights = $free"),
    )
    open_extractor().extract(replace(plan, where="true", columns=columns))
    found = {row["_item"]: row["title"] for row in pq.read_table(plan.out_dir).to_pylist()}
    for row in pq.read_table(plan.sources[0].path).to_pylist():
        assert found[row["_item"]] == (row["title"] if row["_rights"] == "free" else None)


@pytest.mark.parametrize("closed", [1, 500])
def test_what_a_ledger_closes_is_in_no_copy(plan: ExtractPlan, tmp_path: Path, closed: int) -> None:
    """A ledger of few items leaves other groups whole, one of many none; its items never leave."""
    items = [f"i{7 + n}" for n in range(closed)]
    ledger = pa.table({"_item": items, "_closed_in": ["*"] * closed})
    pq.write_table(ledger, tmp_path / "ledger.parquet")
    overlay = Overlay(
        source_file(tmp_path / "ledger.parquet"),
        "_item",
        {"_rights": "source._rights"},
        {"_closed_in": "overlay._closed_in"},
    )
    where = f"{plan.where} AND _closed_in IS NULL"
    result = open_extractor().extract(replace(plan, overlay=overlay, where=where))
    assert _rows(plan) == _expected(plan, *items)
    first = pq.read_metadata(plan.out_dir / result.files[0].name)
    assert first.num_rows == (SIZE + 100 if closed == 1 else result.rows)


def test_groups_of_odd_sizes_and_a_column_with_our_name_are_filtered(
    plan: ExtractPlan, tmp_path: Path
) -> None:
    """Where a row's place does not tell its group, nothing is copied, and the rows are right."""
    whole = pq.read_table(plan.sources[0].path)
    odd = tmp_path / "odd.parquet"
    with pq.ParquetWriter(odd, whole.schema) as writer:
        writer.write_table(whole.slice(0, 1000))
        writer.write_table(whole.slice(1000, 3000))
        writer.write_table(whole.slice(4000))
    named = tmp_path / "named.parquet"
    taken = whole.append_column("file_row_number", pa.array([0] * whole.num_rows))
    pq.write_table(taken, named, row_group_size=SIZE)
    for path in (odd, named):
        for leftover in plan.out_dir.iterdir():
            leftover.unlink()
        open_extractor().extract(replace(plan, sources=(source_file(path),)))
        assert _rows(plan) == _expected(plan)
