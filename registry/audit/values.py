"""What an entry's values may look like: the rules that keep free text and personal data out."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
"""What canonical entries are made of; fractions do not occur."""

LARGEST_ENTRY = 65_535
"""Bytes; what the length prefix of a C2SP entry bundle can say."""
LARGEST_COUNT = 2**53 - 1
LARGEST_COLLECTION = 1000

_CODE = re.compile(r"[!#-\[\]-~]{1,500}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_STREAM = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMITMENT = re.compile(r"hmac-sha256:[0-9a-f]{64}")
_PSEUDONYM = re.compile(r"[0-9a-f]{64}")
_ACT = re.compile(r"[a-z][a-z-]{0,30}:[a-z][a-z-]{0,30}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Kind(StrEnum):
    """The kinds of value that a fact can have."""

    CODE = "code"
    """Visible ASCII without space, double quote or backslash; 1 to 500 characters."""
    CODES = "codes"
    """A list of at most 1,000 codes."""
    COUNT = "count"
    """An integer from 0 to 2^53 - 1."""
    COUNTS = "counts"
    """An object of at most 1,000 members: a code and its count."""
    DIGEST = "digest"
    """``sha256:`` and 64 lower-case hexadecimal digits."""
    FLAG = "flag"
    """``true`` or ``false``."""
    MOMENT = "moment"
    """UTC to the millisecond, always 24 characters: ``2026-11-23T09:30:00.000Z``."""
    COMMITMENT = "commitment"
    """``hmac-sha256:`` and 64 lower-case hexadecimal digits, over something beside the log."""


def is_code(value: object) -> bool:
    """Whether this is a code: a word of a vocabulary, an id or an IRI, never a sentence."""
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def is_count(value: object) -> bool:
    """Whether this is a whole number that every JSON reader holds exactly."""
    return type(value) is int and 0 <= value <= LARGEST_COUNT


def is_moment(value: object) -> bool:
    """Whether this is a moment as entries write it, of a day that exists."""
    if not isinstance(value, str) or _MOMENT.fullmatch(value) is None:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)  # the same few names stand in every entry
def is_name(value: object) -> bool:
    """Whether this can be the name of an id or a fact."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_stream(value: object) -> bool:
    """Whether this can name an archive's stream of entries."""
    return isinstance(value, str) and _STREAM.fullmatch(value) is not None


def is_act(value: object) -> bool:
    """Whether this has the form ``subject:act``."""
    return isinstance(value, str) and _ACT.fullmatch(value) is not None


def is_entry_id(value: object) -> bool:
    """Whether this is a UUID of version 7 (RFC 9562 section 5.7) in lower case."""
    return isinstance(value, str) and _UUID7.fullmatch(value) is not None


def is_pseudonym(value: object) -> bool:
    """Whether this can stand for an actor: 64 lower-case hexadecimal digits."""
    return isinstance(value, str) and _PSEUDONYM.fullmatch(value) is not None


def _is_codes(value: object) -> bool:
    return isinstance(value, list) and len(value) <= LARGEST_COLLECTION and all(map(is_code, value))


def _is_counts(value: object) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= LARGEST_COLLECTION
        and all(is_code(name) and is_count(count) for name, count in value.items())
    )


_TESTS: dict[Kind, Callable[[object], bool]] = {
    Kind.CODE: is_code,
    Kind.CODES: _is_codes,
    Kind.COUNT: is_count,
    Kind.COUNTS: _is_counts,
    Kind.DIGEST: lambda value: isinstance(value, str) and _DIGEST.fullmatch(value) is not None,
    Kind.FLAG: lambda value: isinstance(value, bool),
    Kind.MOMENT: is_moment,
    Kind.COMMITMENT: lambda value: (
        isinstance(value, str) and _COMMITMENT.fullmatch(value) is not None
    ),
}


def is_of_kind(value: object, kind: Kind) -> bool:
    """Whether a fact's value is of the kind that its name demands."""
    return _TESTS[kind](value)


def is_fact(value: object) -> bool:
    """Whether a value is of any kind at all, for readers that do not know the fact's name."""
    return (
        isinstance(value, bool)
        or is_count(value)
        or is_code(value)
        or _is_codes(value)
        or _is_counts(value)
    )


def moment(at: datetime) -> str:
    """How entries write a moment; ``at`` must be aware and is cut, not rounded, to milliseconds."""
    if at.tzinfo is None:
        raise ValueError("a moment without time zone cannot be recorded")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
