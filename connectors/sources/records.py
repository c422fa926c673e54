"""JSON, record by record: an array is streamed, lines are read one at a time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from connectors.errors import error
from connectors.sources.files import LONGEST_RECORD

_BLOCK = 1 << 16
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Record:
    """One record and the line (JSON Lines) or place in the list (JSON) it stands at, from 1.

    `value` is `None` when the record cannot be read; `raw` is then its text, where it has one.
    """

    line: int
    value: dict[str, Any] | None
    raw: str = ""


def json_lines(path: Path) -> Iterator[Record]:
    """The records of a JSON Lines file; empty lines are passed over."""
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), start=1):
            text = line.removeprefix(_BOM).strip() if number == 1 else line.strip()
            if text:
                yield _line_record(number, text)


def json_array(path: Path, records: str) -> Iterator[Record]:
    """The records of a JSON document, from the list at the dotted keys `records`."""
    import ijson

    number = 0
    with path.open("rb") as file:
        measured = _Measured(file)
        prefix = f"{records}.item" if records else "item"
        try:
            for value in ijson.items(measured, prefix, buf_size=_BLOCK):
                number += 1
                measured.start_record(number + 1)
                yield Record(number, value if isinstance(value, dict) else None, "")
        except (ijson.JSONError, UnicodeDecodeError):
            raise error("not-json", record=number) from None
    if number == 0:
        raise error("no-records", records=records or "[…]")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    number = 0
    while line := file.readline(LONGEST_RECORD + 2):
        number += 1
        if len(line) > LONGEST_RECORD + 1:
            raise error("record-too-long", record=number, limit=LONGEST_RECORD)
        yield line


def _line_record(number: int, text: bytes) -> Record:
    try:
        # numbers stay as they were written: an identifier of 30 digits is not a float
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return Record(number, value)
    return Record(number, None, text.decode("utf-8", "replace"))


def _no_constant(name: str) -> None:
    raise ValueError(name)


class _Measured:
    """A file that stops a record from growing beyond what is allowed while it is being read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._since = 0
        self._number = 1

    def start_record(self, number: int) -> None:
        self._since, self._number = 0, number

    def read(self, size: int = -1) -> bytes:
        if self._since > LONGEST_RECORD + _BLOCK:
            raise error("record-too-long", record=self._number, limit=LONGEST_RECORD)
        block = self._file.read(_BLOCK if size < 0 else size)
        self._since += len(block)
        return block
