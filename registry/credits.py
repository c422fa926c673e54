"""Credits: bytes that are on record before they leave, so that not every range waits for the disk.

An access begins with a commit that says how many bytes may leave: the credit, a range of which no
end is known. Ranges of the same reader are spent from it in memory, and written down together
when the reader pauses, in the transaction that takes the credit back. If this process dies in
between, the whole credit counts as sent: no byte leaves that is not on record.
"""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from sqlmodel import Session

from registry.services.accesses import Ended, settle

CREDIT = 256 * 1024 * 1024
"""Bytes put on record at once, at most the file: so few ranges wait that the slowest in a hundred
does not."""

Reader = tuple[str, int, str, str, str]
"""Extract, part, caller, environment and address: what one access is about."""


@dataclass
class Credit:
    """What one reader may still be sent within a window.

    :param row: number of the range that stands for the credit in the database.
    """

    access_id: str
    row: int
    until: datetime
    left: int = 0
    under_way: int = 0
    idle_rounds: int = 0
    ended: list[Ended] = field(default_factory=list)


class Credits:
    """The open credits of one process."""

    def __init__(self) -> None:
        self._open: dict[Reader, Credit] = {}
        self._spent: list[Credit] = []
        self._lock = Lock()

    def spend(self, reader: Reader, count: int, at: datetime) -> Credit | None:
        """Take bytes of the reader's credit; `None` where a new one must go on record first."""
        with self._lock:
            credit = self._open.get(reader)
            if credit is None or credit.left < count or not at < credit.until:
                return None
            _take(credit, count)
            return credit

    def open(self, reader: Reader, credit: Credit, count: int) -> None:
        """Begin to spend a credit that is on record now; an older one is written down soon."""
        with self._lock:
            _take(credit, count)
            older = self._open.get(reader)
            if older is not None:
                self._spent.append(older)
            self._open[reader] = credit

    def ended(self, credit: Credit, range_: Ended) -> None:
        """A range of the credit has ended, with so many bytes sent."""
        with self._lock:
            credit.under_way -= 1
            credit.ended.append(range_)

    def resting(self, *, all_of_them: bool = False) -> list[Credit]:
        """Credits whose reader paused for a round or more; they may be spent no longer."""
        with self._lock:
            for credit in (*self._open.values(), *self._spent):
                credit.idle_rounds += 1
            over = [c for c in self._spent if c.under_way == 0 or all_of_them]
            self._spent = [c for c in self._spent if c not in over]
            for reader, credit in list(self._open.items()):
                if all_of_them or (credit.under_way == 0 and credit.idle_rounds > 1):
                    over.append(self._open.pop(reader))
            return over

    def put_back(self, found: list[Credit]) -> None:
        """Keep credits that could not be written down now."""
        with self._lock:
            self._spent.extend(found)


def _take(credit: Credit, count: int) -> None:
    credit.left -= count
    credit.under_way += 1
    credit.idle_rounds = 0


def write_down(session: Session, found: list[Credit]) -> None:
    """Put what left in the place of each credit."""
    for credit in found:
        # One that ends with its process while bytes are under way stays whole.
        settle(session, credit.access_id, None if credit.under_way else credit.row, credit.ended)
