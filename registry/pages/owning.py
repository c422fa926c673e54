"""What an owner says of a dataset: declarations, terms, and where it may be processed."""

from datetime import datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from catalog.licences import Suggestion, statement, suggestion
from catalog.mapping import KINDS, parse_mapping
from catalog.tables import Dataset, Delivery
from catalog.terms import TermLine, Terms
from policies.vocabulary import DUTIES
from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, SessionDep, after_commit
from registry.errors import RegistryError
from registry.jobs import enqueue_check
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.terms_form import (
    by_field,
    read_residency,
    read_terms,
    readable_terms,
    residency_fields,
)
from registry.pages.visiting import PersonDep
from registry.services.publishing import (
    set_residency,
    set_terms,
    suggested_terms,
    terms_of,
)
from registry.services.registration import (
    Declarations,
    declarations_of,
    declare,
    list_deliveries,
    map_delivery,
    own_dataset,
)
from registry.services.residency import residency_of

router = APIRouter(include_in_schema=False)

WITH_VALUE = ("rights", "rightsholder", "embargo", "personal_data")
"""Kinds that may have one value for all items."""
NEVER_ABSENT = ("rights",)
"""Kinds of which there is always something."""


def _checked(session: Session, person: Actor, dataset_id: str) -> Delivery | None:
    """The newest delivery whose columns were checked."""
    known = list_deliveries(session, person, dataset_id)
    return next((one for one in known if one.state in {"checked", "published"}), None)


def _check_anew(session: Session, person: Actor, dataset: Dataset, at: datetime) -> str | None:
    """Check the delivery that waits to be published again, by what is declared now.

    A column that says nothing was laid out as unknown, and so as closed: a declaration made after
    the check only takes effect when the file is laid out again.
    """
    delivery = _checked(session, person, dataset.id)
    if delivery is None or delivery.state != "checked":
        return None
    mapping = parse_mapping(delivery.mapping)
    kept = {k: v for k, v in mapping.declared.items() if k not in dataset.declarations}
    mapping = mapping.model_copy(update={"declared": kept})
    map_delivery(session, person, delivery.id, mapping, at=at)
    after_commit(session, partial(enqueue_check, delivery.id))
    return delivery.id


# --- declarations ---------------------------------------------------------------------------


@router.get("/archive/datasets/{dataset_id}/declarations")
def declarations(
    request: Request, dataset_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """For each kind: a column says it, one value holds for all, or there is none of it."""
    return _declarations_page(person, dataset_id, NOTHING, request, session)


def _declarations_page(
    person: Actor,
    dataset_id: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    dataset = own_dataset(session, person, dataset_id)
    delivery = _checked(session, person, dataset_id)
    by_mapping = declarations_of(parse_mapping(delivery.mapping)) if delivery else {}
    said = {kind: str(one["how"]) for kind, one in dataset.declarations.items()}
    shown = _said(posted) or {**by_mapping, **said}
    return render(
        request,
        "declarations.html",
        dataset=dataset,
        kinds=[(kind, *_how(shown.get(kind, ""))) for kind in KINDS],
        declared=dataset.declarations,
        with_value=WITH_VALUE,
        never_absent=NEVER_ABSENT,
        error=error,
    )


def _how(said: str) -> tuple[str, str]:
    """The choice and the value of a form field for what was declared."""
    return (said, "") if said in {"", "column", "none"} else ("value", said)


def _said(posted: Posted) -> dict[str, str]:
    """What the form declares, kind by kind; kinds left open are not in it."""
    return {
        kind: posted.text(f"value.{kind}") if posted.text(kind) == "value" else posted.text(kind)
        for kind in KINDS
        if posted.text(kind)
    }


@router.post("/archive/datasets/{dataset_id}/declarations")
def declare_it(
    dataset_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """Record what the owner declares."""
    with shown_again(partial(_declarations_page, person, dataset_id, posted)):
        command = filled(Declarations, kinds=_said(posted))
        dataset = declare(session, person, dataset_id, command, at=at)
        checking = _check_anew(session, person, dataset, at)
    if checking is not None:
        return see(f"/archive/deliveries/{checking}", done="declared-anew")
    return see(f"/archive/datasets/{dataset_id}", done="declared")


# --- terms ----------------------------------------------------------------------------------


@router.get("/archive/datasets/{dataset_id}/terms")
def terms(request: Request, dataset_id: str, person: PersonDep, session: ReadingDep) -> Response:
    """What each statement allows, to be confirmed line by line."""
    return _terms_page(person, dataset_id, NOTHING, request, session)


def _terms_page(
    person: Actor,
    dataset_id: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    dataset = own_dataset(session, person, dataset_id)
    filled_in = readable_terms(posted) if posted else None
    shown = filled_in or _present_terms(session, person, dataset)
    return render(
        request,
        "terms.html",
        dataset=dataset,
        terms=shown,
        lines=[(line, statement(line.statement), _why(line)) for line in shown.lines],
        duties=[duty for duty in DUTIES.values() if duty.name != "consent"],
        values=posted,
        error=error,
    )


def _why(line: TermLine) -> Suggestion:
    return suggestion(line.statement, next(iter(line.user_classes), ""))


def _present_terms(session: Session, person: Actor, dataset: Dataset) -> Terms:
    """The terms as they are, and suggested lines for statements they say nothing of."""
    present = terms_of(dataset) or Terms(lines=())
    delivery = _checked(session, person, dataset.id)
    if delivery is None:
        return present
    known = {line.statement for line in present.lines}
    suggested = suggested_terms(session, person, delivery.id)
    new = tuple(line for line in suggested.lines if line.statement not in known)
    return Terms(**{**_fields(present), "lines": (*present.lines, *new)})


def _fields(terms: Terms) -> dict[str, Any]:
    """The terms' fields by name."""
    return {name: getattr(terms, name) for name in Terms.__dataclass_fields__}


@router.post("/archive/datasets/{dataset_id}/terms")
def set_terms_(
    dataset_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """Record the terms; only confirmed lines will reach an offer."""
    with shown_again(partial(_terms_page, person, dataset_id, posted)), by_field("terms"):
        set_terms(session, person, dataset_id, read_terms(posted), at=at)
    return see(f"/archive/datasets/{dataset_id}", done="terms")


# --- residency ------------------------------------------------------------------------------


@router.get("/archive/datasets/{dataset_id}/residency")
def residency(
    request: Request, dataset_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """Where the data may be processed, and by whom."""
    return _residency_page(person, dataset_id, NOTHING, request, session)


def _residency_page(
    person: Actor,
    dataset_id: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    dataset = own_dataset(session, person, dataset_id)
    shown = posted or residency_fields(residency_of(dataset))
    return render(request, "residency.html", dataset=dataset, values=shown, error=error)


@router.post("/archive/datasets/{dataset_id}/residency")
def set_residency_(
    dataset_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """Record the residency rule."""
    with shown_again(partial(_residency_page, person, dataset_id, posted)), by_field("residency"):
        set_residency(session, person, dataset_id, read_residency(posted), at=at)
    return see(f"/archive/datasets/{dataset_id}", done="residency")
