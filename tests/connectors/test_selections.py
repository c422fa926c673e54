"""Selecting from Parquet files: the rows asked for, from the files as registered, and no more."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import PlanError, Selector, SelectPlan, SourceChanged, SourceFile, open_selector
from connectors.errors import JobError
from connectors.local import sha256_of

TEXT = "SELECT item, number FROM read_parquet($items) WHERE number < $below ORDER BY number DESC"


@pytest.fixture
def plan(tmp_path: Path) -> SelectPlan:
    """Numbers below three from two files."""
    files = []
    for part in range(2):
        path = tmp_path / f"{part}.parquet"
        numbers = range(part, 1000, 2)
        pq.write_table(pa.table({"item": [f"i{n}" for n in numbers], "number": numbers}), path)
        files.append(SourceFile(path, sha256_of(path), path.stat().st_size))
    return SelectPlan(TEXT, {"items": tuple(files)}, {"below": 3})


@pytest.fixture
def selector(tmp_path: Path) -> Selector:
    """A selector with a folder of its own."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return open_selector(scratch)


def test_rows_come_in_order_and_no_more_than_asked(plan: SelectPlan, selector: Selector) -> None:
    """From all files, values bound; the most is the most."""
    assert selector.rows(plan, most=10) == [("i2", 2), ("i1", 1), ("i0", 0)]
    assert selector.rows(plan, most=1) == [("i2", 2)]


def test_a_file_is_written_in_order(plan: SelectPlan, selector: Selector, tmp_path: Path) -> None:
    """One Parquet file with its hash, and nothing beside it."""
    out = tmp_path / "out"
    out.mkdir()
    made = selector.write(plan, out)
    assert [path.name for path in out.iterdir()] == [made.name]
    assert pq.read_table(out / made.name)["number"].to_pylist() == [2, 1, 0]
    assert (made.rows, made.sha256) == (3, sha256_of(out / made.name))
    with pytest.raises(PlanError):
        selector.write(plan, out)


def test_a_changed_file_gives_no_answer(plan: SelectPlan, selector: Selector) -> None:
    """One bit is enough."""
    path = plan.files["items"][1].path
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(SourceChanged):
        selector.rows(plan, most=1)


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "COPY (SELECT 1) TO '/tmp/x.csv'"},
        {"text": "SELECT 1; SELECT 2"},
        {"text": "SELEC 1"},
        {"files": {"items": ()}},
        {"params": {"items": "x"}},
    ],
)
def test_what_is_more_than_a_selection_is_refused(
    plan: SelectPlan, selector: Selector, changed: dict[str, object]
) -> None:
    """Two statements, another kind of statement, no files, or a parameter in a list's place."""
    with pytest.raises(PlanError):
        selector.rows(replace(plan, **changed), most=1)  # type: ignore[arg-type] # as named there


def test_other_files_cannot_be_read(plan: SelectPlan, selector: Selector, tmp_path: Path) -> None:
    """The text reaches the files that were named and nothing else."""
    with pytest.raises(JobError):
        selector.rows(replace(plan, text="SELECT * FROM read_text('/etc/passwd')"), most=1)
    assert list((tmp_path / "scratch").iterdir()) == []
