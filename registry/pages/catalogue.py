"""The page of one dataset."""

import json
from dataclasses import dataclass

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from catalog.licences import Statement, statement
from catalog.record import Record
from catalog.renderings import schema_org
from catalog.tables import Offer
from catalog.terms import ResidencyRule
from policies import Constraint
from registry.dependencies import NowDep, ReadingDep, RuntimeDep
from registry.dialects import DIALECTS, given, led_on, wanted
from registry.pages.precheck import AskedDep, answered
from registry.pages.rendering import render
from registry.pages.visiting import VisitorDep
from registry.services.asking import FEWEST, percent, policy_of
from registry.services.catalogue import Listing, Withdrawn, find_dataset, list_editions
from registry.services.counting import classes_of
from registry.services.describing import told_of
from registry.services.records import record_of

router = APIRouter(include_in_schema=False)


@router.get("/datasets/{archive}/{name}")
def dataset_page(
    request: Request,
    archive: str,
    name: str,
    visitor: VisitorDep,
    asked: AskedDep,
    session: ReadingDep,
    at: NowDep,
    runtime: RuntimeDep,
) -> Response:
    """One dataset: the answer to “may I?”, what is in it, where it may go, and how to ask.

    Machines get it in the form that their Accept header wants.
    """
    try:
        listing = find_dataset(session, visitor, f"{archive}/{name}")
    except Withdrawn as gone:
        return led_on(gone)
    record = record_of(session, listing, origin=runtime.settings.origin)
    if record is not None:
        dialect = wanted(request.headers.get("accept", ""), DIALECTS)
        if dialect is not None:
            return given(dialect, dialect.document(record, runtime.settings.origin))
    asked = asked.about(listing.reference)
    answer, error = (None, None)
    if listing.offer is not None:
        answer, error = answered(session, visitor, asked, at)
    page = render(
        request,
        "dataset.html",
        listing=listing,
        record=record,
        dialects=DIALECTS,
        embedded=embedded(record) if record else "",
        asked=asked,
        answer=answer.datasets[0] if answer else None,
        error=error,
        own=visitor is not None and visitor.organisation_id == listing.archive.id,
        editions=list_editions(session, listing.dataset),
        residency=place_of(listing.offer) if listing.offer else None,
        rights=statements_of(session, listing),
        told=told_of(session, listing.offer, at=at) if listing.offer else None,
    )
    page.headers["vary"] = "Accept"
    return page


def embedded(record: Record) -> str:
    """The record as schema.org, to stand in its page: nothing in it can end the element."""
    text = json.dumps(schema_org.render(record), ensure_ascii=False)
    return text.replace("<", "\\u003c")


def place_of(offer: Offer) -> ResidencyRule:
    """Where the offer itself lets data be processed: what its owner set since does not count."""
    rules = policy_of(offer).rules
    said = {
        constraint.left: tuple(str(region) for region in constraint.right)
        for rule in rules
        for constraint in rule.constraints
        if isinstance(constraint, Constraint)
    }
    return ResidencyRule(
        process=said.get("vg:processedIn", ()),
        operator=said.get("vg:operatorJurisdiction"),
        secure_only="vg:secureEnvironment" in said,
        store=said.get("vg:storedIn"),
        places=said.get("vg:place"),
    )


@dataclass(frozen=True)
class RightsShare:
    """The share of an edition's items under one statement; `None` gathers the small ones."""

    statement: Statement | None
    percent: int


def statements_of(session: Session, listing: Listing) -> list[RightsShare]:
    """The edition's rights statements by share, most first; groups under ten items together."""
    if listing.edition is None:
        return []
    counts: dict[str, int] = {}
    for facts, items in classes_of(session, listing.edition.id).everything():
        iri = str(facts["rights"])
        counts[iri] = counts.get(iri, 0) + items
    total = sum(counts.values())
    shown = {iri: n for iri, n in counts.items() if n >= FEWEST}
    found = [
        RightsShare(statement(iri), percent(n, total))
        for iri, n in sorted(shown.items(), key=lambda one: -one[1])
    ]
    rest = total - sum(shown.values())
    return [*found, RightsShare(None, percent(rest, total))] if rest else found
