"""Evidence packs, for the two sides of an agreement and for auditors."""

from typing import Annotated, Literal

from fastapi import Depends, Request
from starlette.responses import StreamingResponse

from registry.accounts.actors import Actor
from registry.api.shapes import new_router, signed_in
from registry.db import transaction
from registry.dependencies import NowDep, RuntimeDep, arriving, refuse_when_halted
from registry.sending import send_file
from registry.services.packing import record_pack, write_pack

router = new_router("audit")


@router.post(
    "/audit/packs/{name}",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
            "description": "An evidence pack in the form of FORMAT.md section 5.1",
        },
        **signed_in(404, 507),
    },
    summary="All that proves one agreement or case, signed, in one file",
)
def take(
    name: str,
    request: Request,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(arriving(None))],
    lang: Literal["nl", "en"] = "en",
) -> StreamingResponse:
    """Of an agreement (`agr_…`) or a case (`dec_…`): JSON, HTML, PDF/UA and receipts.

    That it was taken is itself recorded. `vrijgave audit verify` checks it offline.
    """
    refuse_when_halted(request)
    request.app.state.background.integrate()
    with transaction(runtime.engine) as session:
        case = record_pack(session, actor, name, at=at)
    return send_file(
        runtime,
        lambda session, out: write_pack(session, out, case, runtime.ports.signer, lang),
        f"{name}.evidence.zip",
        "application/zip",
    )
