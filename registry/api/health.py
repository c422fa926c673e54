"""Whether the service lives and whether it can serve."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text

from registry.api.problems import answers
from registry.dependencies import ReadingDep, refuse_when_halted

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The service answers."""

    status: Literal["ok"] = "ok"


@router.get("/livez", summary="The process lives")
async def livez() -> Health:
    """Says nothing of the database."""
    return Health()


@router.get("/readyz", responses=answers(503), summary="The service can serve")
def readyz(request: Request, session: ReadingDep) -> Health:
    """The database answers and the audit log is whole."""
    refuse_when_halted(request)
    session.connection().execute(text("SELECT 1"))
    return Health()
