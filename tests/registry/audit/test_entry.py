"""An entry's bytes: canonical, complete, closed to free text, and the same for ever."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from registry.audit import Entry, MalformedEntry
from registry.audit.entry import canonical, entry_time, new_entry_id
from registry.audit.merkle import leaf_hash
from registry.audit.values import LARGEST_ENTRY, Kind, is_code, is_fact, is_of_kind

ENTRY = Entry(
    id="019aafd1-6e40-7a6b-8c1d-2e3f4a5b6c7d",
    time="2026-11-23T09:30:00.000Z",
    act="request:decided",
    archive="org_beeld",
    number=7,
    actor="ab" * 32,
    organisation="org_startup",
    ids={"request": "rq_1", "decision": "dc_1", "dataset": "ds_1"},
    facts={"outcome": "permit", "items": 421, "automatic": True, "reasons": ["a", "b"]},
)
BYTES = (
    b'{"act":"request:decided","actor":"abababababababababababababababababababababababababababab'
    b'abababab","archive":"org_beeld","facts":{"automatic":true,"items":421,"outcome":"permit",'
    b'"reasons":["a","b"]},"id":"019aafd1-6e40-7a6b-8c1d-2e3f4a5b6c7d","ids":{"dataset":"ds_1",'
    b'"decision":"dc_1","request":"rq_1"},"number":7,"organisation":"org_startup",'
    b'"time":"2026-11-23T09:30:00.000Z","v":1}'
)

codes = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'),
    min_size=1,
    max_size=20,
)
counts = st.integers(0, 2**53 - 1)
facts = st.one_of(
    codes, counts, st.booleans(), st.lists(codes, max_size=5), st.dictionaries(codes, counts)
)
names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)


def test_bytes_are_final() -> None:
    """These bytes and this leaf hash were released; they never change."""
    assert ENTRY.to_bytes() == BYTES
    assert (
        leaf_hash(BYTES).hex() == "55a65af7b818fce1c88f19b77eebb64139f5d939c15638023b251b98040c2c55"
    )


@given(ids=st.dictionaries(names, codes), facts=st.dictionaries(names, facts))
def test_bytes_are_rfc_8785(ids: dict[str, str], facts: dict[str, Any]) -> None:
    """What we write is what an implementation of RFC 8785 writes, and it reads back the same."""
    entry = replace(ENTRY, ids=ids, facts=facts)
    data = entry.to_bytes()
    assert data == rfc8785.dumps(json.loads(data))
    assert Entry.from_bytes(data) == entry


@given(st.recursive(st.none() | st.booleans() | counts | st.text(), st.lists))
def test_canonical_is_rfc_8785(value: Any) -> None:
    """Also outside entries, where text may be any text, canonical form is the RFC's."""
    try:
        expected = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return
    assert canonical(value) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"v": True},
        {"v": 1.0},
        {"id": "019aafd1-6e40-4a6b-8c1d-2e3f4a5b6c7d"},
        {"id": 7},
        {"time": "2026-11-23T09:30:00Z"},
        {"time": "2026-02-30T09:30:00.000Z"},
        {"time": None},
        {"act": "request"},
        {"act": 1},
        {"archive": "Org"},
        {"archive": None},
        {"number": 0},
        {"number": -1},
        {"number": 2**53},
        {"number": True},
        {"number": 1.5},
        {"actor": "se_1"},
        {"actor": 3},
        {"organisation": "an organisation"},
        {"organisation": "naïve"},
        {"organisation": ""},
        {"ids": []},
        {"ids": {"Request": "rq_1"}},
        {"ids": {"request": 1}},
        {"facts": "none"},
        {"facts": {"outcome": "we said yes"}},
        {"facts": {"outcome": None}},
        {"facts": {"share": 0.5}},
        {"facts": {"items": -1}},
        {"facts": {"reasons": ["a", "b c"]}},
        {"facts": {"items_by_rights": {"CC BY": 1}}},
        {"facts": {"Items": 1}},
        {"more": 1},
    ],
)
def test_malformed_entries_are_refused(changed: dict[str, object]) -> None:
    """A member that is missing, unknown or of the wrong form makes the bytes no entry."""
    document = {**json.loads(BYTES), **changed}
    with pytest.raises(MalformedEntry) as caught:
        Entry.from_bytes(canonical(document))
    assert next(iter(changed)) in caught.value.text.en


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"1",
        b'{"a":"\\ud800"}',
        b"[" * 50_000,
        BYTES + b"\n",
        BYTES.replace(b'"v":1', b'"v": 1'),
        BYTES.replace(b'"v":1', b'"v":1,"v":1'),
        BYTES.replace(b'"permit"', b'"\\u0070ermit"'),
        BYTES.replace(b'"number":7,', b""),
        b'"' + b"a" * LARGEST_ENTRY + b'"',
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    """Only the one canonical spelling is an entry."""
    with pytest.raises(MalformedEntry):
        Entry.from_bytes(data)


def test_an_entry_has_a_largest_size() -> None:
    """An entry that does not fit a C2SP bundle is refused before it is written."""
    code = "x" * 500
    full = replace(ENTRY, facts={f"fact_{at}": [code] * 10 for at in range(14)})
    with pytest.raises(MalformedEntry, match="65535"):
        full.to_bytes()
    with pytest.raises(MalformedEntry, match="number"):
        replace(ENTRY, number=0).to_bytes()


@given(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)))  # noqa: DTZ001  # the strategy adds the zone
def test_ids_are_uuids_of_version_7(at: datetime) -> None:
    """An id is a UUID of version 7, carries its millisecond and sorts by it."""
    made = new_entry_id(at)
    read = uuid.UUID(made)
    assert (read.version, read.variant, str(read)) == (7, uuid.RFC_4122, made)
    assert read.int >> 80 == int(at.timestamp() * 1000)
    assert new_entry_id(at + timedelta(milliseconds=2)) > made
    assert replace(ENTRY, id=made).to_bytes()


def test_moments_are_utc_to_the_millisecond() -> None:
    """A moment is cut to milliseconds and told in UTC; one without zone is a fault."""
    amsterdam = timezone(timedelta(hours=1))
    at = datetime(2026, 11, 23, 10, 30, 0, 999_999, tzinfo=amsterdam)
    assert entry_time(at) == "2026-11-23T09:30:00.999Z"
    with pytest.raises(ValueError, match="time zone"):
        entry_time(at.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Kind.CODE, "https://creativecommons.org/licenses/by/4.0/", "two words"),
        (Kind.CODES, ["a", "b"], ["a", 1]),
        (Kind.CODES, [], ["a"] * 1001),
        (Kind.COUNT, 0, True),
        (Kind.COUNTS, {"a": 1}, {"a": "1"}),
        (Kind.COUNTS, {}, {str(at): 1 for at in range(1001)}),
        (Kind.DIGEST, "sha256:" + "0" * 64, "0" * 64),
        (Kind.DIGEST, "sha256:" + "f" * 64, 1),
        (Kind.FLAG, False, 0),
        (Kind.MOMENT, "2026-11-23T09:30:00.000Z", "2026-11-23"),
        (Kind.COMMITMENT, "hmac-sha256:" + "0" * 64, "sha256:" + "0" * 64),
        (Kind.COMMITMENT, "hmac-sha256:" + "a" * 64, None),
    ],
)
def test_kinds_of_value(kind: Kind, good: object, bad: object) -> None:
    """Each kind takes what FORMAT.md says and nothing else."""
    assert is_of_kind(good, kind)
    assert is_fact(good)
    assert not is_of_kind(bad, kind)


@given(st.text(max_size=30))
def test_codes_are_never_sentences(text: str) -> None:
    """Nothing with a space, a quote, a backslash or a letter beyond ASCII is a code."""
    plain = text.isascii() and text.isprintable() and not set(text) & set(' "\\')
    assert is_code(text) == (plain and bool(text))
