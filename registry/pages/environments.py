"""Environments: where an organisation processes."""

from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, SessionDep
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again, to_field
from registry.pages.rendering import render, see
from registry.pages.sending import once
from registry.pages.visiting import PersonDep
from registry.services.machines import (
    NewEnvironment,
    close_environment,
    list_environments,
    register_environment,
)
from registry.services.proofs import NewProof, give_proof

router = APIRouter(include_in_schema=False)


@router.get("/environments")
def environments(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """The organisation's environments, and the form for a new one."""
    return _page(person, NOTHING, request, session)


def _page(
    person: Actor,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    found = list_environments(session, person)
    error = to_field(error, "networks", "networks") if error else None
    return render(request, "environments.html", environments=found, values=posted, error=error)


@router.post("/environments")
def register(person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep) -> Response:
    """Register where the organisation will process."""
    with shown_again(partial(_page, person, posted)):
        return once(session, person, posted, at, partial(_register, session, person, posted, at))


def _register(session: Session, person: Actor, posted: Posted, at: datetime) -> Response:
    register_environment(session, person, _environment(posted), at=at)
    return see("/environments", done="environment")


def _environment(posted: Posted) -> NewEnvironment:
    names = ("name", "country", "operator", "operator_country")
    return filled(
        NewEnvironment,
        secure=posted.text("secure") == "yes",
        networks=posted.lines("networks"),
        certificates=posted.lines("certificates"),
        stored_country=posted.text("stored_country") or None,
        place=posted.text("place") or None,
        **{name: posted.text(name) for name in names},
    )


@router.post("/environments/{environment_id}/proofs")
def prove(
    environment_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """Hand in a proof; an archive or the operator looks at it."""
    command = filled(
        NewProof,
        environment_id=environment_id,
        kind=posted.text("kind"),
        reference=posted.text("reference"),
        holds_until=f"{posted.text('holds_until')}T00:00:00Z",
    )
    give_proof(session, person, command, at=at)
    return see("/environments", done="proof")


@router.post("/environments/{environment_id}/close")
def close(environment_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Nothing is read from it any more."""
    close_environment(session, person, environment_id, at=at)
    return see("/environments", done="environment-closed")
