"""The blocklist of an archive, or of the operator."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends

from registry.accounts.actors import Actor
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import NowDep, ReadingDep, SessionDep, acting, looking
from registry.idempotency import once
from registry.services import blocking

router = new_router("organisations")


class BlockShape(Row):
    """An organisation that gets nothing from the archive; from no archive where it is null."""

    id: str
    organisation_id: str
    archive_id: str | None
    reason: str
    blocked_at: datetime
    lifted_at: datetime | None


@router.post(
    "/blocks",
    status_code=201,
    responses=signed_in(404, 409),
    summary="Block an organisation (archive, operator)",
)
def block(
    command: blocking.BlockOrganisation,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(None))],
) -> BlockShape:
    """Pre-checks, requests, agreements and reads are refused at once, with the reason."""
    return BlockShape.model_validate(blocking.block(session, actor, command, at=at))


@router.get("/blocks", responses=signed_in(), summary="Whom you block now (archive, operator)")
def list_blocks(
    session: ReadingDep, part: SliceDep, actor: Annotated[Actor, Depends(looking(None))]
) -> Page[BlockShape]:
    """Newest first."""
    rows = [one for one, _ in blocking.list_blocks(session, actor)]
    return page_of(rows, part, BlockShape.model_validate)


@router.delete("/blocks/{block_id}", responses=signed_in(404), summary="Lift a block")
def lift(
    block_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(None))],
) -> BlockShape:
    """Agreements that are still in force give data again."""
    return BlockShape.model_validate(blocking.lift(session, actor, block_id, at=at))
