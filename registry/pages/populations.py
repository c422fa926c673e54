"""Taking a population out of the log: which sort, which days, and how many to draw."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.db import transaction
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, now_of, refuse_when_halted
from registry.errors import RegistryError
from registry.pages.audit import archives_of
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, secured
from registry.pages.visiting import PersonDep
from registry.sending import send_file
from registry.services.mandates import stream_of
from registry.services.populations import (
    KINDS,
    PopulationOrder,
    record_population,
    write_population,
)

router = APIRouter(include_in_schema=False)


@router.get("/audit/populations")
def choose(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """What can be taken."""
    return _form(NOTHING, person, request, session)


@router.post("/audit/populations")
def take(
    request: Request, person: PersonDep, posted: PostedDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """The population as a file. That it was taken is itself recorded."""
    refuse_when_halted(request)
    with shown_again(partial(_form, posted, person)):
        wanted = {name: posted.text(name) for name in ("kind", "since", "until", "seed", "archive")}
        order = filled(
            PopulationOrder,
            **{**wanted, "archive": wanted["archive"] or None},
            sample=posted.text("sample") or 0,
        )
        with transaction(runtime.engine) as session:
            report = record_population(session, person, order, at=at)
    request.app.state.background.integrate()
    refuse_when_halted(request)
    key, scratch = runtime.log_key.verifier, runtime.ports.scratch
    return secured(
        send_file(
            runtime,
            lambda session, out: write_population(session, out, key, report, scratch),
            f"{order.kind}-{order.since}-{order.until}.population.zip",
            "application/zip",
        )
    )


def _form(
    posted: Posted,
    person: Actor,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    at = now_of(request)
    stream_of(session, person, at=at)  # whoever may not read the log gets no form for it
    return render(
        request,
        "populations.html",
        status=error.status if error else 200,
        error=error,
        posted=posted,
        kinds=KINDS,
        archives=archives_of(session, person, at),
    )
