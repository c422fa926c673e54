"""The bytes of an extract: checked at every request, written down before the first one leaves."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from connectors.ports import OpenObject
from registry.accounts.actors import Actor, Scope
from registry.api.problems import problem_response
from registry.api.serving import (
    Span,
    SpanResponse,
    etag_of,
    not_modified,
    part_headers,
    span_of,
)
from registry.api.shapes import new_router, signed_in
from registry.db import transaction
from registry.dependencies import BEARER, find_caller, runtime_of
from registry.errors import RegistryError, Text
from registry.services import reading
from registry.services.refusal import Refused

router = new_router("extracts")

_BINARY = {"application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": _BINARY, "description": "The whole file"},
    206: {"content": _BINARY, "description": "The range asked for"},
    304: {"description": "The caller has these bytes (If-None-Match)"},
    **signed_in(404, 409, 410, 416),
}
Credential = Annotated[str | None, Security(BEARER, scopes=[Scope.EXTRACTS.value])]
Number = Annotated[int, Path(ge=1, le=1_000_000)]


@dataclass(frozen=True)
class _Opened:
    """An answer decided on and written down: headers, and the bytes where some are to be sent."""

    status: int
    headers: dict[str, str]
    span: Span | None = None
    file: OpenObject | None = None
    range_id: int = 0


@router.get(
    "/extracts/{extract_id}/parts/{number}",
    response_class=Response,
    responses=_ANSWERS,
    summary="Read a file of an extract",
)
async def read(extract_id: str, number: Number, request: Request, _: Credential) -> Response:
    """Range, If-Range and If-None-Match are understood; the ETag is the file's SHA-256.

    Agreement, environment and place are checked at every request, and about once a second while
    bytes are under way.
    """
    done = await run_in_threadpool(_open, request, extract_id, number)
    if isinstance(done, RegistryError):
        return problem_response(request, done)
    if done.file is None or done.span is None:
        return Response(status_code=done.status, headers=done.headers)
    return SpanResponse(
        done.file,
        done.span,
        done.headers,
        may_go_on=_in_thread(_may_go_on, request, extract_id, number),
        on_end=lambda sent: run_in_threadpool(_close, request, done.range_id, sent),
    )


@router.head(
    "/extracts/{extract_id}/parts/{number}",
    response_class=Response,
    responses={status: _bodiless for status, _bodiless in _ANSWERS.items() if status != 206},
    summary="Size and hash of a file of an extract",
)
async def look(extract_id: str, number: Number, request: Request, _: Credential) -> Response:
    """As GET would answer without a Range, but no bytes leave."""
    done = await run_in_threadpool(_open, request, extract_id, number)
    if isinstance(done, RegistryError):
        return problem_response(request, done)
    return Response(status_code=done.status, headers=done.headers)


for _route in (read, look):
    _route.scope = Scope.EXTRACTS  # type: ignore[attr-defined] # for the test on guards


def _open(request: Request, extract_id: str, number: int) -> _Opened | RegistryError:
    """Check, choose the bytes and write down that they will leave: one transaction."""
    with ExitStack() as unless_committed:
        with transaction(runtime_of(request).engine) as session:
            answer = _decide(request, session, extract_id, number)
            if isinstance(answer, _Opened) and answer.file is not None:
                unless_committed.callback(answer.file.close)
        unless_committed.pop_all()
    return answer


def _decide(
    request: Request, session: Session, extract_id: str, number: int
) -> _Opened | RegistryError:
    runtime = runtime_of(request)
    actor = find_caller(request, session, Scope.EXTRACTS)
    readable = _check(request, session, actor, extract_id, number)
    if isinstance(readable, Refused):
        return readable.error
    part, etag = readable.part, etag_of(readable.part.sha256)
    headers = part_headers(part.sha256, part.bytes, f"{extract_id}-{number}.parquet")
    if not_modified(request.headers, etag):
        return _Opened(304, {name: headers[name] for name in ("etag", "cache-control", "vary")})
    if request.method == "HEAD":
        return _Opened(200, headers)
    span = span_of(request.headers, etag, part.bytes)
    if span is None:
        return _beyond(part.bytes)
    at = runtime.clock()
    range_id = reading.open_range(session, actor, readable, span.start, span.stop, at=at)
    return _Opened(200, headers, span, runtime.ports.store.open(part.key), range_id)


def _beyond(size: int) -> "RangeBeyond":
    return RangeBeyond(
        "range-beyond-end",
        Text(
            f"Het bestand heeft {size} bytes; dit bereik ligt daarbuiten.",
            f"the file has {size} bytes; this range lies beyond them",
        ),
        headers={"content-range": f"bytes */{size}", "accept-ranges": "bytes"},
    )


class RangeBeyond(RegistryError):
    """A range that begins after the end of the file (RFC 9110 section 15.5.17)."""

    status = 416


def _check(
    request: Request, session: Session, actor: Actor, extract_id: str, number: int
) -> reading.Readable | Refused:
    runtime = runtime_of(request)
    return reading.check_part(
        session,
        actor,
        extract_id,
        number,
        address=request.client.host if request.client else "",
        origin=runtime.settings.origin,
        at=runtime.clock(),
    )


def _may_go_on(request: Request, extract_id: str, number: int) -> bool:
    """Whether the same request would be allowed now; a refusal is written down."""
    with transaction(runtime_of(request).engine) as session:
        try:
            actor = find_caller(request, session, Scope.EXTRACTS)
            checked = _check(request, session, actor, extract_id, number)
        except RegistryError:
            return False
        return not isinstance(checked, Refused)


def _close(request: Request, range_id: int, sent: int) -> None:
    with transaction(runtime_of(request).engine) as session:
        reading.close_range(session, range_id, sent)


def _in_thread(step: Callable[..., bool], *arguments: Any) -> Callable[[], Awaitable[bool]]:
    return lambda: run_in_threadpool(step, *arguments)
