"""The bytes of an extract, for tools: with a bearer token."""

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Request, Response, Security

from registry import gateway
from registry.accounts.actors import Scope
from registry.api.shapes import new_router, signed_in
from registry.dependencies import BEARER, find_caller

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


@router.get(
    "/extracts/{extract_id}/parts/{number}",
    response_class=Response,
    responses=_ANSWERS,
    summary="Read a file of an extract",
)
async def read(extract_id: str, number: Number, request: Request, _: Credential) -> Response:
    """Range, If-Range and If-None-Match are understood; the ETag is the file's SHA-256.

    One range at a time: several at once give the whole file. Agreement, environment and place are
    checked at every request, and about once a second while bytes are under way.
    """
    return await gateway.answer(request, _who(request), extract_id, number)


@router.head(
    "/extracts/{extract_id}/parts/{number}",
    response_class=Response,
    responses={status: answer for status, answer in _ANSWERS.items() if status != 206},
    summary="Size and hash of a file of an extract",
)
async def look(extract_id: str, number: Number, request: Request, _: Credential) -> Response:
    """As GET would answer without a Range, but no bytes leave."""
    return await gateway.answer(request, _who(request), extract_id, number)


for _route in (read, look):
    _route.scope = Scope.EXTRACTS  # type: ignore[attr-defined] # for the test on guards


def _who(request: Request) -> gateway.Who:
    return partial(find_caller, request, scope=Scope.EXTRACTS)
