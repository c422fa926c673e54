"""Persons beside the log: erasing one, and how long their fields are kept. For the operator."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends
from pydantic import BaseModel, Field

from registry.accounts.actors import Actor, Scope
from registry.api.shapes import Row, new_router, signed_in
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, acting, looking
from registry.services import erasing, retention

router = new_router("organisations")


class Erased(BaseModel):
    """The emptied seat that agreements still name."""

    seat_id: str


class EraseAddress(BaseModel):
    """Whom to erase."""

    email: str = Field(max_length=254, examples=["anna@example.nl"])


class ErasureShape(Row):
    """What was emptied; nothing in it leads to a person."""

    id: str
    reason: Literal["on-request", "retention"]
    removed: dict[str, int] = Field(description="Records emptied, per retention profile.")
    entry_id: str | None = Field(description="Audit entry; absent for a round that found nothing.")
    at: datetime
    overwritten_at: datetime | None = Field(
        description="Since when no remnant is left in the database's own files."
    )


class ProfileShape(Row):
    """How long one kind of personal field is kept."""

    name: Literal["people", "addresses", "messages", "claims"]
    months: int
    before: datetime = Field(description="What is older is past its period.")
    due: int = Field(description="Records that the next daily round empties.")


@router.delete("/people/{name}", responses=signed_in(404, 409), summary="Erase a person (operator)")
def erase_person(
    name: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.OPERATE))],
) -> Erased:
    """By seat id, for good (GDPR article 17). Entries and proofs stay; nothing leads back."""
    return Erased(seat_id=erasing.erase_person(session, actor, name, at=at).id)


@router.post(
    "/erasures",
    status_code=201,
    responses=signed_in(404, 409),
    summary="Erase whoever has an e-mail address (operator)",
)
def erase_address(
    command: EraseAddress,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.OPERATE))],
) -> ErasureShape:
    """Their seat and the claims made from that address, also of someone without an account."""
    done = erasing.erase_address(session, actor, command.email, at=at)
    return ErasureShape.model_validate(done)


@router.get("/erasures", responses=signed_in(), summary="What was erased (operator)")
def list_erasures(
    session: ReadingDep, actor: Annotated[Actor, Depends(looking(Scope.OPERATE))]
) -> list[ErasureShape]:
    """Newest first, the latest hundred: on request, and by the daily rounds."""
    found = erasing.list_erasures(session, actor, 100)
    return [ErasureShape.model_validate(one) for one in found]


@router.get("/retention", responses=signed_in(), summary="How long personal fields are kept")
def list_profiles(
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(Scope.OPERATE))],
) -> list[ProfileShape]:
    """Each profile with its period, and what the next daily round empties (operator)."""
    found = retention.profiles(session, actor, runtime.settings, at=at)
    return [ProfileShape.model_validate(one) for one in found]
