"""Organisations and people: signing up, signing in, and the operator's check."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from registry.accounts.actors import Actor, Scope
from registry.accounts.credentials import SESSION_LIFETIME
from registry.accounts.tables import Organisation
from registry.api.problems import answers
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    acting_in_session,
    looking,
)
from registry.idempotency import OnceForAnyone, once
from registry.services import accounts

router = new_router("organisations")


class OrganisationShape(Row):
    """An organisation as anyone who deals with it sees it."""

    id: str
    slug: str
    name: str
    role: Literal["archive", "user", "auditor", "operator"]
    user_class: str
    country: str
    state: Literal["unverified", "active", "blocked"]


class SignedUpShape(BaseModel):
    """The new organisation and the seat of its first person."""

    organisation: OrganisationShape
    seat_id: str
    email: str


class Me(BaseModel):
    """Who the caller is and what it may do."""

    id: str
    name: str
    organisation_id: str
    organisation: str
    organisation_name: str
    role: str
    user_class: str
    scopes: list[str]
    environment_id: str | None


class SignInLink(BaseModel):
    """A request for a sign-in link."""

    email: str = Field(max_length=254, examples=["anna@example.nl"])


class Asked(BaseModel):
    """The same answer whether or not the address has a seat here."""

    detail: str = "if this address has a seat, a sign-in link is on its way"


class LinkUse(BaseModel):
    """The secret at the end of a sign-in link."""

    link: str = Field(max_length=200, examples=["vg_link_…"])


class SessionShape(BaseModel):
    """A person's session: shown as a bearer token, it may do all that the person may."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- the type's name (RFC 6750)
    expires_in: int
    me: Me


class Mail(Row):
    """A message to a person.

    ``state`` is ``waiting``, ``sent``, or ``ended``: not sent, and not tried again.
    """

    id: str
    seat_id: str
    subject: str
    body: str
    created_at: datetime
    state: str
    tries: int
    problem: str


def me_of(actor: Actor) -> Me:
    """The caller as an answer."""
    return Me(
        id=actor.id,
        name=actor.name,
        organisation_id=actor.organisation_id,
        organisation=actor.organisation_slug,
        organisation_name=actor.organisation_name,
        role=actor.role,
        user_class=actor.user_class,
        scopes=sorted(actor.scopes),
        environment_id=actor.environment_id,
    )


def _signed_up(done: accounts.SignedUp) -> SignedUpShape:
    return SignedUpShape(
        organisation=OrganisationShape.model_validate(done.organisation),
        seat_id=done.seat.id,
        email=done.seat.email,
    )


@router.post(
    "/organisations",
    status_code=201,
    dependencies=[OnceForAnyone],
    responses=answers(409),
    summary="Sign up an organisation with its first seat",
)
def sign_up(command: accounts.SignUp, session: SessionDep, at: NowDep) -> SignedUpShape:
    """A user of data may start at once; an archive once the operator has verified it."""
    return _signed_up(accounts.sign_up(session, command, at=at))


@router.post(
    "/invitations",
    status_code=201,
    responses=signed_in(409),
    summary="Add an organisation of any role (operator)",
)
def invite(
    command: accounts.SignUp,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.OPERATE))],
) -> SignedUpShape:
    """Auditors and operators are invited; the organisation is active at once."""
    return _signed_up(accounts.invite(session, actor, command, at=at))


@router.get(
    "/organisations",
    responses=signed_in(),
    summary="Archives that wait for the operator's check",
)
def unverified(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.OPERATE))],
    state: Annotated[Literal["unverified"], Query()] = "unverified",
) -> Page[OrganisationShape]:
    """Newest first."""
    waiting = accounts.unverified(session, actor)[::-1]
    return page_of(waiting, part, OrganisationShape.model_validate)


@router.get("/organisations/{organisation_id}", responses=answers(404), summary="One organisation")
def find(organisation_id: str, session: ReadingDep) -> OrganisationShape:
    """Names, roles and countries of organisations are public."""
    found = accounts.find_organisation(session, organisation_id)
    return OrganisationShape.model_validate(found)


@router.post(
    "/organisations/{organisation_id}/verification",
    responses=signed_in(404, 409),
    summary="Verify an archive (operator)",
)
def verify(
    organisation_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.OPERATE))],
) -> OrganisationShape:
    """The operator has checked who this archive is; from now on it may publish."""
    done: Organisation = accounts.verify_organisation(session, actor, organisation_id, at=at)
    return OrganisationShape.model_validate(done)


@router.get("/outbox", responses=signed_in(), summary="Messages to people (operator)")
def outbox(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.OPERATE))],
) -> Page[Mail]:
    """Newest first; the latest 1,000."""
    return page_of(accounts.outbox(session, actor, 1000), part, Mail.model_validate)


@router.post("/sign-in-links", status_code=202, summary="Ask for a sign-in link by mail")
def send_link(command: SignInLink, session: SessionDep, runtime: RuntimeDep, at: NowDep) -> Asked:
    """The answer does not tell whether the address is known."""
    accounts.send_link(session, command.email, settings=runtime.settings, at=at)
    return Asked()


@router.post(
    "/sessions", status_code=201, responses=answers(401), summary="Sign in with a sign-in link"
)
def sign_in(command: LinkUse, session: SessionDep, at: NowDep) -> SessionShape:
    """Uses the link up. The session ends after 30 idle minutes, and after 8 hours."""
    secret, actor = accounts.sign_in(session, command.link, at=at)
    return SessionShape(
        access_token=secret,
        expires_in=int(SESSION_LIFETIME.total_seconds()),
        me=me_of(actor),
    )


@router.delete("/sessions/current", status_code=204, responses=signed_in(), summary="Sign out")
def sign_out(
    session: SessionDep,
    at: NowDep,
    caller: Annotated[tuple[Actor, str], Depends(acting_in_session)],
) -> None:
    """Ends this session on the server; a token is not a session and stays."""
    actor, secret = caller
    accounts.sign_out(session, actor, secret, at=at)


@router.get("/me", responses=signed_in(), summary="Who I am")
async def me(actor: Annotated[Actor, Depends(looking(None))]) -> Me:
    """The caller, its organisation and its scopes."""
    return me_of(actor)
