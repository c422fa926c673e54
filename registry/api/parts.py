"""The bytes of an extract, for tools: with a bearer token or a signed link."""

from typing import Annotated, Any

from fastapi import Path, Query, Request, Response, Security

from registry import gateway
from registry.accounts.actors import Scope
from registry.api.middleware import link_of
from registry.api.shapes import new_router, signed_in
from registry.dependencies import BEARER, find_caller, runtime_of, showing
from registry.services.links import find_reader

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
Link = Annotated[
    str | None, Query(description="A signed link, for clients that cannot send a header.")
]


@router.get(
    "/extracts/{extract_id}/parts/{number}",
    response_class=Response,
    responses=_ANSWERS,
    summary="Read a file of an extract",
)
async def read(
    extract_id: str, number: Number, request: Request, _: Credential, link: Link = None
) -> Response:
    """Range, If-Range and If-None-Match are understood; the ETag is the file's SHA-256.

    One range at a time: several at once give the whole file. Agreement, environment and place are
    checked at every request, and about once a second while bytes are under way.
    """
    who = await _who(request, extract_id, number)
    return await gateway.answer(request, who, extract_id, number)


@router.head(
    "/extracts/{extract_id}/parts/{number}",
    response_class=Response,
    responses={status: answer for status, answer in _ANSWERS.items() if status != 206},
    summary="Size and hash of a file of an extract",
)
async def look(
    extract_id: str, number: Number, request: Request, _: Credential, link: Link = None
) -> Response:
    """As GET would answer without a Range, but no bytes leave."""
    who = await _who(request, extract_id, number)
    return await gateway.answer(request, who, extract_id, number)


for _route in (read, look):
    _route.scope = Scope.EXTRACTS  # type: ignore[attr-defined] # for the test on guards


async def _who(request: Request, extract_id: str, number: int) -> gateway.Who:
    link = link_of(request)
    if link is None:
        shown = await showing(request)
        return gateway.Who(
            shown, lambda session: find_caller(request, session, shown, Scope.EXTRACTS)
        )
    key, clock = runtime_of(request).ports.link_key, runtime_of(request).clock
    return gateway.Who(
        (link,),
        lambda session: find_reader(session, link, extract_id, number, key=key, at=clock()),
    )
