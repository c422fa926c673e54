"""Downloading a file of an extract in a browser: the same checks and records as for tools."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from registry import gateway
from registry.pages.rendering import secured
from registry.pages.visiting import PersonDep

router = APIRouter(include_in_schema=False)


@router.get("/extracts/{extract_id}/parts/{number}")
async def download(
    request: Request,
    extract_id: str,
    number: Annotated[int, Path(ge=1, le=1_000_000)],
    person: PersonDep,
) -> Response:
    """The file, or the rest of it where the browser takes a download up again."""
    who = gateway.Who(person, lambda _session: person)
    return secured(await gateway.answer(request, who, extract_id, number))
