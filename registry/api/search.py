"""Search in the catalogue, for anyone."""

import re
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from registry.api.datasets import DatasetShape, dataset_shape
from registry.api.shapes import Row, closed, foreign_cursor, new_router, opened
from registry.dependencies import NowDep, ReadingDep, RuntimeDep
from registry.services.asking import Use
from registry.services.searching import Results, Search, Value, search

router = new_router("datasets")
_PLACE = re.compile(r"(\d{1,4}):([a-z0-9_]{1,40})")
Chosen = Annotated[list[Value], Field(max_length=20)]


class Question(BaseModel):
    """What is looked for, as the query of an address."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field("", max_length=200, description="Words; datasets that have them all.")
    archive: Chosen = Field([], description="Short names of archives.")
    licence: Chosen = Field([], description="IRIs of rights statements or licences.")
    rightsholder: Chosen = []
    language: Chosen = []
    medium: Chosen = []
    period: Chosen = Field([], description="Decades, as `1930`.")
    use: str | None = Field(None, description="May I use this? Only datasets that this use opens.")
    user_class: str = "commercial"
    purpose: str | None = None
    country: str | None = None
    operator_country: str | None = None
    secure: bool = False
    outcome: Literal["permit", "review"] = Field(
        "review", description="`permit`: at once; `review`: also after the archive's yes."
    )
    order: Literal["relevance", "newest", "largest"] = "relevance"
    limit: int = Field(50, ge=1, le=200, description="Most datasets to give.")
    cursor: str | None = Field(
        None, max_length=200, description="`next_cursor` of the page before."
    )

    def search(self) -> Search:
        """The same as the service takes it."""
        own = self.model_dump(exclude={*_ASKED, "cursor"})
        asked = self.model_dump(include=_ASKED)
        use = Use.model_validate(asked) if self.use else None
        return Search.model_validate({**own, "use": use, "after": _after(self.cursor)})


_ASKED = {"use", "user_class", "purpose", "country", "operator_country", "secure"}


class CountShape(Row):
    """A value and how many of the datasets that were found have it."""

    value: str
    datasets: int


class FoundShape(BaseModel):
    """What was found."""

    items: list[DatasetShape]
    next_cursor: str | None = Field(
        description="Give it as `cursor` to get what follows; absent at the end."
    )
    total: int = Field(description="All that were found, on whatever page.")
    facets: dict[str, list[CountShape]]
    similar: bool = Field(
        description="No dataset has all words as written; these have words spelled alike."
    )
    searched: bool = Field(
        description="False while the index is being made: then these are the newest datasets,"
        " whatever was asked."
    )


@router.get("/search", summary="Search the catalogue")
def find(
    question: Annotated[Question, Query()], session: ReadingDep, runtime: RuntimeDep, at: NowDep
) -> FoundShape:
    """Published datasets alone, the same for everyone; at most about a second behind.

    At most 1,000 can be paged through. A value stands in a facet where ten items of the dataset
    have it.
    """
    return _shape(search(session, runtime.search, question.search(), at=at))


def _shape(found: Results) -> FoundShape:
    return FoundShape(
        items=[dataset_shape(listing) for listing in found.listings],
        next_cursor=closed("{}:{}".format(*found.following)) if found.following else None,
        total=found.total,
        facets={
            name: [CountShape(value=value, datasets=count) for value, count in values]
            for name, values in found.facets.items()
        },
        similar=found.similar,
        searched=found.searched,
    )


def _after(cursor: str | None) -> tuple[int, str]:
    if cursor is None:
        return 0, ""
    place = _PLACE.fullmatch(opened(cursor))
    if place is None or int(place[1]) > 1_000:
        raise foreign_cursor()
    return int(place[1]), place[2]
