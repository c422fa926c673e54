"""The log of processing in the fields of Logboek Dataverwerkingen, for those who read the log."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import StreamingResponse

from registry.accounts.actors import Actor, Scope
from registry.api.shapes import new_router, signed_in
from registry.db import transaction
from registry.dependencies import NowDep, RuntimeDep, arriving, refuse_when_halted
from registry.sending import send_file
from registry.services.processing import (
    ProcessingOrder,
    record_processing_log,
    write_processing_log,
)

router = new_router("audit")


@router.post(
    "/audit/processing-log",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"application/jsonl": {"schema": {"type": "string"}}},
            "description": "One record a line, with the standard's own names of fields",
        },
        **signed_in(404, 507),
    },
    summary="The log of processing (Logboek Dataverwerkingen)",
)
def take(
    order: ProcessingOrder,
    request: Request,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(arriving(Scope.AUDIT))],
) -> StreamingResponse:
    """Every entry as one record that names no user, joined to the log by the entry's id.

    That it was taken is itself recorded.
    """
    refuse_when_halted(request)
    with transaction(runtime.engine) as session:
        taken = record_processing_log(session, actor, order, at=at)
    origin = runtime.settings.origin
    return send_file(
        runtime,
        lambda session, out: write_processing_log(session, out, taken, origin),
        f"processing-{taken.period.since}-{taken.period.until}.jsonl",
        "application/jsonl",
    )
