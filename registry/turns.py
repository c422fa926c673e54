"""Turns to write: the writers of one process take them in the order in which they asked.

SQLite lets one transaction write at a time; whoever finds it busy sleeps ever longer and tries
again, and under load is passed over for seconds. PostgreSQL lets many write, but only so many
connect.
"""

import asyncio
import threading
from collections import deque
from concurrent.futures import Future

from registry.errors import Text, Unavailable

LONGEST_WAIT = 30.0
"""Seconds after which a writer gives up; as long as SQLite waits for another process."""


class Turns:
    """The queue of one database's writers in this process.

    :param at_once: how many may write at the same time.
    """

    def __init__(self, at_once: int) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[Future[None]] = deque()
        self._free = at_once

    def ask(self) -> Future[None]:
        """Join the queue; it is one's turn once this is done, unless it was cancelled before."""
        asked: Future[None] = Future()
        with self._guard:
            self._waiting.append(asked)
            self._give()
        return asked

    def next(self) -> None:
        """The turn is over: it goes to whoever has waited longest."""
        with self._guard:
            self._free += 1
            self._give()

    def _give(self) -> None:
        while self._waiting and self._free:
            asked = self._waiting.popleft()
            if asked.set_running_or_notify_cancel():
                self._free -= 1
                asked.set_result(None)


class Turn:
    """One transaction's turn, asked for when it is first needed."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._asked: Future[None] | None = None

    def take(self) -> None:
        """Wait for it in this thread; at once where it was awaited before.

        :raises Unavailable: others wrote for too long.
        """
        try:
            self._ask().result(LONGEST_WAIT)
        except TimeoutError:
            raise _busy() from None

    async def awaited(self) -> None:
        """Wait for it without holding a thread; raises as :meth:`take` does."""
        asked = self._ask()
        if asked.done():
            return
        try:
            await asyncio.wait_for(asyncio.wrap_future(asked), LONGEST_WAIT)
        except TimeoutError:
            raise _busy() from None

    def end(self) -> None:
        """Give it back, or leave the queue; nothing where it was never asked for."""
        if self._asked is not None and not self._asked.cancel():
            self._turns.next()

    def _ask(self) -> Future[None]:
        if self._asked is None:
            self._asked = self._turns.ask()
        return self._asked


def _busy() -> Unavailable:
    return Unavailable(
        "database-busy",
        Text("Te veel handelingen wachten op de database.", "too many acts wait for the database"),
        Text("Probeer het zo weer.", "try again in a moment"),
        headers={"retry-after": "5"},
    )
