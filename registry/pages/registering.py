"""An archive's own datasets: the list, a new one, and the bench on which an edition is made."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session, col, select
from starlette.responses import Response

from catalog.tables import Dataset, Delivery, Edition, Offer
from catalog.terms import Gap
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Organisation
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep
from registry.errors import RegistryError
from registry.pages.forms import Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.visiting import PersonDep
from registry.services.catalogue import list_editions
from registry.services.publishing import (
    PublishEdition,
    gaps,
    publish,
    replace_offer,
    residency_of,
    terms_of,
    withdraw_offer,
)
from registry.services.registration import (
    NewDataset,
    list_deliveries,
    own_dataset,
    register_dataset,
)

router = APIRouter(prefix="/archive", include_in_schema=False)

PAGE = 50


def own_datasets(
    session: Session, actor: Actor, *, after: str | None = None, limit: int = PAGE
) -> list[Dataset]:
    """The archive's own datasets, newest first, drafts too, from beyond the id ``after``."""
    require(actor, Scope.ARCHIVE_READ)
    own = select(Dataset).where(col(Dataset.archive_id) == actor.organisation_id)
    if after is not None:
        own = own.where(col(Dataset.id) < after)
    return list(session.exec(own.order_by(col(Dataset.id).desc()).limit(limit)))


@router.get("/datasets")
def collection(
    request: Request, person: PersonDep, session: ReadingDep, after: str | None = None
) -> Response:
    """All datasets of the archive."""
    found = own_datasets(session, person, after=after, limit=PAGE + 1)
    following = f"/archive/datasets?after={found[PAGE - 1].id}" if len(found) > PAGE else ""
    return render(
        request,
        "collection.html",
        datasets=found[:PAGE],
        first="/archive/datasets" if after else "",
        following=following,
    )


@router.get("/datasets/new")
def new_dataset(request: Request, person: PersonDep) -> Response:
    """The form for a new dataset."""
    require(person, Scope.ARCHIVE_WRITE)
    return render(request, "new_dataset.html", values=Posted({}))


def _new_again(
    posted: Posted, request: Request, _session: Session, error: RegistryError
) -> Response:
    return render(request, "new_dataset.html", values=posted, error=error)


@router.post("/datasets")
def register(posted: PostedDep, person: PersonDep, session: SessionDep, at: NowDep) -> Response:
    """Register a dataset as a draft."""
    names = ("slug", "title_nl", "title_en", "description_nl", "description_en")
    with shown_again(partial(_new_again, posted)):
        command = filled(NewDataset, **{name: posted.text(name) for name in names})
        dataset = register_dataset(session, person, command, at=at)
    return see(f"/archive/datasets/{dataset.id}", done="dataset")


@dataclass(frozen=True)
class Bench:
    """A dataset with all that its owner needs for the next edition."""

    dataset: Dataset
    archive: Organisation
    deliveries: list[Delivery]
    editions: list[Edition]
    offers: list[Offer]
    gaps: tuple[Gap, ...]

    @property
    def newest(self) -> Delivery | None:
        """The delivery that the next edition would be made of."""
        return next((one for one in self.deliveries if one.state != "published"), None)

    @property
    def blocking(self) -> list[Gap]:
        """What publication waits for."""
        return [gap for gap in self.gaps if gap.blocks]

    @property
    def ready(self) -> bool:
        """Whether the next edition can be published now."""
        return self.newest is not None and self.newest.state == "checked" and not self.blocking


def bench_of(session: Session, person: Actor, dataset_id: str) -> Bench:
    """The bench of one of the archive's own datasets."""
    dataset = own_dataset(session, person, dataset_id)
    offers = select(Offer).where(col(Offer.dataset_id) == dataset.id)
    return Bench(
        dataset,
        session.get_one(Organisation, dataset.archive_id),
        list_deliveries(session, person, dataset_id),
        list_editions(session, dataset),
        list(session.exec(offers.order_by(col(Offer.id).desc()))),
        gaps(session, person, dataset_id),
    )


def _bench_page(
    dataset_id: str,
    person: Actor,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    bench = bench_of(session, person, dataset_id)
    return render(
        request,
        "bench.html",
        bench=bench,
        terms=terms_of(bench.dataset),
        residency=residency_of(bench.dataset),
        gap_href=gap_href,
        moment_of=datetime.fromisoformat,
        error=error,
    )


def gap_href(gap: Gap, dataset: Dataset, delivery: Delivery | None) -> str:
    """Where the owner says what this gap asks for."""
    here = f"/archive/datasets/{dataset.id}"
    if gap.kind in {"terms", "statement"}:
        return f"{here}/terms"
    if gap.kind == "residency":
        return f"{here}/residency"
    return f"/archive/deliveries/{delivery.id}" if delivery else f"{here}/deliver"


@router.get("/datasets/{dataset_id}")
def bench_page(
    request: Request, dataset_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """What is there, what is still undeclared, and the way to the next edition."""
    return _bench_page(dataset_id, person, request, session)


@router.post("/datasets/{dataset_id}/editions")
def publish_now(
    dataset_id: str,
    posted: PostedDep,
    person: PersonDep,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
) -> Response:
    """Publish the checked delivery as the next edition."""
    with shown_again(partial(_bench_page, dataset_id, person)):
        command = PublishEdition(
            dataset_id=dataset_id,
            delivery_id=posted.text("delivery"),
            accept_refused=posted.text("accept_refused") == "yes",
        )
        publish(session, person, command, origin=runtime.settings.origin, at=at)
    return see(f"/archive/datasets/{dataset_id}", done="published")


@router.post("/datasets/{dataset_id}/offers")
def offer_anew(
    dataset_id: str,
    posted: PostedDep,
    person: PersonDep,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
) -> Response:
    """Offer an edition on the terms as they are now."""
    with shown_again(partial(_bench_page, dataset_id, person)):
        origin = runtime.settings.origin
        replace_offer(session, person, posted.text("edition"), origin=origin, at=at)
    return see(f"/archive/datasets/{dataset_id}", done="offer-replaced")


@router.post("/datasets/{dataset_id}/offers/{offer_id}/withdrawal")
def withdraw(
    dataset_id: str, offer_id: str, person: PersonDep, session: SessionDep, at: NowDep
) -> Response:
    """Stop new agreements on an offer."""
    with shown_again(partial(_bench_page, dataset_id, person)):
        withdraw_offer(session, person, offer_id, at=at)
    return see(f"/archive/datasets/{dataset_id}", done="offer-withdrawn")
