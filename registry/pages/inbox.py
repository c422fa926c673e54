"""The archive's inbox: what the terms left to a person, with the machine's advice."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from catalog.licences import statement
from registry.access.tables import AccessRequest, DecisionRow
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Environment, Organisation
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.catalogue import listing_of
from registry.services.requesting import Review, inbox, review
from registry.services.wording import missing

router = APIRouter(include_in_schema=False)

PAGE = 25


@router.get("/inbox")
def inbox_page(
    request: Request, person: PersonDep, session: ReadingDep, after: str | None = None
) -> Response:
    """What waits, soonest due first."""
    found = inbox(session, person, after=after, limit=PAGE + 1)
    waiting = [
        (decision, filed, who, listing_of(session, decision.dataset_id, decision.edition_id))
        for decision, filed, who in found[:PAGE]
    ]
    following = f"/inbox?after={found[PAGE - 1][0].id}" if len(found) > PAGE else ""
    return render(
        request,
        "inbox.html",
        waiting=waiting,
        first="/inbox" if after else "",
        following=following,
    )


@router.get("/inbox/{decision_id}")
def decide(request: Request, decision_id: str, person: PersonDep, session: ReadingDep) -> Response:
    """Advice, facts, and yes or no."""
    return _page(person, decision_id, NOTHING, request, session)


def _page(
    person: Actor,
    decision_id: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    require(person, Scope.ARCHIVE_READ)
    decision = session.get(DecisionRow, decision_id)
    if decision is None or decision.archive_id != person.organisation_id:
        raise missing("beslissing", "decision", decision_id)
    filed = session.get_one(AccessRequest, decision.request_id)
    held = dict.fromkeys(iri for line in decision.lines for iri in line["rights"])
    return render(
        request,
        "inbox_item.html",
        decision=decision,
        filed=filed,
        who=session.get_one(Organisation, filed.organisation_id),
        environment=session.get_one(Environment, filed.environment_id),
        listing=listing_of(session, decision.dataset_id, decision.edition_id),
        statements=[(iri, statement(iri)) for iri in held],
        values=posted,
        error=error,
    )


@router.post("/inbox/{decision_id}")
def answer(
    decision_id: str,
    person: PersonDep,
    posted: PostedDep,
    session: SessionDep,
    at: NowDep,
    runtime: RuntimeDep,
) -> Response:
    """Say yes, to all or to some statements, or no with the reason."""
    approve = posted.text("answer_is") == "yes"
    with shown_again(partial(_page, person, decision_id, posted)):
        command = filled(
            Review,
            decision_id=decision_id,
            approve=approve,
            answer=posted.text("answer"),
            statements=posted.all("statements") or None if approve else None,
        )
        review(session, person, command, origin=runtime.settings.origin, at=at)
    return see("/inbox", done="approved" if approve else "refused")
