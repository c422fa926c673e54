"""Known attacks on an engine inside a server, each tried on the real job: all are stopped.

`test_confinement` tries what one statement can reach; here hostile texts, names and files go in by
the ports, as if everything before them had been fooled.
"""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.ingest import BLOCKED, FACTS, layout
from connectors import (
    ConnectorError,
    Delivery,
    DeliveryError,
    ExtractPlan,
    JobError,
    JobLimit,
    OutColumn,
    PlanError,
    SourceChanged,
    SourceFile,
    open_extractor,
)
from connectors.local import sha256_of
from connectors.sources import DuckImporter
from registry.demo import generator

SECRET = "the row that was filtered out"
SECONDS = 3


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A store with one edition, and a neighbour that no job was given."""
    for name, text in (("edition", SECRET), ("neighbour", "of someone else")):
        table = pa.table({"_item": ["a", "b"], "open": [True, False], "text": ["free", text]})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    for name in ("out", "out-of-bounds"):
        (tmp_path / name).mkdir()
    (tmp_path / "out-of-bounds" / "secret.csv").write_text(f"text\n{SECRET}\n")
    (tmp_path / "link.parquet").symlink_to(tmp_path / "neighbour.parquet")
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "edition.parquet.old").write_bytes((tmp_path / "edition.parquet").read_bytes())
    return tmp_path


def plan_of(place: Path, **changed: object) -> ExtractPlan:
    """An extract of the open row; `{place}` in its filter is where the files are."""
    path = place / "edition.parquet"
    plan = ExtractPlan(
        sources=(SourceFile(path, sha256_of(path), path.stat().st_size),),
        columns=(OutColumn("text", "text", "VARCHAR"),),
        where="open",
        params={},
        metadata={},
        out_dir=place / "out",
        seconds=SECONDS,
        memory_mb=256,
    )
    plan = replace(plan, **changed)  # type: ignore[arg-type]  # named as the plan's fields
    return replace(plan, where=plan.where.replace("{place}", str(place)))


def stopped(plan: ExtractPlan) -> ConnectorError:
    """The error that a job ended with; it left nothing, told nothing, and touched no source."""
    before = plan.sources[0].path.read_bytes()
    with pytest.raises(ConnectorError) as caught:
        open_extractor().extract(plan)
    assert list(plan.out_dir.iterdir()) == []
    assert plan.sources[0].path.read_bytes() == before
    assert SECRET not in f"{caught.value.nl}{caught.value.en}{caught.value.facts}"
    return caught.value


@pytest.mark.parametrize(
    "where",
    [
        "open)) TO '{place}/taken.csv' (FORMAT csv); COPY (SELECT * FROM '{place}/neighbour.parquet"
        "' WHERE (true",
        "open)) TO '{place}/out/x' (FORMAT csv); CREATE MACRO lower(x) AS 'taken'; SELECT ((1",
        "open)) TO '{place}/out/x'; SET lock_configuration = false; SELECT ((1",
        *(
            f"open)) TO '{{place}}/out/x'; {more}; COPY (SELECT ((1"
            for more in (
                "SET memory_limit = '100GB'",
                "SET home_directory = '{place}'",
                "SET temp_directory = '{place}/taken'",
                "SET log_query_path = '{place}/taken.log'",
                "SET profiling_output = '{place}/taken.json'",
                "CALL enable_logging(storage = 'file', storage_path = '{place}/taken')",
                "CREATE PERSISTENT SECRET s (TYPE s3)",
                "ATTACH '{place}/taken.db'",
                "EXPORT DATABASE '{place}/taken'",
                "INSTALL httpfs",
            )
        ),
        "open -- ",
        "(" * 20_000 + "open" + ")" * 20_000,
    ],
    ids=lambda where: where[:90],
)
def test_a_filter_that_is_more_than_a_filter_is_refused(place: Path, where: str) -> None:
    """Nothing runs that is not one COPY; a comment at most loses its own line."""
    plan = plan_of(place, where=where)
    if where == "open -- ":
        assert open_extractor().extract(plan).rows == 1
    else:
        assert isinstance(stopped(plan), PlanError | JobError)
    assert not list(place.rglob("taken*"))


@pytest.mark.parametrize(
    "where",
    [
        "text IN (SELECT text FROM read_parquet('{place}/neighbour.parquet'))",
        "text IN (SELECT content FROM read_text('/etc/passwd'))",
        "EXISTS (SELECT 1 FROM glob('{place}/*'))",
        "EXISTS (SELECT 1 FROM read_csv('/proc/self/environ'))",
        "EXISTS (SELECT 1 FROM read_blob('/proc/self/environ'))",
        "EXISTS (SELECT 1 FROM sniff_csv('{place}/out-of-bounds/secret.csv'))",
        "EXISTS (SELECT 1 FROM read_csv('{place}/out-of-bounds/secret.csv'))",
        "EXISTS (SELECT 1 FROM parquet_metadata('{place}/neighbour.parquet'))",
        "EXISTS (SELECT 1 FROM read_parquet('{place}/out/../neighbour.parquet'))",
        "EXISTS (SELECT 1 FROM read_parquet('{place}/link.parquet'))",
        "EXISTS (SELECT 1 FROM read_parquet('{place}/link/neighbour.parquet'))",
        "EXISTS (SELECT 1 FROM read_parquet('{place}/edition.parquet.old'))",
        "EXISTS (SELECT 1 FROM read_parquet('https://127.0.0.1:1/x.parquet'))",
        "EXISTS (SELECT 1 FROM read_parquet('s3://bucket/x.parquet'))",
        "EXISTS (SELECT 1 FROM params)",
        "CAST(text AS INTEGER) > 0",
        "error(text) IS NULL",
        "open = getenv('HOME')",
    ],
)
def test_a_filter_that_looks_elsewhere_fails(place: Path, where: str) -> None:
    """Other files are out of reach, and an error says nothing of the rows it came from."""
    assert isinstance(stopped(plan_of(place, where=where)), JobError | PlanError)


@pytest.mark.parametrize(
    "where",
    [
        "EXISTS (WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t)"
        " SELECT 1 FROM t WHERE n < 0)",
        "(SELECT count(*) FROM range(1000000) a, range(900000) b WHERE a.range + b.range = -1) = 0",
        "(SELECT max(r) FROM (SELECT range r FROM range(400000000) ORDER BY hash(range) DESC"
        " OFFSET 399999999)) > 0",
        "length(repeat('x', 3000000000)) > 0",
    ],
    ids=["recursion", "cross join", "sort", "long text"],
)
def test_a_filter_that_eats_the_machine_is_ended(place: Path, where: str) -> None:
    """Time and memory are limits on the process, whatever the engine thinks of its own."""
    assert isinstance(stopped(plan_of(place, where=where)), JobLimit | JobError)


def test_a_hundred_thousand_alternatives_stay_within_the_limits(place: Path) -> None:
    """A very long filter gives the right rows or ends the job; it takes no other down."""
    plan = plan_of(place, where=" OR ".join(["(open AND _item = 'a')"] * 100_000))
    try:
        assert open_extractor().extract(replace(plan, seconds=20)).rows == 1
    except ConnectorError as ended:
        assert isinstance(ended, JobError | PlanError)  # noqa: PT017  # one of them is enough
    assert open_extractor().extract(plan_of(place, out_dir=_empty(place))).rows == 1


def test_a_pattern_that_backtracks_elsewhere_costs_nothing(place: Path) -> None:
    """Regular expressions take time in proportion to the text, whatever the pattern."""
    where = "open AND NOT regexp_matches(repeat('a', 100000) || '!', '^(a+)+$')"
    assert open_extractor().extract(plan_of(place, where=where)).rows == 1


def test_a_bound_text_is_only_a_value(place: Path) -> None:
    """What breaks out of a filter that is built from text is compared like any other text."""
    plan = plan_of(place, where="open AND text = $text", params={"text": "x') OR (text <> '"})
    assert open_extractor().extract(plan).rows == 0


def test_settings_and_paths_do_not_leave(place: Path) -> None:
    """The engine's own tables can be asked in a filter, but a column is a source's column."""
    asked = "EXISTS (SELECT 1 FROM duckdb_settings() WHERE value LIKE '%edition%') AND open"
    open_extractor().extract(plan_of(place, where=asked))
    assert str(place).encode() not in (place / "out" / "part-00000.parquet").read_bytes()
    columns = (OutColumn("x", "current_setting('allowed_paths')", "VARCHAR"),)
    stopped(plan_of(place, columns=columns, out_dir=_empty(place)))


def _empty(place: Path) -> Path:
    out = place / "next"
    out.mkdir()
    return out


def test_names_and_texts_stay_names_and_texts(place: Path) -> None:
    """A column's name and the file's metadata are written as they are, whatever is in them."""
    name = "x\" FROM read_text('/etc/passwd') --"
    evil = "'}) ; COPY (SELECT 1) TO '/tmp/taken' --"
    columns = (OutColumn(name, "text", "VARCHAR"), OutColumn("none", None, "VARCHAR"))
    open_extractor().extract(plan_of(place, columns=columns, metadata={evil: evil}))
    made = pq.read_table(place / "out" / "part-00000.parquet")
    assert made.column(name).to_pylist() == ["free"]
    assert made.schema.metadata[evil.encode()] == evil.encode()


@pytest.mark.parametrize("sql_type", ["VARCHAR) FROM x; --", "INTEGER[", "a.b.c"])
def test_a_type_is_one_that_the_engine_knows(place: Path, sql_type: str) -> None:
    """Other text in the place of a type is refused."""
    columns = (OutColumn("x", None, sql_type),)
    assert isinstance(stopped(plan_of(place, columns=columns)), PlanError)


def test_a_pattern_is_no_file_name(place: Path) -> None:
    """Glob characters in a source's name match nothing but a file of that name."""
    source = SourceFile(place / "*.parquet", "0" * 64, 1)
    with pytest.raises(SourceChanged):
        open_extractor().extract(plan_of(place, sources=(source,)))


def test_a_folder_name_is_no_column(place: Path) -> None:
    """`open=true` in a path does not win from the file's own column."""
    folder = place / "open=true"
    folder.mkdir()
    path = (place / "edition.parquet").rename(folder / "edition.parquet")
    source = SourceFile(path, sha256_of(path), path.stat().st_size)
    pq.write_table(pa.table({"x": [1]}), place / "edition.parquet")
    assert open_extractor().extract(plan_of(place, sources=(source,))).rows == 1


def test_a_job_may_not_write_where_its_source_is(place: Path) -> None:
    """The job's directory must be empty, so it never holds what could be overwritten."""
    with pytest.raises(PlanError):
        open_extractor().extract(plan_of(place, out_dir=place))


def test_a_changed_bit_in_a_source_is_seen(place: Path) -> None:
    """The engine would give wrong rows without an error; the hash is checked before it reads."""
    plan = plan_of(place)
    path = plan.sources[0].path
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    assert isinstance(stopped(plan), SourceChanged)


# --- hostile deliveries ------------------------------------------------------------------------


def _dictionary_bomb(path: Path) -> None:
    """Two megabytes of text, named a million times by a few bytes."""
    generator.write(path, 1, seed=1)
    row = pq.read_table(path)
    bombed = {}
    for name in row.column_names:
        text = (
            "x" * 2_000_000 if name == row.column_names[-1] else row.column(name)[0].as_py() or ""
        )
        values = pa.array([text], pa.string())
        bombed[name] = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000), values)
    pq.write_table(pa.table(bombed), path, compression="zstd")


def _many_columns(path: Path) -> None:
    pq.write_table(pa.table({f"c{n}": [1] for n in range(20_000)}), path)


def _long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"identifier,title\n")
        for _ in range(300):
            file.write(b"x" * 1_000_000)


def _compressed(path: Path) -> None:
    path.write_bytes(gzip.compress(b"identifier,title\n" + b"a,b\n" * 10_000_000, 1))


def _half_a_file(path: Path) -> None:
    generator.write(path, 100, seed=1)
    path.write_bytes(path.read_bytes()[:-200])


def _lying_footer(path: Path) -> None:
    generator.write(path, 100, seed=1)
    content = bytearray(path.read_bytes())
    content[-8:-4] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "ending"),
    [
        (_dictionary_bomb, ".parquet"),
        (_many_columns, ".parquet"),
        (_half_a_file, ".parquet"),
        (_lying_footer, ".parquet"),
        (_long_line, ".csv"),
        (_compressed, ".csv"),
    ],
)
def test_a_hostile_delivery_ends_its_own_job_only(
    tmp_path: Path, make: Callable[[Path], None], ending: str
) -> None:
    """It gets a plain problem, leaves nothing behind, and the next delivery is read as ever."""
    path, out, scratch = tmp_path / f"hostile{ending}", tmp_path / "out", tmp_path / "scratch"
    for folder in (out, scratch):
        folder.mkdir()
    make(path)
    importer = DuckImporter(scratch, seconds=8, memory_mb=256)
    columns = layout(generator.mapping(), key=b"k" * 32)
    form = {".parquet": "parquet", ".csv": "csv"}[ending]
    with pytest.raises(ConnectorError) as caught:
        importer.lay_out(Delivery(path, form), columns, out, group_by=FACTS, not_where=BLOCKED)  # type: ignore[arg-type]  # one of its forms
    assert isinstance(caught.value, DeliveryError | JobError)
    assert caught.value.nl
    assert list(out.iterdir()) == list(scratch.iterdir()) == []
    good = tmp_path / "good.csv"
    generator.write(good, 20, seed=1)
    laid = importer.lay_out(Delivery(good, "csv"), columns, out, group_by=FACTS, not_where=BLOCKED)
    assert laid.accepted == 20


def test_a_delivery_named_as_a_pattern_is_refused(tmp_path: Path) -> None:
    """Its name would be one to DuckDB, and could read what lies beside it."""
    for name in ("*.csv", "of another.csv"):
        generator.write(tmp_path / name, 5)
    with pytest.raises(PlanError):
        DuckImporter(tmp_path).profile(Delivery(tmp_path / "*.csv", "csv"))


def test_json_of_any_depth_is_a_value_like_another(tmp_path: Path) -> None:
    """A hundred thousand brackets are read without recursion; as an identifier they are refused."""
    path, scratch, out = tmp_path / "deep.jsonl", tmp_path / "scratch", tmp_path / "out"
    for folder in (scratch, out):
        folder.mkdir()
    path.write_text('{"identifier":' + "[" * 100_000 + "]" * 100_000 + "}\n")
    columns = layout(generator.mapping(), key=b"k" * 32)
    laid = DuckImporter(scratch).lay_out(Delivery(path, "jsonl"), columns, out)
    assert (laid.rows_read, laid.accepted, laid.refused) == (1, 0, 1)
