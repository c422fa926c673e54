"""The quick way to read an entry agrees with the full one."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.audit import Entry, MalformedEntry
from registry.audit.entry import canonical, read_entry, written
from registry.audit.glancing import Glimpse, glance
from registry.audit.values import LARGEST_COLLECTION, LARGEST_COUNT, LARGEST_ENTRY

SEEN = Entry(
    id="019aafd1-6e40-7a6b-8c1d-000000000001",
    time="2026-11-23T09:30:00.000Z",
    act="request:decided",
    archive="org_a",
    number=12,
    actor="a" * 64,
    organisation="org_b",
    ids={"dataset": "ds_1", "decision": "dec_1", "request": "req_1"},
    facts={"items": 7, "outcome": "permit", "reasons": ["a", "b"], "secure": False, "use": "x"},
)
FOREIGN = b'"{}[]:,0aZ\\ \n\xc3\xa9'


def taken(data: bytes) -> Glimpse | None:
    """What the full reading makes of these bytes."""
    try:
        entry = Entry.from_bytes(data)
    except MalformedEntry:
        return None
    return Glimpse(entry.act, entry.archive, entry.number)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_a_glance_accepts_nothing_that_reading_refuses(seed: int) -> None:
    """Of an entry with up to three bytes changed, moved or doubled a glance takes no more."""
    dice = random.Random(seed)
    for _ in range(50):
        data = bytearray(SEEN.to_bytes())
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(data))
            end = at + dice.randrange(12)
            piece = dice.choice([b"", data[at:end] * 2, bytes([dice.choice(FOREIGN)])])
            data[at:end] = piece
        seen = glance(bytes(data))
        assert seen is None or seen == taken(bytes(data)), bytes(data)


@pytest.mark.parametrize(
    "changed",
    [
        {"facts": {}, "ids": {}, "actor": None, "organisation": None},
        {"facts": {"reasons": []}},
        {"facts": {"reasons": ["a"] * LARGEST_COLLECTION}},
        {"number": 10**15 - 1},
        {"time": "2024-02-29T23:59:59.999Z"},
    ],
)
def test_what_the_service_writes_is_seen_at_a_glance(changed: dict[str, object]) -> None:
    """Entries of every shape but the rarest need no second reading."""
    data = replace(SEEN, **changed).to_bytes()  # type: ignore[arg-type]  # names are an entry's
    assert glance(data) == taken(data) is not None


@pytest.mark.parametrize(
    "changed", [{"facts": {"items_by_rights": {"ab": 1}}}, {"number": LARGEST_COUNT}]
)
def test_what_a_glance_cannot_tell_is_read_in_full(changed: dict[str, object]) -> None:
    """Counts per name, and numbers that may be too large, are left to the full reading."""
    data = replace(SEEN, **changed).to_bytes()  # type: ignore[arg-type]  # names are an entry's
    assert glance(data) is None
    assert read_entry(data) == taken(data) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"dataset":"ds_1","decision":"dec_1"', '"decision":"dec_1","dataset":"ds_1"'),
        ('"dataset":"ds_1"', '"dataset":"ds_1","dataset":"ds_1"'),
        ("2026-11-23T", "2026-02-30T"),
        ("2026-11-23T09", "2026-11-23T24"),
        ('["a","b"]', str(["a"] * (LARGEST_COLLECTION + 1)).replace(" ", "").replace("'", '"')),
        ('"items":7', '"items":07'),
        ('"items":7', '"items":null'),
    ],
)
def test_a_glance_leaves_what_is_wrong(old: str, new: str) -> None:
    """Names out of order or twice, days that are none, and lists too long are not accepted."""
    data = SEEN.to_bytes().decode().replace(old, new).encode()
    assert data != SEEN.to_bytes()
    assert glance(data) is None
    with pytest.raises(MalformedEntry):
        read_entry(data)


def test_a_glance_leaves_what_is_too_long() -> None:
    """An entry beyond the length that a bundle can hold is refused, however sound."""
    facts = {f"f{at:03}": "x" * 500 for at in range(LARGEST_ENTRY // 500)}
    document = {**SEEN.__dict__, "facts": facts}
    assert glance(canonical({**document, "v": 1})) is None
    with pytest.raises(MalformedEntry):
        written(**document)


def test_what_is_written_quickly_is_the_same() -> None:
    """The way that the log writes gives the bytes of the entry, and refuses what no entry holds."""
    members = {name: getattr(SEEN, name) for name in SEEN.__dict__}
    assert written(**members) == SEEN.to_bytes()
    counts = {**members, "facts": {"items_by_rights": {"a": 1}}}
    assert Entry.from_bytes(written(**counts)).facts == counts["facts"]
    for wrong in ({"facts": {"note": "free text"}}, {"organisation": 'a","v":1}'}, {"number": 0}):
        with pytest.raises(MalformedEntry):
            written(**{**members, **wrong})
