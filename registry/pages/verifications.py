"""Who an organisation is: its own page, and the operator's to verify, refuse and withdraw."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, SessionDep
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.verifying import MONTHS, Apply, Decide, apply, decide, list_all, list_own

router = APIRouter(include_in_schema=False)

_FIELDS = ("legal_name", "number", "country", "signatory", "signatory_role", "evidence")


@router.get("/organisation")
def organisation(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """What was told and found, and the form to tell it (again)."""
    return _own(NOTHING, person, request, session)


def _own(
    posted: Posted,
    person: Actor,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    cards = list_own(session, person)
    return render(request, "organisation.html", cards=cards, values=posted, error=error)


@router.post("/organisation")
def tell(person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep) -> Response:
    """Ask to be verified."""
    with shown_again(partial(_own, posted, person)):
        told = {name: posted.text(name) for name in _FIELDS}
        kind = posted.text("number_kind")
        apply(session, person, filled(Apply, number_kind=kind, **told), at=at)
    return see("/organisation", done="verification-applied")


@router.get("/verifications")
def verifications(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """What waits for the operator, and what stands."""
    return _all(NOTHING, person, request, session)


def _all(
    posted: Posted,
    person: Actor,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    cards = list_all(session, person)
    return render(
        request, "verifications.html", cards=cards, months=MONTHS, values=posted, error=error
    )


@router.post("/verifications/{verification_id}")
def found(
    verification_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """Verify, refuse or withdraw."""
    with shown_again(partial(_all, posted, person)):
        command = filled(
            Decide,
            verification_id=verification_id,
            state=posted.text("state"),
            reason=posted.text("reason"),
            months=posted.text("months") or MONTHS,
        )
        decide(session, person, command, at=at)
    return see("/verifications", done="verification-decided")
