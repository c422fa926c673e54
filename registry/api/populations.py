"""Populations of the log, for those who sample: complete, and provably so."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import StreamingResponse

from registry.accounts.actors import Actor, Scope
from registry.api.shapes import new_router, signed_in
from registry.db import transaction
from registry.dependencies import NowDep, RuntimeDep, arriving, refuse_when_halted
from registry.sending import send_file
from registry.services.populations import PopulationOrder, record_population, write_population

router = new_router("audit")


@router.post(
    "/audit/populations",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
            "description": "A population in the form of FORMAT.md section 4.1",
        },
        **signed_in(404, 507),
    },
    summary="All entries of one sort in a period, with proof that none is missing",
)
def take(
    order: PopulationOrder,
    request: Request,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(arriving(Scope.AUDIT))],
) -> StreamingResponse:
    """CSV, Parquet, report and proof in one ZIP file, for `vrijgave audit verify`.

    That it was taken, with the seed of its sample, is itself recorded.
    """
    refuse_when_halted(request)
    with transaction(runtime.engine) as session:
        report = record_population(session, actor, order, at=at)
    request.app.state.background.integrate()
    refuse_when_halted(request)
    key, scratch = runtime.log_key.verifier, runtime.ports.scratch
    return send_file(
        runtime,
        lambda session, out: write_population(session, out, key, report, scratch),
        f"{order.kind}-{order.since}-{order.until}.population.zip",
        "application/zip",
    )
