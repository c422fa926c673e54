"""The lines of an export: JSON Lines of which every byte is laid down in FORMAT.md section 4."""

import json
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry.audit.checkpoint import VerifierKey, decode, encode
from registry.audit.entry import canonical
from registry.audit.merkle import HASH_SIZE
from registry.audit.values import LARGEST_ENTRY

FORM = "vrijgave/audit-export@v1"
LARGEST_LINE = LARGEST_ENTRY + 1_000_000
"""Bytes; a reader refuses longer lines before it holds them."""

_ENTRY = b'{"entry":'
_FOREIGN = b'{"index":'
_LEAF_LINE = re.compile(
    rb'\{(?:"entry":(.*),)?"index":(0|[1-9][0-9]{0,18}),"leaf":"'
    rb'([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)"\}\n'  # base64 of 32 bytes, in its only spelling
)


class MalformedLineError(ValueError):
    """A line that an export cannot have."""


@dataclass(frozen=True)
class Header:
    """The first line: which log, whose entries, from which index, over which tree before it."""

    origin: str
    key: str
    archive: str | None
    first: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True)
class End:
    """The last line: what stands before it."""

    entries: int
    leaves: int
    checkpoints: int


def header(key: VerifierKey, archive: str | None, first: int, nodes: Sequence[bytes]) -> bytes:
    """The first line of an export."""
    return _line(
        {
            "archive": archive,
            "export": FORM,
            "first": first,
            "key": str(key),
            "nodes": [encode(node) for node in nodes],
            "origin": key.name,
        }
    )


def leaf(index: int, leaf_hash: bytes, body: bytes | None) -> bytes:
    """One leaf, with the entry's bytes or, where they are another's, without."""
    stated = b2a_base64(leaf_hash, newline=False)
    if body is None:
        return b'{"index":%d,"leaf":"%b"}\n' % (index, stated)
    return b'{"entry":%b,"index":%d,"leaf":"%b"}\n' % (body, index, stated)


def checkpoint(note: str) -> bytes:
    """A checkpoint, after the last leaf that it covers."""
    return _line({"checkpoint": note})


def end(entries: int, leaves: int, checkpoints: int) -> bytes:
    """The last line of an export."""
    return _line({"end": {"checkpoints": checkpoints, "entries": entries, "leaves": leaves}})


def _line(value: object) -> bytes:
    return canonical(value) + b"\n"


def is_leaf(line: bytes) -> bool:
    """Whether a line says that it is a leaf."""
    return line.startswith((_ENTRY, _FOREIGN))


def read_leaf(line: bytes) -> tuple[int, bytes, bytes | None]:
    """Index, leaf hash as stated and the entry's bytes of a leaf's line."""
    match = _LEAF_LINE.fullmatch(line)
    if match is None:
        raise MalformedLineError
    body, index, stated = match.groups()
    return int(index), a2b_base64(stated), body


def read_other(line: bytes) -> Header | End | str:
    """A line that is no leaf: the header, the end, or a checkpoint's note."""
    try:
        value = json.loads(line)
        if not isinstance(value, dict) or _line(value) != line:
            raise MalformedLineError
        if "export" in value:
            return _header(value)
        [(name, content)] = value.items()
        return _note(content) if name == "checkpoint" else _end(**value["end"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise MalformedLineError from None


def _header(value: dict[str, Any]) -> Header:
    if value.pop("export") != FORM or type(value["first"]) is not int or value["first"] < 0:
        raise MalformedLineError
    value["nodes"] = tuple(decode(node) for node in value["nodes"])
    made = Header(**value)
    texts = (made.origin, made.key, made.archive or "")
    sizes = {len(node) for node in made.nodes} - {HASH_SIZE}
    if not all(isinstance(text, str) for text in texts) or sizes:
        raise MalformedLineError
    return made


def _note(note: object) -> str:
    if not isinstance(note, str):
        raise MalformedLineError
    return note


def _end(*, entries: int, leaves: int, checkpoints: int) -> End:
    if any(type(count) is not int for count in (entries, leaves, checkpoints)):
        raise MalformedLineError
    return End(entries, leaves, checkpoints)
