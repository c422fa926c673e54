"""Auditors: asking someone to look at the log for a time, and ending that."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, now_of
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.accounts import send_link
from registry.services.mandates import (
    InviteAuditor,
    end_mandate,
    invite_auditor,
    list_mandates,
)

router = APIRouter(include_in_schema=False)


@router.get("/auditors")
def auditors(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """Who may look now, who could, and the form to ask someone."""
    return _page(NOTHING, person, request, session)


def _page(
    posted: Posted,
    person: Actor,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    found = list_mandates(session, person)
    at = now_of(request)
    return render(
        request,
        "auditors.html",
        live=[(one, who) for one, who in found if at < one.end],
        ended=[(one, who) for one, who in found if one.end <= at],
        values=posted,
        error=error,
    )


@router.post("/auditors")
def invite(
    person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep, runtime: RuntimeDep
) -> Response:
    """Ask someone, and mail a sign-in link."""
    with shown_again(partial(_page, posted, person)):
        names = ("organisation_name", "person_name", "email")
        command = filled(
            InviteAuditor,
            **{name: posted.text(name) for name in names},
            days=posted.text("days") or 0,
        )
        _, seat = invite_auditor(session, person, command, at=at)
    send_link(session, seat.email, settings=runtime.settings, at=at)
    return see("/auditors", done="auditor-invited")


@router.post("/auditors/{mandate_id}/end")
def end(mandate_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """End someone's time now."""
    end_mandate(session, person, mandate_id, at=at)
    return see("/auditors", done="mandate-ended")
