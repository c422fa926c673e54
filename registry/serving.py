"""Serving the bytes of a part: conditions and ranges of RFC 9110, digests of RFC 9530.

The stream reads 1 MiB at a time in the event loop itself: what was just written or read stands in
the page cache, and a hop to a thread for each block costs more than the read
(:class:`starlette.responses.FileResponse` hops for every 64 KiB).
"""

import asyncio
import base64
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connectors.ports import OpenObject
from registry.listening import let_go

log = logging.getLogger("vrijgave.serving")

BLOCK = 1024 * 1024
RECHECK_SECONDS = 1.0
"""How often a running stream asks whether it may go on."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True)
class Span:
    """The bytes to send, `start` up to but not including `stop`, of a file of `size` bytes.

    :param asked: whether a range was asked for. It is answered as one even where it is the whole
        file: Polars takes a 200 for a server that knows no ranges.
    """

    start: int
    stop: int
    size: int
    asked: bool = False

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def whole(self) -> bool:
        """Whether it is the whole file."""
        return self.start == 0 and self.stop == self.size


def etag_of(sha256: str) -> str:
    """The strong entity tag of a file: its hash."""
    return f'"{sha256}"'


def not_modified(headers: Mapping[str, str], etag: str) -> bool:
    """Whether If-None-Match says that the caller has these bytes (RFC 9110 section 13.1.2)."""
    known = headers.get("if-none-match")
    if known is None:
        return False
    return known.strip() == "*" or etag in {
        tag.strip().removeprefix("W/") for tag in known.split(",")
    }


def span_of(headers: Mapping[str, str], etag: str, size: int) -> Span | None:
    """What to send for the Range and If-Range headers; `None` when the range lies beyond the end.

    Several ranges at once, or units we do not know, give the whole file, as section 14.2 allows.
    """
    whole = Span(0, size, size)
    wanted = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if wanted is None or headers.get("if-range", etag).strip() != etag:
        return whole
    first, last = wanted.groups()
    if not first and not last:
        return whole
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return whole
    return Span(start, stop, size, asked=True) if start < stop else None


def digest_of(sha256: bytes) -> str:
    """A SHA-256 as the digest fields write it (RFC 9530 section 2)."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


def part_headers(sha256: str, size: int, file_name: str) -> dict[str, str]:
    """Headers that every answer about a part carries."""
    return {
        "accept-ranges": "bytes",
        "cache-control": "private, no-store",
        "content-disposition": f'attachment; filename="{file_name}"',
        "content-length": str(size),
        "content-type": "application/vnd.apache.parquet",
        "etag": etag_of(sha256),
        "referrer-policy": "no-referrer",
        "repr-digest": digest_of(bytes.fromhex(sha256)),
        "vary": "authorization",
    }


class SpanResponse(Response):
    """Streams a span of an open file, and closes it.

    :param wants_digest: the caller asked for the digest of the content (RFC 9530 section 4); a
        range gets one where it is short enough to be read before its first byte leaves, and near.
    :param may_go_on: asked about once a second; when it says no, the connection ends.
    :param on_end: told how many bytes were handed over, however the stream ended.
    """

    def __init__(
        self,
        file: OpenObject,
        span: Span,
        headers: dict[str, str],
        *,
        wants_digest: bool = False,
        may_go_on: Callable[[], Awaitable[bool]],
        on_end: Callable[[int], None],
    ) -> None:
        headers = {**headers, "content-length": str(len(span))}
        if span.whole:
            headers["content-digest"] = headers["repr-digest"]
        elif wants_digest and len(span) <= BLOCK and not file.waits:
            content = file.read(span.start, len(span))
            headers["content-digest"] = digest_of(hashlib.sha256(content).digest())
        if span.asked:
            headers["content-range"] = f"bytes {span.start}-{span.stop - 1}/{span.size}"
        self.status_code = 206 if span.asked else 200
        self.background = None
        self.init_headers(headers)
        self._file, self._span, self._may_go_on, self._on_end = file, span, may_go_on, on_end
        self._sent, self._refused = 0, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the span; end early when the caller left or may no longer read."""
        gone = asyncio.ensure_future(_disconnected(receive))
        watch = asyncio.ensure_future(self._watch(scope))
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            await self._stream(send, gone)
        finally:
            gone.cancel()
            watch.cancel()
            self._file.close()
            self._on_end(self._sent)

    async def _stream(self, send: Send, gone: "asyncio.Future[None]") -> None:
        at, stop = self._span.start, self._span.stop
        while at < stop and not gone.done():
            block = await self._read(at, min(BLOCK, stop - at))
            if self._refused or not block:
                raise StreamEnded
            at += len(block)
            await send({"type": "http.response.body", "body": block, "more_body": True})
            self._sent += len(block)
            await asyncio.sleep(0)  # what the system takes at once lets nobody else have a turn
        # Comes back once the last block is taken: until then it may still be taken away.
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, scope: Scope) -> None:
        """End the connection when the caller's right ends, also where a slow reader holds it up."""
        may = True
        try:
            while may:
                await asyncio.sleep(RECHECK_SECONDS)
                may = await self._may_go_on()
        except Exception:  # who cannot be checked gets no more
            log.exception("a running stream could not be checked")
        self._refused = True
        let_go(scope)

    async def _read(self, at: int, length: int) -> bytes:
        if self._file.waits:
            return await run_in_threadpool(self._file.read, at, length)
        return self._file.read(at, length)


class StreamEnded(Exception):
    """The reader's right or the file ended under way; the server drops the connection."""


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
