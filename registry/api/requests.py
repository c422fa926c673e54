"""Access requests, the archive's inbox, and its yes or no."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Response
from pydantic import BaseModel, Field

from registry.access.tables import AccessRequest, Agreement, DecisionRow
from registry.accounts.actors import Actor, Scope
from registry.accounts.tables import Organisation
from registry.api.agreements import AgreementShape, agreement_shape
from registry.api.shapes import Page, Row, SliceDep, Words, new_router, page_of, signed_in
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep, acting, looking
from registry.idempotency import once
from registry.services import requesting

router = new_router("requests")


class LineShape(BaseModel):
    """Why a number of items fares so."""

    outcome: str
    code: str
    rule: str | None
    items: int
    secure_only: bool
    rights: list[str]
    text: Words


class DecisionShape(BaseModel):
    """The answer on one part (permit, review or deny) of one dataset of a request."""

    id: str
    request_id: str
    dataset: str = Field(examples=["beeldarchief/journaals@3"])
    part: Literal["permit", "review", "deny"]
    state: Literal["permitted", "pending", "approved", "refused", "denied", "withdrawn"]
    items: int
    lines: list[LineShape]
    decided_at: datetime
    due_at: datetime | None = Field(description="Until when the archive promised an answer.")
    reviewed_at: datetime | None
    answer: str = Field(description="What the archive wrote with its yes or no.")


class RequestShape(Row):
    """A question of an organisation about one or several datasets."""

    id: str
    organisation_id: str
    environment_id: str
    use: str
    purpose: str | None
    user_class: str
    note: str
    filed_at: datetime
    withdrawn_at: datetime | None


class FiledShape(RequestShape):
    """A request with its decisions and the agreements proposed on them."""

    decisions: list[DecisionShape]
    agreements: list[AgreementShape]


class InboxItem(BaseModel):
    """A part that waits for the archive: the request, who asks, and until when."""

    decision: DecisionShape
    request: RequestShape
    organisation_name: str
    organisation_country: str


class ReviewShape(BaseModel):
    """The archive's yes or no."""

    approve: bool
    answer: str = Field(default="", max_length=2000)
    statements: list[str] | None = Field(
        default=None, min_length=1, description="Narrow a yes to items under these statements."
    )


def decision_shape(decision: DecisionRow) -> DecisionShape:
    """A decision as an answer; what replays it stays in the service."""
    shown: dict[str, Any] = decision.model_dump(
        include=set(DecisionShape.model_fields) - {"dataset", "lines"}
    )
    return DecisionShape(
        **shown,
        dataset=decision.snapshot["reference"],
        lines=[
            LineShape(
                outcome=line["outcome"],
                code=line["code"],
                rule=line["rule"],
                items=line["count"],
                secure_only=line["secure_only"],
                rights=line["rights"],
                text=Words(nl=line["nl"], en=line["en"]),
            )
            for line in decision.lines
        ],
    )


def filed_shape(filed: requesting.FiledRequest) -> FiledShape:
    """A request with what came of it, as an answer."""
    request = RequestShape.model_validate(filed.request)
    agreements: tuple[Agreement, ...] = filed.agreements
    return FiledShape(
        **request.model_dump(),
        decisions=[decision_shape(decision) for decision in filed.decisions],
        agreements=[agreement_shape(agreement) for agreement in agreements],
    )


@router.post(
    "/requests",
    status_code=201,
    response_model=FiledShape,
    responses=signed_in(404, 409),
    summary="File an access request",
)
def file_request(
    command: requesting.NewRequest,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.REQUESTS))],
) -> Response:
    """Clear cases are decided at once; the rest waits in the archive's inbox, with a clock."""
    origin, regions = runtime.settings.origin, runtime.settings.regions
    filed = requesting.file_request(session, actor, command, origin=origin, at=at, regions=regions)
    # Written here, while it is this request's turn: the framework would check the shape once more.
    body = filed_shape(filed).model_dump_json()
    return Response(body, status_code=201, media_type="application/json")


@router.get("/requests", responses=signed_in(), summary="My organisation's requests")
def list_requests(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.REQUESTS))],
) -> Page[RequestShape]:
    """Newest first."""
    rows = requesting.list_requests(session, actor, after=part.after, limit=part.limit + 1)
    return page_of(rows, part, RequestShape.model_validate)


@router.get(
    "/requests/{request_id}", responses=signed_in(404), summary="One request with its decisions"
)
def find_request(
    request_id: str,
    session: ReadingDep,
    actor: Annotated[Actor, Depends(looking(None))],
) -> FiledShape:
    """For who asked; an archive sees the parts that concern it."""
    return filed_shape(requesting.find_request(session, actor, request_id))


@router.delete("/requests/{request_id}", responses=signed_in(404), summary="Take a request back")
def withdraw_request(
    request_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.REQUESTS))],
) -> FiledShape:
    """What waits is not decided any more; agreements stay as they are."""
    return filed_shape(requesting.withdraw_request(session, actor, request_id, at=at))


@router.get("/inbox", responses=signed_in(), summary="What waits for the archive")
def inbox(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> Page[InboxItem]:
    """Soonest due first, with the clock that both sides see."""
    rows = requesting.inbox(session, actor, after=part.after, limit=part.limit + 1)
    return page_of(rows, part, _inbox_item, lambda row: str(row[0].id), newest_first=False)


def _inbox_item(row: tuple[DecisionRow, AccessRequest, Organisation]) -> InboxItem:
    decision, request, organisation = row
    return InboxItem(
        decision=decision_shape(decision),
        request=RequestShape.model_validate(request),
        organisation_name=organisation.name,
        organisation_country=organisation.country,
    )


@router.post(
    "/decisions/{decision_id}/review",
    responses=signed_in(404, 409),
    summary="Say yes or no to a part that waits",
)
def review(
    decision_id: str,
    said: ReviewShape,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ARCHIVE_WRITE))],
) -> DecisionShape:
    """A yes proposes an agreement; a no gives its reason."""
    command = requesting.Review(decision_id=decision_id, **said.model_dump())
    origin = runtime.settings.origin
    return decision_shape(requesting.review(session, actor, command, origin=origin, at=at))
