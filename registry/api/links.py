"""Signed links: addresses that read the parts of an extract without a header."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, Field
from sqlmodel import Session

from catalog.renderings import croissant
from catalog.tables import Edition
from registry.access.links import SignedLink
from registry.access.tables import Extract
from registry.accounts.actors import Actor, Scope
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.client.snippets import linked_address
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, acting, looking
from registry.runtime import Runtime
from registry.services import links
from registry.services.catalogue import listing_of
from registry.services.extracts import parts_of
from registry.services.records import record_of

router = new_router("extracts")


class LinkShape(Row):
    """A signed link, without what makes it work."""

    id: str
    extract_id: str
    environment_id: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class LinkedPart(BaseModel):
    """Where one part is read; the address is the credential."""

    number: int
    address: str


class NewLinkShape(LinkShape):
    """A link just made, with its addresses: shown this once."""

    parts: list[LinkedPart]
    croissant: dict[str, Any] | None = Field(
        description="A Croissant 1.1 description that loads the parts from these addresses; `null`"
        " once the dataset is in no catalogue any more."
    )


class Lifetime(BaseModel):
    """How long it is to hold."""

    minutes: int = Field(default=60, ge=1, le=24 * 60)


@router.post(
    "/extracts/{extract_id}/links",
    status_code=201,
    responses=signed_in(404, 409, 410),
    summary="Make addresses that read without a header",
)
def issue_link(
    extract_id: str,
    wanted: Lifetime,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.EXTRACTS))],
) -> NewLinkShape:
    """One address a part, bound to the agreement and its environment; checked like a token."""
    command = links.NewLink(extract_id=extract_id, minutes=wanted.minutes)
    link = links.issue_link(session, actor, command, at=at)
    shown = LinkShape.model_validate(link).model_dump()
    parts = linked_parts(session, runtime, link)
    return NewLinkShape(**shown, parts=parts, croissant=_croissant(session, runtime, link, parts))


def _croissant(
    session: Session, runtime: Runtime, link: SignedLink, linked: list[LinkedPart]
) -> dict[str, Any] | None:
    """What loads the rows of the link's extract: its columns, and its parts by their addresses."""
    extract = session.get_one(Extract, link.extract_id)
    edition = session.get_one(Edition, extract.edition_id)
    listing = listing_of(session, edition.dataset_id, edition.id)
    record = record_of(session, listing, origin=runtime.settings.origin)
    if record is None:
        return None
    files = [
        croissant.FilePart(part.number, one.address, part.sha256, part.bytes)
        for part, one in zip(parts_of(session, extract), linked, strict=True)
    ]
    columns = tuple(column for column in record.columns if column.name in extract.columns)
    return croissant.render(replace(record, columns=columns), files)


def linked_parts(session: Session, runtime: Runtime, link: SignedLink) -> list[LinkedPart]:
    """The addresses of a link, signed."""
    origin, key = runtime.settings.origin, runtime.ports.link_key
    return [
        LinkedPart(
            number=part.number,
            address=linked_address(
                origin, link.extract_id, part.number, links.sign_link(link, part.number, key)
            ),
        )
        for part in parts_of(session, session.get_one(Extract, link.extract_id))
    ]


@router.get(
    "/extracts/{extract_id}/links", responses=signed_in(404), summary="The links of an extract"
)
def list_links(
    extract_id: str,
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.EXTRACTS))],
) -> Page[LinkShape]:
    """Newest first; ended ones too; never what makes them work."""
    return page_of(links.list_links(session, actor, extract_id), part, LinkShape.model_validate)


@router.delete("/links/{link_id}", responses=signed_in(404), summary="End a signed link")
def revoke_link(
    link_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.EXTRACTS))],
) -> LinkShape:
    """From the next request on."""
    return LinkShape.model_validate(links.revoke_link(session, actor, link_id, at=at))
