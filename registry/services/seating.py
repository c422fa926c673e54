"""Seats in an organisation: inviting someone, joining, who administers, and leaving.

A seat that ends takes what its person can show with it, from the next request on. What the person
did for the organisation stays: agreements are the organisation's, and entries keep their pseudonym.
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field
from sqlalchemy import delete
from sqlmodel import Session, col, select, update

from registry.accounts.actors import Actor, Scope, person, require
from registry.accounts.credentials import hash_secret, new_secret
from registry.accounts.invitations import Invitation
from registry.accounts.refusals import not_signed_in
from registry.accounts.tables import Credential, Organisation, OutboxMail, Seat
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.ids import new_id
from registry.services.accounts import (
    Command,
    Email,
    Language,
    Line,
    add_seat,
    find_organisation,
    note_seat,
    require_free_address,
    send_link,
)
from registry.services.locking import locked
from registry.services.wording import conflict, missing
from registry.settings import Settings

LIFETIME = timedelta(days=7)
"""How long an invitation can be accepted."""
DUTIES = {True: "admin", False: "member"}


class InvitePerson(Command):
    """Whom to give a seat; an admin may invite, change and remove seats."""

    email: Email
    admin: bool = False


class Join(Command):
    """Who takes the seat that an invitation keeps."""

    invitation: Annotated[str, Field(max_length=200)]
    person_name: Line
    language: Language = "nl"


def invite_person(
    session: Session,
    actor: Actor | None,
    command: InvitePerson,
    *,
    at: datetime,
    organisation_id: str | None = None,
) -> tuple[Invitation, str]:
    """Keep a seat for an address; the invitation and its secret, which is shown this once.

    A newer invitation of the organisation for that address replaces an older one.

    :param actor: ``None`` for the operator at the machine, who names the organisation.
    """
    organisation = _organisation(session, actor, organisation_id)
    require_free_address(session, command.email)
    same = (
        col(Invitation.organisation_id) == organisation.id,
        col(Invitation.email) == command.email,
    )
    session.execute(delete(Invitation).where(*same))
    secret = new_secret("invitation")
    invitation = Invitation(
        id=new_id("seat", at),
        organisation_id=organisation.id,
        hash=hash_secret(secret),
        email=command.email,
        admin=command.admin,
        invited_by=actor.id if actor else None,
        created_at=at,
        expires_at=at + LIFETIME,
    )
    session.add(invitation)
    session.flush()
    facts = {"role": organisation.role, "until": moment(invitation.expires_at)}
    note_seat(session, Act.ACTOR_INVITED, actor, invitation, at, **facts)
    return invitation, secret


def withdraw_invitation(
    session: Session, actor: Actor, invitation_id: str, *, at: datetime
) -> Invitation:
    """Give the seat away to nobody; its secret is good no more."""
    require(actor, Scope.SEATS)
    found = session.get(Invitation, invitation_id, with_for_update=True)
    if found is None or found.organisation_id != actor.organisation_id:
        raise missing("uitnodiging", "invitation", invitation_id)
    session.delete(found)
    note_seat(session, Act.ACTOR_REMOVED, actor, found, at, reason="invitation-withdrawn")
    return found


def find_invitation(session: Session, secret: str, *, at: datetime) -> Organisation:
    """The organisation that an invitation is of, or ``NotSignedIn`` with the reason."""
    return find_organisation(session, _found(session, secret, at).organisation_id)


def _found(session: Session, secret: str, at: datetime) -> Invitation:
    query = select(Invitation).where(col(Invitation.hash) == hash_secret(secret))
    # Of two that use it at once, the second waits here and finds it gone.
    found = session.exec(query.with_for_update()).one_or_none()
    if found is None:
        raise not_signed_in("unknown", "is hier niet bekend", "is not known here")
    if found.expires_at <= at:
        raise not_signed_in("expired", "is verlopen", "has expired")
    return found


def join(session: Session, command: Join, *, settings: Settings, at: datetime) -> Seat:
    """Take the seat. It is the invited address's: the sign-in link is mailed there alone."""
    invitation = _found(session, command.invitation, at)
    seat = add_seat(
        session,
        Seat(
            id=invitation.id,
            organisation_id=invitation.organisation_id,
            email=invitation.email,
            name=command.person_name,
            language=command.language,
            admin=invitation.admin,
            created_at=at,
        ),
    )
    session.delete(invitation)
    session.flush()
    actor = person(seat, find_organisation(session, seat.organisation_id))
    note_seat(session, Act.ACTOR_JOINED, actor, seat, at, state=DUTIES[seat.admin])
    send_link(session, seat.email, settings=settings, at=at)
    return seat


def list_seats(
    session: Session, actor: Actor | None, organisation_id: str | None = None
) -> list[Seat]:
    """Who has a seat in the organisation now, oldest first."""
    organisation = _organisation(session, actor, organisation_id)
    own = (col(Seat.organisation_id) == organisation.id, col(Seat.active))
    return list(session.exec(select(Seat).where(*own).order_by(col(Seat.id))))


def list_invitations(session: Session, actor: Actor, *, at: datetime) -> list[Invitation]:
    """Whom the organisation invited and who did not come yet, oldest first."""
    require(actor, Scope.SEATS)
    own = select(Invitation).where(
        col(Invitation.organisation_id) == actor.organisation_id, col(Invitation.expires_at) > at
    )
    return list(session.exec(own.order_by(col(Invitation.id))))


def change_seat(
    session: Session, actor: Actor | None, seat_id: str, *, admin: bool, at: datetime
) -> Seat:
    """Make someone an admin or no longer one; to what they are already, is no error."""
    if actor is not None:
        require(actor, Scope.SEATS)
    seat = _own_seat(session, actor, seat_id)
    if seat.admin == admin:
        return seat
    _keep_an_admin(session, seat)
    seat.admin = admin
    session.add(seat)
    note_seat(session, Act.ACTOR_CHANGED, actor, seat, at, state=DUTIES[admin])
    return seat


def end_seat(session: Session, actor: Actor | None, seat_id: str, *, at: datetime) -> Seat:
    """Take a seat away, or leave one's own; for good. Someone who comes back gets a new seat."""
    if actor is not None:
        require(actor, Scope.ACCOUNT if actor.id == seat_id else Scope.SEATS)
    seat = _own_seat(session, actor, seat_id)
    _keep_an_admin(session, seat)
    close_seat(session, seat, at)
    own = actor is not None and actor.id == seat.id
    note_seat(session, Act.ACTOR_REMOVED, actor, seat, at, reason="left" if own else "removed")
    return seat


def close_seat(session: Session, seat: Seat, at: datetime) -> None:
    """End a seat with all that it could open, unrecorded as yet."""
    seat.active, seat.admin = False, False
    # The address may take a seat elsewhere; it is kept, so that its person can still be erased.
    seat.left_email, seat.email = seat.email, f"{seat.id}@left.invalid"
    session.add(seat)
    shown = (col(Credential.seat_id) == seat.id, col(Credential.revoked_at).is_(None))
    session.execute(update(Credential).where(*shown).values(revoked_at=at))
    session.execute(delete(Invitation).where(col(Invitation.invited_by) == seat.id))
    unsent = (col(OutboxMail.seat_id) == seat.id, col(OutboxMail.sent_at).is_(None))
    session.execute(delete(OutboxMail).where(*unsent))


def _organisation(
    session: Session, actor: Actor | None, organisation_id: str | None
) -> Organisation:
    if actor is not None:
        require(actor, Scope.SEATS)
    return find_organisation(session, actor.organisation_id if actor else organisation_id or "")


def _own_seat(session: Session, actor: Actor | None, seat_id: str) -> Seat:
    """The live seat, locked with its organisation: of two admins, not both leave at once."""
    seat = session.get(Seat, seat_id)
    if seat is None or (actor is not None and seat.organisation_id != actor.organisation_id):
        raise missing("plaats", "seat", seat_id)
    locked(session, session.get_one(Organisation, seat.organisation_id))
    if not locked(session, seat).active:
        raise missing("plaats", "seat", seat_id)
    return seat


def _keep_an_admin(session: Session, seat: Seat) -> None:
    others = select(Seat.id).where(
        col(Seat.organisation_id) == seat.organisation_id,
        col(Seat.id) != seat.id,
        col(Seat.active),
        col(Seat.admin),
    )
    if seat.admin and session.exec(others.limit(1)).one_or_none() is None:
        raise conflict(
            "last-admin",
            "Dit is de laatste beheerder van de organisatie.",
            "This is the last admin of the organisation.",
            "Maak eerst iemand anders beheerder.",
            "Make someone else an admin first.",
        )
