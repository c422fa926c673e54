"""Notices of withdrawals to a recipient, and the receipt they send back."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.access.withdrawal_tables import Withdrawal
from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.withdrawing import (
    Acknowledge,
    acknowledge,
    find_notice,
    list_notices,
    removal_manifest,
)

router = APIRouter(include_in_schema=False)

PAGE = 25


@router.get("/notices")
def notices(
    request: Request, person: PersonDep, session: ReadingDep, after: str | None = None
) -> Response:
    """What this organisation is asked to remove, newest first."""
    found = list_notices(session, person, after=after, limit=PAGE + 1)
    following = f"/notices?after={found[PAGE - 1][0].id}" if len(found) > PAGE else ""
    first = "/notices" if after else ""
    return render(request, "notices.html", notices=found[:PAGE], first=first, following=following)


@router.get("/notices/{notice_id}")
def notice_page(
    request: Request, notice_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """What to remove, by when, and the form to say what was done."""
    return _page(person, notice_id, NOTHING, request, session)


def _page(
    person: Actor,
    notice_id: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    notice = find_notice(session, person, notice_id)
    return render(
        request,
        "notice.html",
        notice=notice,
        withdrawal=session.get_one(Withdrawal, notice.withdrawal_id),
        values=posted,
        error=error,
    )


@router.get("/notices/{notice_id}/manifest.json")
def manifest(
    notice_id: str, person: PersonDep, session: ReadingDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """The removal manifest itself."""
    found = removal_manifest(session, person, notice_id, runtime.ports.store, at=at)
    name = f"attachment; filename={notice_id}.json"
    headers = {"cache-control": "private, no-store", "content-disposition": name}
    return Response(found, media_type="application/json", headers=headers)


@router.post("/notices/{notice_id}")
def receipt(
    notice_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """Say what was done with the items."""
    with shown_again(partial(_page, person, notice_id, posted)):
        command = filled(
            Acknowledge,
            notice_id=notice_id,
            receipt=posted.text("receipt"),
            remark=posted.text("remark"),
        )
        acknowledge(session, person, command, at=at)
    return see(f"/notices/{notice_id}", done="receipt")
