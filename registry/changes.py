"""Whether anything at all was committed to the database since a moment, for very little.

A check that passed holds as long as nothing it looked at has changed. Rather than ask which of many
rows have, this asks whether any row of the database has: then what was found after the mark is
what would be found now.
"""

from collections.abc import Hashable
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine

from registry.recent import Recent

_MARKS = {
    # Counts what other connections commit.
    "sqlite": "PRAGMA data_version",
    # Equal snapshots show the same rows: every transaction that writes has a number in them.
    "postgresql": "SELECT pg_current_snapshot()::text",
}


class Changes:
    """The state of one database, seen from a connection of its own that never writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sql = _MARKS[engine.dialect.name]
        self._connection: Any = None  # the driver's own
        self._lock = Lock()

    @property
    def waits(self) -> bool:
        """Whether a mark waits for a network; else it takes microseconds."""
        return self._engine.dialect.name != "sqlite"

    def mark(self) -> Hashable:
        """A value that stays equal only while nothing is committed.

        Take it before looking at rows: what is committed in between shows in the next mark. Where
        the database does not answer, it equals no other.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                # What one connection counts says nothing to another.
                return self._connection, self._connection.execute(self._sql).fetchone()[0]
            except self._engine.dialect.loaded_dbapi.Error:
                self._close()
                return object()

    def close(self) -> None:
        """Give the connection up; a later mark takes another."""
        with self._lock:
            self._close()

    def _connect(self) -> Any:
        pooled = self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()
        if self.waits:
            driver.autocommit = True  # SQLite's is so from its beginning
        return driver

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(self._engine.dialect.loaded_dbapi.Error):
                connection.close()


FRESH = timedelta(seconds=1)
"""How long what was found holds at most: an end that was agreed on comes with the clock alone."""
_FINDING_AT_ONCE = 64
_Found = TypeVar("_Found")


class Holding(Generic[_Found]):
    """What was found in the database, for as long as it would be found again."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._kept: Recent[Hashable, tuple[Hashable, datetime, _Found]] = Recent(4096)
        self._finding = tuple(Lock() for _ in range(_FINDING_AT_ONCE))

    def look(self, key: Hashable, at: datetime) -> tuple[Hashable, _Found | None]:
        """The mark of now, and what still holds; where nothing does, find it and `keep` it."""
        mark = self._changes.mark()
        kept_mark, since, found = self._kept.get(key, (None, at, None))
        holds = kept_mark == mark and since <= at < since + FRESH
        return mark, found if holds else None

    def finding(self, key: Hashable) -> Lock:
        """Held while it is found anew, so that of many who want the same one does the work."""
        return self._finding[hash(key) % len(self._finding)]

    def keep(self, key: Hashable, mark: Hashable, at: datetime, found: _Found) -> None:
        """Keep what was found after the mark was taken."""
        self._kept[key] = (mark, at, found)
