"""The made-up collection: the same for the same seed, mixed, and importable by its own mapping."""

import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from catalog.ingest import layout, read_embargo, read_rights
from registry.demo import generator


def test_the_same_seed_gives_the_same_items(tmp_path: Path) -> None:
    """A larger collection starts with the items of a smaller one; another seed differs."""
    small, large, other = (tmp_path / f"{name}.parquet" for name in ("s", "l", "o"))
    generator.write(small, 1000, seed=7)
    generator.write(large, 60_000, seed=7)
    generator.write(other, 1000, seed=8)
    first = pq.read_table(small)
    assert first.num_rows == 1000
    assert pq.read_table(large).slice(0, 1000).equals(first)
    assert not pq.read_table(other).equals(first)


def test_formats_hold_the_same_items(tmp_path: Path) -> None:
    """Parquet and CSV of one collection agree."""
    generator.write(tmp_path / "a.parquet", 500)
    generator.write(tmp_path / "a.csv", 500)
    table = csv.read_csv(tmp_path / "a.csv", convert_options=csv.ConvertOptions(
        column_types=pq.read_schema(tmp_path / "a.parquet"), strings_can_be_null=True
    ))  # fmt: skip
    assert table.to_pylist() == pq.read_table(tmp_path / "a.parquet").to_pylist()


def test_fifty_thousand_items_come_quickly(tmp_path: Path) -> None:
    """The demonstration's size takes less than two seconds of processor time."""
    begun = time.process_time()
    generator.write(tmp_path / "a.parquet", 50_000)
    assert time.process_time() - begun < 2


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str | None]]:
    """Twenty thousand items."""
    path = tmp_path_factory.mktemp("items") / "a.parquet"
    generator.write(path, 20_000)
    found: list[dict[str, str | None]] = pq.read_table(path).to_pylist()
    return found


def test_rights_are_mixed_as_in_an_archive(items: list[dict[str, str | None]]) -> None:
    """Many statements, several rightsholders, and every kind of restriction occur."""
    raw = Counter(item["rights"] for item in items)
    iris = {read_rights(text) for text in raw if text and text != "vrij"}
    assert None not in iris
    assert len(iris) >= 12
    assert len(raw) > len(iris)
    assert len({item["rightsholder"] for item in items}) >= 7
    for column, share in (("opt_out", "ja"), ("personal_data", "bijzonder"),
                          ("source_protection", "ja")):  # fmt: skip
        counted = Counter(item[column] for item in items)
        assert counted[share] > 20
        assert counted[None] > 20
    embargoes = Counter(item["embargo"] for item in items if item["embargo"])
    assert all(read_embargo(text) is not None for text in embargoes)
    assert sum(embargoes.values()) > 200
    assert len({item["identifier"] for item in items}) == len(items)


def test_vague_dates_occur_among_exact_ones(items: list[dict[str, str | None]]) -> None:
    """Some dates are as cataloguers write them when they are not sure."""
    vague = [item["date"] for item in items if item["date"] and item["date"].count("-") != 2]
    assert 0.1 < len(vague) / len(items) < 0.2


def test_its_mapping_is_complete() -> None:
    """The collection's own mapping leaves nothing undeclared and lays out without problems."""
    mapping = generator.mapping()
    assert mapping.undeclared() == ()
    assert mapping.problems() == ()
    assert len(layout(mapping, key=b"k")) == 8 + 10


def test_planted_faults_are_counted(tmp_path: Path) -> None:
    """The answer says how many rows were spoilt for each reason."""
    planted = generator.write(tmp_path / "a.csv", 1000, faults=20)
    assert sum(planted.values()) == 20
    assert set(planted) == {code for code, _, _ in generator.FAULTS}
    lines = (tmp_path / "a.csv").read_text("utf-8").splitlines()
    assert sum("zie de balie" in line for line in lines) == planted["unknown-rights"]
