"""Two engines, one answer: every expression of the closed set, rows and types, and the refusals."""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.ledger import ADDED, COLUMNS, open_in
from connectors import (
    ConnectorError,
    ExtractPlan,
    JobError,
    OutColumn,
    Overlay,
    PlanError,
    SourceChanged,
    SourceFile,
    open_extractor,
)
from connectors.local import sha256_of
from policies import Operator, RowFilter, compile_selection
from policies.rowfilter import (
    FALSE,
    TRUE,
    UNKNOWN,
    Compare,
    Not,
    Surely,
    Within,
    all_of,
    any_of,
    exactly_one,
    negate,
    possibly,
)
from tests.support.service import free_port

TEXTS = ("", "a", "B", "ä", "a\u0308", "𝄞", "none", "' OR true --", '"', "a\x00b", " a", None)
FLAGS = (True, False, None)
DAYS = (date.min, date(1969, 12, 31), date(2024, 2, 29), date(2026, 11, 23), date.max, None)
ENGINES: tuple[Literal["duckdb", "daft"], ...] = ("duckdb", "daft")
FACTS = {
    "rights": "_rights",
    "rightsholder": "_rightsholder",
    "embargo_until": "_embargo_until",
    "opt_out": "_opt_out",
    "personal_data": "_personal_data",
}
BIG = (2**63 - 1, -(2**63), 0, None)
MOMENTS = (
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # the hour that Amsterdam skips
    datetime(2026, 10, 25, 0, 30, 0, 1, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    None,
)
CONTENT: Mapping[str, tuple[pa.DataType, tuple[Any, ...]]] = {
    "text": (pa.string(), TEXTS),
    "flag": (pa.bool_(), FLAGS),
    "small": (pa.int32(), (2**31 - 1, -(2**31), 0, None)),
    "big": (pa.int64(), BIG),
    "real": (pa.float64(), (float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, None)),
    "day": (pa.date32(), DAYS),
    "moment": (pa.timestamp("us", "UTC"), MOMENTS),
    "local": (pa.timestamp("us"), tuple(m and m.replace(tzinfo=None) for m in MOMENTS)),
    "words": (pa.list_(pa.string()), ([], None, ["a", None, ""], ["ä"])),
    "numbers": (pa.list_(pa.list_(pa.int64())), ([[1], None, []], None, [], [BIG[:2]])),
    "place": (
        pa.struct({"name": pa.string(), "at": pa.struct({"x": pa.float64()})}),
        ({"name": None, "at": None}, None, {"name": "a", "at": {"x": None}}),
    ),
    "makers": (pa.list_(pa.struct({"n": pa.string()})), ([{"n": None}], [], None, [{"n": "a"}])),
}
"""Every type that the second engine takes, with its edge values."""


def source_file(path: Path) -> SourceFile:
    """A file as an edition registers it."""
    return SourceFile(path, sha256_of(path), path.stat().st_size)


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every text with every flag and day, and the content's edge values in turn."""
    facts = list(product(TEXTS, FLAGS, DAYS))
    count = len(facts)
    levels = ("none", "ordinary", "special", None)
    table = pa.table(
        {
            "_item": [f"i{n:04}" for n in range(count)],
            "_rights": pa.array([text for text, _, _ in facts], pa.string()),
            "_rightsholder": pa.array(TEXTS[n * 7 % len(TEXTS)] for n in range(count)),
            "_embargo_until": pa.array([day for _, _, day in facts], pa.date32()),
            "_opt_out": pa.array([flag for _, flag, _ in facts], pa.bool_()),
            "_personal_data": [levels[n // 5 % 4] for n in range(count)],
            "_blocked": [n % 11 == 0 for n in range(count)],
            **{
                name: pa.array([values[n % len(values)] for n in range(count)], kind)
                for name, (kind, values) in CONTENT.items()
            },
        }
    )
    path = tmp_path_factory.mktemp("edition") / "edition.parquet"
    pq.write_table(table, path, row_group_size=100)
    return path


@pytest.fixture
def plan(edition: Path, tmp_path: Path) -> ExtractPlan:
    """Every row and type, as it is."""
    return ExtractPlan(
        sources=(source_file(edition),),
        columns=(
            OutColumn("_item", "_item", "VARCHAR"),
            *(OutColumn(name, name, "VARCHAR") for name in CONTENT),
        ),
        where="true",
        params={},
        metadata={"edition": "archive/news@1", "credit": 'O\'Neil & "zoon" é'},
        out_dir=tmp_path,
    )


def cut(plan: ExtractPlan, engine: Any, cluster: str = "") -> pa.Table:
    """The extract as one engine makes it, in the order of the items."""
    out = plan.out_dir / engine
    out.mkdir()
    result = open_extractor(engine, cluster).extract(replace(plan, out_dir=out))
    files = [out / one.name for one in result.files]
    assert [(sha256_of(path), path.stat().st_size) for path in files] == [
        (one.sha256, one.bytes) for one in result.files
    ]
    assert {one.name for one in out.iterdir()} == {one.name for one in result.files}
    found = pa.concat_tables(pq.read_table(path) for path in files)
    assert found.num_rows == result.rows == sum(one.rows for one in result.files)
    return found.sort_by("_item")


def assert_alike(plan: ExtractPlan, cluster: str = "") -> pa.Table:
    """Both engines give the same rows, types, nulls and metadata."""
    ours, other = cut(plan, "duckdb"), cut(plan, "daft", cluster)
    assert other.schema.equals(ours.schema, check_metadata=True)
    assert repr(other.to_pylist()) == repr(ours.to_pylist())
    return ours


def test_every_type_comes_out_alike(plan: ExtractPlan) -> None:
    """Shown, shown in some rows and masked, each type keeps its values, NULLs and itself."""
    shown = plan.columns[1:]
    partly = [
        OutColumn(f"some {one.name}", one.name, "", "_rights <> $a OR _opt_out") for one in shown
    ]
    masked = [
        OutColumn(f"no {kind}", None, kind)
        for kind in ("VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "VARCHAR[]",
                     "STRUCT(x BIGINT, y VARCHAR[])", "TIMESTAMP WITH TIME ZONE")
    ]  # fmt: skip
    found = assert_alike(
        replace(plan, columns=(*plan.columns, *partly, *masked), params={"a": "a"})
    )
    assert found.num_rows == len(TEXTS) * len(FLAGS) * len(DAYS)
    assert all(found[one.name].null_count == found.num_rows for one in masked)


CONDITIONS = (
    "true", "false", "CAST(NULL AS BOOLEAN)", "_opt_out", "NOT _opt_out", "NOT _blocked",
    *(f"_rights {sign} $text" for sign in ("=", "<>", "<", "<=", ">", ">=")),
    *(f"_embargo_until {sign} $day" for sign in ("=", "<>", "<", "<=", ">", ">=")),
    *(f"_opt_out {sign} $flag" for sign in ("=", "<>", "<", "<=", ">", ">=")),
    "_rights = _rightsholder", "_rights < _rightsholder", "_embargo_until = day",
    "_rights = $empty", "_rights = $nul", "_rights < $clef", "_rights = 'a'",
    "_rights IN ($text)", "_rights IN ($text, $empty, $clef)", "NOT (_rights IN ($text, $empty))",
    "_embargo_until IN ($day, $first)", "_opt_out IN ($flag)",
    "_embargo_until <= DATE '0001-01-01'",
    "_rights IS NULL", "_rights IS NOT NULL", "words IS NULL", "real IS NOT NULL",
    "(_opt_out) IS TRUE", "(_rights = $text AND _opt_out) IS TRUE",
    "(CAST(NULL AS BOOLEAN)) IS TRUE", "NOT ((_rights = $text) IS TRUE)",
    "_opt_out AND flag", "_opt_out OR flag", "_opt_out AND CAST(NULL AS BOOLEAN)",
    "_opt_out OR CAST(NULL AS BOOLEAN)", "NOT (_opt_out AND flag) OR _blocked AND NOT flag",
    "contains(_rights, 'a')", "contains(_rights, $clef)", "contains(_rights, $empty)",
    "contains(_rights, '.')", "coalesce(_opt_out, false)", "coalesce(_opt_out, flag)",
    "coalesce(_embargo_until, $day) <= $day", "greatest(_embargo_until, day) = $day",
    "greatest(_embargo_until, day) IS NULL",
    "CASE WHEN _opt_out THEN true WHEN _blocked THEN false ELSE flag END",
    "CASE WHEN _rights = $text THEN _opt_out ELSE flag END",
)  # fmt: skip
"""Each form that the compiler and the ledger write, over facts with every edge value."""
PARAMS: Mapping[str, Any] = {
    "text": "a", "empty": "", "clef": "𝄞", "nul": "a\x00b", "day": date(2026, 11, 23),
    "first": date.min, "flag": True,
}  # fmt: skip


def judging(*conditions: str) -> tuple[OutColumn, ...]:
    """By condition two columns, for where it is true and where it is false; else it is NULL."""
    return (
        OutColumn("_item", "_item", "VARCHAR"),
        *(OutColumn(f"true: {one}", "_item", "VARCHAR", one) for one in conditions),
        *(OutColumn(f"false: {one}", "_item", "VARCHAR", f"NOT ({one})") for one in conditions),
    )


def test_every_expression_is_judged_alike(plan: ExtractPlan) -> None:
    """True, false and unknown are so on the same rows; none is the same for all by mistake."""
    found = assert_alike(replace(plan, columns=judging(*CONDITIONS), params=PARAMS))
    for one in CONDITIONS[3:]:
        true, false = (len(found) - found[f"{of}: {one}"].null_count for of in ("true", "false"))
        assert 0 < true < len(found) or 0 < false < len(found) or "CAST(NULL" in one, one


def filters(chance: random.Random, depth: int = 3) -> RowFilter:
    """A row filter out of all that policies are compiled to."""
    some = chance.randrange(9) if depth else chance.randrange(4)
    texts = [text for text in TEXTS if text is not None]
    days = [day for day in DAYS if day is not None]
    fact = chance.choice(list(FACTS))
    kinds: Mapping[str, list[Any]] = {"embargo_until": days, "opt_out": [True, False]}
    values = kinds.get(fact, texts)
    signs = (Operator.EQ, Operator.NEQ, Operator.LT, Operator.LTEQ, Operator.GT, Operator.GTEQ)
    match some:
        case 0:
            return chance.choice((TRUE, FALSE, UNKNOWN))
        case 1:
            return Within(fact, frozenset(chance.sample(values, chance.randint(1, len(values)))))
        case 2 | 3:
            return Compare(fact, chance.choice(signs), chance.choice(values))
    inner = [filters(chance, depth - 1) for _ in range(chance.randint(2, 3))]
    match some:
        case 4:
            return all_of(*inner)
        case 5:
            return any_of(*inner)
        case 6:
            return exactly_one(*inner)
        case 7:
            return Not(Surely(inner[0]))
    return negate(possibly(inner[0]))


def test_whatever_policies_compile_to_is_judged_alike(plan: ExtractPlan) -> None:
    """A hundred filters and masks at random: the same rows and cells, and none is refused."""
    chance = random.Random(20261123)
    shown = {f"m{n}": filters(chance) for n in range(100)}
    selection = compile_selection(any_of(*map(filters, [chance] * 4)), shown, FACTS)
    columns = tuple(
        OutColumn(name, "text" if text != "FALSE" else None, "VARCHAR", text)
        for name, text in selection.shown.items()
    )
    params: Any = selection.params
    asked = replace(plan, columns=(plan.columns[0], *columns), where=selection.where, params=params)
    assert assert_alike(asked).num_rows > 0


def overlay(path: Path, edition: Path) -> Overlay:
    """A ledger of every third item, with every combination of what may stand there."""
    items = pq.read_table(edition, columns=["_item"])["_item"].to_pylist()[::3]
    cases = list(
        product((True, False, None), (*DAYS[1:4], None), ("*", "BE NL", "DE", None), (True, False))
    )
    said = [cases[n % len(cases)] for n in range(len(items))]
    table = pa.table(
        {
            "_item": items,
            "_opt_out": pa.array([one[0] for one in said], pa.bool_()),
            "_embargo_until": pa.array([one[1] for one in said], pa.date32()),
            "_closed_in": pa.array([one[2] for one in said], pa.string()),
            "_cleared": [one[3] for one in said],
            "_withdrawn": [n % 17 == 0 for n in range(len(items))],
        }
    )
    pq.write_table(table, path)
    return Overlay(source_file(path), "_item", COLUMNS, ADDED)


def test_a_ledger_is_joined_alike(plan: ExtractPlan, edition: Path, tmp_path: Path) -> None:
    """What it changes, adds and closes; hard blocks hold above it, and no row comes twice."""
    closing, bound = open_in("NL")
    judged = ("_opt_out", "_withdrawn", "_embargo_until <= $day", closing)
    asked = replace(
        plan,
        overlay=overlay(tmp_path / "ledger.parquet", edition),
        columns=judging(*judged),
        where="NOT _blocked",
        params={"day": PARAMS["day"], **bound},
    )
    found = assert_alike(asked)
    assert found.num_rows == sum(n % 11 != 0 for n in range(len(TEXTS) * len(FLAGS) * len(DAYS)))
    closed = replace(asked, where=f"NOT _blocked AND {closing}", out_dir=tmp_path / "closed")
    closed.out_dir.mkdir()
    assert assert_alike(closed).num_rows < found.num_rows


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Ray cluster of two workers on this machine."""
    port = free_port()
    place = tempfile.mkdtemp(prefix="ray-")  # a path of pytest's is too long for Ray's sockets
    command: list[str | Path] = [
        Path(sys.executable).with_name("ray"), "start", "--head", "--block", f"--port={port}",
        "--num-cpus=2", "--include-dashboard=false", "--disable-usage-stats",
        f"--ray-client-server-port={free_port()}", f"--temp-dir={place}",
        "--object-store-memory=100000000", "--node-ip-address=127.0.0.1",
        "--min-worker-port=0", "--max-worker-port=0",
    ]  # fmt: skip
    log = tmp_path_factory.mktemp("ray") / "log"
    with log.open("wb") as told:
        head = subprocess.Popen(command, stdout=told, stderr=told)
    try:
        while "Ray runtime started" not in log.read_text():
            assert head.poll() is None, log.read_text()
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        head.terminate()
        head.wait(30)
        shutil.rmtree(place, ignore_errors=True)


def test_a_cluster_gives_the_same(
    plan: ExtractPlan, edition: Path, tmp_path: Path, cluster: str
) -> None:
    """On Ray's workers, with a ledger, a filter and masks: rows and types as here."""
    closing, bound = open_in("NL")
    asked = replace(
        plan,
        overlay=overlay(tmp_path / "ledger.parquet", edition),
        columns=(
            *plan.columns,
            OutColumn("some", "numbers", "", "_opt_out AND _rights <> $text"),
            OutColumn("none", None, "DATE"),
        ),
        where=f"NOT _blocked AND {closing} AND _embargo_until <= $day",
        params={"day": PARAMS["day"], "text": PARAMS["text"], **bound},
    )
    assert assert_alike(asked, cluster).num_rows > 0


def test_a_cluster_that_is_not_there_gives_nothing(plan: ExtractPlan) -> None:
    """The job waits for it no longer than it may take, and leaves nothing."""
    with pytest.raises(JobError) as caught:
        open_extractor("daft", f"127.0.0.1:{free_port()}").extract(replace(plan, seconds=6))
    assert caught.value.code == "time-limit"
    assert list(plan.out_dir.iterdir()) == []


def test_several_files_and_no_rows_at_all(plan: ExtractPlan, edition: Path, tmp_path: Path) -> None:
    """Two files are read as one; where nothing passes, one empty file has the schema."""
    both = replace(plan, sources=plan.sources * 2)
    assert assert_alike(both).num_rows == 2 * pq.read_metadata(edition).num_rows
    nothing = replace(plan, where="_rights = $other", params={"other": "x"}, out_dir=tmp_path / "0")
    nothing.out_dir.mkdir()
    assert assert_alike(nothing).num_rows == 0


BEYOND = (
    "length(_rights) = 1", "_rights LIKE 'a%'", "regexp_matches(_rights, 'a')", "real > 1.5",
    "big = 1", "big + 1 > big", "_rights || 'a' = 'aa'", "_rights IN ($text, NULL)",
    "_rights IS DISTINCT FROM $text", "CAST(_rights AS DATE) = $day",
    "TRY_CAST(_rights AS DATE) = $day",
    "_item IN (SELECT 'i0001')", "list_contains(words, 'a')", "words[1] = 'a'", "place.name = 'a'",
    "_embargo_until BETWEEN $first AND $day", "moment > TIMESTAMP '2026-01-01'",
    "_embargo_until + INTERVAL 1 DAY > $day", "random() < 2", "current_date > $day",
    "_Rights = $text", "coalesce(_opt_out, flag, true)", "least(_embargo_until, day) = $day",
    "list_filter(words, lambda x: x = 'a') IS NULL", "_rights COLLATE NOCASE = $text", "1 = 1",
)  # fmt: skip


@pytest.mark.parametrize("condition", BEYOND)
def test_what_is_not_proven_is_refused(condition: str, plan: ExtractPlan) -> None:
    """DuckDB takes it; the other engine gives nothing out, as a filter or as a mask."""
    params = {name: value for name, value in PARAMS.items() if f"${name}" in condition}
    for asked in (
        replace(plan, where=condition, params=params),
        replace(plan, columns=(OutColumn("x", "_item", "", condition),), params=params),
    )[: 1 if condition != BEYOND[0] else 2]:
        with pytest.raises(PlanError) as caught:
            open_extractor("daft").extract(asked)
        assert caught.value.code == "beyond-engine"
        assert "VRIJGAVE_ENGINE" in caught.value.en
        assert list(plan.out_dir.iterdir()) == []


OTHER_TYPES: Mapping[str, pa.Array] = {
    "decimal": pa.array([Decimal("1.5")]),
    "unsigned": pa.array([2**64 - 1], pa.uint64()),
    "bytes": pa.array([b"\xff"]),
    "nanoseconds": pa.array([1], pa.timestamp("ns")),
    "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
}


def test_types_that_are_not_proven_are_refused(plan: ExtractPlan, tmp_path: Path) -> None:
    """Also where they hide in a list; and names that differ in case alone."""
    for name, values in OTHER_TYPES.items():
        path = tmp_path / f"{name}.parquet"
        pq.write_table(
            pa.table({"_item": ["i"], "x": pa.array([values.to_pylist()], pa.list_(values.type))}),
            path,
        )
        _refused(replace(plan, sources=(source_file(path),), columns=(OutColumn("x", "x", ""),)))
    path = tmp_path / "case.parquet"
    pq.write_table(pa.table({"x": ["a"], "X": ["b"]}), path)
    _refused(replace(plan, sources=(source_file(path),), columns=(OutColumn("x", "x", ""),)))


def _refused(plan: ExtractPlan) -> None:
    out = plan.out_dir / "out"
    out.mkdir()
    with pytest.raises(PlanError) as caught:
        open_extractor("daft").extract(replace(plan, out_dir=out))
    assert caught.value.code == "beyond-engine"
    out.rmdir()


@pytest.fixture
def wrong(plan: ExtractPlan, tmp_path: Path) -> list[tuple[ExtractPlan, type[ConnectorError], str]]:
    """Plans that must not run, with the error that each gives."""
    changed = replace(plan.sources[0], sha256="0" * 64)
    (tmp_path / "out").mkdir()
    plan = replace(plan, out_dir=tmp_path / "out")
    return [
        (replace(plan, sources=(changed,)), SourceChanged, "source-changed"),
        (replace(plan, where="true); DROP TABLE x; --"), PlanError, "bad-plan"),
        (replace(plan, where="_item IN (SELECT content FROM read_text('/etc/passwd'))"),
         JobError, "job-failed"),
        (replace(plan, where="no_such_column = 1"), JobError, "job-failed"),
        (replace(plan, columns=()), PlanError, "bad-plan"),
    ]  # fmt: skip


def test_the_other_engine_is_held_to_the_same_promises(
    wrong: list[tuple[ExtractPlan, type[ConnectorError], str]],
) -> None:
    """A changed source, a filter that is more than one, other files: refused as DuckDB does."""
    for plan, kind, code in wrong:
        for engine in ENGINES:
            with pytest.raises(kind) as caught:
                open_extractor(engine).extract(plan)
            assert caught.value.code == code
            assert list(plan.out_dir.iterdir()) == []


def test_an_engine_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, opening says what to install; nothing starts without it."""
    monkeypatch.setattr("connectors.daft.find_spec", lambda _name: None)
    with pytest.raises(PlanError) as caught:
        open_extractor("daft")
    assert caught.value.code == "no-engine"
    assert "vrijgave[cluster]" in caught.value.en
