"""A fault at every call to the file system: killed there, or told that the call failed.

``strace`` injects the fault into a process that lives the scenario, and into the processes it
starts. A first run without faults tells which calls there are.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.examine import examine
from tests.faults.scenario import Ack, live, prepare

CALLS = (
    "openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat",
    "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
)  # fmt: skip
FAULTS = ("signal=KILL", "error=EIO", "error=ENOSPC")
_TRACED = re.compile(r"^(\d+) +(\w+)\((.*)")
_SECONDS = 60


@dataclass(frozen=True)
class Point:
    """The ``when``-th time that a process makes this call, and what happens then."""

    call: str
    when: int
    fault: str


@dataclass(frozen=True)
class Seen:
    """What a run at one point gave."""

    point: Point
    fired: bool
    wrong: list[str]


def all_points(work: Path) -> list[Point]:
    """Every point of the scenario, from a run without faults; prepares the home to copy."""
    forked(lambda: prepare(work / "original"))
    log = _run(work, "first", ["-e", f"trace={','.join(CALLS)}"])[1]
    reached: set[tuple[str, int]] = set()
    made: Counter[tuple[str, str]] = Counter()
    for line in log.splitlines():
        if found := _TRACED.match(line):
            process, call, rest = found.groups()
            made[process, call] += 1
            if str(work / "first") in rest:
                reached.add((call, made[process, call]))
    return [Point(call, when, fault) for call, when in sorted(reached) for fault in FAULTS]


def chosen(points: list[Point], count: int, seed: int) -> list[Point]:
    """A sample with as many of each call as there are; another run with this seed repeats it."""
    shuffled = random.Random(seed).sample(points, len(points))
    turn: Counter[str] = Counter()
    turns = []
    for point in shuffled:
        turns.append((turn[point.call], point))
        turn[point.call] += 1
    return [point for _, point in sorted(turns, key=lambda one: one[0])[:count]]


def try_point(work: Path, point: Point) -> Seen:
    """Live the scenario with this one fault, start again, and examine what is left."""
    name = f"{point.call}-{point.when}-{point.fault.partition('=')[2]}"
    inject = f"inject={point.call}:{point.fault}:when={point.when}"
    acks, log, status = _run(work, name, ["-e", f"trace={point.call}", "-e", inject])
    fired = "(INJECTED)" in log or "+++ killed by SIGKILL" in log
    wrong = [] if os.WIFEXITED(status) or os.WIFSIGNALED(status) else ["it never ended"]
    home = work / name
    wrong += forked(lambda: examine(home, acks)) or []
    shutil.rmtree(home)
    return Seen(point, fired, wrong)


def _run(work: Path, name: str, options: list[str]) -> tuple[list[Ack], str, int]:
    """Acknowledgements, trace and exit status of one life of the scenario."""
    home, log = work / name, work / f"{name}.trace"
    shutil.copytree(work / "original", home)
    told, tell = os.pipe()
    start, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(start, 1)
        try:
            live(home, tell)
        finally:
            os._exit(0)  # a fault may strike before the first act too
    os.close(tell)
    os.close(start)
    tracer = _attach(child, [*options, "-o", str(log)])
    os.write(go, b"!")
    os.close(go)
    with os.fdopen(told, "rb") as lines:
        acks = [json.loads(line) for line in lines if line.endswith(b"\n")]
    status = os.waitpid(child, 0)[1]
    tracer.wait(_SECONDS)
    trace = log.read_text(errors="replace")
    log.unlink()
    return acks, trace, status


def _attach(process: int, options: list[str]) -> subprocess.Popen[bytes]:
    tracer = subprocess.Popen(
        ["strace", "-f", "-y", "-q", *options, "-p", str(process)], stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + _SECONDS
    while "TracerPid:\t0\n" in Path(f"/proc/{process}/status").read_text():
        if time.monotonic() > until or tracer.poll() is not None:
            os.kill(process, signal.SIGKILL)
            raise RuntimeError("strace cannot follow a process here")
        time.sleep(0.002)
    return tracer


def forked(work: Callable[[], list[str] | None]) -> list[str] | None:
    """Do something in a process of its own, so that this one stays fresh; its answer."""
    answer, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(tell, "w") as out:
            try:
                json.dump(work(), out)
            except BaseException:  # noqa: BLE001  # told to the parent
                json.dump([traceback.format_exc()], out)
        os._exit(0)
    os.close(tell)
    with os.fdopen(answer) as lines:
        said: list[str] | None = json.loads(lines.read() or '["it died"]')
    os.waitpid(child, 0)
    return said
