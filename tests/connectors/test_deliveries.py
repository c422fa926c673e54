"""Deliveries that cannot be read as a whole: a plain error, quickly, and nothing left behind."""

import gzip
import json
import random
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.ingest import layout
from catalog.mapping import Mapping, parse_mapping
from connectors import ConnectorError, Delivery, DeliveryError, JobError, PlanError, open_importer
from connectors.ports import Format
from connectors.sources import guess_format
from registry.demo import generator

SMALL = parse_mapping(
    {
        "columns": [
            {"source": "nr", "role": "identifier"},
            {"source": "titel", "role": "content"},
        ],
        "declared": {"rights": "CC0"},
    }
)


def failure(directory: Path, path: Path, form: Format, mapping: Mapping = SMALL) -> ConnectorError:
    """The error that importing gives; it must leave nothing behind."""
    out, scratch = directory / "out", directory / "scratch"
    out.mkdir()
    scratch.mkdir()
    with pytest.raises(ConnectorError) as caught:
        open_importer(scratch).lay_out(
            Delivery(path, form, mapping.records), layout(mapping, key=b"k"), out
        )
    assert list(out.iterdir()) == []
    assert list(scratch.iterdir()) == []
    assert caught.value.nl != caught.value.en
    return caught.value


@pytest.mark.parametrize(
    ("content", "form", "code"),
    [
        (b"", "csv", "empty-file"),
        (b"", "parquet", "empty-file"),
        (b"", "jsonl", "empty-file"),
        (b"\n \n", "csv", "empty-file"),
        (b"\n\n", "jsonl", "empty-file"),
        (b"[]", "json", "no-records"),
        (b'{"a": 1}', "json", "no-records"),
        (b'[{"nr": 1}, {"nr"', "json", "not-json"),
        (b"PAR1 but not really PAR1", "parquet", "not-parquet"),
        (b"nr,titel\n1,a\n", "parquet", "not-parquet"),
        (gzip.compress(b"nr,titel\n1,a\n", mtime=0), "csv", "compressed"),
        (b"PK\x03\x04zipped", "jsonl", "compressed"),
        ("nr,titel\n1,caf\u00e9\n".encode("latin-1"), "csv", "not-utf8"),
        (b"nr,nr\n1,2\n", "csv", "not-csv"),
        (b"nr,Titel\n1,a\n", "csv", "no-such-column"),
        (b'{"nr": "1", "Titel": "a"}', "jsonl", "no-such-column"),
        (",".join(f"c{n}" for n in range(2001)).encode() + b"\n", "csv", "too-many-columns"),
    ],
)
def test_a_broken_file_says_what_is_wrong(
    tmp_path: Path, content: bytes, form: Format, code: str
) -> None:
    """Each kind of broken delivery has its own code and sentence."""
    path = tmp_path / "delivery"
    path.write_bytes(content)
    found = failure(tmp_path, path, form)
    assert isinstance(found, DeliveryError)
    assert found.code == code


def test_an_absent_file_and_an_absent_column_are_named(tmp_path: Path) -> None:
    """A delivery that is gone, and a mapping that names a column Parquet does not have."""
    path = tmp_path / "d.parquet"
    assert failure(tmp_path, path, "parquet").code == "not-found"
    pq.write_table(pa.table({"nr": ["1"]}), path)
    found = failure_again(tmp_path, path)
    assert (found.code, found.facts) == ("no-such-column", {"column": "titel"})


def failure_again(directory: Path, path: Path) -> ConnectorError:
    """The same in a fresh directory."""
    again = directory / "again"
    again.mkdir()
    return failure(again, path, "parquet")


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_an_endless_line_is_refused_at_once(tmp_path: Path, form: Format) -> None:
    """A line of 5 GB costs neither its reading time nor its memory."""
    path = tmp_path / "d"
    start = {"csv": b"nr,titel\n1,", "jsonl": b'{"nr": "', "json": b'[{"nr": "'}[form]
    with path.open("wb") as file:
        file.write(start + b"x" * 4_000_000)
        file.truncate(5_000_000_000)
    begun = time.monotonic()
    found = failure(tmp_path, path, form)
    assert found.code == "record-too-long"
    assert time.monotonic() - begun < 5


def test_a_quoted_cell_cannot_swallow_the_file(tmp_path: Path) -> None:
    """An unclosed quote makes rows unreadable; it does not become one huge cell."""
    path = tmp_path / "d.csv"
    path.write_text('nr,titel\n1,a\n2,"open\n' + "x,y\n" * 1_000_000)
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    out.mkdir()
    scratch.mkdir()
    found = open_importer(scratch).lay_out(Delivery(path, "csv"), layout(SMALL, key=b"k"), out)
    assert found.reasons["unreadable-row"] >= 1
    assert found.file.bytes < 2_000_000


def test_too_many_different_rights_are_the_wrong_column(tmp_path: Path) -> None:
    """A rights column in which every value differs is refused by name."""
    path = tmp_path / "d.parquet"
    numbers = [str(n) for n in range(100_001)]
    pq.write_table(pa.table({"nr": numbers, "titel": numbers}), path)
    mapping = parse_mapping(
        {
            "columns": [
                {"source": "nr", "role": "identifier"},
                {"source": "titel", "role": "rights"},
                {"source": "nr", "role": "content"},
            ]
        }
    )
    assert failure(tmp_path, path, "parquet", mapping).code == "too-many-values"


def test_a_path_with_wildcards_is_never_expanded(tmp_path: Path) -> None:
    """A delivery whose own name holds a wildcard reads no other file."""
    pq.write_table(pa.table({"nr": ["1"], "titel": ["secret"]}), tmp_path / "other.parquet")
    path = tmp_path / "*.parquet"
    path.write_bytes((tmp_path / "other.parquet").read_bytes())
    assert isinstance(failure(tmp_path, path, "parquet"), PlanError)


def test_deep_json_ends_its_own_job_only(tmp_path: Path) -> None:
    """Nesting beyond reason is a limit that was met; nesting within it is read."""
    path = tmp_path / "d.json"
    path.write_text(json.dumps([{"nr": "1", "titel": "t"}, {"nr": "2", "titel": nested(500)}]))
    out, scratch = tmp_path / "good", tmp_path
    out.mkdir()
    found = open_importer(scratch).lay_out(Delivery(path, "json"), layout(SMALL, key=b"k"), out)
    assert found.accepted == 2
    path.write_text('[{"nr": "1", "titel": ' + "[" * 200_000 + "]" * 200_000 + "}]")
    assert isinstance(failure(tmp_path, path, "json"), JobError)


def nested(depth: int) -> object:
    """A text inside that many lists."""
    value: object = "core"
    for _ in range(depth):
        value = [value]
    return value


def test_mutated_parquet_ends_its_own_job_only(tmp_path: Path) -> None:
    """Files with flipped bytes end as an error of ours or as rows; the next import works."""
    source = tmp_path / "good.parquet"
    generator.write(source, 500)
    good = source.read_bytes()
    random_bytes = random.Random(11)
    for number in range(25):
        broken = bytearray(good)
        for _ in range(random_bytes.choice((1, 8, 64))):
            broken[random_bytes.randrange(len(broken))] = random_bytes.randrange(256)
        if number % 5 == 0:
            broken = broken[: random_bytes.randrange(len(broken))]
        directory = tmp_path / str(number)
        (directory / "out").mkdir(parents=True)
        path = directory / "d.parquet"
        path.write_bytes(broken)
        importer = open_importer(directory)
        columns = layout(generator.mapping(), key=b"k")
        try:
            importer.lay_out(Delivery(path, "parquet"), columns, directory / "out")
        except (DeliveryError, JobError):
            assert list((directory / "out").iterdir()) == []
    (tmp_path / "out").mkdir()
    columns = layout(generator.mapping(), key=b"k")
    found = open_importer(tmp_path).lay_out(Delivery(source, "parquet"), columns, tmp_path / "out")
    assert found.accepted == 500


@pytest.mark.parametrize(
    ("name", "head", "form"),
    [
        ("x.bin", b"PAR1....", "parquet"),
        ("x.CSV", b"a;b", "csv"),
        ("x.tsv", b"a\tb", "csv"),
        ("x.ndjson", b"{}", "jsonl"),
        ("x.json", b'  {"a"', "json"),
        ("x", b'{"a": 1}\n', "jsonl"),
        ("x.jsonl", b" [1]", "json"),
        ("x", b"a,b", None),
    ],
)
def test_the_format_is_guessed_from_content_and_name(
    name: str, head: bytes, form: Format | None
) -> None:
    """First bytes decide where they can, the name otherwise; neither is better than a guess."""
    assert guess_format(name, head) == form


def test_a_profile_shows_columns_and_samples(tmp_path: Path) -> None:
    """A first look gives names, types, a few different values, size and hash."""
    path = tmp_path / "d.jsonl"
    lines = [{"nr": n, "t": {"@value": f"v{n}", "@language": "nl"}, "l": ["a"]} for n in range(9)]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    found = open_importer(tmp_path).profile(Delivery(path, "jsonl"))
    assert [(one.name, one.sql_type) for one in found.columns] == [
        ("nr", "VARCHAR"), ("t[@language=nl].@value", "VARCHAR"), ("l[]", "VARCHAR[]"),
    ]  # fmt: skip
    assert found.columns[0].samples == ("0", "1", "2", "3", "4")
    assert found.bytes == path.stat().st_size
