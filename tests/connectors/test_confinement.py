"""Known attacks on DuckDB as a server component, against the real session and limits."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]

# Runs the job's own confinement and session, then one statement, and says how it ended.
_CHILD = """
import json, os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from connectors.duck.confine import Limits, limit, shut_in
from connectors.duck.session import open_session
spec = json.loads(sys.argv[1])
alone = shut_in()
limit(Limits(1536 << 20, 1 << 30, 20))
place = Path(spec["dir"])
secret_table = [{{"a": 1}}]
session = open_session([place / "in.parquet"], place / "job", threads=2, memory_mb=256)
try:
    rows = session.execute(spec["sql"]).fetchall()
    print(json.dumps({{"rows": repr(rows)[:200], "alone": alone, "env": dict(os.environ)}}))
except Exception as refused:
    print(json.dumps({{"refused": type(refused).__name__, "alone": alone}}))
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job's directory, its one input, and neighbours it must not see."""
    place = tmp_path_factory.mktemp("confined")
    (place / "job").mkdir()
    (place / "job2").mkdir()
    for name in ("in", "other"):
        pq.write_table(pa.table({"x": [name]}), place / f"{name}.parquet")
    (place / "job2" / "secret.csv").write_text("x\nsecret\n")
    (place / "job" / "link.parquet").symlink_to(place / "other.parquet")
    return place


def attempt(place: Path, sql: str) -> dict[str, object]:
    """What one statement gives in a confined session."""
    spec = json.dumps({"dir": str(place), "sql": sql.replace("{D}", str(place))})
    done = subprocess.run(
        [sys.executable, "-I", "-c", _CHILD.format(root=str(ROOT)), spec],
        env={},
        capture_output=True,
        timeout=60,
    )
    answer: dict[str, object] = json.loads(done.stdout or b'{"refused": "died"}')
    return answer


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT content FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT content FROM read_blob('/proc/self/environ')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('{D}/other.parquet')",
        "SELECT * FROM read_parquet('{D}/*.parquet')",
        "SELECT * FROM read_parquet('{D}/job/../other.parquet')",
        "SELECT * FROM read_parquet('{D}/job/link.parquet')",
        "SELECT * FROM read_csv('{D}/job2/secret.csv')",
        "SELECT * FROM parquet_metadata('{D}/other.parquet')",
        "SELECT * FROM sniff_csv('{D}/job2/secret.csv')",
        "ATTACH '/tmp/vrijgave-attack.db'",
        "COPY (SELECT 1) TO '/tmp/vrijgave-attack.parquet' (FORMAT parquet)",
        "COPY (SELECT 1) TO '{D}/in.parquet.copy' (FORMAT parquet)",
        "EXPORT DATABASE '{D}/job2/dump'",
        "SELECT * FROM secret_table",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM 'https://127.0.0.1:1/x.parquet'",
        "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
        "SET threads = 64",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET lock_configuration = false",
        "SET log_query_path = '/tmp/vrijgave-attack.log'",
        "SET temp_directory = '/tmp'",
        "CREATE PERSISTENT SECRET s (TYPE s3)",
        "SELECT length(repeat('x', 3000000000))",
        "SELECT getenv('HOME')",
    ],
)
def test_an_attack_is_stopped(place: Path, sql: str) -> None:
    """No statement reads, writes, reaches or raises more than its job was given."""
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*.parquet")}
    answer = attempt(place, sql)
    assert "refused" in answer, answer
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*.parquet")} == before
    assert not list(Path("/tmp").glob("vrijgave-attack*"))


def test_the_input_can_be_read_and_the_environment_is_empty(place: Path) -> None:
    """What the job was given works; of the parent's environment nothing is there."""
    answer = attempt(place, "SELECT * FROM read_parquet('{D}/in.parquet')")
    assert answer["rows"] == "[('in',)]"
    assert set(answer["env"]) <= {"LC_CTYPE"}  # type: ignore[call-overload]  # a dict from JSON


def test_a_confined_process_has_no_network(place: Path) -> None:
    """Where the system permits namespaces, even loopback is gone."""
    answer = attempt(place, "SELECT 1")
    permitted = subprocess.run(["unshare", "-Urn", "true"], capture_output=True).returncode == 0
    if not permitted:
        pytest.skip("this system does not permit network namespaces")
    assert answer["alone"] is True
