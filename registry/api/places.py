"""Places: an archive's own buckets, from which a delivery need not be copied."""

from typing import Annotated

from fastapi import Depends, Response
from pydantic import BaseModel, Field

from registry.accounts.actors import Actor, Scope
from registry.api.deliveries import DeliveryShape, delivery_shape
from registry.api.shapes import new_router, signed_in
from registry.delivering import leave
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, arriving, looking
from registry.services import places

router = new_router("deliveries")


class PlaceShape(BaseModel):
    """A bucket of the archive's own, set up by the operator."""

    name: str
    url: str
    country: str = Field(description="Where it stands (ISO 3166-1).")


@router.get("/places", responses=signed_in(), summary="Buckets of your own")
def list_places(
    session: ReadingDep,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> list[PlaceShape]:
    """Files in them can become deliveries without being copied."""
    found = places.own_places(session, actor, runtime.settings)
    return [PlaceShape(name=name, url=one.url, country=one.country) for name, one in found.items()]


@router.post(
    "/datasets/{dataset_id}/deliveries/in-place",
    status_code=201,
    responses={
        200: {"model": DeliveryShape, "description": "This object was registered before"},
        **signed_in(403, 404, 503),
    },
    summary="Register a file that stays where it is",
)
def leave_in_place(
    dataset_id: str,
    command: places.LeaveInPlace,
    response: Response,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(arriving(Scope.ARCHIVE_WRITE))],
) -> DeliveryShape:
    """The object is read through once for its hash, and again for each check and extract.

    Only what says who may use which item is kept here. An object that changes is read no more.
    """
    delivery, new = leave(runtime.engine, runtime.settings, actor, dataset_id, command, at=at)
    response.status_code = 201 if new else 200
    return delivery_shape(delivery)
