"""Where each role starts: what needs you now, and what you can begin."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from sqlmodel import Session, col, select
from starlette.responses import Response

from catalog.tables import Delivery
from registry.access.tables import Extract
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Organisation, Seat
from registry.dependencies import NowDep, ReadingDep, SessionDep
from registry.pages.collection import own_datasets
from registry.pages.extracts import with_listings
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.accounts import outbox, unverified, verify_organisation
from registry.services.agreeing import list_agreements
from registry.services.auditing import last_checkpoint
from registry.services.catalogue import listing_of
from registry.services.extracts import list_extracts
from registry.services.machines import list_environments
from registry.services.mandates import own_mandates
from registry.services.requesting import inbox, list_requests

router = APIRouter(include_in_schema=False)

FEW = 5
MANY = 50


@router.get("/home")
def home(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """The start of this person's role."""
    facts = _HOMES[person.role](session, person)
    return render(request, f"home_{person.role}.html", **facts)


def _user(session: Session, person: Actor) -> dict[str, Any]:
    proposed = [a for a in list_agreements(session, person, limit=MANY) if a.state == "proposed"]
    return {
        "environments": [e for e in list_environments(session, person) if not e.closed_at],
        "requests": list_requests(session, person, limit=FEW),
        "proposed": [(a, listing_of(session, a.dataset_id, a.edition_id)) for a in proposed],
        "extracts": with_listings(session, list_extracts(session, person, limit=FEW)),
    }


def _archive(session: Session, person: Actor) -> dict[str, Any]:
    return {
        "waiting": inbox(session, person, limit=MANY),
        "kept": own_datasets(session, person),
        "organisation": session.get_one(Organisation, person.organisation_id),
    }


def _auditor(session: Session, person: Actor) -> dict[str, Any]:
    return {"checkpoint": last_checkpoint(session), "mandates": own_mandates(session, person)}


def _operator(session: Session, person: Actor) -> dict[str, Any]:
    require(person, Scope.OPERATE)
    mails = outbox(session, person, limit=20)
    failed_checks = select(Delivery).where(col(Delivery.state) == "failed")
    failed_extracts = select(Extract).where(col(Extract.state) == "failed")
    return {
        "unverified": unverified(session, person),
        "mails": [(mail, session.get_one(Seat, mail.seat_id).email) for mail in mails],
        "failed_checks": session.exec(
            failed_checks.order_by(col(Delivery.id).desc()).limit(20)
        ).all(),
        "failed_extracts": session.exec(
            failed_extracts.order_by(col(Extract.id).desc()).limit(20)
        ).all(),
    }


_HOMES: dict[str, Callable[[Session, Actor], dict[str, Any]]] = {
    "user": _user,
    "archive": _archive,
    "auditor": _auditor,
    "operator": _operator,
}


@router.post("/operations/organisations/{organisation_id}/verify")
def verify(organisation_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Record that the operator knows who this archive is."""
    verify_organisation(session, person, organisation_id, at=at)
    return see("/home", done="verified")
