"""What processes that died left on this machine's disk, removed when nobody can be using it."""

import fcntl
import os
import shutil
from pathlib import Path

from registry.services.ports import Ports


class Home:
    """The presence of this process in the service's home folder, which ends with the process."""

    def __init__(self, ports: Ports) -> None:
        """Enter; the first process to do so finds no other at work, and clears up."""
        home = ports.settings.home
        path = home / "in-use.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _clear(ports.scratch)
            _clear(home / "claims")
            ports.store.sweep()
        except BlockingIOError:
            pass  # others are at work here, and what lies about may be theirs
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Be gone; what is left is the next one's to clear."""
        os.close(self._descriptor)


def _clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.iterdir():
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
