"""Seats in the caller's organisation: inviting, joining, who administers, and leaving."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from registry.accounts.actors import Actor, Scope
from registry.accounts.tables import Seat
from registry.api.problems import answers
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    acting,
    looking,
)
from registry.services import seating

router = new_router("organisations")


class SeatShape(Row):
    """A person's place in the organisation."""

    id: str
    name: str
    email: str
    admin: bool
    created_at: datetime


class ChangeSeat(BaseModel):
    """Whether the person invites, changes and removes seats."""

    admin: bool


class InvitationShape(Row):
    """A seat kept for an address; its id is that of the seat to be."""

    id: str
    email: str
    admin: bool
    expires_at: datetime


class NewInvitationShape(InvitationShape):
    """The same, with its secret."""

    invitation: str = Field(description="Shown once; good once.", examples=["vg_invitation_…"])
    address: str = Field(description="The page where it is accepted.")


class Joined(BaseModel):
    """The seat that was taken; a sign-in link is on its way to the invited address."""

    seat_id: str


@router.get("/seats", responses=signed_in(), summary="Who has a seat in your organisation")
def list_seats(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.SEATS))],
) -> Page[SeatShape]:
    """Oldest first; seats that ended are left out."""
    rows = seating.list_seats(session, actor)
    return page_of(rows, part, SeatShape.model_validate, newest_first=False)


@router.put(
    "/seats/{seat_id}", responses=signed_in(404, 409), summary="Make someone an admin, or a member"
)
def change_seat(
    seat_id: str,
    command: ChangeSeat,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.SEATS))],
) -> SeatShape:
    """An organisation always keeps an admin."""
    done: Seat = seating.change_seat(session, actor, seat_id, admin=command.admin, at=at)
    return SeatShape.model_validate(done)


@router.delete(
    "/seats/{seat_id}",
    status_code=204,
    responses=signed_in(404, 409),
    summary="Take a seat away, or leave your own",
)
def end_seat(
    seat_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ACCOUNT))],
) -> None:
    """Its sessions, tokens and signed links end at once; agreements are the organisation's."""
    seating.end_seat(session, actor, seat_id, at=at)


# The answer holds a secret, which is kept nowhere: so it takes no idempotency key.
@router.post(
    "/seat-invitations",
    status_code=201,
    responses=signed_in(409),
    summary="Invite someone to a seat in your organisation",
)
def invite(
    command: seating.InvitePerson,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.SEATS))],
) -> NewInvitationShape:
    """Pass its address on to that person; it is good for seven days."""
    kept, secret = seating.invite_person(session, actor, command, at=at)
    shown = InvitationShape.model_validate(kept).model_dump()
    address = f"{runtime.settings.origin}/join/{secret}"
    return NewInvitationShape(**shown, invitation=secret, address=address)


@router.get("/seat-invitations", responses=signed_in(), summary="Who was invited and did not come")
def list_invitations(
    session: ReadingDep,
    part: SliceDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(Scope.SEATS))],
) -> Page[InvitationShape]:
    """Oldest first, without secrets."""
    rows = seating.list_invitations(session, actor, at=at)
    return page_of(rows, part, InvitationShape.model_validate, newest_first=False)


@router.delete(
    "/seat-invitations/{invitation_id}",
    status_code=204,
    responses=signed_in(404),
    summary="Withdraw an invitation",
)
def withdraw(
    invitation_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.SEATS))],
) -> None:
    """It is good no more."""
    seating.withdraw_invitation(session, actor, invitation_id, at=at)


@router.post(
    "/seats", status_code=201, responses=answers(401, 409), summary="Accept an invitation to a seat"
)
def join(command: seating.Join, session: SessionDep, runtime: RuntimeDep, at: NowDep) -> Joined:
    """The seat is the invited address's: the sign-in link is mailed there, and nowhere else."""
    seat = seating.join(session, command, settings=runtime.settings, at=at)
    return Joined(seat_id=seat.id)
