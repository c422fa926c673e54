"""What a dataset holds, told before any agreement."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from registry.accounts.actors import Actor
from registry.api.problems import answers
from registry.api.shapes import new_router
from registry.dependencies import NowDep, ReadingDep, maybe_looking
from registry.services.describing import statistics_of

router = new_router("datasets")


class ColumnStatistics(BaseModel):
    """One column over the items that are open to everyone."""

    name: str
    type: str
    described: bool = Field(description="Whether more than name and type is told.")
    null_share: int | None = Field(default=None, description="In whole per cents.")
    distinct: str | None = Field(default=None, description="Different values, about.")
    least: str | None = Field(default=None, description="Of the values that ten items have.")
    most: str | None = Field(default=None, description="Of the values that ten items have.")
    values: list[tuple[str, int]] = Field(
        default=[], description="Values that ten items have, with whole per cents of the items."
    )
    other_share: int | None = Field(default=None, description="All other values together.")


class StatisticsShape(BaseModel):
    """What is told of an edition."""

    edition: str = Field(examples=["beeldarchief/journaals@3"])
    rows: int = Field(description="Items open to everyone, in whole tens; 0 below ten.")
    columns: list[ColumnStatistics]
    sample: list[list[str | None]] = Field(
        default=[],
        description="Some items open to everyone: the values, as text of at most 200 characters, of"
        " the columns that are described. Without ids.",
    )


@router.get(
    "/archives/{archive}/datasets/{dataset}/statistics",
    responses=answers(401, 404, 409),
    summary="What a dataset holds, before any agreement",
)
def statistics(
    archive: str,
    dataset: str,
    session: ReadingDep,
    at: NowDep,
    actor: Annotated[Actor | None, Depends(maybe_looking)],
) -> StatisticsShape:
    """Only of items that the offer permits to every user class for every use, without review."""
    edition, found = statistics_of(session, actor, f"{archive}/{dataset}", at=at)
    return StatisticsShape(edition=edition, **found)
