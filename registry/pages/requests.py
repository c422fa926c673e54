"""Access requests: filing one, and following how each part of it fares."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.access.tables import Agreement, DecisionRow
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Environment
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep
from registry.errors import RegistryError
from registry.pages.forms import Posted, PostedDep, filled, query_of, shown_again, to_field
from registry.pages.precheck import MOST_OFFERED
from registry.pages.rendering import render, see
from registry.pages.sending import once
from registry.pages.visiting import PersonDep
from registry.services.catalogue import Listing, list_datasets, listing_of
from registry.services.machines import list_environments
from registry.services.requesting import (
    FiledRequest,
    NewRequest,
    file_request,
    find_request,
    list_requests,
    withdraw_request,
)
from registry.settings import Settings

router = APIRouter(include_in_schema=False)

PAGE = 25


@dataclass(frozen=True)
class DecidedPart:
    """A decision with what it is about, and the agreement it led to."""

    decision: DecisionRow
    listing: Listing
    agreement: Agreement | None


@router.get("/requests")
def requests(
    request: Request, person: PersonDep, session: ReadingDep, after: str | None = None
) -> Response:
    """The organisation's requests, newest first."""
    found = list_requests(session, person, after=after, limit=PAGE + 1)
    shown = [(one, parts_of_request(session, person, one.id)) for one in found[:PAGE]]
    following = f"/requests?after={found[PAGE - 1].id}" if len(found) > PAGE else ""
    return render(
        request,
        "requests.html",
        requests=shown,
        first="/requests" if after else "",
        following=following,
    )


def parts_of_request(session: Session, person: Actor, request_id: str) -> list[DecidedPart]:
    """The request's decisions in order, each with its listing and agreement."""
    return _parts(session, find_request(session, person, request_id))


def _parts(session: Session, filed: FiledRequest) -> list[DecidedPart]:
    agreements = {agreement.decision_id: agreement for agreement in filed.agreements}
    return [
        DecidedPart(
            decision,
            listing_of(session, decision.dataset_id, decision.edition_id),
            agreements.get(decision.id),
        )
        for decision in filed.decisions
    ]


@router.get("/requests/new")
def request_form(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """What, where and what for; an address may have filled it in."""
    require(person, Scope.REQUESTS)
    return _form(person, query_of(request), request, session)


def _form(
    person: Actor,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    listings = list_datasets(session, person, limit=MOST_OFFERED)
    return render(
        request,
        "request_new.html",
        listings=[one for one in listings if one.offer is not None],
        environments=[one for one in list_environments(session, person) if not one.closed_at],
        values=posted,
        error=to_field(error, "datasets", "dataset") if error else None,
    )


@router.post("/requests/new")
def file(
    person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep, runtime: RuntimeDep
) -> Response:
    """File the request; its page shows what was decided."""
    act = partial(_file, session, person, posted, runtime.settings, at)
    with shown_again(partial(_form, person, posted)):
        return once(session, person, posted, at, act)


def _file(
    session: Session, person: Actor, posted: Posted, settings: Settings, at: datetime
) -> Response:
    command = filled(
        NewRequest,
        datasets=posted.all("dataset"),
        environment_id=posted.text("environment_id"),
        use=posted.text("use"),
        purpose=posted.text("purpose") or None,
        note=posted.text("note"),
    )
    origin, regions = settings.origin, settings.regions
    filed = file_request(session, person, command, origin=origin, at=at, regions=regions)
    return see(f"/requests/{filed.request.id}", done="filed")


@router.get("/requests/{request_id}")
def request_page(
    request: Request, request_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """How each part fares: decision, reasons, clock, and what can be done next."""
    filed = find_request(session, person, request_id)
    return render(
        request,
        "request.html",
        filed=filed.request,
        decided=_parts(session, filed),
        waits=any(one.state == "pending" for one in filed.decisions),
        environment=session.get_one(Environment, filed.request.environment_id),
        own=filed.request.organisation_id == person.organisation_id,
    )


@router.post("/requests/{request_id}/withdraw")
def withdraw(request_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Take back what still waits."""
    withdraw_request(session, person, request_id, at=at)
    return see(f"/requests/{request_id}", done="request-withdrawn")
