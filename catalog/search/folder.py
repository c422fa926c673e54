"""The folder of the index: which generation counts, and whose turn it is to make or write one.

All processes of a service on one machine share the folder. A generation counts from the moment
that ``current`` names it; whoever still searches the one before reads on in its open files.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.search.generation import LAYOUT, Generation, Unusable


class SearchIndex:
    """The index as one process sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._broken = ""
        self._written = 0
        self.current: Generation | None = None
        """What to search; ``None`` while there is nothing that can be."""

    def look(self) -> None:
        """See which generation counts now, and what was written into it."""
        name = self._named()
        if self.current is None or self.current.folder.name != name:
            self._open(name)
        elif self._stamp() != self._written:
            self._written = self._stamp()
            self.current.look_again()

    def _named(self) -> str:
        try:
            return (self._folder / "current").read_text()
        except FileNotFoundError:
            return ""

    def _open(self, name: str) -> None:
        if not name.startswith(f"{LAYOUT}-") or name == self._broken:
            self.current = None
            return
        try:
            self.current = Generation.open(self._folder / name)
            self._written = self._stamp()
        except Unusable:
            self.give_up(name)

    def _stamp(self) -> int:
        assert self.current is not None  # noqa: S101 -- asked only of one that is open
        return (self.current.folder / "meta.json").stat().st_mtime_ns

    def give_up(self, name: str) -> None:
        """Use this generation no longer: it is broken."""
        self._broken, self.current = name, None

    @contextmanager
    def turn(self, what: str, *, wait: bool) -> Iterator[bool]:
        """Be the only process that does this, if it is free or may be waited for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / f"{what}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield _taken(descriptor, wait=wait)
        finally:
            os.close(descriptor)

    def new_folder(self) -> Path:
        """Where the next generation is made; what other makers left is removed."""
        for path in self._folder.iterdir():
            if path.is_dir() and path.name != self._named():
                shutil.rmtree(path, ignore_errors=True)
        return self._folder / f"{LAYOUT}-{secrets.token_hex(6)}"

    def install(self, made: Generation) -> None:
        """From now on this generation counts, at every process."""
        draft = self._folder / "current.new"
        draft.write_text(made.folder.name)
        draft.replace(self._folder / "current")
        self.look()


def _taken(descriptor: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
