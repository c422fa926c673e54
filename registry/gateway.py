"""The gateway: bytes of a part, for the API, the pages and the sharing protocols alike.

Every request is checked on what stands in the rows now, and no byte leaves that is not on record.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from connectors.ports import OpenObject
from registry.access.tables import Part
from registry.accounts.actors import Actor
from registry.credits import CREDIT, Credit, Reader
from registry.db import reading, transaction
from registry.dependencies import now_of, refuse_when_halted, runtime_of
from registry.errors import RegistryError, Text
from registry.runtime import Runtime
from registry.services.accesses import WINDOW, Ended, promise
from registry.services.reading import Checked, Readable, Visit, check_part, look_at_part
from registry.services.refusal import Refused
from registry.serving import Span, SpanResponse, etag_of, not_modified, part_headers, span_of


@dataclass(frozen=True)
class Who:
    """Who asks for bytes.

    :param shown: what the request shows of itself, a secret or the person; equal is the same.
    :param find: finds who that is, anew in each transaction; raises where nobody may be believed.
    """

    shown: Hashable
    find: Callable[[Session], Actor]


class RangeBeyond(RegistryError):
    """A range that begins after the end of the file (RFC 9110 section 15.5.17)."""

    status = 416


async def answer(request: Request, who: Who, extract_id: str, number: int) -> Response:
    """The answer to GET or HEAD for a part.

    :raises RegistryError: why nothing is given; its entry in the log is committed.
    """
    refuse_when_halted(request)
    address = request.client.host if request.client else ""
    wanted = _Wanted(runtime_of(request), who, extract_id, number, address)
    opened = wanted.open_at_once(request)
    if opened is None:
        opened = await run_in_threadpool(wanted.open, request)
    if opened.span is None:
        return Response(status_code=opened.status, headers=opened.headers)
    if opened.file is None:
        opened.end(len(opened.span))
        return Response(headers=opened.headers)
    return SpanResponse(
        opened.file,
        opened.span,
        opened.headers,
        wants_digest="sha-256" in request.headers.get("want-content-digest", ""),
        may_go_on=wanted.may_go_on,
        on_end=opened.end,
    )


_End = Callable[[int], None]
"""Told how many bytes were handed over."""
_Spend = Callable[[Actor, Readable, Span, datetime], _End | None]


@dataclass(frozen=True)
class _Opened:
    """An answer that is decided on; without a file, others send the bytes, or there are none."""

    status: int
    headers: dict[str, str]
    span: Span | None = None
    file: OpenObject | None = None
    end: _End = lambda _sent: None


@dataclass(frozen=True)
class _Wanted:
    """One request for bytes of a part."""

    runtime: Runtime
    who: Who
    extract_id: str
    number: int
    address: str

    def open_at_once(self, request: Request) -> _Opened | None:
        """The same as :meth:`open` where nothing must be waited for: no rows, disk or network."""
        runtime, at = self.runtime, now_of(request)
        if runtime.changes.waits or runtime.ports.store.waits:
            return None
        _, checked = runtime.checks.look(self._key, at)
        return None if checked is None else self._open(request, at, checked, self._spend_credit)

    def open(self, request: Request) -> _Opened:
        """Check, choose the bytes, and see to it that they are on record."""
        at = now_of(request)
        opened = self._open(request, at, self._checked(at), self._spend)
        assert opened is not None, "there is credit for what may be read"  # noqa: S101 -- as below
        return opened

    def _open(
        self, request: Request, at: datetime, checked: Checked, spend: _Spend
    ) -> _Opened | None:
        part, etag = checked[1].part, etag_of(checked[1].part.sha256)
        headers = part_headers(part.sha256, part.bytes, f"{self.extract_id}-{self.number}.parquet")
        if not_modified(request.headers, etag):
            return _Opened(304, {name: headers[name] for name in ("etag", "cache-control", "vary")})
        if request.method == "HEAD":
            return _Opened(200, headers)
        span = span_of(request.headers, etag, part.bytes)
        if span is None:
            raise _beyond(part.bytes)
        end = spend(*checked, span, at)
        return None if end is None else self._send(part, headers, span, end)

    def _send(self, part: Part, headers: dict[str, str], span: Span, end: _End) -> _Opened:
        front = self.runtime.settings.accel_prefix
        if front:
            # The front server reads Range and If-Range as we do, and sends the bytes itself.
            del headers["content-length"]
            headers["x-accel-redirect"] = f"{front.rstrip('/')}/{part.key}"
            return _Opened(200, headers, span, None, end)
        try:
            file = self.runtime.ports.store.open(part.key)
        except BaseException:
            end(0)
            raise
        return _Opened(200, headers, span, file, end)

    async def may_go_on(self) -> bool:
        """Whether the same request would be allowed now; a refusal is written down."""
        runtime, at = self.runtime, self.runtime.clock()
        if not runtime.changes.waits and runtime.checks.look(self._key, at)[1] is not None:
            return True
        try:
            await run_in_threadpool(self._checked, at)
        except RegistryError:
            return False
        return True

    def _checked(self, at: datetime) -> Checked:
        """Who asks and what they may read; what must be written down takes a second look."""
        checks = self.runtime.checks
        with checks.finding(self._key):
            mark, kept = checks.look(self._key, at)
            if kept is not None:
                return kept
            with reading(self.runtime.engine) as session:
                actor = self.who.find(session)
                if not session.dirty:  # else a last use is to be noted, which must not happen here
                    found = look_at_part(session, actor, *self._asked, **self._visit(at))
                    if found[1] is None:
                        checks.keep(self._key, mark, at, (actor, found[0]))
                        return actor, found[0]
        return self._on_record(at)[:2]

    def _on_record(self, at: datetime, count: int = 0) -> tuple[Actor, Readable, Credit | None]:
        """Check in a transaction that keeps a refusal, or the bytes that may leave."""
        credit = None
        with transaction(self.runtime.engine) as session:
            actor = self.who.find(session)
            found = check_part(session, actor, *self._asked, **self._visit(at))
            if count and isinstance(found, Readable):
                credit = Credit(*promise(session, actor, found, count, at=at), left=count)
        # Raised only now: the entry of the refusal is committed.
        if isinstance(found, Refused):
            raise found.error
        return actor, found, credit

    @property
    def _key(self) -> Hashable:
        return self.who.shown, *self._asked, self.address

    @property
    def _asked(self) -> tuple[str, int]:
        return self.extract_id, self.number

    def _visit(self, at: datetime) -> Visit:
        runtime = self.runtime
        return {
            "address": self.address,
            "store": runtime.ports.store,
            "origin": runtime.settings.origin,
            "regions": runtime.settings.regions,
            "at": at,
        }

    def _spend_credit(
        self, actor: Actor, readable: Readable, span: Span, at: datetime
    ) -> _End | None:
        """Take the bytes of what is on record for this reader; how to tell that they left."""
        credit = self.runtime.credits.spend(self._reader(actor, readable), len(span), at)
        return None if credit is None else self._ending(credit, span, at)

    def _spend(self, actor: Actor, readable: Readable, span: Span, at: datetime) -> _End:
        """The same, or of a credit that goes on record now."""
        end = self._spend_credit(actor, readable, span, at)
        if end is not None:
            return end
        _, _, credit = self._on_record(at, max(len(span), min(CREDIT, readable.part.bytes)))
        assert credit is not None, "a readable part gives a credit"  # noqa: S101 -- fail closed
        self.runtime.credits.open(self._reader(actor, readable), credit, len(span))
        return self._ending(credit, span, at)

    def _ending(self, credit: Credit, span: Span, at: datetime) -> _End:
        begun = max(at, credit.until - WINDOW)
        kept = self.runtime.credits
        return lambda sent: kept.ended(credit, Ended(span.start, span.stop, sent, begun))

    def _reader(self, actor: Actor, readable: Readable) -> Reader:
        return *self._asked, actor.id, readable.environment.id, readable.address


def _beyond(size: int) -> RangeBeyond:
    return RangeBeyond(
        "range-beyond-end",
        Text(
            f"Het bestand heeft {size} bytes; dit bereik ligt daarbuiten.",
            f"the file has {size} bytes; this range lies beyond them",
        ),
        headers={"content-range": f"bytes */{size}", "accept-ranges": "bytes"},
    )
