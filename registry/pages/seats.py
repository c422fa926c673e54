"""Seats in the visitor's organisation, and the page where an invitation is accepted."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor, Scope
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    language_of,
    now_of,
    runtime_of,
)
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep, VisitorDep, end_session
from registry.services.seating import (
    InvitePerson,
    Join,
    change_seat,
    end_seat,
    find_invitation,
    invite_person,
    join,
    list_invitations,
    list_seats,
    withdraw_invitation,
)

router = APIRouter(include_in_schema=False)


@router.get("/seats")
def seats(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """Who has a seat and who was invited, for admins; for anyone the button to leave."""
    return _page(NOTHING, person, request, session)


def _page(
    posted: Posted,
    person: Actor,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    admin = Scope.SEATS in person.scopes
    return render(
        request,
        "seats.html",
        admin=admin,
        seats=list_seats(session, person) if admin else [],
        invitations=list_invitations(session, person, at=now_of(request)) if admin else [],
        values=posted,
        error=error,
    )


@router.post("/seats")
def invite(
    request: Request, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """Keep a seat for someone; its address is shown this once."""
    with shown_again(partial(_page, posted, person)):
        told = {"email": posted.text("email"), "admin": posted.text("duty") == "admin"}
        kept, secret = invite_person(session, person, filled(InvitePerson, **told), at=at)
    address = f"{runtime_of(request).settings.origin}/join/{secret}"
    page = render(request, "invited.html", invitation=kept, address=address)
    page.headers["cache-control"] = "no-store"
    return page


@router.post("/seats/{seat_id}")
def change(
    request: Request,
    seat_id: str,
    person: PersonDep,
    posted: PostedDep,
    session: SessionDep,
    at: NowDep,
) -> Response:
    """Make someone an admin or a member, take their seat away, or leave one's own."""
    with shown_again(partial(_page, NOTHING, person)):
        if posted.text("act") != "end":
            change_seat(session, person, seat_id, admin=posted.text("act") == "admin", at=at)
            return see("/seats", done="seat-changed")
        end_seat(session, person, seat_id, at=at)
    if seat_id != person.id:
        return see("/seats", done="seat-ended")
    response = see("/", done="seat-left")
    end_session(request, response)
    return response


@router.post("/seats/invitations/{invitation_id}")
def withdraw(invitation_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Withdraw an invitation."""
    withdraw_invitation(session, person, invitation_id, at=at)
    return see("/seats", done="invitation-withdrawn")


@router.get("/join/{secret}")
def join_form(request: Request, secret: str, visitor: VisitorDep, session: ReadingDep) -> Response:
    """Who invites, and the name to join under. Mail programs open links too: a form accepts."""
    return _join_page(secret, NOTHING, request, session)


def _join_page(
    secret: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    found = find_invitation(session, secret[:200], at=now_of(request))
    page = render(request, "join.html", organisation=found, values=posted, error=error)
    page.headers["referrer-policy"] = "no-referrer"
    page.headers["cache-control"] = "no-store"
    return page


@router.post("/join/{secret}")
def join_now(
    request: Request,
    secret: str,
    posted: PostedDep,
    session: SessionDep,
    at: NowDep,
    runtime: RuntimeDep,
) -> Response:
    """Take the seat; a sign-in link is mailed to the invited address."""
    with shown_again(partial(_join_page, secret, posted)):
        name = posted.text("person_name")
        command = filled(
            Join, invitation=secret[:200], person_name=name, language=language_of(request)
        )
        join(session, command, settings=runtime.settings, at=at)
    return see("/sign-in", done="link-sent")
