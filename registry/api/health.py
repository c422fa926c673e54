"""Whether the service lives and whether it can serve."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from registry.api.problems import answers
from registry.dependencies import refuse_when_halted, runtime_of
from registry.errors import Unavailable
from registry.examining import unready

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The service answers."""

    status: Literal["ok"] = "ok"


@router.get("/livez", summary="The process lives")
async def livez() -> Health:
    """Says nothing of the database."""
    return Health()


@router.get("/readyz", responses=answers(503), summary="The service can serve")
def readyz(request: Request) -> Health:
    """The database has this version's schema, store and keys are there, the audit log is whole."""
    refuse_when_halted(request)
    runtime = runtime_of(request)
    for found in unready(runtime.settings, runtime.engine, runtime.ports.store):
        if found.fatal:
            raise Unavailable("not-ready", found.cause, found.fix)
    return Health()
