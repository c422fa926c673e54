"""Decisions opened again: as they were, made again, and as they would be now."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic import BaseModel, Field

from registry.accounts.actors import Actor
from registry.api.shapes import Row, new_router, signed_in
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, acting, looking
from registry.looking import record_look
from registry.services import replaying
from registry.services.receipts import receipt_of

router = new_router("requests")


class OpenedShape(BaseModel):
    """A decision as it was made: on a part of a request, or on an extract when it was ordered."""

    id: str
    archive_id: str
    organisation_id: str
    edition: str = Field(examples=["beeldarchief/journaals@3"])
    decided_at: datetime
    entry_id: str | None = Field(description="Audit entry of the decision.")
    stored: dict[str, Any] = Field(description="What the engine was given and said.")
    policy: dict[str, Any] = Field(description="The policy that decided: ODRL in JSON-LD.")
    lines: list[dict[str, Any]] = Field(description="Reasons with their items.")


class ReplayedShape(Row):
    """What came out when the decision was made again."""

    identical: bool
    differences: list[str] = Field(description="What is not as it was; an alarm.")
    entry_id: str = Field(description="Audit entry of this replay.")


class WhatIfShape(Row):
    """The same question on the same items, on the offer in force now."""

    reference: str | None = Field(description="The edition on offer now, if there is one.")
    before: dict[str, int] = Field(description="Items per outcome then.")
    after: dict[str, int] = Field(description="Items per outcome now.")
    lines: list[dict[str, Any]] = Field(description="Reasons now, with their items.")


@router.get(
    "/decisions/{decision_id}/record",
    responses=signed_in(404),
    summary="A decision as it was: inputs, policy and reasons",
)
def open_decision(
    decision_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> OpenedShape:
    """For its archive, for who asked, and for auditors. Takes an extract's id as well."""
    found = replaying.open_decision(session, actor, decision_id, at=at)
    record_look(runtime, actor, "decision", found.archive_id, at, found.ids)
    return OpenedShape(
        id=found.id,
        archive_id=found.archive_id,
        organisation_id=found.organisation_id,
        edition=found.reference,
        decided_at=found.decided_at,
        entry_id=found.entry.id if found.entry else None,
        stored=dict(found.stored),
        policy=found.document,
        lines=list(found.lines),
    )


@router.post(
    "/decisions/{decision_id}/replays",
    responses=signed_in(404),
    summary="Make a decision again, on the policy of then",
)
def replay(
    decision_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(None))],
) -> ReplayedShape:
    """Identical, or the difference is an alarm; either is an act in the archive's log."""
    return ReplayedShape.model_validate(
        replaying.replay_decision(session, actor, decision_id, at=at)
    )


@router.get(
    "/decisions/{decision_id}/what-if",
    responses=signed_in(404),
    summary="The same question on the offer in force now",
)
def what_if(
    decision_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> WhatIfShape:
    """On the items of then, so that only the policy differs. No act, no access."""
    found = replaying.open_decision(session, actor, decision_id, at=at)
    record_look(runtime, actor, "what-if", found.archive_id, at, found.ids)
    return WhatIfShape.model_validate(replaying.what_if_now(session, actor, decision_id, at=at))


@router.get(
    "/decisions/{decision_id}/receipt",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **signed_in(404, 503),
    },
    summary="The proof that a decision or an extract is in the log",
)
def receipt(
    decision_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> Response:
    """A `c2sp.org/tlog-proof@v1`, for both sides; within a second, and 503 until then."""
    proof = receipt_of(session, actor, decision_id, at=at)
    found = replaying.open_decision(session, actor, decision_id, at=at)
    record_look(runtime, actor, "receipt", found.archive_id, at, found.ids)
    return Response(proof, media_type="text/plain")
