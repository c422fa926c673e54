"""Reviews of the log: the plan, what waits, signing off, and what was held against planned."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from registry.accounts.actors import Actor, Scope
from registry.api.audit import EntryShape
from registry.api.shapes import Row, new_router, signed_in
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, acting, looking
from registry.idempotency import once
from registry.looking import record_look
from registry.services import reviewing

router = new_router("audit")

Archive = Annotated[str | None, Query(max_length=100, description="Id of an archive.")]


class PlanShape(Row):
    """How often the archive looks at its log."""

    archive_id: str
    days: int
    sample_size: int
    since: datetime
    due_at: datetime


class FindingShape(Row):
    """What a rule saw, with the entries that made it speak."""

    rule: str
    about: str
    measured: int
    threshold: int
    evidence: list[str] = Field(description="Ids of audit entries.")


class QueueShape(BaseModel):
    """What waits to be looked at."""

    archive_id: str
    first: int
    last: int = Field(description="Give it to sign off; nothing waits if it is below `first`.")
    seed: str = Field(description="What the sample was drawn with.")
    sample: list[EntryShape]
    findings: list[FindingShape]


class ReviewShape(Row):
    """A review that was signed."""

    id: str
    archive_id: str
    due_at: datetime | None
    first_number: int
    last_number: int
    report: dict[str, Any]
    outcome: Literal["in-order", "follow-up"]
    signed_at: datetime
    entry_id: str


class PlannedShape(Row):
    """One review that was due."""

    due_at: datetime
    state: Literal["held", "late", "missed", "due"]
    review: ReviewShape | None


class HeldShape(Row):
    """Reviews held against planned."""

    plan: PlanShape | None
    planned: list[PlannedShape]
    unplanned: list[ReviewShape]


@router.put("/audit/review-plan", responses=signed_in(), summary="Plan the reviews of our log")
def plan(
    command: reviewing.PlanReview,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ARCHIVE_WRITE))],
) -> PlanShape:
    """Every so many days, with so many entries drawn at random; a mail reminds."""
    return PlanShape.model_validate(reviewing.plan_review(session, actor, command, at=at))


@router.get("/audit/review", responses=signed_in(404), summary="What waits to be reviewed")
def queue(
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(Scope.AUDIT))],
    archive: Archive = None,
) -> QueueShape:
    """What stands out since the last review, each with its rule and evidence, and a sample."""
    record_look(runtime, actor, "review", archive, at)
    found = reviewing.open_queue(session, actor, at=at, archive=archive)
    return QueueShape(
        archive_id=found.archive_id,
        first=found.first,
        last=found.last,
        seed=found.seed,
        sample=[EntryShape.model_validate(one) for one in found.sample],
        findings=[FindingShape.model_validate(one) for one in found.findings],
    )


@router.post(
    "/audit/reviews", status_code=201, responses=signed_in(409), summary="Sign a review off"
)
def sign(
    command: reviewing.SignReview,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ARCHIVE_WRITE))],
) -> ReviewShape:
    """Sample and findings are worked out anew and kept with it; their digest stands in the log."""
    return ReviewShape.model_validate(reviewing.sign_review(session, actor, command, at=at))


@router.get("/audit/reviews", responses=signed_in(404), summary="Reviews held against planned")
def held(
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(Scope.AUDIT))],
    archive: Archive = None,
) -> HeldShape:
    """For the archive and its auditors."""
    record_look(runtime, actor, "reviews", archive, at)
    return HeldShape.model_validate(reviewing.reviews_held(session, actor, at=at, archive=archive))
