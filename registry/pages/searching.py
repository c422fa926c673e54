"""The catalogue: a search box, filters, facets with counts, and the datasets they lead to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from catalog.licences import statement
from catalog.search.generation import FACETS
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, language_of
from registry.errors import InvalidInput, RegistryError
from registry.pages.forms import Posted, filled, query_of
from registry.pages.precheck import Asked
from registry.pages.rendering import render
from registry.pages.visiting import VisitorDep
from registry.pages.words import Words
from registry.services.asking import Use
from registry.services.catalogue import archive_names, list_datasets
from registry.services.searching import Results, Search, search

router = APIRouter(include_in_schema=False)

PAGE = 25
_KEPT = frozenset(
    ("q", "may", "use", "user_class", "purpose", "country", "operator_country", "secure", "order")
).union(FACETS)


@dataclass(frozen=True)
class Question:
    """What is looked for, as the address says it."""

    said: Posted
    asked: Asked

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked: the plain list."""
        return not any(self.said.text(name) for name in ("q", "may", "order", *FACETS))

    def search(self) -> Search:
        """The question as the service takes it, or `InvalidInput`."""
        return filled(
            Search,
            q=self.said.text("q"),
            use=self._use(),
            outcome=self.said.text("may") or "review",
            order=self.said.text("order") or "relevance",
            after=_place(self.said.text("after")),
            limit=PAGE,
            **{name: self.said.all(name) for name in FACETS},
        )

    def _use(self) -> Use | None:
        if not self.said.text("may"):
            return None
        about = self.asked.about("a/b").question().model_dump(exclude={"datasets"})
        return Use.model_validate(about)

    def link(self, *added: tuple[str, str], without: tuple[str, str] = ("", "")) -> str:
        """The address of this question with something more, or less."""
        kept = [
            pair
            for pair in self.said.pairs()
            if pair[0] in _KEPT and pair[1].strip() and pair != without
        ]
        return f"/datasets?{urlencode([*kept, *added])}"


@dataclass(frozen=True)
class FacetValue:
    """A value one can choose, or did: where that leads, and how many datasets have it."""

    text: str
    count: int
    chosen: bool
    link: str


@router.get("/datasets")
def list_of_datasets(
    request: Request, visitor: VisitorDep, session: ReadingDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """What there is: newest first, or what was looked for."""
    said = query_of(request)
    question = Question(said, Asked.read(said, visitor))
    error: RegistryError | None = None
    try:
        found = search(session, runtime.search, question.search(), at=at)
    except InvalidInput as wrong:
        error, question = wrong, Question(Posted({}), Asked.by(visitor))
        found = search(session, runtime.search, question.search(), at=at)
    after = said.text("after")
    listed: dict[str, Any] = {"listings": found.listings, "following": _following(question, found)}
    if question.is_empty:
        rows = list_datasets(session, visitor, after=after or None, limit=PAGE + 1)
        more = f"/datasets?after={rows[PAGE - 1].dataset.id}" if len(rows) > PAGE else ""
        listed = {"listings": rows[:PAGE], "following": more}
    return render(
        request,
        "datasets.html",
        status=error.status if error else 200,
        error=error,
        question=question,
        said=said,
        asked=question.asked,
        found=found,
        facets=_facets(session, question, found, Words(language_of(request))),
        first=question.link() if after else "",
        **listed,
    )


def _following(question: Question, found: Results) -> str:
    if found.following is None:
        return ""
    place, last = found.following
    return question.link(("after", f"{place}:{last}"))


def _place(said: str) -> tuple[int, str]:
    """Where the page before ended; of the plain list only its last dataset is said."""
    place, colon, last = said.rpartition(":")
    return (int(place), last) if colon and place.isdecimal() else (0, "")


def _facets(
    session: Session, question: Question, found: Results, t: Words
) -> Mapping[str, Sequence[FacetValue]]:
    """By facet, what can be chosen; chosen values first, also those that nothing has any longer."""
    archives = archive_names(session, [value for value, _ in found.facets["archive"]])
    told = {}
    for name in FACETS:
        chosen, counts = question.said.all(name), dict(found.facets[name])
        values = [*chosen, *(value for value in counts if value not in chosen)]
        told[name] = [
            FacetValue(
                archives.get(value, value) if name == "archive" else _text(name, value, t),
                counts.get(value, 0),
                value in chosen,
                question.link(without=(name, value))
                if value in chosen
                else question.link((name, value)),
            )
            for value in values
        ]
    return {name: values for name, values in told.items() if values}


def _text(name: str, value: str, t: Words) -> str:
    known = statement(value) if name == "licence" else None
    if known is not None:
        return t.pick(known)
    return t("search.decade", first=value) if name == "period" else value
