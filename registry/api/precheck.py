"""May I use this? The pre-check: for anyone, from published offers, never giving access."""

from typing import Annotated, Literal

from fastapi import Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from registry.api.problems import answers
from registry.api.shapes import Row, Words, new_router
from registry.db import reading
from registry.dependencies import (
    BEARER,
    MaybeShownDep,
    Shown,
    look_at_caller,
    now_of,
    refuse_when_halted,
    runtime_of,
)
from registry.services import asking

router = new_router("asking")
Credential = Annotated[str | None, Security(BEARER)]
Outcome = Literal["permit", "permit_with_duties", "review", "deny"]


class SharesShape(Row):
    """Shares of the items in whole per cents."""

    permit: int
    review: int
    deny: int


class DutyShape(BaseModel):
    """Something a permit asks for."""

    term: str = Field(examples=["odrl:attribute"])
    text: Words


class ReasonShape(Row):
    """Why a part of the items fares so."""

    outcome: str
    code: str
    rule: str | None = Field(description="The deciding rule of the offer.")
    share: int = Field(description="Of the items, in whole per cents.")
    text: Words


class ChangeShape(Row):
    """The smallest change of the question that would give a better answer."""

    fields: dict[str, str]
    outcome: str
    text: Words


class DatasetAnswerShape(BaseModel):
    """What an agreement on this dataset would give."""

    dataset: str
    outcome: Outcome
    shares: SharesShape | None = Field(description="Absent where there are too few items to say.")
    duties: list[DutyShape]
    secure_only: bool = Field(description="May be used in a secure environment but not leave it.")
    rule: str | None
    reasons: list[ReasonShape]
    change: ChangeShape | None


class PrecheckShape(BaseModel):
    """The answers per dataset, and the best of them."""

    outcome: Outcome
    datasets: list[DatasetAnswerShape]


def answer_shape(answer: asking.DatasetAnswer) -> DatasetAnswerShape:
    """One dataset's answer."""
    shown = {
        name: getattr(answer, name)
        for name in ("dataset", "outcome", "shares", "secure_only", "rule", "reasons", "change")
    }
    duties = [DutyShape(term=term, text=Words.model_validate(text)) for term, text in answer.duties]
    return DatasetAnswerShape.model_validate({**shown, "duties": duties}, from_attributes=True)


@router.post(
    "/precheck",
    response_model=PrecheckShape,
    responses=answers(401, 404, 409),
    summary="May I use this?",
)
async def precheck(
    question: asking.Question, request: Request, shown: MaybeShownDep, _: Credential
) -> Response:
    """Permit, permit with duties, review or deny, with shares, rule, reason and a way on.

    No sign-in is needed and nothing is kept. It takes no item filter.
    """
    body = await run_in_threadpool(_answered, question, request, shown)
    return Response(body, media_type="application/json")


def _answered(question: asking.Question, request: Request, shown: Shown | None) -> bytes:
    """The whole answer in one hop to a thread: each further one would cost more than the work."""
    refuse_when_halted(request)
    with reading(runtime_of(request).engine) as session:
        caller = None if shown is None else look_at_caller(request, session, shown, None)
        answer = asking.precheck(session, caller, question, at=now_of(request))
    shape = PrecheckShape.model_validate(
        {"outcome": answer.outcome, "datasets": [answer_shape(one) for one in answer.datasets]}
    )
    return shape.model_dump_json().encode()
