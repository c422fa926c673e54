"""Populations: all entries of one sort in a period, with the proof that none is missing.

What an auditor samples from, as laid down in FORMAT.md section 4.1. A population is a ZIP file with
the rows (CSV and Parquet), a report, and an export of the archive's entries around the period, from
which whoever has the log's key can make the rows again. Standard library only: the offline
verifier carries this module.
"""

import csv
import hashlib
import heapq
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from registry.audit.entry import Entry, canonical
from registry.audit.values import Json

FORM = "vrijgave/population@v1"
ROWS, TABLE, REPORT, PROOF = (
    "population.csv",
    "population.parquet",
    "report.json",
    "proof.audit.jsonl",
)
"""The files of a population."""

ACTS: Mapping[str, tuple[str, ...]] = {
    "requests": ("request:decided", "request:withdrawn"),
    "decisions": (
        "access:refused",
        "extract:ordered",
        "extract:refused",
        "request:decided",
        "review:approved",
        "review:refused",
    ),
    "agreements": (
        "agreement:accepted",
        "agreement:declined",
        "agreement:proposed",
        "agreement:revoked",
    ),
    "accesses": ("access:closed", "access:opened", "access:refused"),
    "withdrawals": (
        "agreement:revoked",
        "dataset:withdrawn",
        "extract:stopped",
        "notice:acknowledged",
        "notice:escalated",
        "notice:reminded",
        "notice:sent",
        "offer:withdrawn",
        "request:withdrawn",
        "withdrawal:started",
    ),
}
"""Which acts each sort of population is made of."""

_IDS = (
    "dataset",
    "edition",
    "request",
    "decision",
    "agreement",
    "extract",
    "access",
    "environment",
    "client",
)
_FACTS = ("outcome", "items", "part", "ranges", "bytes")
COUNTED = frozenset({"number", "index", "items", "part", "ranges", "bytes"})
"""Columns that hold whole numbers; the others hold text."""
COLUMNS = ("number", "index", "time", "id", "act", "organisation", "actor", *_IDS, *_FACTS)
"""The columns of a population's rows, before ``ids`` and ``facts``, which hold all of both."""
HEADER = (*COLUMNS, "ids", "facts")

LARGEST_SAMPLE = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def row_of(index: int, entry: Entry) -> dict[str, Json]:
    """One entry as a row of a population."""
    return {
        "number": entry.number,
        "index": index,
        "time": entry.time,
        "id": entry.id,
        "act": entry.act,
        "organisation": entry.organisation,
        "actor": entry.actor,
        **{name: entry.ids.get(name) for name in _IDS},
        **{name: entry.facts.get(name) for name in _FACTS},
        "ids": canonical(entry.ids).decode(),
        "facts": canonical(entry.facts).decode(),
    }


def csv_line(values: Sequence[object]) -> bytes:
    """One line of CSV (RFC 4180) that no spreadsheet takes for a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(value) for value in values])
    return out.getvalue().encode()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


class Sample:
    """A random choice that anyone can repeat: the entries whose keyed hash is smallest.

    An entry's rank is SHA-256(seed ‖ U+000A ‖ entry id); the ``size`` smallest are drawn.
    """

    def __init__(self, seed: str, size: int) -> None:
        self._seed, self._size = f"{seed}\n".encode(), size
        self._drawn: list[tuple[int, int]] = []  # a heap of minus rank, so the largest is on top

    def offer(self, number: int, entry_id: str) -> None:
        """Let one entry take part."""
        rank = hashlib.sha256(self._seed + entry_id.encode()).digest()
        one = (-int.from_bytes(rank, "big"), number)
        if len(self._drawn) < self._size:
            heapq.heappush(self._drawn, one)
        elif self._size:
            heapq.heappushpop(self._drawn, one)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the entries drawn, rising."""
        return sorted(number for _, number in self._drawn)


@dataclass(frozen=True)
class Selection:
    """Which entries of an archive's stream belong: those of these acts from ``start`` to ``stop``.

    :param start: first moment, as entries write it; ``stop`` is the first moment after.
    """

    acts: frozenset[str]
    start: str
    stop: str

    def is_within(self, time: str) -> bool:
        """Whether a moment lies in the period; as text, for all have one form and one length."""
        return self.start <= time < self.stop

    def holds(self, entry: Entry) -> bool:
        """Whether an entry belongs."""
        return entry.act in self.acts and self.is_within(entry.time)


@dataclass
class Report:
    """What a population says of itself; all of it can be worked out again from the proof.

    :param since: first day, and ``until`` the last, as days in Europe/Amsterdam.
    :param start: the period's first moment in UTC, and ``stop`` the first after it.
    :param first: number of the first entry of the population, and ``last`` of the last.
    :param record: id of the entry that records that this population was taken.
    """

    archive: str
    kind: str
    acts: list[str]
    since: str
    until: str
    start: str
    stop: str
    record: str
    seed: str
    sample_size: int
    count: int = 0
    first: int | None = None
    last: int | None = None
    tree_size: int = 0
    root: str = ""
    sample: list[int] = field(default_factory=list)

    @property
    def selection(self) -> Selection:
        """Which entries belong."""
        return Selection(frozenset(self.acts), self.start, self.stop)

    def to_bytes(self) -> bytes:
        """The report as a file."""
        return canonical({"form": FORM, **asdict(self)}) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "Report":
        """Read a report back; ``ValueError`` for anything else."""
        document = json.loads(data)
        if not isinstance(document, dict) or document.pop("form", None) != FORM:
            raise ValueError("another form")
        try:
            made = cls(**document)
        except TypeError:
            raise ValueError("other members") from None
        if made.to_bytes() != data or not made.is_sound():
            raise ValueError("other values")
        return made

    def is_sound(self) -> bool:
        """Whether every member is of the kind that it must be."""
        texts = (self.archive, self.kind, self.since, self.until, self.start, self.stop, self.root)
        counts: tuple[Any, ...] = (self.count, self.tree_size, self.sample_size, *self.sample)
        return all(
            isinstance(text, str) for text in (*texts, self.seed, self.record, *self.acts)
        ) and all(type(count) is int and count >= 0 for count in counts)
