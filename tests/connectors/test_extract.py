"""Cutting extracts: the right rows and columns, whole or not at all."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from connectors import (
    DiskFull,
    ExtractPlan,
    JobCancelled,
    JobError,
    JobLimit,
    OutColumn,
    PlanError,
    SourceChanged,
    SourceFile,
    open_extractor,
)
from connectors.local import sha256_of
from tests.support.disks import small_disk

ROWS = 120_000


def source_file(path: Path) -> SourceFile:
    """A file as an edition registers it."""
    return SourceFile(path, sha256_of(path), path.stat().st_size)


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file with some rights, dates and texts."""
    path = tmp_path_factory.mktemp("edition") / "edition.parquet"
    numbers = range(ROWS)
    table = pa.table(
        {
            "_item": [f"i{n}" for n in numbers],
            "_rights": [("free", "closed", None)[n % 3] for n in numbers],
            "_until": pa.array([date(2020 + n % 20, 1, 1) for n in numbers]),
            "title": [f"title {n * 7919 % 104729} of {n}" for n in numbers],
            "names": [f"person {n}" for n in numbers],
        }
    )
    pq.write_table(table, path)
    return path


@pytest.fixture
def plan(edition: Path, tmp_path: Path) -> ExtractPlan:
    """An extract of the free items, names masked."""
    out = tmp_path / "out"
    out.mkdir()
    return ExtractPlan(
        sources=(source_file(edition),),
        columns=(
            OutColumn("_item", "_item", "VARCHAR"),
            OutColumn("title", "title", "VARCHAR"),
            OutColumn("names", None, "VARCHAR"),
        ),
        where="_rights IN ($a, $b) AND _until <= $day",
        params={"a": "free", "b": "' OR true --", "day": date(2030, 1, 1)},
        metadata={"edition": "archive/news@1", "attribution": 'O\'Neil & "zoon" é'},
        out_dir=out,
    )


def test_an_extract_holds_exactly_the_rows_that_pass(plan: ExtractPlan) -> None:
    """Rows, columns, masking, metadata, sizes and hashes are what was asked."""
    result = open_extractor().extract(plan)
    table = pq.read_table(plan.out_dir)
    expected = [
        f"i{n}" for n in range(ROWS) if n % 3 == 0 and date(2020 + n % 20, 1, 1) <= date(2030, 1, 1)
    ]
    assert sorted(table["_item"].to_pylist()) == sorted(expected)
    assert table.column_names == ["_item", "title", "names"]
    assert table["names"].null_count == table.num_rows
    assert table.schema.field("names").type == pa.string()
    assert result.rows == len(expected) == sum(one.rows for one in result.files)
    for one in result.files:
        path = plan.out_dir / one.name
        assert (sha256_of(path), path.stat().st_size) == (one.sha256, one.bytes)
        metadata = pq.read_metadata(path).metadata
        assert metadata[b"attribution"] == 'O\'Neil & "zoon" é'.encode()
        assert metadata[b"edition"] == b"archive/news@1"
    assert {one.name for one in plan.out_dir.iterdir()} == {one.name for one in result.files}
    assert set(result.usage.wall) == {"hash sources", "copy", "hash parts"}
    assert result.usage.peak_rss < 400_000_000


def test_a_column_may_be_shown_in_some_rows(plan: ExtractPlan) -> None:
    """Where its condition is false or NULL the column is NULL, and keeps its type."""
    shown = "_rights <> $c AND title <> $quote"
    columns = (OutColumn("_rights", "_rights", "VARCHAR"), OutColumn("title", "title", "X", shown))
    params = {"c": "free", "quote": "' END, 1 --"}
    open_extractor().extract(replace(plan, columns=columns, where="true", params=params))
    table = pq.read_table(plan.out_dir)
    assert table.schema.field("title").type == pa.string()
    for row in table.slice(0, 1000).to_pylist():
        assert (row["title"] is None) == (row["_rights"] in ("free", None))


def test_an_extract_comes_in_parts(plan: ExtractPlan) -> None:
    """A small part size gives several files, numbered and complete together."""
    result = open_extractor().extract(replace(plan, where="true", params={}, part_bytes=300_000))
    assert len(result.files) > 1
    assert [one.name for one in result.files] == sorted(one.name for one in result.files)
    assert result.rows == ROWS


def test_an_extract_without_rows_is_one_empty_file(plan: ExtractPlan) -> None:
    """Nothing passes: the schema still arrives."""
    result = open_extractor().extract(replace(plan, where="false", params={}))
    assert (result.rows, len(result.files)) == (0, 1)
    assert pq.read_schema(plan.out_dir / result.files[0].name).names == ["_item", "title", "names"]


def test_unknown_rows_do_not_pass(plan: ExtractPlan) -> None:
    """A filter that is NULL for a row lets it not through."""
    result = open_extractor().extract(replace(plan, where="_rights <> $a", params={"a": "closed"}))
    kept = pq.read_table(plan.out_dir)["_item"]
    assert result.rows == ROWS // 3
    assert all(int(item[1:]) % 3 == 0 for item in kept.to_pylist()[:1000])


def test_several_sources_are_one_extract(plan: ExtractPlan, edition: Path, tmp_path: Path) -> None:
    """An edition in two files is read as one."""
    copy = tmp_path / "second.parquet"
    shutil.copy(edition, copy)
    both = replace(plan, sources=(*plan.sources, source_file(copy)), where="true", params={})
    assert open_extractor().extract(both).rows == 2 * ROWS


def test_a_changed_source_is_refused(plan: ExtractPlan, edition: Path, tmp_path: Path) -> None:
    """One flipped bit, another size or a missing file stops the extract before it reads."""
    flipped = tmp_path / "flipped.parquet"
    content = bytearray(edition.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    good = plan.sources[0]
    for changed in (
        replace(good, path=flipped),
        replace(good, bytes=good.bytes - 1),
        replace(good, path=tmp_path / "absent.parquet"),
    ):
        with pytest.raises(SourceChanged):
            open_extractor().extract(replace(plan, sources=(changed,)))
        assert list(plan.out_dir.iterdir()) == []


@pytest.mark.parametrize(
    "where",
    [
        "true); DROP TABLE x; --",
        "true) TO '/tmp/elsewhere.parquet' (FORMAT parquet); SELECT (1",
        "true)) TO '/tmp/elsewhere.parquet' (FORMAT parquet) --",
        "",
        "((",
    ],
)
def test_a_filter_that_is_more_than_a_filter_is_refused(plan: ExtractPlan, where: str) -> None:
    """DuckDB's own parser must see exactly one COPY."""
    with pytest.raises(PlanError):
        open_extractor().extract(replace(plan, where=where, params={}))
    assert list(plan.out_dir.iterdir()) == []


@pytest.mark.parametrize(
    "where",
    [
        "_item IN (SELECT content FROM read_text('/etc/passwd'))",
        "_item IN (SELECT file FROM glob('/etc/*'))",
        "_item IN (SELECT _item FROM read_parquet('../*/*.parquet'))",
        "no_such_column = 1",
        "CAST(title AS INTEGER) = 1",
        "error(title)",
    ],
)
def test_a_failing_filter_tells_nothing_of_the_rows(plan: ExtractPlan, where: str) -> None:
    """Other files are out of reach, and an error carries no value from a row."""
    with pytest.raises(JobError) as caught:
        open_extractor().extract(replace(plan, where=where, params={}))
    assert caught.value.code == "job-failed"
    assert "title " not in str(caught.value) + str(caught.value.facts) + caught.value.nl
    assert list(plan.out_dir.iterdir()) == []


def test_names_are_only_names(plan: ExtractPlan) -> None:
    """A column name or masked type that holds a statement is quoted, or refused."""
    evil = "a\" FROM x; DROP TABLE y; --'"
    named = replace(plan, columns=(OutColumn(evil, "_item", "VARCHAR"),))
    open_extractor().extract(named)
    assert pq.read_table(plan.out_dir).column_names == [evil]
    shutil.rmtree(plan.out_dir)
    plan.out_dir.mkdir()
    typed = replace(plan, columns=(OutColumn("a", None, "INT), (SELECT 1"),))
    with pytest.raises(PlanError):
        open_extractor().extract(typed)


def test_a_used_directory_and_an_empty_plan_are_refused(plan: ExtractPlan) -> None:
    """A job never writes beside other files, nor without anything to write."""
    with pytest.raises(PlanError):
        open_extractor().extract(replace(plan, columns=()))
    with pytest.raises(PlanError):
        open_extractor().extract(replace(plan, params={"a": object()}))  # type: ignore[dict-item]  # the mistake under test
    (plan.out_dir / "other").write_text("kept")
    with pytest.raises(PlanError):
        open_extractor().extract(plan)
    assert (plan.out_dir / "other").read_text() == "kept"


ENDLESS = (
    "(SELECT count(*) FROM range(1000000) a, range(1000000) b "
    "WHERE (a.range + b.range) % 7 = 1) > 0"
)


def test_a_job_that_takes_too_long_is_stopped(plan: ExtractPlan) -> None:
    """Wall-clock time ends a job, and nothing of it stays."""
    begun = time.monotonic()
    with pytest.raises(JobLimit) as caught:
        open_extractor().extract(replace(plan, where=ENDLESS, params={}, seconds=2))
    assert caught.value.code == "time-limit"
    assert time.monotonic() - begun < 6
    assert list(plan.out_dir.iterdir()) == []


def test_a_job_can_be_cancelled(plan: ExtractPlan) -> None:
    """Asking to stop stops within a second."""
    asked = time.monotonic() + 1
    with pytest.raises(JobCancelled):
        open_extractor().extract(
            replace(plan, where=ENDLESS, params={}), should_stop=lambda: time.monotonic() > asked
        )
    assert time.monotonic() - asked < 2
    assert list(plan.out_dir.iterdir()) == []


def test_a_text_of_three_gigabytes_meets_the_memory_limit(plan: ExtractPlan) -> None:
    """DuckDB's own limit does not count such a text; the process's limit does."""
    with pytest.raises(JobLimit) as caught:
        open_extractor().extract(
            replace(plan, where="length(repeat('x', 3000000000) || _item) > 0", params={})
        )
    assert caught.value.code == "memory-limit"
    assert list(plan.out_dir.iterdir()) == []


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(one) for one in listed.split()]


def test_a_child_killed_half_way_leaves_nothing(plan: ExtractPlan) -> None:
    """SIGKILL in the middle of a COPY is a clear error, and the directory is empty."""
    before = set(_all_children())

    def kill() -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for child in set(_all_children()) - before:
                if (plan.out_dir / "spill").exists():
                    time.sleep(0.3)
                    os.kill(child, signal.SIGKILL)
                    return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(JobError) as caught:
        open_extractor().extract(replace(plan, where=ENDLESS, params={}))
    killer.join()
    assert caught.value.code == "job-died"
    assert list(plan.out_dir.iterdir()) == []


def _all_children() -> Iterator[int]:
    for task in Path("/proc/self/task").iterdir():
        yield from (int(one) for one in (task / "children").read_text(encoding="ascii").split())


_PARENT = """
import sys, json
from pathlib import Path
from connectors import *
spec = json.loads(sys.argv[1])
source = SourceFile(Path(spec["path"]), spec["sha256"], spec["bytes"])
columns = (OutColumn("a", "_item", "VARCHAR"),)
plan = ExtractPlan((source,), columns, spec["where"], {}, {}, Path(spec["out"]))
open_extractor().extract(plan)
"""


def test_a_child_does_not_outlive_its_parent(plan: ExtractPlan) -> None:
    """Killing the worker kills the job it started."""
    source = plan.sources[0]
    spec = {
        "path": str(source.path), "sha256": source.sha256, "bytes": source.bytes,
        "where": ENDLESS, "out": str(plan.out_dir),
    }  # fmt: skip
    root = Path(__file__).parents[2]
    worker = subprocess.Popen([sys.executable, "-c", _PARENT, json.dumps(spec)], cwd=root)
    deadline = time.monotonic() + 20
    while not (plan.out_dir / "spill").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    (child,) = children(worker.pid)
    worker.kill()
    worker.wait()
    deadline = time.monotonic() + 5
    while _is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(child)


def _is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_full_disk_is_a_clean_error(plan: ExtractPlan, tmp_path: Path) -> None:
    """No room: the error says so, nothing is left, and with room the same plan works."""
    columns = tuple(OutColumn(f"c{n}", "title", "VARCHAR") for n in range(8))
    with small_disk(tmp_path / "disk", 2) as out:
        everything = replace(plan, where="true", params={}, out_dir=out, columns=columns)
        with pytest.raises(DiskFull):
            open_extractor().extract(everything)
        assert list(out.iterdir()) == []
        one = replace(plan, out_dir=out, where="_item = 'i3'", params={})
        assert open_extractor().extract(one).rows


def test_progress_is_told(plan: ExtractPlan, edition: Path) -> None:
    """Shares lie between nothing and all."""
    shares: list[float] = []
    slow = (
        f"{pc.count(pq.read_table(edition)['_item']).as_py()} > 0 AND regexp_matches(title, 'x*y')"
    )
    open_extractor().extract(
        replace(plan, sources=plan.sources * 20, where=slow, params={}, threads=1),
        on_progress=shares.append,
    )
    assert all(0 <= share <= 1 for share in shares)
