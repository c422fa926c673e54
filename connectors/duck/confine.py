"""How a job's process is shut in, before it reads a byte that someone else made.

Runs in the child: `shut_in` first of all, `limit` once it knows its job. What the system does not
permit (a network namespace needs either root or unprivileged user namespaces) is left out and
reported; everything else must succeed.
"""

import ctypes
import os
import resource
import signal
import threading
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_MAX_OPEN_FILES = 256


@dataclass(frozen=True)
class Limits:
    """What one job may use: address space and file size in bytes, processor time in seconds."""

    address_space: int
    file_bytes: int
    cpu_seconds: int


def shut_in(*, network: bool = False) -> bool:
    """Shut this process in, with a network only where one is asked for; whether it has none.

    A namespace can only be left while there is one thread: before anything is imported.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    alone = not network and (
        libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    )
    os.umask(0o077)
    return bool(alone)


def limit(limits: Limits) -> None:
    """Hold this process to what its job may use."""
    for kind, amount in (
        (resource.RLIMIT_AS, limits.address_space),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(kind, amount)


def die_with_parent(stdin: int) -> None:
    """End this process when its parent closes the pipe, which it also does by dying.

    The death signal alone is not enough: it fires for the thread that started us, and is lost if
    the parent died before it was set.
    """

    def watch() -> None:
        while os.read(stdin, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _lower(kind: int, amount: int) -> None:
    hard = resource.getrlimit(kind)[1]
    most = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
    resource.setrlimit(kind, (most, most))
