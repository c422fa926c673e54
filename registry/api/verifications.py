"""Who organisations are: told once with evidence, verified by the operator for a time."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends

from registry.accounts.actors import Actor, Scope
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import NowDep, ReadingDep, SessionDep, looking
from registry.idempotency import once
from registry.services import verifying

router = new_router("organisations")


class VerificationShape(Row):
    """What an organisation said it is, and what the operator found."""

    id: str
    organisation_id: str
    state: Literal["applied", "verified", "refused", "withdrawn"]
    legal_name: str
    number_kind: Literal["kvk", "vat"]
    number: str
    country: str
    signatory: str
    signatory_role: str
    evidence: str
    applied_at: datetime
    decided_at: datetime | None
    reason: str
    expires_at: datetime | None


@router.post(
    "/verifications",
    status_code=201,
    responses=signed_in(),
    summary="Say who your organisation is",
)
def apply(
    command: verifying.Apply,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ACCOUNT))],
) -> VerificationShape:
    """The operator verifies it; an application that still waited is replaced."""
    return VerificationShape.model_validate(verifying.apply(session, actor, command, at=at))


@router.get(
    "/verifications",
    responses=signed_in(),
    summary="Your organisation's verifications; the operator's: all that wait or stand",
)
def find(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.ACCOUNT))],
) -> Page[VerificationShape]:
    """Newest first."""
    if actor.role == "operator":
        rows = [card for card, _ in verifying.list_all(session, actor)]
    else:
        rows = verifying.list_own(session, actor)
    return page_of(rows, part, VerificationShape.model_validate)


@router.post(
    "/verification-decisions",
    status_code=201,
    responses=signed_in(404, 409),
    summary="Verify, refuse or withdraw (operator)",
)
def decide(
    command: verifying.Decide,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.OPERATE))],
) -> VerificationShape:
    """A withdrawal stops requests, agreements and downloads at once, running ones too."""
    return VerificationShape.model_validate(verifying.decide(session, actor, command, at=at))
