"""An archive's own datasets: registering one, seeing what it still needs, publishing it."""

from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session, col, select
from starlette.responses import Response

from catalog.tables import Dataset, Delivery, Offer
from catalog.terms import Gap
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Organisation
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, runtime_of
from registry.errors import RegistryError
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.catalogue import list_editions
from registry.services.checking import report_of
from registry.services.impacting import foretell
from registry.services.places import own_places
from registry.services.publishing import (
    PublishEdition,
    gaps,
    publish,
    terms_of,
    withdraw_offer,
)
from registry.services.registration import (
    NewDataset,
    list_deliveries,
    own_dataset,
    register_dataset,
)
from registry.services.residency import residency_of

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Kept:
    """A dataset of the archive's own, with what it still needs."""

    dataset: Dataset
    gaps: tuple[Gap, ...]

    @property
    def blocking(self) -> int:
        """How many things stand in the way of publishing."""
        return sum(gap.blocks for gap in self.gaps)


def own_datasets(session: Session, person: Actor) -> list[Kept]:
    """The archive's datasets, newest first, drafts too."""
    require(person, Scope.ARCHIVE_READ)
    own = select(Dataset).where(col(Dataset.archive_id) == person.organisation_id)
    rows = session.exec(own.order_by(col(Dataset.id).desc())).all()
    return [Kept(one, gaps(session, person, one.id)) for one in rows]


@router.get("/archive/datasets/new")
def new_dataset(request: Request, person: PersonDep, session: ReadingDep) -> Response:
    """What it is called and what it is."""
    require(person, Scope.ARCHIVE_WRITE)
    return _new_page(NOTHING, request, session)


def _new_page(
    posted: Posted, request: Request, _session: Session, error: RegistryError | None = None
) -> Response:
    return render(request, "dataset_new.html", values=posted, error=error)


@router.post("/archive/datasets/new")
def register(person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep) -> Response:
    """Register it as a draft."""
    with shown_again(partial(_new_page, posted)):
        names = ("slug", "title_nl", "title_en", "description_nl", "description_en")
        command = filled(NewDataset, **{name: posted.text(name) for name in names})
        dataset = register_dataset(session, person, command, at=at)
    return see(f"/archive/datasets/{dataset.id}", done="dataset")


@router.get("/archive/datasets/{dataset_id}")
def dataset(request: Request, dataset_id: str, person: PersonDep, session: ReadingDep) -> Response:
    """The steps to an edition, and how far each one is."""
    return dataset_overview(person, dataset_id, request, session)


def dataset_overview(
    person: Actor,
    dataset_id: str,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    """The page of :func:`dataset`, also where something on it could not be carried out."""
    kept = own_dataset(session, person, dataset_id)
    found = gaps(session, person, dataset_id)
    deliveries = list_deliveries(session, person, dataset_id)
    checked = next((one for one in deliveries if one.state == "checked"), None)
    return render(
        request,
        "dataset_own.html",
        dataset=kept,
        archive=session.get_one(Organisation, kept.archive_id),
        gaps=found,
        steps=_steps(kept, found, deliveries),
        deliveries=deliveries,
        checked=checked,
        report=report_of(checked) if checked else None,
        editions=list_editions(session, kept),
        offers=_offers(session, kept),
        places=own_places(session, person, runtime_of(request).settings),
        error=error,
    )


def _steps(
    dataset: Dataset, found: tuple[Gap, ...], deliveries: list[Delivery]
) -> list[tuple[str, bool]]:
    """Each step to publication, and whether it is done."""
    open_kinds = {gap.kind for gap in found if gap.blocks}
    undeclared = open_kinds - {"terms", "residency", "delivery"}
    return [
        ("deliver", bool(deliveries)),
        ("declare", not undeclared),
        ("check", any(one.state in {"checked", "published"} for one in deliveries)),
        ("terms", terms_of(dataset) is not None),
        ("residency", residency_of(dataset) is not None),
    ]


def _offers(session: Session, dataset: Dataset) -> dict[str, Offer]:
    """The offer in force on each edition that has one."""
    in_force = select(Offer).where(
        col(Offer.dataset_id) == dataset.id, col(Offer.state) == "in_force"
    )
    return {offer.edition_id: offer for offer in session.exec(in_force)}


@router.get("/archive/datasets/{dataset_id}/impact")
def impact(
    request: Request,
    dataset_id: str,
    person: PersonDep,
    session: ReadingDep,
    at: NowDep,
    runtime: RuntimeDep,
) -> Response:
    """Who would gain and lose if the present terms were offered."""
    kept = own_dataset(session, person, dataset_id)
    found = foretell(session, person, dataset_id, origin=runtime.settings.origin, at=at)
    return render(request, "impact.html", dataset=kept, found=found)


@router.post("/archive/datasets/{dataset_id}/publish")
def publish_it(
    dataset_id: str,
    person: PersonDep,
    posted: PostedDep,
    session: SessionDep,
    at: NowDep,
    runtime: RuntimeDep,
) -> Response:
    """Publish the checked delivery as the next edition, with an offer on it."""
    with shown_again(partial(dataset_overview, person, dataset_id)):
        command = filled(
            PublishEdition,
            dataset_id=dataset_id,
            delivery_id=posted.text("delivery_id"),
            accept_refused=posted.text("accept_refused") == "yes",
        )
        publish(session, person, command, origin=runtime.settings.origin, at=at)
    return see(f"/archive/datasets/{dataset_id}", done="published")


@router.post("/archive/offers/{offer_id}/withdraw")
def withdraw(offer_id: str, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Stop new agreements on an edition."""
    offer = withdraw_offer(session, person, offer_id, at=at)
    return see(f"/archive/datasets/{offer.dataset_id}", done="offer-withdrawn")
