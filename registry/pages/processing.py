"""The log of processing: the register that its records point at, and the records as a file."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from registry.db import transaction
from registry.dependencies import NowDep, RuntimeDep, refuse_when_halted
from registry.evidence.processing import ACTIVITIES
from registry.pages.forms import PostedDep, filled
from registry.pages.rendering import render, secured
from registry.pages.visiting import PersonDep, VisitorDep
from registry.sending import send_file
from registry.services.processing import (
    ProcessingOrder,
    record_processing_log,
    write_processing_log,
)

router = APIRouter(include_in_schema=False)


@router.get("/processing")
def register(request: Request, visitor: VisitorDep) -> Response:
    """What this service processes of persons, why and for how long."""
    return render(request, "processing.html", activities=ACTIVITIES)


@router.post("/audit/processing-log")
def take(
    request: Request, person: PersonDep, posted: PostedDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """The records of the days and archive that the log is looked at for."""
    refuse_when_halted(request)
    names = ("archive", "since", "until")
    wanted = {name: posted.text(name) for name in names if posted.text(name)}
    with transaction(runtime.engine) as session:
        taken = record_processing_log(session, person, filled(ProcessingOrder, **wanted), at=at)
    origin = runtime.settings.origin
    return secured(
        send_file(
            runtime,
            lambda session, out: write_processing_log(session, out, taken, origin),
            f"processing-{taken.period.since}-{taken.period.until}.jsonl",
            "application/jsonl",
        )
    )
