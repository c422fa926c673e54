"""How a rendering says what it covers: one table that writes a document and reads it back.

A restriction that a dialect has no place for does not disappear: its field is named in a text that
the rendering shows where people read of access (:func:`flag`).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from operator import attrgetter
from typing import Any

from catalog.record import RESTRICTIONS, Record, Words, restrictions

Document = dict[str, Any]


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Cover:
    """One field of the record and its place in the document.

    :param field: of the record, dotted (``content.offer``).
    :param path: keys from the document's root, with ``/`` between; a number is a place in a list.
    :param write: the field's value as the document has it.
    :param read: and back.
    """

    field: str
    path: str
    write: Callable[[Any], Any] = _same
    read: Callable[[Any], Any] = _same


class Table:
    """The fields that a rendering covers, and what they are called there."""

    def __init__(self, *covers: Cover) -> None:
        self.fields = {cover.field: cover.path for cover in covers}
        self._covers = [(cover, attrgetter(cover.field), _keys(cover.path)) for cover in covers]

    def write(self, record: Record, document: Document) -> Document:
        """Put each field that says something in its place."""
        for cover, get, keys in self._covers:
            value = get(record)
            if value:
                _put(document, keys, cover.write(value))
        return document

    def read(self, document: Document) -> dict[str, Any]:
        """The fields back from a document; None where it says nothing of one."""
        found = {}
        for cover, _, keys in self._covers:
            value = _at(document, keys)
            found[cover.field] = None if value is None else cover.read(value) or None
        return found

    def of(self, record: Record) -> dict[str, Any]:
        """The same fields of the record itself, as :meth:`read` gives them."""
        return {cover.field: get(record) or None for cover, get, _ in self._covers}

    def uncovered(self, record: Record) -> tuple[str, ...]:
        """Restrictions of the record that this table has no place for."""
        return tuple(sorted(restrictions(record) - set(self.fields)))

    def flags(self, record: Record) -> list[tuple[str, str]]:
        """What :func:`flag` says of those, each with its language; nothing where there are none."""
        hidden = self.uncovered(record)
        return [(flag(record, hidden, one), one) for one in ("nl", "en")] if hidden else []


def _keys(path: str) -> tuple[str | int, ...]:
    return tuple(int(key) if key.isdigit() else key for key in path.split("/"))


def _put(document: Document, keys: Sequence[str | int], value: Any) -> None:
    at: Any = document
    for key, following in pairwise(keys):
        fresh: Any = [] if isinstance(following, int) else {}
        if isinstance(key, int):
            if len(at) <= key:
                at.append(fresh)
            at = at[key]
        else:
            at = at.setdefault(key, fresh)
    if isinstance(at, list):
        at.append(value)
    else:
        at[keys[-1]] = value


def _at(document: Any, keys: Iterable[str | int]) -> Any:
    for key in keys:
        try:
            document = document[key]
        except (KeyError, IndexError):
            return None
    return document


_FLAG = re.compile(r"\(([a-z., ]+)\)")


def flag(record: Record, uncovered: Iterable[str], language: str) -> str:
    """What is not said here of the restrictions, by name and field, and where it is."""
    fields = tuple(uncovered)
    if not fields:
        return ""
    nl, en = zip(*(RESTRICTIONS[field] for field in fields), strict=True)
    named = f"({', '.join(fields)})"
    if language == "nl":
        return f"Hier niet vermeld: {', '.join(nl)} {named}; zie {record.iri}"
    return f"Not said here: {', '.join(en)} {named}; see {record.iri}"


def flagged(text: str) -> tuple[str, ...]:
    """The fields that a text of :func:`flag` names."""
    found = [one[1] for one in _FLAG.finditer(text) if "content" in one[1] or "withheld" in one[1]]
    return tuple(found[-1].split(", ")) if found else ()


# --- values that several dialects write alike ---------------------------------------------------


def strings(words: Words) -> list[dict[str, str]]:
    """A text as JSON-LD strings with their language."""
    texts = (("nl", words.nl), ("en", words.en))
    return [{"@value": text, "@language": language} for language, text in texts if text]


def words(found: Iterable[dict[str, str]]) -> Words:
    """And back."""
    return Words(**{one["@language"]: one["@value"] for one in found})


def tagged(values: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Texts that each have a language as JSON-LD strings."""
    return [{"@value": text, "@language": language} for text, language in values]


def untagged(found: Iterable[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    """And back."""
    return tuple((one["@value"], one["@language"]) for one in found)


def nodes(iris: Iterable[str]) -> list[dict[str, str]]:
    """IRIs as JSON-LD references."""
    return [{"@id": iri} for iri in iris]


def iris(found: Iterable[dict[str, str]]) -> tuple[str, ...]:
    """And back."""
    return tuple(one["@id"] for one in found)


def node(iri: str) -> dict[str, str]:
    """One IRI as a JSON-LD reference."""
    return {"@id": iri}


def iri(found: dict[str, str]) -> str:
    """And back."""
    return found["@id"]


def each(
    write: Callable[[Any], Any], read: Callable[[Any], Any]
) -> tuple[Callable[[Iterable[Any]], list[Any]], Callable[[Iterable[Any]], tuple[Any, ...]]]:
    """How to write several values, each as one is written, and back."""
    return (
        lambda values: [write(one) for one in values],
        lambda found: tuple(read(one) for one in found),
    )


def typed(kind: str) -> tuple[Callable[[Any], dict[str, str]], Callable[[dict[str, str]], Any]]:
    """How to write a moment as a literal of that type, to the microsecond, and back."""
    return (
        lambda at: {"@value": instant(at), "@type": kind},
        lambda found: moment(found["@value"]),
    )


def instant(at: datetime) -> str:
    """A moment as ISO 8601 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """And back."""
    return datetime.fromisoformat(text)
