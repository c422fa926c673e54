"""Evidence packs as files to keep."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from registry.db import transaction
from registry.dependencies import NowDep, RuntimeDep, language_of, refuse_when_halted
from registry.pages.rendering import secured
from registry.pages.visiting import PersonDep
from registry.sending import send_file
from registry.services.packing import record_pack, write_pack

router = APIRouter(include_in_schema=False)


@router.post("/packs/{name}")
def take(
    request: Request, name: str, person: PersonDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """All that proves one agreement or case. That it was taken is itself recorded."""
    refuse_when_halted(request)
    request.app.state.background.integrate()
    with transaction(runtime.engine) as session:
        case = record_pack(session, person, name, at=at)
    language = language_of(request)
    return secured(
        send_file(
            runtime,
            lambda session, out: write_pack(session, out, case, runtime.ports.signer, language),
            f"{name}.evidence.zip",
            "application/zip",
        )
    )
