"""A warm process waits for the next job of each kind, serves one, and never outlives its parent."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import ExtractPlan, OutColumn, SourceFile, keep_ready, let_go, open_extractor
from connectors.duck import MODULE, processes
from connectors.duck.child import Job
from connectors.local import sha256_of
from tests.support.service import job_processes

ROOT = Path(__file__).parents[2]
_PARENT = """
import sys, time
sys.path.insert(0, {root!r})
from connectors import keep_ready
keep_ready()
print("ready", flush=True)
time.sleep(60)
"""


KINDS = 3
"""How many kinds of job a process waits for: extracts, imports and questions."""


def until(reached: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def ready() -> Iterator[set[int]]:
    """The waiting processes, for as long as the test takes."""
    keep_ready()
    until(lambda: len(job_processes(os.getpid())) == KINDS)
    yield job_processes(os.getpid())
    let_go()


def plan(folder: Path) -> ExtractPlan:
    """An extract of one small file."""
    source, out = folder / "in.parquet", folder / "out"
    pq.write_table(pa.table({"x": ["a", "b"]}), source)
    out.mkdir()
    return ExtractPlan(
        sources=(SourceFile(source, sha256_of(source), source.stat().st_size),),
        columns=(OutColumn("x", "x", "VARCHAR"),),
        where="x = $x",
        params={"x": "b"},
        metadata={},
        out_dir=out,
    )


def test_a_waiting_process_serves_one_job(ready: set[int], tmp_path: Path) -> None:
    """A job takes the process that waits, which then is gone; another waits in its place."""
    assert open_extractor().extract(plan(tmp_path)).rows == 1
    until(lambda: len(job_processes(os.getpid())) == KINDS)
    now = job_processes(os.getpid())
    assert len(ready & now) == KINDS - 1
    let_go()
    assert job_processes(os.getpid()) == set()
    processes.replace(MODULE)
    assert job_processes(os.getpid()) == set()


def test_a_waiting_process_has_nothing_of_ours(ready: set[int]) -> None:
    """It has no environment, no open file of its parent's, and a group of its own."""
    for pid in ready:
        assert Path(f"/proc/{pid}/environ").read_bytes() == b""
        assert os.getpgid(pid) == pid
        assert Path(f"/proc/{pid}/cwd").resolve() == Path("/")
        until(lambda pid=pid: _open_files(pid) <= {0, 1, 2, 3, 4})  # type: ignore[misc] # bound now


def _open_files(pid: int) -> set[int]:
    return {int(one.name) for one in Path(f"/proc/{pid}/fd").iterdir()}


def test_one_that_died_waiting_does_no_harm(ready: set[int], tmp_path: Path) -> None:
    """Where the waiting process was killed, the job gets a new one."""
    for pid in ready:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not job_processes(os.getpid()) & ready)
    assert open_extractor().extract(plan(tmp_path)).rows == 1


def test_waiting_processes_die_with_their_parent() -> None:
    """A parent that is killed leaves no process waiting."""
    code = _PARENT.format(root=str(ROOT))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        until(lambda: len(job_processes(parent.pid)) == KINDS)
        left = job_processes(parent.pid)
        parent.kill()
    until(lambda: not any(_alive(pid) for pid in left))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_progress_never_falls_back() -> None:
    """A query that begins anew with its next pipeline is not told as work undone."""
    receiving, sending = os.pipe()
    shares = iter([0.5, 1.0, 0.2])
    done = threading.Event()

    def share() -> float:
        told = next(shares, None)
        if told is None:
            done.set()
        return told or 0.0

    with Job({}, sending).progress(share):
        assert done.wait(20)
    os.close(sending)
    with os.fdopen(receiving) as lines:
        told = [json.loads(line)["progress"] for line in lines]
    assert told[:4] == [0.5, 1.0, 1.0, 1.0]
