"""Agreements: read as ODRL, accept as read, decline, revoke."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends
from pydantic import BaseModel, Field

from registry.access.tables import Agreement
from registry.accounts.actors import Actor, Scope
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import NowDep, ReadingDep, SessionDep, looking
from registry.idempotency import once
from registry.services import agreeing

router = new_router("agreements")


class AgreementShape(Row):
    """An agreement between an archive and a user of data, frozen and hashed."""

    id: str
    decision_id: str
    organisation_id: str
    archive_id: str
    dataset_id: str
    edition_id: str
    environment_id: str
    digest: str = Field(description="Of its document; give it to accept.")
    state: Literal["proposed", "in_force", "declined", "revoked"]
    valid_from: datetime
    valid_until: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    ended_reason: str


class WholeAgreement(AgreementShape):
    """An agreement with its document."""

    document: dict[str, Any] = Field(description="The ODRL Agreement in JSON-LD.")


class Acceptance(BaseModel):
    """What was read."""

    digest: str = Field(max_length=100, description="Digest of the document that was read.")


class Revocation(BaseModel):
    """Why the archive ends the agreement; its other side reads it."""

    reason: str = Field(min_length=1, max_length=2000)


def agreement_shape(agreement: Agreement) -> AgreementShape:
    """An agreement as an answer, without its document."""
    return AgreementShape.model_validate(agreement)


@router.get("/agreements", responses=signed_in(), summary="Agreements we are a side of")
def list_agreements(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> Page[AgreementShape]:
    """Newest first; ended ones too."""
    rows = agreeing.list_agreements(session, actor, after=part.after, limit=part.limit + 1)
    return page_of(rows, part, agreement_shape)


@router.get(
    "/agreements/{agreement_id}", responses=signed_in(404), summary="One agreement, as ODRL"
)
def find_agreement(
    agreement_id: str,
    session: ReadingDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> WholeAgreement:
    """For its two sides only."""
    found = agreeing.find_agreement(session, actor, agreement_id)
    return WholeAgreement.model_validate(found)


@router.post(
    "/agreements/{agreement_id}/acceptance",
    responses=signed_in(404, 409),
    summary="Accept an agreement as it was read",
)
def accept(
    agreement_id: str,
    read: Acceptance,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.REQUESTS))],
) -> AgreementShape:
    """From now on it is in force, until its end or its revocation."""
    return agreement_shape(agreeing.accept(session, actor, agreement_id, read.digest, at=at))


@router.post(
    "/agreements/{agreement_id}/refusal",
    responses=signed_in(404, 409),
    summary="Decline a proposed agreement",
)
def decline(
    agreement_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.REQUESTS))],
) -> AgreementShape:
    """Declining it twice is no error."""
    return agreement_shape(agreeing.decline(session, actor, agreement_id, at=at))


@router.post(
    "/agreements/{agreement_id}/revocation",
    responses=signed_in(404, 409),
    summary="Revoke an agreement (archive)",
)
def revoke(
    agreement_id: str,
    said: Revocation,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ARCHIVE_WRITE))],
) -> AgreementShape:
    """The next request for its data is refused; running downloads end."""
    command = agreeing.Revoke(agreement_id=agreement_id, reason=said.reason)
    return agreement_shape(agreeing.revoke(session, actor, command, at=at))
