"""Hand a job to its process, listen to it, and see to its end.

The process is killed, with its whole group, when the time is up or someone asks; what it left
behind is then removed.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.duck import processes
from connectors.errors import TEXTS, ConnectorError, error
from connectors.ports import MIB, NEVER, NO_PROGRESS, OnProgress, ShouldStop, Usage

_GIB = 1024 * MIB
_TICK = 0.2  # seconds between looks at the clock and at `should_stop`
_LONGEST_ANSWER = 256 * MIB


@dataclass(frozen=True)
class Budget:
    """What one job may use: wall seconds, DuckDB's memory in MiB, threads, and bytes per file.

    `reserved_mb` is address space beyond DuckDB's memory: code, stacks, and what allocators claim
    without ever touching it (1.4 GiB at 300 MB in use were seen).
    """

    seconds: int
    memory_mb: int
    threads: int
    file_bytes: int = 64 * _GIB
    reserved_mb: int = 2048

    def limits(self) -> dict[str, int]:
        """The same as limits on the process."""
        return {
            "address_space": (self.memory_mb + self.reserved_mb) * MIB,
            "file_bytes": self.file_bytes,
            "cpu_seconds": self.seconds * self.threads + 5,
        }


@dataclass(frozen=True)
class Answer:
    """What a job answered, and what its process used."""

    result: dict[str, Any]
    usage: Usage
    no_network: bool


def run(
    module: str,
    task: str,
    job: Mapping[str, Any],
    directory: Path,
    budget: Budget,
    *,
    on_progress: OnProgress = NO_PROGRESS,
    should_stop: ShouldStop = NEVER,
) -> Answer:
    """Do one job in a process of its own, in `directory`, which is emptied if the job fails.

    `task` is one of the `TASKS` of `module`.
    """
    orders = {
        "task": task,
        "limits": budget.limits(),
        "directory": str(directory.absolute()),
        "job": job,
    }
    with _emptied_on_failure(directory):
        child = processes.take(module)
        try:
            _send(child, orders)
            last = _listen(child, budget.seconds, on_progress, should_stop)
        finally:
            status, cpu_seconds = processes.end(child)
            processes.replace(module)
        return _answer(last, status, cpu_seconds, budget)


@contextmanager
def _emptied_on_failure(directory: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for leftover in directory.iterdir():
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)
        raise


def _send(child: subprocess.Popen[bytes], orders: Mapping[str, Any]) -> None:
    """Hand over the orders; the pipe stays open, for its closing tells the child to end."""
    assert child.stdin is not None  # noqa: S101 - a pipe was asked for
    line = json.dumps(orders).encode() + b"\n"
    try:
        while line:
            line = line[os.write(child.stdin.fileno(), line) :]
    except BrokenPipeError:
        raise error("job-died") from None


def _listen(
    child: subprocess.Popen[bytes],
    seconds: int,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> dict[str, Any] | None:
    """The child's last line, `None` when it ended without one."""
    assert child.stdout is not None  # noqa: S101 - a pipe was asked for
    deadline = time.monotonic() + seconds
    pipe = child.stdout.fileno()
    buffer = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if should_stop():
                raise error("cancelled")
            left = deadline - time.monotonic()
            if left <= 0:
                raise error("time-limit", seconds=seconds)
            if not selector.select(min(_TICK, left)):
                continue
            block = os.read(pipe, 1 << 16)
            if not block or len(buffer) > _LONGEST_ANSWER:
                return None
            buffer += block
            while (end := buffer.find(b"\n")) >= 0:
                message = json.loads(buffer[:end])
                del buffer[: end + 1]
                if "progress" not in message:
                    return dict(message)
                on_progress(min(1.0, max(0.0, float(message["progress"]))))


def _answer(last: dict[str, Any] | None, status: int, cpu_seconds: float, budget: Budget) -> Answer:
    if last is None:
        raise _death(status, budget)
    if "error" in last:
        raise _told(last, budget)
    usage = Usage(cpu_seconds, last["peak_rss"], last["wall"], last["cpu"])
    return Answer(last["result"], usage, last["no_network"])


def _death(status: int, budget: Budget) -> ConnectorError:
    if status == -signal.SIGXCPU:
        return error("time-limit", seconds=budget.seconds)
    return error("job-died")


def _told(last: Mapping[str, Any], budget: Budget) -> ConnectorError:
    code = last["error"] if last["error"] in TEXTS else "job-failed"
    facts = dict(last["facts"])
    if code == "time-limit":
        facts = {"seconds": budget.seconds}
    return error(code, **facts)
