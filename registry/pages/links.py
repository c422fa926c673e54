"""Signed links of an extract: made here, shown once, ended here."""

from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from registry.access.links import SignedLink
from registry.client.snippets import linked_address
from registry.dependencies import NowDep, RuntimeDep, SessionDep
from registry.pages.forms import PostedDep, filled
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.extracts import find_extract, parts_of
from registry.services.links import NewLink, issue_link, revoke_link, sign_link

router = APIRouter(include_in_schema=False)


@router.post("/extracts/{extract_id}/links")
def make(
    request: Request,
    extract_id: str,
    person: PersonDep,
    posted: PostedDep,
    session: SessionDep,
    at: NowDep,
    runtime: RuntimeDep,
) -> Response:
    """The addresses, shown this once: the page of the answer, since no other page may have them."""
    command = filled(NewLink, extract_id=extract_id, minutes=posted.text("minutes") or 60)
    link = issue_link(session, person, command, at=at)
    origin, key = runtime.settings.origin, runtime.ports.link_key
    addresses = [
        linked_address(origin, extract_id, part.number, sign_link(link, part.number, key))
        for part in parts_of(session, find_extract(session, person, extract_id))
    ]
    page = render(request, "links.html", link=link, addresses=addresses)
    page.headers.update({"cache-control": "no-store", "referrer-policy": "no-referrer"})
    return page


@router.post("/links/{link_id}/revoke")
def end(link_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """End a link."""
    link = revoke_link(session, person, link_id, at=at)
    return see(f"/extracts/{link.extract_id}", done="link-revoked")


def living(links: list[SignedLink], at: datetime) -> list[SignedLink]:
    """Those that still read."""
    return [link for link in links if link.revoked_at is None and at < link.expires_at]
