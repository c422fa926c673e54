"""The first look at a delivered file: not empty, uncompressed, and for text UTF-8 in lines."""

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path

from connectors.errors import error
from connectors.ports import MIB, Format

LONGEST_RECORD = 2_000_000
"""Bytes; a line, row or JSON record that is longer is refused at once."""

_COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")
_SUFFIXES: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}


@dataclass(frozen=True)
class Seen:
    """Size in bytes and SHA-256 of a file that was read through once."""

    bytes: int
    sha256: str


def guess_format(file_name: str, head: bytes) -> Format | None:
    """The format of a delivery, from its first bytes or its name; `None` when neither tells."""
    if head.startswith(b"PAR1"):
        return "parquet"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    named = _SUFFIXES.get(Path(file_name).suffix.lower())
    if named in {"json", "jsonl", None} and start == b"[":
        return "json"
    return named if named is not None or start != b"{" else "jsonl"


def check_head(path: Path) -> None:
    """Refuse what is absent, empty or compressed, from the first bytes alone."""
    if not path.is_file():
        raise error("not-found")
    with path.open("rb") as file:
        head = file.read(len(max(_COMPRESSED, key=len)))
    if not head:
        raise error("empty-file")
    if head.startswith(_COMPRESSED):
        raise error("compressed")


def look_through(path: Path, form: Format) -> Seen:
    """Read a file once: its hash, and for text formats whether it can be read at all.

    Stops at the first fault, so that a file of one endless line costs no more than its beginning.
    """
    check_head(path)
    digest, size = hashlib.sha256(), 0
    text = _Text(has_lines=form in {"csv", "jsonl"}) if form != "parquet" else None
    with path.open("rb") as file:
        while block := file.read(MIB):
            if text is not None:
                text.take(block, size)
            digest.update(block)
            size += len(block)
    if text is not None:
        text.take(b"", size, last=True)
    return Seen(size, digest.hexdigest())


class _Text:
    """Watches a text go by: its encoding, and how long its longest line grows."""

    def __init__(self, *, has_lines: bool) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._has_lines = has_lines
        self._line = 0  # bytes since the last line break
        self._number = 1

    def take(self, block: bytes, offset: int, *, last: bool = False) -> None:
        try:
            self._decoder.decode(block, last)
        except UnicodeDecodeError as wrong:
            raise error("not-utf8", byte=offset + wrong.start) from None
        if self._has_lines:
            self._measure(block)

    def _measure(self, block: bytes) -> None:
        """Blocks are shorter than the longest line, so only breaks at their edges matter."""
        first = block.find(b"\n")
        reach = self._line + (first if first >= 0 else len(block))
        if reach > LONGEST_RECORD:
            raise error("record-too-long", record=self._number, limit=LONGEST_RECORD)
        last = block.rfind(b"\n")
        self._number += block.count(b"\n")
        self._line = reach if last < 0 else len(block) - last - 1
