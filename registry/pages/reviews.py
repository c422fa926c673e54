"""Reviewing the log: what stands out, a sample, signing off, and what was held against planned."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, now_of
from registry.errors import RegistryError
from registry.looking import record_look
from registry.pages.audit import archives_of
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.reviewing import (
    PlanReview,
    SignReview,
    open_queue,
    plan_review,
    reviews_held,
    sign_review,
)

router = APIRouter(include_in_schema=False)


@router.get("/audit/review")
def review(
    request: Request,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    archive: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """What waits, and what was held; of one archive."""
    streams = archives_of(session, person, at)
    chosen = archive or (streams[0][0] if streams else None)
    record_look(runtime, person, "review", chosen, at)
    return _page(NOTHING, person, chosen, request, session)


def _page(
    posted: Posted,
    person: Actor,
    archive: str | None,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    at = now_of(request)
    return render(
        request,
        "review.html",
        queue=open_queue(session, person, at=at, archive=archive),
        held=reviews_held(session, person, at=at, archive=archive),
        archives=archives_of(session, person, at),
        archive=archive,
        values=posted,
        error=error,
    )


@router.post("/audit/review/plan")
def plan(person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep) -> Response:
    """Plan the archive's reviews."""
    with shown_again(partial(_page, posted, person, None)):
        command = filled(
            PlanReview, days=posted.text("days"), sample_size=posted.text("sample_size")
        )
        plan_review(session, person, command, at=at)
    return see("/audit/review", done="review-planned")


@router.post("/audit/review")
def sign(person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep) -> Response:
    """Sign off what was shown."""
    with shown_again(partial(_page, posted, person, None)):
        command = filled(
            SignReview,
            last_number=posted.text("last_number"),
            outcome=posted.text("outcome"),
            remark=posted.text("remark"),
        )
        sign_review(session, person, command, at=at)
    return see("/audit/review", done="review-signed")
