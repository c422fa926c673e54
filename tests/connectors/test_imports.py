"""Importing real files: what is laid out, what is refused, and where."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.import_report import ImportReport, report
from catalog.ingest import FACTS, item_id, layout
from catalog.mapping import Mapping, parse_mapping, read_mapping
from catalog.proposal import propose
from connectors import Delivery, LaidOut, open_importer
from connectors.ports import Format
from registry.demo import generator
from tests.support.shared import ROOT, shared

KEY = bytes(range(32))

MAPPING = parse_mapping(
    {
        "columns": [
            {"source": "nr", "role": "identifier"},
            {"source": "licentie", "role": "rights", "values": {"vrij": "CC0"}},
            {"source": "embargo", "role": "embargo", "empty": "none"},
            {"source": "optout", "role": "opt_out"},
            {"source": "titel", "role": "content"},
            {"source": "duur", "role": "content", "type": "integer"},
        ],
        "declared": {"personal_data": "none", "source_protection": "none"},
    }
)
HEADER = "nr;licentie;embargo;optout;titel;duur\n"


def laid_out(
    directory: Path, path: Path, form: Format, mapping: Mapping = MAPPING
) -> tuple[LaidOut, ImportReport]:
    """Import a file; the result's files stand in `directory/out`."""
    out = directory / "out"
    out.mkdir()
    (directory / "scratch").mkdir()
    found = open_importer(directory / "scratch").lay_out(
        Delivery(path, form, mapping.records),
        layout(mapping, key=KEY),
        out,
        group_by=FACTS,
        not_where="_blocked",
    )
    assert list((directory / "scratch").iterdir()) == []
    assert {one.name for one in out.iterdir()} <= {"edition.parquet", "refused.csv"}
    return found, report(mapping, found)


def rows(directory: Path) -> list[dict[str, object]]:
    """The rows of the laid-out file, which has them in the order of their facts."""
    table = pq.read_table(directory / "out" / "edition.parquet")
    found: list[dict[str, object]] = table.to_pylist()
    return found


def by_number(directory: Path, *numbers: str) -> list[dict[str, object]]:
    """The same rows, in the order of these numbers in the delivery; there are no others."""
    found = {row["_item"]: row for row in rows(directory)}
    assert found.keys() == {item_id(KEY, number) for number in numbers}
    return [found[item_id(KEY, number)] for number in numbers]


def refused(directory: Path) -> list[dict[str, str]]:
    """The rows of the file of refused rows."""
    with (directory / "out" / "refused.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_csv_delivery_is_laid_out_and_judged(tmp_path: Path) -> None:
    """Every fault is refused with its line and reason; whole rows come typed."""
    path = tmp_path / "d.csv"
    lines = [
        'a1;CC0;;nee;"een; titel";10',
        ";CC0;;nee;zonder kenmerk;1",
        'a2;vrij;2030;ja;"over twee\nregels";',
        "a1;CC0;;nee;dubbel;1",
        "a3;eigen licentie;;nee;t;1",
        "a4;;;nee;t;1",
        "a5;CC0;ooit;nee;t;1",
        "te;veel;;nee;kolommen;1;2;3",
        "a6;CC0;;misschien;t;lang",
        "a7;InC;na 2040;;t;  7 ",
    ]
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8-sig")
    found, told = laid_out(tmp_path, path, "csv")
    assert (found.rows_read, found.accepted, found.refused) == (10, 3, 7)
    assert [(one["_line"], one["_reason"], one["nr"]) for one in refused(tmp_path)] == [
        ("3", "missing-identifier", ""),
        ("5", "duplicate-identifier", "a1"),
        ("6", "unknown-rights", "a3"),
        ("7", "missing-rights", "a4"),
        ("8", "unreadable-embargo", "a5"),
        ("9", "unreadable-row", ""),
        ("10", "unreadable-flag:opt_out; wrong-type:duur", "a6"),
    ]
    assert refused(tmp_path)[5]["_raw"] == "te;veel;;nee;kolommen;1;2;3"
    assert {(one.code, one.column): one.rows for one in told.reasons}[("wrong-type", "duur")] == 1
    whole = by_number(tmp_path, "a1", "a2", "a7")
    assert [str(one["_embargo_until"]) for one in whole] == [
        "0001-01-01", "2030-12-31", "9999-12-31",
    ]  # fmt: skip
    assert [one["_opt_out"] for one in whole] == [False, True, None]
    assert [one["titel"] for one in whole] == ["een; titel", "over twee\nregels", "t"]
    assert [one["duur"] for one in whole] == [10, None, 7]
    assert not any(one["_blocked"] for one in whole)


def test_corrected_rows_can_be_delivered_again(tmp_path: Path) -> None:
    """The file of refused rows, its faults mended, imports by the same mapping."""
    path = tmp_path / "d.csv"
    path.write_text(HEADER + "a1;CC0;;nee;t;1\na2;onze eigen;;nee;t2;2\n")
    laid_out(tmp_path, path, "csv")
    mended = tmp_path / "mended.csv"
    mended.write_text((tmp_path / "out" / "refused.csv").read_text().replace("onze eigen", "CC0"))
    again = tmp_path / "again"
    again.mkdir()
    found, _ = laid_out(again, mended, "csv")
    assert (found.accepted, found.refused) == (1, 0)
    assert rows(again)[0]["_item"] == item_id(KEY, "a2")


def test_json_lines_refuse_what_they_cannot_read(tmp_path: Path) -> None:
    """Broken lines are refused by number with their text; numbers stay as they were written."""
    path = tmp_path / "d.jsonl"
    good = {"nr": 123456789012345678901234567890, "licentie": "CC0", "titel": "t", "duur": 3}
    good |= {"embargo": "2030", "optout": False}
    lines = [
        json.dumps(good),
        "",
        '{"nr": "b"',
        "[1, 2]",
        '{"nr": NaN}',
        "[" * 5000,
        json.dumps({"nr": "c"}),
    ]
    path.write_text("\n".join(lines))
    found, _ = laid_out(tmp_path, path, "jsonl")
    assert (found.rows_read, found.accepted, found.refused) == (6, 1, 5)
    assert [(one["_line"], one["_reason"]) for one in refused(tmp_path)] == [
        ("3", "unreadable-row"), ("4", "unreadable-row"), ("5", "unreadable-row"),
        ("6", "unreadable-row"), ("7", "missing-rights"),
    ]  # fmt: skip
    assert refused(tmp_path)[0]["_raw"] == '{"nr": "b"'
    assert rows(tmp_path)[0]["_item"] == item_id(KEY, "123456789012345678901234567890")
    assert rows(tmp_path)[0]["_opt_out"] is False


def test_a_json_array_is_found_inside_a_document(tmp_path: Path) -> None:
    """`records` leads to the list, wherever it stands."""
    path = tmp_path / "d.json"
    record = {"nr": 1, "licentie": "CC0", "embargo": "", "optout": "nee", "titel": "t", "duur": 1}
    others = [{**record, "nr": 2, "embargo": "2031"}, "not an object"]
    path.write_text(json.dumps({"hits": {"total": 3, "hits": [record, *others]}}))
    mapping = MAPPING.model_copy(update={"records": "hits.hits"})
    found, _ = laid_out(tmp_path, path, "json", mapping)
    assert (found.accepted, found.refused, dict(found.reasons)) == (2, 1, {"unreadable-row": 1})


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    """Lists and numbers stay what they were; dates and booleans are understood as they are."""
    table = pa.table(
        {
            "nr": [1, 2],
            "licentie": ["CC0", "InC"],
            "embargo": pa.array([None, 20_000], pa.date32()),
            "optout": [True, None],
            "titel": [["a", "b"], []],
            "duur": [1.0, 2.0],
        }
    )
    path = tmp_path / "d.parquet"
    pq.write_table(table, path)
    found, told = laid_out(tmp_path, path, "parquet")
    assert found.accepted == 2
    first, second = by_number(tmp_path, "1", "2")
    assert (first["titel"], first["_opt_out"], second["_opt_out"]) == (["a", "b"], True, None)
    assert str(second["_embargo_until"]) == "2024-10-04"
    assert [(one.name, one.type) for one in told.columns] == [
        ("titel", "VARCHAR[]"), ("duur", "BIGINT"),
    ]  # fmt: skip


def test_hostile_names_and_values_are_only_text(tmp_path: Path) -> None:
    """Quotes, statements and separators in names and cells change nothing but themselves."""
    evil = "x\"; DROP TABLE refused; --'"
    path = tmp_path / "d.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["nr", "licentie", evil])
        writer.writerow(["'; DROP TABLE duplicates; --", "CC0", "$pairs {0} %s ' \" ;"])
    document = {
        "columns": [
            {"source": "nr", "role": "identifier"},
            {"source": "licentie", "role": "rights"},
            {"source": evil, "role": "content", "name": evil},
        ],
        "declared": {"personal_data": "none", "source_protection": "none"},
    }
    found, _ = laid_out(tmp_path, path, "csv", parse_mapping(document))
    assert found.accepted == 1
    assert rows(tmp_path)[0][evil] == "$pairs {0} %s ' \" ;"


def test_undeclared_facts_block_every_item(tmp_path: Path) -> None:
    """Nothing said about source protection or personal data: no row comes in the file."""
    path = tmp_path / "d.csv"
    path.write_text(HEADER + "a;CC0;;nee;t;1\nb;CC0;;nee;t;1\n")
    mapping = MAPPING.model_copy(update={"declared": {}})
    found, told = laid_out(tmp_path, path, "csv", mapping)
    assert rows(tmp_path) == []
    assert (told.blocked, told.items, told.classes, found.groups) == (2, 0, (), ())
    assert "personal_data" in told.undeclared


def test_an_edition_says_nothing_of_what_is_withheld(tmp_path: Path) -> None:
    """With and without hard-blocked rows between the others, the file is the same to the byte."""
    lines = [f"a{n};{('CC0', 'InC')[n % 2]};;nee;titel {n};{n}" for n in range(70_000)]
    # what only withheld rows lack may not show either: these have no opt-out and no title
    hidden = [f"b{n};CC0;;{'nee' if n else ''};{'' if n else 'verborgen'};1" for n in range(5_000)]
    mixed = [line for pair in zip(lines, hidden, strict=False) for line in pair] + lines[5_000:]
    columns = [
        *(column.model_dump(mode="json") for column in MAPPING.columns),
        {"source": "bron", "role": "source_protection"},
    ]
    mapping = parse_mapping({"columns": columns, "declared": {"personal_data": "none"}})
    hashes = {}
    for name, delivered in (("without", lines), ("with", mixed)):
        path = tmp_path / name / "d.csv"
        path.parent.mkdir()
        flagged = (f"{line};{'ja' if line.startswith('b') else 'nee'}" for line in delivered)
        path.write_text(HEADER.strip() + ";bron\n" + "\n".join(flagged) + "\n")
        found, told = laid_out(path.parent, path, "csv", mapping)
        assert told.items == 70_000
        assert told.blocked == len(delivered) - 70_000
        hashes[name] = found.file.sha256
    assert hashes["with"] == hashes["without"]


def test_real_records_are_counted_exactly(tmp_path: Path) -> None:
    """The Open Beelden file gives its 1,000 items with their exact rights."""
    path = shared("data/open-beelden/items-1k.json")
    text = (ROOT / "catalog" / "mappings" / "open-beelden.toml").read_text("utf-8")
    mapping = read_mapping(text, "toml")
    found, told = laid_out(tmp_path, path, "json", mapping)
    assert {one.code: one.rows for one in told.rights} == {
        "CC-BY-SA-3.0-NL": 571,
        "PDM-1.0": 421,
        "CC-BY-NC-ND-3.0-NL": 6,
        "CC-BY-NC-SA-3.0-NL": 1,
        "CC-BY-3.0-NL": 1,
    }
    assert (told.items, told.blocked, told.undeclared) == (1000, 0, ())
    assert sum(one.items for one in told.classes) == 1000
    assert found.file.rows == 1000
    titles = [one["title_nl"] for one in rows(tmp_path)]
    assert titles.count("Fabricageproces van kleurpotloden") == 1


def test_a_proposal_for_real_records_finds_the_rights(tmp_path: Path) -> None:
    """Nested records are profiled into paths by which they can be imported at once."""
    delivery = Delivery(shared("data/open-beelden/items-1k.json"), "json")
    mapping = propose(open_importer(tmp_path).profile(delivery).columns)
    by_role = {column.role.value: column.source for column in mapping.columns}
    assert by_role["identifier"] == "_id"
    assert by_role["rights"] == "_source.@graph.cc:license"
    found, _ = laid_out(tmp_path, delivery.path, "json", mapping)
    assert found.accepted == 1000


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_planted_faults_are_all_found(tmp_path: Path, suffix: Format) -> None:
    """Each planted fault is refused for its own reason, whatever the format."""
    path = tmp_path / f"d.{suffix}"
    planted = generator.write(path, 5000, seed=3, faults=80)
    found, told = laid_out(tmp_path, path, suffix, generator.mapping())
    assert {one.code: one.rows for one in told.reasons} == dict(planted)
    assert (found.accepted, found.refused) == (4920, 80)
    assert told.items + told.blocked == 4920
    assert sum(one.items for one in told.classes) == told.items
    assert sum(one.rows for one in told.rights) == 4920


def test_formats_agree(tmp_path: Path) -> None:
    """The same collection as Parquet, CSV and JSON Lines gives the same edition."""
    tables = []
    forms: tuple[Format, ...] = ("parquet", "csv", "jsonl")
    for form in forms:
        directory = tmp_path / form
        directory.mkdir()
        path = directory / f"d.{form}"
        generator.write(path, 2000, seed=5, faults=20)
        laid_out(directory, path, form, generator.mapping())
        tables.append(rows(directory))
    assert tables[0] == tables[1] == tables[2]


def test_progress_and_usage_are_told(tmp_path: Path) -> None:
    """An import reports shares that never fall back, and what it used."""
    path = tmp_path / "d.parquet"
    generator.write(path, 200_000)
    shares: list[float] = []
    out = tmp_path / "out"
    out.mkdir()
    found = open_importer(tmp_path).lay_out(
        Delivery(path, "parquet"),
        layout(generator.mapping(), key=KEY),
        out,
        on_progress=shares.append,
    )
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    assert shares
    assert found.usage.cpu_seconds > 0
    assert 20_000_000 < found.usage.peak_rss < 600_000_000
