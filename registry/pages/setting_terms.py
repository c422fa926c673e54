"""Terms and place of processing: what an archive allows, confirmed line by line."""

from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from catalog.tables import Delivery
from catalog.terms import TermLine, Terms
from registry.accounts.actors import Actor, Scope, require
from registry.dependencies import NowDep, ReadingDep, SessionDep, language_of
from registry.errors import InvalidInput, RegistryError
from registry.pages.forms import Posted, PostedDep, shown_again
from registry.pages.mapping_form import statement_options
from registry.pages.rendering import render, see
from registry.pages.terms_form import (
    REGIONS,
    by_field,
    duty_names,
    duty_options,
    purpose_choices,
    read_residency,
    read_terms,
    region_choices,
    residency_fields,
    statement_fields,
    with_suggestions,
)
from registry.pages.visiting import PersonDep
from registry.pages.words import Words
from registry.services.checking import report_of
from registry.services.publishing import (
    residency_of,
    set_residency,
    set_terms,
    suggested_terms,
    terms_of,
)
from registry.services.registration import list_deliveries, own_dataset

router = APIRouter(prefix="/archive/datasets/{dataset_id}", include_in_schema=False)


def _terms_page(
    dataset_id: str,
    person: Actor,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    require(person, Scope.ARCHIVE_WRITE)
    dataset = own_dataset(session, person, dataset_id)
    checked = _checked(session, person, dataset_id)
    suggested = suggested_terms(session, person, checked.id) if checked else None
    terms = _as_posted(posted) or with_suggestions(terms_of(dataset), suggested)
    t = Words(language_of(request))
    return render(
        request,
        "terms.html",
        dataset=dataset,
        terms=terms,
        fields=statement_fields(terms, report_of(checked) if checked else None),
        count=len(terms.lines) + 1,
        statements=statement_options(t),
        duties=duty_options(t),
        duty_names=duty_names,
        purpose_choices=purpose_choices,
        empty_line=TermLine("", (), "any", "review"),
        error=error,
    )


def _as_posted(posted: Posted) -> Terms | None:
    """The terms as they were filled in, where they can be read at all."""
    if "count" not in posted:
        return None
    try:
        return read_terms(posted)
    except InvalidInput:
        return None


def _checked(session: Session, person: Actor, dataset_id: str) -> Delivery | None:
    deliveries = list_deliveries(session, person, dataset_id)
    return next((one for one in deliveries if report_of(one) is not None), None)


@router.get("/terms")
def terms_form(
    request: Request, dataset_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """The lines so far, with those suggested for statements that have none."""
    return _terms_page(dataset_id, person, Posted({}), request, session)


@router.post("/terms")
def confirm_terms(
    dataset_id: str, posted: PostedDep, person: PersonDep, session: SessionDep, at: NowDep
) -> Response:
    """Set the terms. Only lines that were confirmed will reach an offer."""
    with shown_again(partial(_terms_page, dataset_id, person, posted)), by_field("terms"):
        set_terms(session, person, dataset_id, read_terms(posted), at=at)
    return see(f"/archive/datasets/{dataset_id}", done="terms")


def _residency_page(
    dataset_id: str,
    person: Actor,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    require(person, Scope.ARCHIVE_WRITE)
    dataset = own_dataset(session, person, dataset_id)
    return render(
        request,
        "residency.html",
        dataset=dataset,
        regions=REGIONS,
        region_choices=region_choices,
        values=posted or residency_fields(residency_of(dataset)),
        error=error,
    )


@router.get("/residency")
def residency_form(
    request: Request, dataset_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """Where the data may be processed, and under whose law."""
    return _residency_page(dataset_id, person, Posted({}), request, session)


@router.post("/residency")
def confirm_residency(
    dataset_id: str, posted: PostedDep, person: PersonDep, session: SessionDep, at: NowDep
) -> Response:
    """Set the rule; it holds from the next edition or offer on."""
    with shown_again(partial(_residency_page, dataset_id, person, posted)):
        with by_field("residency"):
            set_residency(session, person, dataset_id, read_residency(posted), at=at)
    return see(f"/archive/datasets/{dataset_id}", done="residency")
