"""The processes that jobs run in: one job each, started for it or waiting for it.

A process has an empty environment and its own process group. While `keep_ready` is in force, one
that has started and imported what it needs waits for the next job of each kind; it dies with this
process as one at work does.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

Process = subprocess.Popen[bytes]

_PROGRAM = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from connectors.duck.child import main; main({module!r})"
)
_GRACE_SECONDS = 1.0


class _Ready:
    """The waiting processes, by the module of their tasks.

    All are started by one thread that lives as long as they may: the system's signal that a parent
    died comes at the end of the thread that started them.
    """

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="job-processes")
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[Process]] = {}
        for module in modules:
            self.replace(module)

    def take(self, module: str) -> Process | None:
        with self._lock:
            found = self._waiting.pop(module, None)
        child = found.result() if found else None
        if child is not None and child.poll() is not None:  # it died while it waited
            _close(child)
            return None
        return child

    def replace(self, module: str) -> None:
        with self._lock:
            if module not in self._waiting:
                self._waiting[module] = self._starter.submit(_start, module)

    def end(self) -> None:
        for module in tuple(self._waiting):
            child = self.take(module)
            if child is not None:
                end(child, grace=0)
        self._starter.shutdown()


_ready: _Ready | None = None


def keep_ready(modules: tuple[str, ...]) -> None:
    """From now on, have a process waiting for the next job of each module."""
    global _ready  # noqa: PLW0603 -- processes belong to this process, which has one set of them
    _ready = _Ready(modules)


def let_go() -> None:
    """End the waiting processes, and start no more beforehand."""
    global _ready
    ready, _ready = _ready, None
    if ready is not None:
        ready.end()


def take(module: str) -> Process:
    """A process for one job of this module: the waiting one, or a new one."""
    ready = _ready
    return (ready.take(module) if ready else None) or _start(module)


def replace(module: str) -> None:
    """Have the next one wait, now that the last one's job is done."""
    ready = _ready
    if ready is not None:
        ready.replace(module)


def end(child: Process, *, grace: float = _GRACE_SECONDS) -> tuple[int, float]:
    """Make sure that nothing of the child is left; its status and CPU seconds."""
    deadline = time.monotonic() + grace
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > deadline:
            break
        time.sleep(0.002)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    _close(child)
    return child.returncode, used.ru_utime + used.ru_stime


def _start(module: str) -> Process:
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _PROGRAM.format(root=root, module=module)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
        bufsize=0,
    )


def _close(child: Process) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
