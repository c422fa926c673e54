"""What an archive says of a dataset for catalogues, and taking a dataset out of them."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from catalog.description import Description
from catalog.renderings import schema_org
from registry.accounts.actors import Actor, Scope
from registry.api.datasets import OwnDataset, own_shape
from registry.api.shapes import new_router, signed_in
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, acting, looking
from registry.services import cataloguing, tombstones

router = new_router("datasets")


class Described(BaseModel):
    """What is said of a dataset, and how it fares in the Dataset Register."""

    description: Description
    score: int | None = Field(
        description="The Register's score of 100 (NDE); `null` before it is published."
    )
    missing: list[str] = Field(description="What would raise the score.", examples=[["inLanguage"]])


@router.get(
    "/datasets/{dataset_id}/description",
    responses=signed_in(404),
    summary="What is said of a dataset",
)
def find_description(
    dataset_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> Described:
    """For catalogues, beside its title: makers, period, places, languages, identifiers."""
    said = cataloguing.described(session, actor, dataset_id)
    record = cataloguing.own_record(session, actor, dataset_id, origin=runtime.settings.origin)
    if record is None:
        return Described(description=said, score=None, missing=[])
    document = schema_org.render(record)
    missing = list(schema_org.missing(document))
    return Described(description=said, score=schema_org.score(document), missing=missing)


@router.put(
    "/datasets/{dataset_id}/description",
    responses=signed_in(404),
    summary="Say something of a dataset",
)
def describe(
    dataset_id: str,
    said: Description,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ARCHIVE_WRITE))],
) -> Described:
    """In place of what was said before; its licence is of the description alone (CC0 if absent)."""
    cataloguing.describe(session, actor, dataset_id, said, at=at)
    session.flush()
    return find_description(dataset_id, session, runtime, actor)


@router.post(
    "/datasets/{dataset_id}/tombstone",
    responses=signed_in(404, 409),
    summary="Take a dataset out of the catalogue",
)
def withdraw_dataset(
    dataset_id: str,
    command: tombstones.Tombstone,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ARCHIVE_WRITE))],
) -> OwnDataset:
    """Its offers end; its address answers 410 with the reason, or leads to what took its place."""
    return own_shape(tombstones.withdraw_dataset(session, actor, dataset_id, command, at=at))
