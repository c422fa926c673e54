"""Extracts: ordering one, seeing it being made, and reading it."""

import json
from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from registry.access.tables import Agreement, Extract
from registry.accounts.actors import Actor, Scope, require
from registry.client.snippets import snippets
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    after_commit,
    now_of,
    runtime_of,
)
from registry.errors import RegistryError
from registry.jobs import enqueue_extract
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again, to_field
from registry.pages.links import living
from registry.pages.rendering import render, secured, see
from registry.pages.sending import once
from registry.pages.visiting import PersonDep
from registry.services.agreeing import find_agreement, standing
from registry.services.catalogue import Listing, listing_of
from registry.services.covering import columns_in, editions_covered
from registry.services.extract_life import drop_extract, refuse_beyond, retry_extract
from registry.services.extracts import (
    UNDER_WAY,
    NewExtract,
    cancel_extract,
    find_extract,
    list_extracts,
    order_extract,
    parts_of,
)
from registry.services.links import list_links
from registry.services.refusal import Refused

router = APIRouter(include_in_schema=False)

PAGE = 25


@router.get("/extracts")
def extracts(
    request: Request, person: PersonDep, session: ReadingDep, after: str | None = None
) -> Response:
    """The organisation's extracts, newest first."""
    found = list_extracts(session, person, after=after, limit=PAGE + 1)
    following = f"/extracts?after={found[PAGE - 1].id}" if len(found) > PAGE else ""
    shown = with_listings(session, found[:PAGE])
    return render(
        request,
        "extracts.html",
        extracts=shown,
        first="/extracts" if after else "",
        following=following,
    )


def with_listings(session: Session, extracts: list[Extract]) -> list[tuple[Extract, Listing]]:
    """Each extract with what it was cut from."""
    shown = []
    for extract in extracts:
        agreement = session.get_one(Agreement, extract.agreement_id)
        shown.append((extract, listing_of(session, agreement.dataset_id, extract.edition_id)))
    return shown


@router.get("/agreements/{agreement_id}/extract")
def order_form(
    request: Request, agreement_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """Which columns."""
    return _order_form(person, agreement_id, NOTHING, request, session)


def _order_form(
    person: Actor,
    agreement_id: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    require(person, Scope.EXTRACTS)
    agreement = find_agreement(session, person, agreement_id)
    ended = standing(agreement, now_of(request))
    if ended is not None:
        raise ended
    covered = editions_covered(session, agreement)
    asked = request.query_params.get("edition")
    edition = next((one for one in covered if str(one.number) == asked), covered[-1])
    listing = listing_of(session, agreement.dataset_id, edition.id)
    return render(
        request,
        "extract_new.html",
        agreement=agreement,
        listing=listing,
        covered=covered,
        columns=columns_in(session, agreement, edition),
        masked=listing.offer.masked if listing.offer else [],
        values=posted,
        error=to_field(error, "columns", "columns") if error else None,
    )


@router.post("/agreements/{agreement_id}/extract")
def order(
    request: Request,
    agreement_id: str,
    person: PersonDep,
    posted: PostedDep,
    session: SessionDep,
    at: NowDep,
    runtime: RuntimeDep,
) -> Response:
    """Order it; a job cuts it once the order stands."""
    act = partial(_order, request, session, person, agreement_id, posted)
    with shown_again(partial(_order_form, person, agreement_id, posted)):
        return once(session, person, posted, at, act)


def _order(
    request: Request,
    session: Session,
    person: Actor,
    agreement_id: str,
    posted: Posted,
) -> Response:
    settings, at = runtime_of(request).settings, now_of(request)
    command = filled(
        NewExtract,
        agreement_id=agreement_id,
        columns=posted.all("columns"),
        edition=request.query_params.get("edition"),
    )
    origin, regions = settings.origin, settings.regions
    refuse_beyond(session, person, settings.extract_quota_bytes)
    ordered = order_extract(session, person, command, origin=origin, at=at, regions=regions)
    if isinstance(ordered, Refused):
        return _refusal(request, ordered)
    after_commit(session, partial(enqueue_extract, ordered.id))
    return see(f"/extracts/{ordered.id}", done="ordered")


def _refusal(request: Request, refused: Refused) -> Response:
    """The page of a refusal whose audit entry commits."""
    from registry.pages.errors import error_page

    return error_page(request, refused.error)


@router.get("/extracts/{extract_id}")
def extract_page(
    request: Request, extract_id: str, person: PersonDep, session: ReadingDep, runtime: RuntimeDep
) -> Response:
    """Progress while it is being made; then its files, what was left out, and how to read it."""
    extract = find_extract(session, person, extract_id)
    agreement = session.get_one(Agreement, extract.agreement_id)
    parts = parts_of(session, extract)
    return render(
        request,
        "extract.html",
        extract=extract,
        agreement=agreement,
        ended=standing(agreement, now_of(request)),
        listing=listing_of(session, agreement.dataset_id, extract.edition_id),
        files=parts,
        under_way=extract.state in UNDER_WAY,
        links=living(list_links(session, person, extract.id), now_of(request)),
        snippets=snippets(runtime.settings.origin, extract.id, len(parts)) if parts else (),
    )


@router.get("/extracts/{extract_id}/manifest.json")
def manifest(extract_id: str, person: PersonDep, session: ReadingDep) -> Response:
    """The signed manifest as a file."""
    extract = find_extract(session, person, extract_id)
    document = {"manifest": extract.manifest, "signature": extract.signature}
    text = json.dumps(document, ensure_ascii=False, indent=2)
    disposition = f'attachment; filename="{extract.id}.json"'
    headers = {"content-disposition": disposition, "cache-control": "no-store"}
    return secured(Response(text, headers=headers, media_type="application/json"))


@router.post("/extracts/{extract_id}/cancel")
def cancel(extract_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Stop it."""
    cancel_extract(session, person, extract_id, at=at)
    return see(f"/extracts/{extract_id}", done="cancelled")


@router.post("/extracts/{extract_id}/retry")
def retry(extract_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Make it after all."""
    retry_extract(session, person, extract_id, at=at)
    after_commit(session, partial(enqueue_extract, extract_id))
    return see(f"/extracts/{extract_id}", done="ordered")


@router.post("/extracts/{extract_id}/drop")
def drop(extract_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """End it before its agreement does."""
    drop_extract(session, person, extract_id, at=at)
    return see(f"/extracts/{extract_id}")
