"""The second head store: where the last signed tree head stands outside the database.

A database that was restored from a backup, or copied and run twice, would otherwise sign a second
history. The sequencer may only publish a head after it has exchanged the previous one here.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from registry.audit.checkpoint import TreeHead
from registry.errors import Text, Unavailable


class LogMismatch(Unavailable):
    """The log does not match what was signed before: fatal, the service must stop serving."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(
            "log-mismatch",
            Text(nl, en),
            Text(
                "Stop de dienst en bewaar database, sleutelmap en deze melding. Is de database"
                " teruggezet, zet dan een nieuwere kopie terug; draait er een tweede dienst op een"
                " kopie, stop die. Verwijder het bestand met de laatste kop niet.",
                "Stop the service and keep database, key folder and this message. If the database"
                " was restored, restore a newer copy; if a second service runs on a copy, stop it."
                " Do not delete the file with the last head.",
            ),
        )


class KeyReplacedError(LogMismatch):
    """The key that this process holds has a successor: it must be started anew."""

    def __init__(self) -> None:
        super().__init__(
            "De sleutel van het logboek is vervangen; dit proces heeft nog de oude.",
            "The log's key was replaced; this process still has the old one.",
        )
        self.help = Text("Start de dienst opnieuw.", "Start the service again.")


class HeadStore(Protocol):
    """Keeps one tree head: durable, shared by every sequencer of the log, changed by exchange."""

    def load(self) -> TreeHead | None:
        """The head that stands there; ``None`` before the first."""

    def swap(self, old: TreeHead | None, new: TreeHead) -> None:
        """Replace ``old`` by ``new`` durably, or raise :class:`LogMismatch` if it is not there."""


class FileHeadStore:
    """A head store in one file, to be put on another disk than the database's where there is one.

    The file holds the three lines of an unsigned checkpoint.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> TreeHead | None:
        """The head in the file; raises ``MalformedNote`` where someone wrote something else."""
        try:
            return TreeHead.parse(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def swap(self, old: TreeHead | None, new: TreeHead) -> None:
        """Compare and replace under a lock; on the disk before this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self._path.with_name(self._path.name + ".lock")):
            current = self.load()
            if current != old:
                raise LogMismatch(
                    f"De laatst ondertekende kop is {_name(current)}, niet {_name(old)}.",
                    f"The head signed last is {_name(current)}, not {_name(old)}.",
                )
            replace_durably(self._path, new.body().encode())


def _name(head: TreeHead | None) -> str:
    return "-" if head is None else f"`{head.origin}` {head.size} {head.root.hex()[:16]}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_durably(path: Path, data: bytes) -> None:
    """Give a file new content so that a crash leaves the old or the new, never a part."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
