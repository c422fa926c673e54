"""The blocklist of an archive, or of the operator."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, SessionDep
from registry.errors import NotFound, RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.blocking import BlockOrganisation, block, lift, list_blocks
from registry.services.wording import invalid

router = APIRouter(include_in_schema=False)


@router.get("/blocklist")
def blocklist(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """Who is blocked, and the form to block someone."""
    return _page(NOTHING, person, request, session)


def _page(
    posted: Posted,
    person: Actor,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    blocks = list_blocks(session, person)
    return render(request, "blocklist.html", blocks=blocks, values=posted, error=error)


@router.post("/blocklist")
def add(person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep) -> Response:
    """Block an organisation."""
    with shown_again(partial(_page, posted, person)):
        told = {name: posted.text(name) for name in ("organisation", "reason")}
        try:
            block(session, person, filled(BlockOrganisation, **told), at=at)
        except NotFound as nobody:
            raise invalid("organisation", nobody.text.nl, nobody.text.en) from nobody
    return see("/blocklist", done="blocked")


@router.post("/blocklist/{block_id}")
def end(block_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Lift a block."""
    lift(session, person, block_id, at=at)
    return see("/blocklist", done="block-lifted")
