"""Claims on items: opened without signing in, read by every side, decided by the archive."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep, VisitorDep
from registry.services.disputing import (
    Claim,
    Complaint,
    Decide,
    add_claim,
    archive_of,
    complain,
    decide,
    find_dispute,
    list_disputes,
)

router = APIRouter(include_in_schema=False)

PAGE = 25
_CLAIM = ("rightsholder", "statement", "evidence")
Key = Annotated[str, Query(max_length=200)]


@router.get("/disputes")
def disputes(
    request: Request, person: PersonDep, session: ReadingDep, after: str | None = None
) -> Response:
    """What the archive must decide, and what it decided."""
    found = list_disputes(session, person, after=after, limit=PAGE + 1)
    following = f"/disputes?after={found[PAGE - 1].id}" if len(found) > PAGE else ""
    first = "/disputes" if after else ""
    return render(request, "disputes.html", disputes=found[:PAGE], first=first, following=following)


@router.get("/disputes/new")
def new_dispute(request: Request, session: ReadingDep, dataset: str = "") -> Response:
    """The form for whoever has rights in an item."""
    return _form(Posted({"dataset": [dataset]}), request, session)


def _form(
    posted: Posted, request: Request, _session: Session, error: RegistryError | None = None
) -> Response:
    return render(request, "dispute_new.html", values=posted, error=error)


@router.post("/disputes")
def open_dispute(
    request: Request, posted: PostedDep, session: SessionDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """Close the item, and show the page that every side reads."""
    with shown_again(partial(_form, posted)):
        command = filled(
            Complaint,
            **_claimed(posted),
            **{name: posted.text(name) for name in ("dataset", "identifier", "email")},
        )
        address = request.client.host if request.client else ""
        origin = runtime.settings.origin
        opened = complain(session, command, address=address, origin=origin, at=at)
    return see(f"/disputes/{opened.dispute.id}", key=opened.key, done="claimed")


def _claimed(posted: Posted) -> dict[str, object]:
    given: dict[str, object] = {name: posted.text(name) for name in _CLAIM}
    given["share"] = posted.text("share") or 100
    given["territory"] = tuple(posted.text("territory").split())
    return given


@router.get("/disputes/{dispute_id}")
def dispute_page(
    request: Request, dispute_id: str, visitor: VisitorDep, session: ReadingDep, key: Key = ""
) -> Response:
    """Every claim, the clock and the decision: the same for all sides."""
    return _page(visitor, dispute_id, key, NOTHING, request, session)


def _page(
    visitor: Actor | None,
    dispute_id: str,
    key: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    dispute = find_dispute(session, visitor, dispute_id, key)
    return render(
        request,
        "dispute.html",
        dispute=dispute,
        archive=archive_of(session, dispute),
        key=key,
        decides=visitor is not None and visitor.organisation_id == dispute.archive_id,
        values=posted,
        error=error,
    )


@router.post("/disputes/{dispute_id}/claims")
def another_side(dispute_id: str, posted: PostedDep, session: SessionDep, at: NowDep) -> Response:
    """Add what another rightsholder says."""
    key = posted.text("key")
    with shown_again(partial(_page, None, dispute_id, key, posted)):
        add_claim(session, dispute_id, key, filled(Claim, **_claimed(posted)), at=at)
    return see(f"/disputes/{dispute_id}", key=key, done="claim-added")


@router.post("/disputes/{dispute_id}/decision")
def decision(
    dispute_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """The archive's decision, with its reasons."""
    with shown_again(partial(_page, person, dispute_id, "", posted)):
        command = filled(
            Decide,
            dispute_id=dispute_id,
            uphold=posted.text("answer_is") == "yes",
            answer=posted.text("answer"),
        )
        decide(session, person, command, at=at)
    return see(f"/disputes/{dispute_id}", done="claim-decided")
