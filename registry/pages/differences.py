"""Two editions of a dataset beside each other."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from registry.dependencies import ReadingDep, RuntimeDep
from registry.pages.rendering import render
from registry.pages.visiting import VisitorDep
from registry.services.differing import compare_editions

router = APIRouter(include_in_schema=False)
Number = Annotated[int, Query(ge=1, le=999_999_999)]


@router.get("/datasets/{archive}/{name}/difference")
def difference(
    request: Request,
    archive: str,
    name: str,
    before: Number,
    after: Number,
    visitor: VisitorDep,
    session: ReadingDep,
    runtime: RuntimeDep,
) -> Response:
    """What was added and removed, and which rights changed."""
    whole = f"{archive}/{name}"
    found = compare_editions(session, visitor, whole, before, after, ports=runtime.ports)
    return render(request, "difference.html", name=whole, found=found)
