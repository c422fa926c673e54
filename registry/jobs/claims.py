"""Who is working on a row: a claim that ends with the process that holds it, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, text

_PATIENCE = 1.0
"""Seconds to try: a sweep that looks whether a claim is free holds it for a moment."""
_PAUSE = 0.05
_TRY = text("SELECT pg_try_advisory_lock(hashtextextended(:row, 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended(:row, 0))")


class Claims(Protocol):
    """Gives each row to one worker at a time, over all processes of the service."""

    def take(self, row_id: str, *, patience: float = _PATIENCE) -> AbstractContextManager[bool]:
        """Hold the row's claim, or enter with ``False`` where another holds it."""
        ...

    def is_free(self, row_id: str) -> bool:
        """Whether nobody works on the row at this moment."""
        ...


class FileClaims:
    """Claims as locked files: for an SQLite service, whose processes share one machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    @contextmanager
    def take(self, row_id: str, *, patience: float = _PATIENCE) -> Iterator[bool]:
        """Lock the row's file; the kernel ends the lock when the process ends."""
        path = self._folder / row_id
        deadline = time.monotonic() + patience
        while (descriptor := _locked(path)) is None:
            if time.monotonic() >= deadline:
                yield False
                return
            time.sleep(_PAUSE)
        try:
            yield True
        finally:
            path.unlink()  # while locked, so that nobody else can hold this very file
            os.close(descriptor)

    def is_free(self, row_id: str) -> bool:
        """Whether there is no file, or one whose holder died."""
        if not (self._folder / row_id).exists():
            return True
        with self.take(row_id, patience=0) as free:
            return free


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock on the file of this name; ``None`` where another does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass  # held by another, or removed by its last holder between the two lines
    os.close(descriptor)
    return None


class PostgresClaims:
    """Claims as advisory locks: they end with the session, on whichever machine it was."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def take(self, row_id: str, *, patience: float = _PATIENCE) -> Iterator[bool]:
        """Hold the lock on a connection of its own, outside any transaction."""
        wanted = {"row": row_id}
        deadline = time.monotonic() + patience
        with self._engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            while not connection.scalar(_TRY, wanted):
                if time.monotonic() >= deadline:
                    yield False
                    return
                time.sleep(_PAUSE)
            try:
                yield True
            finally:
                connection.execute(_UNLOCK, wanted)

    def is_free(self, row_id: str) -> bool:
        """Whether the lock is to be had."""
        with self.take(row_id, patience=0) as free:
            return free


def open_claims(engine: Engine, home: Path) -> Claims:
    """The claims that fit the service's database."""
    if engine.dialect.name == "sqlite":
        return FileClaims(home / "claims")
    return PostgresClaims(engine)
