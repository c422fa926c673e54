"""Organisations and their seats: signing up, signing in, and who is trusted."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel import Session, col, select

from policies import USER_CLASSES
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.credentials import (
    LINK_LIFETIME,
    SESSION_LIFETIME,
    find,
    find_actor,
    hash_secret,
    issue,
)
from registry.accounts.invitations import Invitation
from registry.accounts.mandates import Mandate
from registry.accounts.tables import Credential, Organisation, OutboxMail, Seat
from registry.audit.acts import Act
from registry.audit.log import append
from registry.audit.values import moment
from registry.errors import Text
from registry.ids import new_id
from registry.services.countries import known_country
from registry.services.noting import note
from registry.services.wording import conflict, invalid, missing
from registry.settings import Settings

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Country = Annotated[str, StringConstraints(to_upper=True, pattern="^[A-Za-z]{2}$")]
Slug = Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]{1,58}[a-z0-9]$")]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
    ),
]
Language = Literal["nl", "en"]


AUDIT_DAYS = 90
"""How long an auditor may look, where its invitation says nothing else."""


class Command(BaseModel):
    """What a caller asks for; frozen, and nothing beyond its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SignUp(Command):
    """A new organisation with its first seat."""

    organisation_name: Line
    role: Literal["archive", "user", "auditor", "operator"] = "user"
    user_class: str = "commercial"
    country: Country
    person_name: Line
    email: Email
    language: Language = "nl"
    slug: Slug | None = None


class SignedUp(BaseModel):
    """The organisation and the seat that were made."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    organisation: Organisation
    seat: Seat


def sign_up(session: Session, command: SignUp, *, at: datetime) -> SignedUp:
    """Sign up by oneself: a user of data may start at once, an archive once it is verified."""
    if command.role not in {"archive", "user"}:
        raise invalid(
            "role",
            "Auditors en beheerders worden uitgenodigd.",
            "Auditors and operators are invited.",
            "Vraag de beheerder om een uitnodiging.",
            "Ask the operator for an invitation.",
        )
    state = "unverified" if command.role == "archive" else "active"
    return _add(session, command, state, None, at)


def invite(session: Session, actor: Actor | None, command: SignUp, *, at: datetime) -> SignedUp:
    """Add an organisation of any role, active at once: the operator's act.

    An auditor may look at all archives for :data:`AUDIT_DAYS`.

    ``actor`` is ``None`` for the operator at the machine itself.
    """
    if actor is not None:
        require(actor, Scope.OPERATE)
    made = add_seat_of(session, actor, command, at=at)
    if command.role == "auditor":
        until = at + timedelta(days=AUDIT_DAYS)
        give_mandate(session, actor, made.seat, None, until, at=at)
    return made


def add_seat_of(
    session: Session, actor: Actor | None, command: SignUp, *, at: datetime
) -> SignedUp:
    """Add an organisation that someone else vouches for, whose right to do so was checked."""
    return _add(session, command, "active", actor, at)


def give_mandate(
    session: Session,
    actor: Actor | None,
    seat: Seat,
    archive: str | None,
    until: datetime,
    *,
    at: datetime,
) -> Mandate:
    """Write down that a seat's organisation may look until then."""
    mandate = Mandate(
        id=new_id("man", at),
        organisation_id=seat.organisation_id,
        archive_id=archive,
        created_at=at,
        until=until,
    )
    session.add(mandate)
    session.flush()
    note(
        session,
        Act.ACTOR_INVITED,
        at=at,
        actor=actor,
        archive=archive,
        ids={"seat": seat.id, "organisation": seat.organisation_id},
        facts={"role": "auditor", "until": moment(until)},
    )
    return mandate


def _add(
    session: Session, command: SignUp, state: str, actor: Actor | None, at: datetime
) -> SignedUp:
    if command.user_class not in USER_CLASSES:
        known = ", ".join(USER_CLASSES)
        raise invalid("user_class", f"Kies een van: {known}.", f"Choose one of: {known}.")
    known_country("country", command.country)
    organisation = Organisation(
        id=new_id("org", at),
        slug=_free_slug(session, command),
        name=command.organisation_name,
        role=command.role,
        user_class=command.user_class,
        country=command.country,
        state=state,
        created_at=at,
    )
    session.add(organisation)
    session.flush()
    seat = add_seat(
        session,
        Seat(
            id=new_id("seat", at),
            organisation_id=organisation.id,
            email=command.email,
            name=command.person_name,
            language=command.language,
            created_at=at,
        ),
    )
    append(
        session,
        Act.ORGANISATION_SIGNED_UP,
        at=at,
        archive=None,
        actor=actor.id if actor else seat.id,
        organisation=actor.organisation_id if actor else organisation.id,
        ids={"organisation": organisation.id, "seat": seat.id},
        facts={"role": organisation.role, "country": organisation.country, "state": state},
    )
    return SignedUp(organisation=organisation, seat=seat)


def add_seat(session: Session, seat: Seat) -> Seat:
    """Let someone have this seat, whose right to it was checked; a person has one."""
    require_free_address(session, seat.email)
    session.add(seat)
    session.flush()
    return seat


def note_seat(
    session: Session,
    act: Act,
    actor: Actor | None,
    seat: Seat | Invitation,
    at: datetime,
    **facts: object,
) -> None:
    """The entry of an act on a seat, or on the seat that an invitation keeps."""
    ids = {"seat": seat.id, "organisation": seat.organisation_id}
    note(session, act, at=at, actor=actor, archive=None, ids=ids, facts=facts)


def require_free_address(session: Session, email: str) -> None:
    """Pass, or raise ``Conflict``: a person has one seat."""
    taken = session.exec(select(Seat).where(col(Seat.email) == email)).one_or_none()
    if taken is not None:
        raise conflict(
            "email-taken",
            "Dit e-mailadres heeft al een plaats.",
            "This e-mail address has a seat already.",
            "Vraag een aanmeldlink aan voor dit adres.",
            "Ask for a sign-in link for this address.",
        )


def _free_slug(session: Session, command: SignUp) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", command.organisation_name.lower()).strip("-")[:50]
    slug = command.slug or (plain if len(plain) >= 3 else f"{plain}-org".strip("-"))
    names = select(Organisation.slug).where(
        col(Organisation.slug).startswith(slug, autoescape=True)
    )
    taken = set(session.exec(names))
    if command.slug is not None and slug in taken:
        raise conflict(
            "slug-taken",
            f"De naam `{slug}` is al in gebruik.",
            f"The name `{slug}` is in use.",
            "Kies een andere.",
            "Choose another.",
        )
    return next(
        name
        for n in range(1, len(taken) + 2)
        if (name := slug if n == 1 else f"{slug}-{n}") not in taken
    )


def verify_organisation(
    session: Session, actor: Actor | None, organisation_id: str, *, at: datetime
) -> Organisation:
    """The operator has checked who this archive is; from now on it may publish."""
    if actor is not None:
        require(actor, Scope.OPERATE)
    organisation = session.get(Organisation, organisation_id)
    if organisation is None:
        raise missing("organisatie", "organisation", organisation_id)
    if organisation.state != "unverified":
        raise conflict(
            "not-unverified",
            f"Deze organisatie is `{organisation.state}` en wacht niet op controle.",
            f"This organisation is `{organisation.state}` and does not wait for a check.",
        )
    organisation.state = "active"
    session.add(organisation)
    note(
        session,
        Act.ORGANISATION_CHANGED,
        at=at,
        actor=actor,
        archive=None,
        ids={"organisation": organisation.id},
        facts={"state": "active", "reason": "verified"},
    )
    return organisation


def unverified(session: Session, actor: Actor) -> list[Organisation]:
    """Archives that wait for the operator's check, oldest first."""
    require(actor, Scope.OPERATE)
    waiting = select(Organisation).where(col(Organisation.state) == "unverified")
    return list(session.exec(waiting.order_by(col(Organisation.id))))


def find_organisation(session: Session, organisation_id: str) -> Organisation:
    """The organisation of that id; its name is public."""
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise missing("organisatie", "organisation", organisation_id)
    return found


def send_link(session: Session, email: str, *, settings: Settings, at: datetime) -> None:
    """Mail a sign-in link; an unknown address gets none, and the caller cannot tell.

    Whose role needs a second factor is told to use their provider.
    """
    wanted = email.strip().lower()
    seat = session.exec(
        select(Seat).where(col(Seat.email) == wanted, col(Seat.active))
    ).one_or_none()
    if seat is None:
        return
    if session.get_one(Organisation, seat.organisation_id).role in settings.roles_without_links:
        text = _use_provider(seat, f"{settings.origin}/sign-in")
    else:
        text = _mail(seat, f"{settings.origin}/sign-in/{link_for(session, seat, at=at)}")
    session.add(
        OutboxMail(
            id=new_id("mail", at),
            seat_id=seat.id,
            subject=_SUBJECT.in_language(seat.language),
            body=text,
            created_at=at,
            next_try_at=at,
        )
    )


_SUBJECT = Text("Uw aanmeldlink voor Vrijgave", "Your sign-in link for Vrijgave")


def _mail(seat: Seat, address: str) -> str:
    return Text(
        f"Dag {seat.name},\n\nMet deze link meldt u zich aan. Hij werkt één keer, een kwartier"
        f" lang:\n{address}\n\nVroeg u dit niet aan? Dan hoeft u niets te doen.\n",
        f"Dear {seat.name},\n\nThis link signs you in. It works once, for fifteen minutes:\n"
        f"{address}\n\nDid you not ask for it? Then there is nothing you need to do.\n",
    ).in_language(seat.language)


def _use_provider(seat: Seat, address: str) -> str:
    return Text(
        f"Dag {seat.name},\n\nVoor uw rol is een link te weinig. Meld u aan met de aanbieder van uw"
        f" organisatie:\n{address}\n\nLukt dat niet? Vraag de beheerder van deze dienst.\n",
        f"Dear {seat.name},\n\nA link is too little for your role. Sign in with your organisation's"
        f" provider:\n{address}\n\nDoes that not work? Ask the operator of this service.\n",
    ).in_language(seat.language)


def link_for(
    session: Session, seat: Seat, *, at: datetime, lifetime: timedelta = LINK_LIFETIME
) -> str:
    """A one-time sign-in secret for a seat, for the mail or for the operator's screen."""
    credential, secret = issue(session, "link", at=at, lifetime=lifetime, seat_id=seat.id)
    note(
        session,
        Act.TOKEN_ISSUED,
        at=at,
        actor=None,
        archive=None,
        ids={"token": credential.id, "seat": seat.id},
        facts={"kind": "link", "until": moment(credential.expires_at)},
    )
    return secret


def seat_of(session: Session, email: str) -> Seat:
    """The seat of an e-mail address; for operator commands."""
    seat = session.exec(select(Seat).where(col(Seat.email) == email.lower())).one_or_none()
    if seat is None:
        raise missing("plaats met e-mailadres", "seat with e-mail address", email)
    return seat


def sign_in(session: Session, link_secret: str, *, at: datetime) -> tuple[str, Actor]:
    """Use up a sign-in link; the new browser session's secret and who it is."""
    actor = find_actor(session, link_secret, "link", at)
    link = find(session, link_secret, "link", at)
    link.used_at = at
    session.add(link)
    return start_session(session, actor, "link", at=at), actor


def start_session(session: Session, actor: Actor, method: str, *, at: datetime) -> str:
    """A browser session of someone who has proven who they are; its secret."""
    credential, secret = issue(
        session, "session", at=at, lifetime=SESSION_LIFETIME, seat_id=actor.id
    )
    note(
        session,
        Act.ACTOR_SIGNED_IN,
        at=at,
        actor=actor,
        archive=None,
        ids={"seat": actor.id, "token": credential.id},
        facts={"method": method, "until": moment(credential.expires_at)},
    )
    return secret


def sign_out(session: Session, actor: Actor, session_secret: str, *, at: datetime) -> None:
    """End this browser session on the server; signing out twice is no error."""
    found = session.exec(
        select(Credential).where(
            col(Credential.hash) == hash_secret(session_secret), col(Credential.kind) == "session"
        )
    ).one_or_none()
    if found is None or found.revoked_at is not None or found.seat_id != actor.id:
        return
    found.revoked_at = at
    session.add(found)
    note(
        session,
        Act.ACTOR_SIGNED_OUT,
        at=at,
        actor=actor,
        archive=None,
        ids={"seat": actor.id, "token": found.id},
        facts={},
    )


def outbox(session: Session, actor: Actor | None, limit: int = 100) -> list[OutboxMail]:
    """The latest messages to people; for the operator."""
    if actor is not None:
        require(actor, Scope.OPERATE)
    return list(session.exec(select(OutboxMail).order_by(col(OutboxMail.id).desc()).limit(limit)))
