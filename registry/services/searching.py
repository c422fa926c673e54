"""Search, alike for everyone: words, facets, order, and “may I use this?” as a filter.

Nothing here is an act: it is the catalogue, looked at in another way. The index knows of published
datasets alone, and those that are shown are looked up in the database, which has the last word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from sqlmodel import Session

from catalog.search.asking import Found, Order, Wanted, ask, example_of, terms_in
from catalog.search.folder import SearchIndex
from catalog.search.generation import FACETS, Generation
from registry.recent import Recent
from registry.services.accounts import Command
from registry.services.asking import Use, offered, outcome_of
from registry.services.catalogue import Listing, list_datasets, listings_of
from registry.services.indexing import terms_of

Value = Annotated[str, StringConstraints(max_length=300)]
Values = Annotated[tuple[Value, ...], Field(max_length=20)]
_OPEN = {
    "permit": frozenset({"permit", "permit_with_duties"}),
    "review": frozenset({"permit", "permit_with_duties", "review"}),
}
_outcomes: Recent[tuple[object, ...], str] = Recent(100_000)


class Search(Command):
    """What is looked for.

    :param use: only datasets that this question opens, at once (``permit``) or at once or after
        the archive's yes (``review``).
    :param after: where the page before ended.
    """

    q: Annotated[str, StringConstraints(max_length=200)] = ""
    archive: Values = ()
    licence: Values = ()
    rightsholder: Values = ()
    language: Values = ()
    medium: Values = ()
    period: Values = ()
    use: Use | None = None
    outcome: Literal["permit", "review"] = "review"
    order: Order = "relevance"
    after: tuple[Annotated[int, Field(ge=0, le=1000)], Annotated[str, Field(max_length=40)]] = (
        0,
        "",
    )
    limit: Annotated[int, Field(ge=1, le=200)] = 25

    @property
    def chosen(self) -> Mapping[str, Sequence[str]]:
        """The values that were chosen, by facet."""
        return {name: getattr(self, name) for name in FACETS}


@dataclass(frozen=True)
class Results:
    """A page of what was found.

    :param total: how many there are in all.
    :param following: where the next page begins; ``None`` at the end.
    :param similar: words were taken as misspelled.
    :param searched: ``False`` while the index is being made: then these are the newest datasets,
        whatever was asked.
    """

    listings: Sequence[Listing]
    total: int
    facets: Mapping[str, Sequence[tuple[str, int]]]
    following: tuple[int, str] | None
    similar: bool = False
    searched: bool = True


def search(session: Session, index: SearchIndex, wanted: Search, *, at: datetime) -> Results:
    """What there is on this question.

    :raises InvalidInput: the question of use has a word that no policy knows.
    """
    if wanted.use is not None:
        wanted.use.on("a/b@1", at)
    generation = index.current
    if generation is not None:
        try:
            return _searched(session, generation, wanted, at)
        except (ValueError, OSError):
            index.give_up(generation.folder.name)
    return _newest(session, wanted)


def _searched(session: Session, generation: Generation, wanted: Search, at: datetime) -> Results:
    terms = None
    if wanted.use is not None:
        terms = open_terms(session, generation, wanted.use, wanted.outcome, at)
    found: Found = ask(
        generation,
        Wanted(
            words=wanted.q,
            chosen=wanted.chosen,
            terms=terms,
            order=wanted.order,
            after=wanted.after,
            limit=wanted.limit,
        ),
    )
    return Results(
        listings=listings_of(session, None, found.ids),
        total=found.total,
        facets=found.facets,
        following=(found.start + len(found.ids), found.ids[-1]) if found.more else None,
        similar=found.similar,
    )


def _newest(session: Session, wanted: Search) -> Results:
    """The plain list, from the database."""
    after = wanted.after[1] or None
    rows = list_datasets(session, None, after=after, limit=wanted.limit + 1)
    shown = rows[: wanted.limit]
    more = len(rows) > len(shown)
    following = (0, shown[-1].dataset.id) if more else None
    return Results(shown, len(shown), dict.fromkeys(FACETS, ()), following, searched=False)


def open_terms(
    session: Session, generation: Generation, use: Use, outcome: str, at: datetime
) -> frozenset[str]:
    """The terms that answer this question well enough: one pre-check for all datasets alike."""
    asked = (*use.model_dump().values(), at.replace(second=0, microsecond=0))
    return frozenset(
        terms
        for terms in terms_in(generation)
        if _outcome(session, generation, use, terms, asked, at) in _OPEN[outcome]
    )


def _outcome(
    session: Session,
    generation: Generation,
    use: Use,
    terms: str,
    asked: tuple[object, ...],
    at: datetime,
) -> str:
    key = (terms, *asked)
    known = _outcomes.get(key)
    if known is not None:
        return known
    example = example_of(generation, terms)
    for listing in listings_of(session, None, [example] if example else []):
        if terms_of(session, listing) == terms:
            found = offered(listing, "dataset")
            _outcomes[key] = outcome_of(session, found, use.on(found.reference, at))
            return _outcomes[key]
    return ""  # nothing has these terms any longer
