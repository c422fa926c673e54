"""An audit entry and its canonical bytes, as FORMAT.md section 1 lays down.

The bytes are RFC 8785 canonical JSON. Names are ASCII and there are no fractions, so the standard
library's encoder with sorted names produces exactly those bytes (a test compares it with an
implementation of the RFC); an auditor's laptop needs no further package.
"""

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from registry.audit.glancing import Glimpse, glance
from registry.audit.values import (
    LARGEST_ENTRY,
    Json,
    is_act,
    is_code,
    is_count,
    is_entry_id,
    is_fact,
    is_moment,
    is_name,
    is_pseudonym,
    is_stream,
    moment,
)
from registry.errors import InvalidInput, Text

VERSION = 1
OPERATOR = "operator"
"""The stream of acts that concern no archive."""

_MEMBERS = frozenset(
    {"act", "actor", "archive", "facts", "id", "ids", "number", "organisation", "time", "v"}
)
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class MalformedEntry(InvalidInput):
    """Bytes that are no audit entry; ``fields`` names the member."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(
            "malformed-entry",
            Text(f"Dit is geen auditregel: {nl}.", f"This is no audit entry: {en}."),
        )
        self.problem = Text(nl, en)


@dataclass(frozen=True)
class Entry:
    """One recorded act.

    :param id: UUID of version 7, from which the receipt is asked.
    :param time: when it happened, UTC to the millisecond; says nothing about order.
    :param act: ``subject:act``; a string, since a reader may be older than the act.
    :param archive: the stream it is numbered in: an archive's id, or ``operator``.
    :param number: place within the stream, from 1, without gaps.
    :param actor: pseudonym of who did it; ``None`` for the service itself.
    :param organisation: id of the organisation that acted; ``None`` for the service itself.
    """

    id: str
    time: str
    act: str
    archive: str
    number: int
    actor: str | None = None
    organisation: str | None = None
    ids: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Json] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The canonical bytes; :class:`MalformedEntry` where a value cannot stand in an entry."""
        document = {**self.__dict__, "v": VERSION}
        _refuse_members(document)
        data = canonical(document)
        _refuse_size(data)
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> "Entry":
        """Read canonical bytes back; anything else is a :class:`MalformedEntry`."""
        document = _read(data)
        _refuse_members(document)
        del document["v"]
        return cls(**document)


def written(**members: Any) -> bytes:
    """The canonical bytes of an entry of these members, quicker than through :class:`Entry`.

    What was written is read back, so that nothing is stored that no reader would take;
    :class:`MalformedEntry` where a value cannot stand in an entry.
    """
    data = canonical({**members, "v": VERSION})
    if glance(data) is None:
        Entry.from_bytes(data)
    return data


def new_entry_id(at: datetime) -> str:
    """A UUID of version 7 (RFC 9562 section 5.7): milliseconds, then 74 random bits."""
    random = secrets.randbits(74)
    value = int(at.timestamp() * 1000) << 80 | 7 << 76 | random >> 62 << 64 | 2 << 62
    text = f"{value | random & (1 << 62) - 1:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def entry_time(at: datetime) -> str:
    """A moment as an entry's ``time`` writes it."""
    return moment(at)


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a value whose object names are ASCII and which holds no fractions."""
    return _encode(value).encode()


def _read(data: bytes) -> dict[str, Any]:
    _refuse_size(data)
    try:
        text = data.decode()
        document = json.loads(text)
        again = _encode(document)
    except (ValueError, RecursionError):
        raise MalformedEntry("het is geen JSON", "it is not JSON") from None
    if again != text:
        raise MalformedEntry(
            "het staat niet in de vaste schrijfwijze", "it is not in canonical form"
        )
    if not isinstance(document, dict):
        raise MalformedEntry("het is geen object", "it is not an object")
    return document


def _refuse_size(data: bytes) -> None:
    if len(data) > LARGEST_ENTRY:
        raise MalformedEntry(
            f"het heeft {len(data)} bytes, meer dan {LARGEST_ENTRY}",
            f"it has {len(data)} bytes, more than {LARGEST_ENTRY}",
        )


def _refuse_members(entry: dict[str, Any]) -> None:
    if entry.keys() != _MEMBERS:
        names = ", ".join(sorted(entry))
        raise MalformedEntry(
            f"het heeft andere leden dan de tien die moeten: {names}",
            f"it has other members than the ten it must have: {names}",
        )
    checks = (
        ("v", type(entry["v"]) is int and entry["v"] == VERSION),
        ("id", is_entry_id(entry["id"])),
        ("time", is_moment(entry["time"])),
        ("act", is_act(entry["act"])),
        ("archive", is_stream(entry["archive"])),
        ("number", is_count(entry["number"]) and entry["number"] > 0),
        ("actor", entry["actor"] is None or is_pseudonym(entry["actor"])),
        ("organisation", entry["organisation"] is None or is_code(entry["organisation"])),
        ("ids", _are_ids(entry["ids"])),
        ("facts", _are_facts(entry["facts"])),
    )
    for name, good in checks:
        if not good:
            raise MalformedEntry(
                f"`{name}` is niet wat het moet zijn", f"`{name}` is not what it must be"
            )


def _are_ids(ids: object) -> bool:
    return isinstance(ids, dict) and all(
        is_name(name) and is_code(value) for name, value in ids.items()
    )


def _are_facts(facts: object) -> bool:
    return isinstance(facts, dict) and all(
        is_name(name) and is_fact(value) for name, value in facts.items()
    )


def read_entry(data: bytes) -> Glimpse:
    """What numbering an entry takes; :class:`MalformedEntry` where the bytes are no entry."""
    seen = glance(data)
    if seen is None:
        entry = Entry.from_bytes(data)
        seen = Glimpse(entry.act, entry.archive, entry.number)
    return seen
