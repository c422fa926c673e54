"""Claims on items: opened by anyone, read by every side, decided by the archive."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Header, Request
from pydantic import BaseModel, Field

from registry.access.withdrawal_tables import Dispute
from registry.accounts.actors import Actor, Scope
from registry.api.problems import answers
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    looking,
    maybe_looking,
)
from registry.idempotency import once
from registry.services import disputing
from registry.services.disputing import Claim, Complaint, Decide

router = new_router("disputes")

Key = Annotated[str, Header(alias="Dispute-Key", max_length=200, description="From its address.")]


class ClaimShape(BaseModel):
    """Who claims which share, where, and on what ground."""

    rightsholder: str
    share: int
    territory: list[str]
    statement: str
    evidence: str
    at: datetime


class DisputeShape(Row):
    """A dispute as every side reads it. The address of who opened it is not part of it."""

    id: str
    dataset_id: str
    identifier: str
    state: Literal["waiting", "open", "upheld", "rejected"]
    claims: list[ClaimShape]
    opened_at: datetime
    due_at: datetime = Field(description="Until when the archive has promised to decide.")
    decided_at: datetime | None
    answer: str


class OpenedShape(DisputeShape):
    """A dispute just opened, with the key of its page, which is shown this once."""

    key: str


class Decision(BaseModel):
    """Whether the claim holds, and why."""

    uphold: bool
    answer: str = Field(min_length=1, max_length=4000)


def _shape(row: Dispute) -> DisputeShape:
    return DisputeShape.model_validate(row)


@router.post(
    "/disputes", status_code=201, responses=answers(404, 409, 429), summary="Claim an item"
)
def complain(
    given: Complaint, request: Request, session: SessionDep, runtime: RuntimeDep, at: NowDep
) -> OpenedShape:
    """For anyone: the item is closed at once, and the archive decides within a week."""
    address = request.client.host if request.client else ""
    origin = runtime.settings.origin
    opened = disputing.complain(session, given, address=address, origin=origin, at=at)
    return OpenedShape(**_shape(opened.dispute).model_dump(), key=opened.key)


@router.get("/disputes", responses=signed_in(), summary="What the archive must decide")
def list_disputes(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> Page[DisputeShape]:
    """Newest first; decided ones too."""
    rows = disputing.list_disputes(session, actor, after=part.after, limit=part.limit + 1)
    return page_of(rows, part, _shape)


@router.get("/disputes/{dispute_id}", responses=signed_in(404), summary="One dispute")
def find_dispute(
    dispute_id: str,
    session: ReadingDep,
    actor: Annotated[Actor | None, Depends(maybe_looking)],
    key: Key = "",
) -> DisputeShape:
    """For its archive, and for anyone with its key: both read the same."""
    return _shape(disputing.find_dispute(session, actor, dispute_id, key))


@router.post(
    "/disputes/{dispute_id}/claims",
    status_code=201,
    responses=answers(404, 409),
    summary="Add another side's claim",
)
def add_claim(
    dispute_id: str, given: Claim, session: SessionDep, at: NowDep, key: Key = ""
) -> DisputeShape:
    """With the key of its page, while it is undecided."""
    return _shape(disputing.add_claim(session, dispute_id, key, given, at=at))


@router.post(
    "/disputes/{dispute_id}/decision", responses=signed_in(404, 409), summary="Decide (archive)"
)
def decide(
    dispute_id: str,
    given: Decision,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ARCHIVE_WRITE))],
) -> DisputeShape:
    """Upheld, the item stays closed; rejected, the line ends. Every side reads the reasons."""
    command = Decide(dispute_id=dispute_id, **given.model_dump())
    return _shape(disputing.decide(session, actor, command, at=at))
