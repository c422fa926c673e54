"""An import, planned: from a mapping to the columns of an edition.

Pure: who reads the delivery is not known here. `layout` says how each column comes to be; an
importer does it and counts; `catalog.import_report` says what came of it.

The canonical columns stand before the content. A NULL in one of them means unknown, and unknown is
closed. `_blocked` is the hard block above any policy: protected sources and special personal data,
also where either is unknown.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from collections.abc import Mapping as Lookup
from dataclasses import dataclass

from catalog import licences
from catalog.dates import closing_date
from catalog.mapping import NONE, ColumnRole, MappedColumn, Mapping, MappingError
from catalog.problems import Problem, problem

FACTS = ("_rights", "_opt_out", "_personal_data", "_embargo_until", "_rightsholder")
"""The canonical columns that a policy may ask about, in the order of an importer's groups.

Those with few values come first, so that items with the same answer stand together.
"""

BLOCKED = "_blocked"

NO_EMBARGO = "0001-01-01"
"""`_embargo_until` of an item that is declared to have none."""

_ID_LENGTH = 26  # base32 characters: 130 bits

_TYPES: Lookup[str, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}

Recognise = Callable[[str], str | None]


@dataclass(frozen=True)
class Laid:
    """How one column of an edition comes to be; `connectors.ports.LaidColumn` tells each field."""

    name: str
    source: str | None = None
    sql_type: str | None = None
    constant: str | None = None
    true_unless: Lookup[str, tuple[str, ...]] | None = None
    recognise: Recognise | None = None
    empty: str | None = None
    key: bytes | None = None
    unreadable: str = ""
    missing: str | None = None
    duplicate: str | None = None
    tally: bool = False


def item_id(key: bytes, identifier: str) -> str:
    """The opaque id of an item: HMAC-SHA256 under the dataset's key, 26 base32 characters."""
    digest = hmac.digest(key, identifier.encode(), hashlib.sha256)
    return base64.b32encode(digest).decode().lower()[:_ID_LENGTH]


# --- what values mean --------------------------------------------------------------------------

_UNKNOWN = frozenset({"onbekend", "unknown", "?", "niet bekend", "not known"})
_ABSENT = frozenset(
    {NONE, "geen", "no", "nee", "nvt", "n.v.t.", "n.v.t", "n/a", "-", "niet van toepassing"}
)
_YES = frozenset({"true", "yes", "ja", "j", "y", "1", "waar", "t"})
_NO = frozenset({"false", "no", "nee", "n", "0", "onwaar", "f", NONE, "geen", "-"})
_LEVELS: Lookup[str, str] = {
    **dict.fromkeys(("none", "geen", "no", "nee", "false", "0", "-"), "none"),
    **dict.fromkeys(("ordinary", "gewoon", "gewone", "yes", "ja", "true", "1"), "ordinary"),
    **dict.fromkeys(("special", "bijzonder", "bijzondere", "minor", "minderjarig"), "special"),
}


def read_rights(raw: str) -> str | None:
    """The canonical IRI, or `None`; there is no unknown: an item without rights is refused."""
    known = licences.recognise(raw)
    return known.iri if known is not None else None


def read_embargo(raw: str) -> str | None:
    """An ISO date, `NO_EMBARGO`, `""` for unknown, or `None` when unreadable."""
    word = raw.strip().casefold()
    if word in _ABSENT:
        return NO_EMBARGO
    if word in _UNKNOWN:
        return ""
    over = closing_date(raw)
    return over.isoformat() if over is not None else None


def read_flag(raw: str) -> str | None:
    """`true`, `false`, `""` for unknown, or `None` when unreadable."""
    word = raw.strip().casefold()
    if word in _UNKNOWN:
        return ""
    return "true" if word in _YES else "false" if word in _NO else None


def read_level(raw: str) -> str | None:
    """`none`, `ordinary`, `special`, `""` for unknown, or `None` when unreadable."""
    word = raw.strip().casefold()
    return "" if word in _UNKNOWN else _LEVELS.get(word)


def read_name(raw: str) -> str | None:
    """A rightsholder's name as delivered, without surrounding space; `""` for unknown."""
    name = raw.strip()
    return "" if name.casefold() in _UNKNOWN else name


# --- from mapping to columns -------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """A canonical column: its kind, type, reading, and what refuses a row."""

    name: str
    kind: str
    sql_type: str
    read: Recognise
    unreadable: str
    missing: str | None = None


CANONICAL = (
    Fact("_rights", "rights", "VARCHAR", read_rights, "unknown-rights", "missing-rights"),
    Fact("_rightsholder", "rightsholder", "VARCHAR", read_name, "wrong-type:_rightsholder"),
    Fact("_embargo_until", "embargo", "DATE", read_embargo, "unreadable-embargo"),
    Fact("_opt_out", "opt_out", "BOOLEAN", read_flag, "unreadable-flag:opt_out"),
    Fact("_personal_data", "personal_data", "VARCHAR", read_level, "unreadable-level"),
    Fact(
        "_source_protection",
        "source_protection",
        "BOOLEAN",
        read_flag,
        "unreadable-flag:source_protection",
    ),
)

_NOT_BLOCKED = {"_source_protection": ("false",), "_personal_data": ("none", "ordinary")}


def layout(mapping: Mapping, *, key: bytes) -> tuple[Laid, ...]:
    """The columns of the edition: canonical ones first, then those shown, in mapping order.

    `key` is the dataset's secret for opaque ids. `MappingError` when the mapping does not say
    enough, or translates to a value that is not known.
    """
    problems = [*mapping.problems(), *_value_problems(mapping)]
    if problems:
        raise MappingError(tuple(problems))
    identifier = mapping.of(ColumnRole.IDENTIFIER)[0]
    return (
        Laid(
            "_item",
            source=identifier.source,
            sql_type="VARCHAR",
            key=key,
            missing="missing-identifier",
            duplicate="duplicate-identifier",
        ),
        *(_laid_fact(mapping, fact) for fact in CANONICAL),
        Laid(BLOCKED, sql_type="BOOLEAN", true_unless=_NOT_BLOCKED, tally=True),
        *(_laid_content(column) for column in mapping.shown()),
    )


def _laid_fact(mapping: Mapping, fact: Fact) -> Laid:
    columns = mapping.of(ColumnRole(fact.kind))
    if not columns:
        declared = mapping.declared.get(fact.kind)
        constant = None if declared is None else _constant(fact, declared)
        return Laid(fact.name, sql_type=fact.sql_type, constant=constant or None, tally=True)
    column = columns[0]
    return Laid(
        fact.name,
        source=column.source,
        sql_type=fact.sql_type,
        recognise=_translated(fact.read, column.values),
        empty=None if column.empty is None else fact.read(column.empty),
        unreadable=fact.unreadable,
        missing=fact.missing,
        tally=fact.kind != "rightsholder",
    )


def _laid_content(column: MappedColumn) -> Laid:
    return Laid(
        column.shown_name,
        source=column.source,
        sql_type=_TYPES[column.type] if column.type is not None else None,
        unreadable=f"wrong-type:{column.shown_name}",
    )


def _constant(fact: Fact, declared: str) -> str | None:
    if fact.kind == "rightsholder" and declared == NONE:
        return ""
    return fact.read(declared)


def _translated(read: Recognise, values: Lookup[str, str]) -> Recognise:
    if not values:
        return read
    meanings = {raw.strip(): read(meaning) for raw, meaning in values.items()}

    def translated(raw: str) -> str | None:
        stripped = raw.strip()
        return meanings[stripped] if stripped in meanings else read(raw)

    return translated


def _value_problems(mapping: Mapping) -> list[Problem]:
    found = []
    for fact in CANONICAL:
        for column in mapping.of(ColumnRole(fact.kind)):
            meant = [*column.values.values(), *([] if column.empty is None else [column.empty])]
            found += [
                problem("unknown-value", f"columns.{column.source}", value=value, kind=fact.kind)
                for value in meant
                if fact.read(value) is None
            ]
        declared = mapping.declared.get(fact.kind)
        if declared is not None and _constant(fact, declared) is None:
            field = f"declared.{fact.kind}"
            found.append(problem("unknown-value", field, value=declared, kind=fact.kind))
    return found
