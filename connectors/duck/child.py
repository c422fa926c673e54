"""The child process: confine itself, wait for its one job, do it, report, end.

Started by `connectors.duck.processes` with an empty environment. Nothing that a library raises
leaves this process as text: a message of DuckDB may quote the very rows that a filter holds back.
"""

import errno
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.duck.confine import Limits, die_with_parent, limit, shut_in
from connectors.errors import ConnectorError

_PROGRESS_SECONDS = 0.2
_WITH_NETWORK = frozenset({"connectors.daft.cluster"})
"""Modules whose jobs are done by other machines."""


class Job:
    """A job under way: its orders, its reports, and a stopwatch for each stage."""

    def __init__(self, orders: dict[str, Any], out: int) -> None:
        self.orders = orders
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self._farthest = 0.0
        self._out = out
        self._lock = threading.Lock()

    def say(self, **message: Any) -> None:
        """One line to the parent."""
        line = json.dumps(message).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._out, line) :]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside; stages of one name add up."""
        wall, cpu = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.wall[name] = self.wall.get(name, 0.0) + time.monotonic() - wall
            self.cpu[name] = self.cpu.get(name, 0.0) + time.process_time() - cpu

    @contextmanager
    def progress(self, share: Callable[[], float]) -> Iterator[None]:
        """Report `share()` (0.0 to 1.0) while what is inside runs; never less than was reported.

        DuckDB begins a query again at nothing when it comes to its next pipeline.
        """
        done = threading.Event()

        def report() -> None:
            while not done.wait(_PROGRESS_SECONDS):
                self._farthest = max(self._farthest, share())
                self.say(progress=self._farthest)

        reporter = threading.Thread(target=report, daemon=True)
        reporter.start()
        try:
            yield
        finally:
            done.set()
            reporter.join()


def main(module: str) -> None:
    """Read the orders from standard input, do them, answer on what was standard output.

    The module with the tasks is imported before there are orders: that is most of the start.
    """
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    has_no_network = shut_in(network=module in _WITH_NETWORK)
    tasks = importlib.import_module(module).TASKS
    orders = json.loads(_first_line())
    limit(Limits(**orders["limits"]))
    os.chdir(orders["directory"])
    die_with_parent(0)
    job = Job(orders["job"], out)
    try:
        result = tasks[orders["task"]](job)
        job.say(
            result=result,
            wall=job.wall,
            cpu=job.cpu,
            peak_rss=_peak_rss(),
            no_network=has_no_network,
        )
    except ConnectorError as known:
        job.say(error=known.code, facts=known.facts)
    except BaseException as unknown:  # noqa: BLE001 - whatever it is, the parent hears only a code
        job.say(error=_code_of(unknown), facts={})
    os._exit(0)


def _first_line() -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        block = os.read(0, 1 << 16)
        if not block:
            sys.exit(1)
        line += block
    return bytes(line)


def _peak_rss() -> int:
    """Peak resident bytes; not `ru_maxrss`, which a child inherits from a large parent."""
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _code_of(problem: BaseException) -> str:
    """The code of an error that is not ours, from its class and the system's words for it."""
    text = str(problem)
    if isinstance(problem, OSError) and problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "disk-full"
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return "disk-full"
    if "File too large" in text:
        return "size-limit"
    kind = type(problem).__name__
    if isinstance(problem, MemoryError) or kind == "OutOfMemoryException":
        return "memory-limit"
    return "time-limit" if kind == "InterruptException" else "job-failed"
