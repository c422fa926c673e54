"""The rights ledger of a dataset: enter lines, one by one or by file, and read them."""

from datetime import date
from typing import Annotated, Literal

from fastapi import Body, Depends, Query
from pydantic import BaseModel, Field

from catalog.ledger_tables import LedgerMoment, RightsLine
from registry.accounts.actors import Actor, Scope
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.dependencies import NowDep, ReadingDep, SessionDep, acting, looking
from registry.idempotency import once
from registry.services import ledger
from registry.services.ledger import NewLine

router = new_router("ledger")
LARGEST_FILE = 32 * 1024 * 1024


class LineShape(Row):
    """One line of the ledger, as it was entered."""

    id: str
    moment: int = Field(description="The act it was entered by; counts from 1.")
    item: str = Field(description="Opaque id of the item, the same in every edition.")
    kind: Literal["opt_out", "withdrawal", "embargo", "dispute", "clearance"]
    rightsholder: str
    share: int = Field(description="Per cent of the rights.")
    territory: str = Field(description="Countries with spaces between; `*` is everywhere.")
    dated: str
    until: date | None = Field(description="The last day the date can mean, for an embargo.")
    evidence: str
    ends: str | None = Field(description="The line that this clearance ends.")
    decided_by: str


class MomentShape(Row):
    """One act on the ledger; extracts state by its number as of when they were cut."""

    number: int
    lines: int
    digest: str
    method: str


class Lines(BaseModel):
    """Lines to enter in one act: all of them or none."""

    lines: Annotated[list[NewLine], Field(min_length=1, max_length=1000)]


def _shape(line: RightsLine) -> LineShape:
    return LineShape.model_validate(line)


def _moment(made: LedgerMoment) -> MomentShape:
    return MomentShape.model_validate(made)


@router.get(
    "/datasets/{dataset_id}/ledger", responses=signed_in(404), summary="Lines of the rights ledger"
)
def list_lines(
    dataset_id: str,
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
    identifier: Annotated[
        str, Query(max_length=400, description="Of one item, by your own identifier.")
    ] = "",
    item: Annotated[str, Query(max_length=26, description="Of one item, by its opaque id.")] = "",
) -> Page[LineShape]:
    """Newest first; lines that were ended stay."""
    rows = ledger.list_lines(
        session,
        actor,
        dataset_id,
        identifier=identifier,
        item=item,
        after=part.after,
        limit=part.limit + 1,
    )
    return page_of(rows, part, _shape)


@router.post(
    "/datasets/{dataset_id}/ledger",
    status_code=201,
    responses=signed_in(404),
    summary="Enter lines",
)
def enter(
    dataset_id: str,
    given: Lines,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.ARCHIVE_WRITE))],
) -> MomentShape:
    """Restrict at once, or clear what you may clear; the next read already counts them."""
    command = ledger.EnterLines(dataset_id=dataset_id, lines=tuple(given.lines))
    return _moment(ledger.enter(session, actor, command, method="api", at=at))


@router.put(
    "/datasets/{dataset_id}/ledger",
    status_code=201,
    responses=signed_in(404, 413),
    summary="Enter a file of lines",
)
def enter_file(
    dataset_id: str,
    content: Annotated[
        str, Body(media_type="text/csv", max_length=LARGEST_FILE, description="CSV in UTF-8.")
    ],
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ARCHIVE_WRITE))],
) -> MomentShape:
    """Columns: identifier or item, kind, rightsholder, share, territory, date, evidence, ends."""
    command = ledger.EnterLines(dataset_id=dataset_id, lines=ledger.read_lines(content))
    return _moment(ledger.enter(session, actor, command, method="file", at=at))
