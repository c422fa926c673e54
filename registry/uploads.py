"""Files that come in: streamed to scratch with SHA-256 on the fly, never held in memory.

Whatever goes wrong (a full disk, a caller who leaves, a cap), nothing of the file stays behind.
"""

import errno
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from fastapi.concurrency import run_in_threadpool
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from registry.errors import FieldProblem, InvalidInput, StorageFull, Text

ABANDONED = timedelta(hours=1)
"""A scratch file that did not grow for so long belongs to no upload any more."""

_BLOCK = 1024 * 1024
_FORM_EXTRA = 64 * 1024
"""Bytes of a form beside its file: other fields and the multipart framing."""


@dataclass(frozen=True)
class Upload:
    """A file as it came in: where it stands in scratch, its size and SHA-256 (hex)."""

    path: Path
    bytes: int
    sha256: str
    file_name: str


class _Sink:
    """A scratch file being written in blocks, off the event loop; gone again unless kept."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"upload-{secrets.token_hex(12)}"
        self.bytes = 0
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self._file = self.path.open("xb", buffering=0)
        self._kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if not self._kept:
            self.path.unlink(missing_ok=True)

    async def write(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) >= _BLOCK:
            await run_in_threadpool(self._flush)

    async def keep(self, file_name: str) -> Upload:
        await run_in_threadpool(self._flush)
        self._kept = True
        return Upload(self.path, self.bytes, self._hash.hexdigest(), file_name)

    def _flush(self) -> None:
        block, self._waiting = bytes(self._waiting), bytearray()
        self._hash.update(block)
        left = memoryview(block)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as problem:
            if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise storage_full() from problem
            raise
        self.bytes += len(block)


def sweep_uploads(folder: Path, at: datetime) -> int:
    """Remove what uploads left that a killed process was taking in; how many files there were.

    An upload that still grows is younger than :data:`ABANDONED`.
    """
    old = [
        path
        for path in folder.glob("upload-*")
        if at.timestamp() - path.stat().st_mtime > ABANDONED.total_seconds()
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def storage_full() -> StorageFull:
    """There was no room for the file; nothing of it was kept."""
    return StorageFull(
        "disk-full",
        Text(
            "De schijf van de dienst is vol; er is niets van uw bestand bewaard.",
            "the service's disk is full; nothing of your file was kept",
        ),
        Text(
            "Probeer het later opnieuw of vraag de beheerder.",
            "try again later or ask its operator",
        ),
    )


async def receive_body(request: Request, folder: Path, file_name: str, most: int) -> Upload:
    """The raw body of a request as a file of at most `most` bytes."""
    request.scope["body_cap"] = most
    with _Sink(folder) as sink:
        async for chunk in request.stream():
            await sink.write(chunk)
        return await sink.keep(file_name)


async def receive_form(
    request: Request, folder: Path, most: int
) -> tuple[dict[str, str], Upload | None]:
    """A multipart form with at most one file, and its other fields as text.

    The file is `None` where none was chosen. `InvalidInput` when this is no such form.
    """
    request.scope["body_cap"] = most + _FORM_EXTRA
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise _not_a_form()
    with _Sink(folder) as sink:
        form = _Form(sink)
        try:
            await form.read(request.stream(), options[b"boundary"])
        except FormParserError:
            raise _not_a_form() from None
        if not form.file_name:
            return form.fields, None
        return form.fields, await sink.keep(form.file_name)


class _Form:
    """Collects what the multipart parser finds; the parser calls back without waiting."""

    def __init__(self, sink: _Sink) -> None:
        self.fields: dict[str, str] = {}
        self.file_name = ""
        self._sink = sink
        self._events: list[bytes] = []
        self._header, self._value = b"", b""
        self._name = ""
        self._in_file = False
        self._text = bytearray()

    async def read(self, chunks: AsyncIterator[bytes], boundary: bytes) -> None:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_begin": self._header_begin,
                "on_header_end": self._header_end,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )
        async for chunk in chunks:
            parser.write(chunk)
            found, self._events = self._events, []
            for data in found:
                await self._sink.write(data)
        parser.finalize()

    def _begin(self) -> None:
        self._name, self._in_file, self._text = "", False, bytearray()

    def _header_begin(self) -> None:
        self._header, self._value = b"", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() != b"content-disposition":
            return
        _, options = parse_options_header(self._value)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self._in_file = True
            if self.file_name:
                raise _not_a_form()
            self.file_name = options[b"filename"].decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._events.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _FORM_EXTRA:
            raise _not_a_form()

    def _end(self) -> None:
        if not self._in_file and self._name:
            self.fields[self._name] = self._text.decode("utf-8", "replace")


def _not_a_form() -> InvalidInput:
    return InvalidInput(
        "not-a-form",
        Text(
            "Dit is geen formulier met één bestand.",
            "this is not a form with one file",
        ),
        Text("Kies één bestand en verstuur het opnieuw.", "choose one file and send it again"),
        (FieldProblem("file", Text("Kies één bestand.", "choose one file")),),
    )
