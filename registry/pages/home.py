"""The front page, the glossary, and how anyone verifies the log."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from registry.dependencies import NowDep, ReadingDep, RuntimeDep
from registry.pages.precheck import MOST_OFFERED, Asked, answered
from registry.pages.rendering import render
from registry.pages.visiting import VisitorDep
from registry.services.catalogue import list_datasets

router = APIRouter(include_in_schema=False)

GLOSSARY = (
    "dataset",
    "edition",
    "item",
    "rights_statement",
    "rightsholder",
    "offer",
    "request",
    "decision",
    "agreement",
    "extract",
    "environment",
    "residency",
    "duty",
    "embargo",
    "opt_out",
    "personal_data",
    "audit_entry",
    "checkpoint",
    "hash",
    "odrl",
)


@router.get("/")
def front_page(request: Request, visitor: VisitorDep, session: ReadingDep, at: NowDep) -> Response:
    """What this is, in one screen: the question most people come with, and one true answer."""
    listings = list_datasets(session, None, limit=MOST_OFFERED)
    asked = Asked.by(visitor)
    shown = next((one for one in listings if one.offer is not None), None)
    answer, _ = answered(session, None, asked.about(shown.reference), at) if shown else (None, None)
    return render(
        request,
        "home.html",
        listings=listings,
        asked=asked,
        shown=shown,
        answer=answer.datasets[0] if answer else None,
    )


@router.get("/words")
def glossary(request: Request, visitor: VisitorDep) -> Response:
    """The words of the product, explained."""
    return render(request, "words.html", terms=GLOSSARY)


@router.get("/verify")
def verify(request: Request, visitor: VisitorDep, runtime: RuntimeDep) -> Response:
    """How anyone checks an export of the log without us."""
    return render(request, "verify.html", origin=runtime.settings.origin)
