"""Proofs about environments: given by their organisation, decided by an archive or the operator."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends
from pydantic import AwareDatetime, BaseModel, Field

from registry.accounts.actors import Actor, Scope
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import NowDep, ReadingDep, SessionDep, acting, looking
from registry.idempotency import once
from registry.services import proofs

router = new_router("environments")


class GivenProof(BaseModel):
    """A proof, where it can be looked at, and until when it holds."""

    kind: Literal["certificate", "contract", "audit", "other"]
    reference: str = Field(min_length=1, max_length=2000)
    holds_until: AwareDatetime


class ProofDecision(BaseModel):
    """Whether it proves what was registered."""

    accept: bool
    reason: str = Field(default="", max_length=2000)


class ProofShape(Row):
    """A proof about an environment, and what became of it."""

    id: str
    environment_id: str
    kind: str
    reference: str
    holds_until: datetime
    given_at: datetime
    state: Literal["given", "accepted", "refused"]
    decided_at: datetime | None
    reason: str


@router.post(
    "/environments/{environment_id}/proofs",
    status_code=201,
    responses=signed_in(404),
    summary="Hand in a proof about an environment",
)
def give_proof(
    environment_id: str,
    given: GivenProof,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.REQUESTS))],
) -> ProofShape:
    """It counts once an archive that was asked for data there, or the operator, accepts it."""
    command = proofs.NewProof(environment_id=environment_id, **given.model_dump())
    return ProofShape.model_validate(proofs.give_proof(session, actor, command, at=at))


@router.get(
    "/environments/{environment_id}/proofs",
    responses=signed_in(404),
    summary="The proofs about an environment",
)
def list_proofs(
    environment_id: str,
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> Page[ProofShape]:
    """Newest first; for its own organisation, and for who may decide on them."""
    found = proofs.list_proofs(session, actor, environment_id)
    return page_of(found, part, ProofShape.model_validate)


@router.post(
    "/proofs/{proof_id}/decision",
    responses=signed_in(404, 409),
    summary="Accept or refuse a proof",
)
def decide_proof(
    proof_id: str,
    decision: ProofDecision,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(None))],
) -> ProofShape:
    """From then until it expires the environment is proven; an expired proof stops every range."""
    command = proofs.DecideProof(proof_id=proof_id, **decision.model_dump())
    return ProofShape.model_validate(proofs.decide_proof(session, actor, command, at=at))
