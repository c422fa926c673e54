"""Lineage both ways, and what was read: for owners, recipients and who checks."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Depends, Query, Response
from pydantic import Field

from registry.accounts.actors import Actor
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, looking
from registry.looking import record_look, record_look_at_all, record_look_at_dataset
from registry.services.lineage import asking
from registry.services.tables import usage_csv
from registry.services.usage import By, UsageQuestion, usage_of

router = new_router("lineage")


class ReadsShape(Row):
    """What one person or client read of one part of an extract."""

    part: int
    actor: str = Field(description="A pseudonym, as in the log.")
    environment_id: str
    accesses: int
    bytes: int
    first: datetime
    last: datetime


class ReceivedShape(Row):
    """An extract that holds an item: from where, on whose decision, for whom, read by whom."""

    extract_id: str
    part: int
    rights: str
    made_at: datetime | None
    edition: str
    agreement_id: str
    decision_id: str
    decided: str = Field(description="Pseudonym of who decided; empty: the offer's terms did.")
    recipient_id: str
    recipient: str
    environment_id: str
    state: Literal["ordered", "running", "ready", "failed", "cancelled", "expired"]
    stopped_at: datetime | None = Field(description="Since when it is not given out.")
    withdrawn_at: datetime | None = Field(
        description="Since when the archive has taken this item back from everyone."
    )
    reads: list[ReadsShape]


class HeldItemShape(Row):
    """One item of an extract."""

    item: str
    part: int
    rights: str
    withdrawn_at: datetime | None = Field(
        description="Since when the archive has taken it back from everyone."
    )


class ExtractLineageShape(Row):
    """Where an extract came from, and a page of what it holds."""

    received: ReceivedShape
    rows_per_statement: dict[str, int]
    items: Page[HeldItemShape]


@router.get(
    "/lineage/items",
    responses=signed_in(404, 409),
    summary="Everyone who received an item",
)
def of_item(
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(None))],
    dataset_id: Annotated[str, Query(max_length=100)],
    item: Annotated[str, Query(max_length=100, description="Opaque id, as in extracts.")] = "",
    identifier: Annotated[
        str, Query(max_length=1000, description="The owner's own identifier instead.")
    ] = "",
) -> list[ReceivedShape]:
    """Newest first, at most a thousand. A recipient sees its own extracts alone."""
    found = asking.item_lineage(
        session, runtime.ports, actor, dataset_id, at=at, item=item, identifier=identifier
    )
    record_look_at_dataset(runtime, actor, "lineage", dataset_id, at)
    return [ReceivedShape.model_validate(one) for one in found]


@router.get(
    "/lineage/extracts",
    responses=signed_in(404, 409),
    summary="What an extract holds, and who decided that",
)
def of_extract(
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(None))],
    extract: Annotated[str, Query(max_length=100, description="Id of the extract.")],
) -> ExtractLineageShape:
    """Every item with its rights statement at the order, in pages."""
    found = asking.extract_lineage(
        session, runtime.ports, actor, extract, at=at, after=part.after or "", limit=part.limit + 1
    )
    record_look_at_dataset(
        runtime, actor, "lineage", found.dataset_id, at, {"extract": found.received.extract_id}
    )
    whole = part.model_copy(update={"after": None})  # what came before was left out already
    return ExtractLineageShape(
        received=ReceivedShape.model_validate(found.received),
        rows_per_statement=dict(found.rows_per_statement),
        items=page_of(found.items, whole, HeldItemShape.model_validate, lambda one: one.item),
    )


class UsageLineShape(Row):
    """What one agreement, organisation, person, place or address came to."""

    key: str
    name: str
    accesses: int
    ranges: int
    bytes: int
    first: datetime
    last: datetime


class UsageShape(Row):
    """Lines with the most bytes first, and the totals of all."""

    by: By
    lines: list[UsageLineShape]
    accesses: int
    bytes: int


@router.get(
    "/usage",
    response_model=UsageShape,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
        **signed_in(404),
    },
    summary="What was read, added up",
)
def usage(
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(None))],
    since: Annotated[date, Query(description="First day, in the Netherlands.")],
    until: Annotated[date, Query(description="Last day.")],
    by: By = "agreement",
    archive: Annotated[str | None, Query(max_length=100, description="Id of an archive.")] = None,
    form: Annotated[str, Query(pattern="^(json|csv)$", alias="format")] = "json",
) -> UsageShape | Response:
    """An archive's of its own datasets; a user's its own; an auditor's of all it may check."""
    question = UsageQuestion(by=by, since=since, until=until, archive=archive)
    found = usage_of(session, actor, question, at=at)
    if archive:
        record_look(runtime, actor, "usage", archive, at)
    else:
        record_look_at_all(runtime, actor, "usage", at)
    if form == "csv":
        return Response(usage_csv(found), media_type="text/csv")
    return UsageShape.model_validate(found)
