"""Datasets: what anyone may find, and what their archive registers and declares."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from catalog.tables import Dataset, Offer
from catalog.terms import Gap
from registry.accounts.actors import Actor, Scope
from registry.api.problems import answers, no_such_thing
from registry.api.shapes import Page, Row, SliceDep, Words, new_router, page_of, signed_in
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    acting,
    looking,
    maybe_looking,
)
from registry.idempotency import once
from registry.services import catalogue, publishing, registration

router = new_router("datasets")
MaybeActor = Annotated[Actor | None, Depends(maybe_looking)]


class ColumnShape(Row):
    """A column of an edition."""

    name: str
    type: str
    role: str
    title_nl: str
    title_en: str


class EditionShape(BaseModel):
    """An immutable published state of a dataset."""

    id: str
    reference: str = Field(examples=["beeldarchief/journaals@3"])
    number: int
    sha256: str
    items: int = Field(description="Items, without those that are blocked for everyone.")
    columns: list[ColumnShape]
    published_at: datetime


class OfferShape(BaseModel):
    """An ODRL Offer on an edition, frozen and hashed."""

    id: str
    digest: str
    automatic: bool = Field(description="Clear cases are agreed without a person.")
    agreement_days: int
    state: Literal["in_force", "withdrawn"]
    document: dict[str, Any] = Field(description="The offer as ODRL in JSON-LD.")
    published_at: datetime


class DatasetShape(BaseModel):
    """A dataset as its listing shows it."""

    id: str
    name: str = Field(examples=["beeldarchief/journaals"])
    archive: str
    archive_name: str
    state: Literal["draft", "published", "withdrawn"]
    title: Words
    description: Words
    edition: EditionShape | None
    offer: OfferShape | None


class OwnDataset(BaseModel):
    """A dataset as its own archive sees it."""

    id: str
    slug: str
    state: Literal["draft", "published", "withdrawn"]
    title: Words
    description: Words
    declarations: dict[str, Any]
    terms: dict[str, Any]
    residency: dict[str, Any]
    created_at: datetime


class GapShape(Row):
    """Something the owner has not yet said."""

    kind: str
    subject: str
    blocks: bool = Field(description="Whether publication waits for it.")
    nl: str
    en: str


class Undeclared(BaseModel):
    """All that the owner has not yet said."""

    ready: bool = Field(description="Nothing stands in the way of publication.")
    gaps: list[GapShape]


class PublishedShape(BaseModel):
    """A new edition and the offer on it."""

    edition: EditionShape
    offer: OfferShape


class Publication(BaseModel):
    """Which checked delivery becomes the next edition."""

    delivery_id: str
    accept_refused: bool = Field(
        default=False, description="Leaving out more than half of the rows is right."
    )


def offer_shape(offer: Offer) -> OfferShape:
    """An offer as an answer."""
    return OfferShape.model_validate(offer, from_attributes=True)


def edition_shape(listing: catalogue.Listing) -> EditionShape:
    """The edition of a listing as an answer."""
    edition = listing.edition
    assert edition is not None  # noqa: S101 -- asked only of listings that have one
    return EditionShape(
        id=edition.id,
        reference=listing.reference,
        number=edition.number,
        sha256=edition.sha256,
        items=edition.items,
        columns=[ColumnShape.model_validate(column) for column in edition.columns],
        published_at=edition.published_at,
    )


def dataset_shape(listing: catalogue.Listing) -> DatasetShape:
    """A listing as an answer."""
    dataset = listing.dataset
    return DatasetShape.model_validate(
        {
            "id": dataset.id,
            "name": listing.name,
            "archive": listing.archive.slug,
            "archive_name": listing.archive.name,
            "state": dataset.state,
            "title": Words(nl=dataset.title_nl, en=dataset.title_en),
            "description": Words(nl=dataset.description_nl, en=dataset.description_en),
            "edition": edition_shape(listing) if listing.edition else None,
            "offer": offer_shape(listing.offer) if listing.offer else None,
        }
    )


def own_shape(dataset: Dataset) -> OwnDataset:
    """A dataset as its archive sees it; its secret key stays here."""
    return OwnDataset.model_validate(
        {
            "id": dataset.id,
            "slug": dataset.slug,
            "state": dataset.state,
            "title": Words(nl=dataset.title_nl, en=dataset.title_en),
            "description": Words(nl=dataset.description_nl, en=dataset.description_en),
            "declarations": dataset.declarations,
            "terms": dataset.terms,
            "residency": dataset.residency,
            "created_at": dataset.created_at,
        }
    )


@router.get("/datasets", responses=answers(401), summary="Datasets one may know of")
def list_datasets(session: ReadingDep, part: SliceDep, caller: MaybeActor) -> Page[DatasetShape]:
    """Published datasets, newest first; an archive also sees its own drafts."""
    rows = catalogue.list_datasets(session, caller, after=part.after, limit=part.limit + 1)
    return page_of(rows, part, dataset_shape, lambda listing: listing.dataset.id)


@router.get(
    "/archives/{archive}/datasets/{dataset}",
    responses=answers(401, 404),
    summary="One dataset, with an edition and its offer",
)
def find_dataset(
    archive: str,
    dataset: str,
    session: ReadingDep,
    caller: MaybeActor,
    edition: Annotated[
        int | None, Query(ge=1, le=999_999_999, description="Its number; the newest when absent.")
    ] = None,
) -> DatasetShape:
    """A draft exists for its own archive only."""
    name = f"{archive}/{dataset}"
    reference = name if edition is None else f"{name}@{edition}"
    return dataset_shape(catalogue.find_dataset(session, caller, reference))


@router.post("/datasets", status_code=201, responses=signed_in(409), summary="Register a dataset")
def register_dataset(
    command: registration.NewDataset,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ARCHIVE_WRITE))],
) -> OwnDataset:
    """As a draft that only its archive sees."""
    return own_shape(registration.register_dataset(session, actor, command, at=at))


@router.get(
    "/datasets/{dataset_id}", responses=signed_in(404), summary="One of the archive's own datasets"
)
def own_dataset(
    dataset_id: str,
    session: ReadingDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> OwnDataset:
    """With what was declared and set."""
    return own_shape(registration.own_dataset(session, actor, dataset_id))


@router.put(
    "/datasets/{dataset_id}/declarations",
    responses=signed_in(404),
    summary="Declare the kinds of sensitive column",
)
def declare(
    dataset_id: str,
    command: registration.Declarations,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ARCHIVE_WRITE))],
) -> OwnDataset:
    """Per kind: `column`, `none`, or one value for all items. Kinds not named keep theirs."""
    return own_shape(registration.declare(session, actor, dataset_id, command, at=at))


@router.get(
    "/datasets/{dataset_id}/undeclared",
    responses=signed_in(404),
    summary="What is still undeclared",
)
def undeclared(
    dataset_id: str,
    session: ReadingDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> Undeclared:
    """What its owner still has to say before the newest checked delivery can be published."""
    gaps: tuple[Gap, ...] = publishing.gaps(session, actor, dataset_id)
    return Undeclared(
        ready=not any(gap.blocks for gap in gaps),
        gaps=[GapShape.model_validate(gap) for gap in gaps],
    )


@router.post(
    "/datasets/{dataset_id}/editions",
    status_code=201,
    responses=signed_in(404, 409),
    summary="Publish an edition",
)
def publish(
    dataset_id: str,
    command: Publication,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ARCHIVE_WRITE))],
) -> PublishedShape:
    """A checked delivery becomes the next edition, with an offer by the confirmed terms."""
    wanted = publishing.PublishEdition(dataset_id=dataset_id, **command.model_dump())
    done = publishing.publish(session, actor, wanted, origin=runtime.settings.origin, at=at)
    listing = catalogue.listing_of(session, dataset_id, done.edition.id)
    return PublishedShape(edition=edition_shape(listing), offer=offer_shape(done.offer))


@router.post(
    "/editions/{edition_id}/offers",
    status_code=201,
    responses=signed_in(404, 409),
    summary="Offer an edition on the present terms",
)
def replace_offer(
    edition_id: str,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ARCHIVE_WRITE))],
) -> OfferShape:
    """Its former offer ends."""
    origin = runtime.settings.origin
    return offer_shape(publishing.replace_offer(session, actor, edition_id, origin=origin, at=at))


@router.get("/offers/{offer_id}", responses=answers(404), summary="One offer, as ODRL")
def find_offer(offer_id: str, session: ReadingDep) -> OfferShape:
    """Offers are public, withdrawn ones too: extracts name the terms they were given under."""
    found = session.get(Offer, offer_id)
    if found is None:
        raise no_such_thing()
    return offer_shape(found)


@router.delete("/offers/{offer_id}", responses=signed_in(404), summary="Withdraw an offer")
def withdraw_offer(
    offer_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ARCHIVE_WRITE))],
) -> OfferShape:
    """Stops new agreements; those that run are judged by their own terms."""
    return offer_shape(publishing.withdraw_offer(session, actor, offer_id, at=at))
