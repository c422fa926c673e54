"""A question to the index and its answer: words, chosen facets, terms, order, and counts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tantivy import DocAddress, Occur, Query, Searcher

from catalog.search.analysis import DUTCH, words_of
from catalog.search.generation import FACETS, TEXTS, Generation

Order = Literal["relevance", "newest", "largest"]
MOST_FOUND = 1_000
"""Datasets that can be paged through; beyond them a question must say more."""
_MOST_WORDS = 12
_MOST_VALUES = 20
_ORDERED_BY = {"newest": "newest", "largest": "items"}
_FORGIVING = 4
"""Shortest word in which a typing error is forgiven; two are in words twice as long."""


@dataclass(frozen=True)
class Wanted:
    """What is asked.

    :param chosen: by facet, values of which a dataset has at least one.
    :param terms: digests of terms of which a dataset has one; ``None``: whatever its terms.
    :param after: place and id of the last dataset that was shown; the id keeps the place where
        datasets came or went in the meantime.
    """

    words: str = ""
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    terms: frozenset[str] | None = None
    order: Order = "relevance"
    after: tuple[int, str] = (0, "")
    limit: int = 20


@dataclass(frozen=True)
class Found:
    """What there is.

    :param ids: datasets in order, from beyond the last one that was shown.
    :param start: place of the first of them.
    :param facets: by facet, values with how many of the datasets have each, most first.
    :param similar: no dataset has all the words as written: these have some that are spelled alike.
    """

    ids: Sequence[str]
    start: int
    more: bool
    total: int
    facets: Mapping[str, Sequence[tuple[str, int]]]
    similar: bool = False


def ask(generation: Generation, wanted: Wanted) -> Found:
    """What the generation has on this question."""
    words = words_of(wanted.words, _MOST_WORDS)
    if wanted.words.strip() and not words:
        return Found((), 0, False, 0, dict.fromkeys(FACETS, ()))
    searcher = generation.searcher
    asked = [_word(generation, word) for word in words]
    found = _answered(generation, searcher, asked, wanted)
    if found.total or not words:
        return found
    forgiven = [
        one if _has(searcher, one) else _alike(generation, word)
        for one, word in zip(asked, words, strict=True)
    ]
    again = _answered(generation, searcher, forgiven, wanted)
    return replace(again, similar=again.total > 0)


def terms_in(generation: Generation) -> list[str]:
    """The digests of terms that datasets have, or lately had."""
    return [terms for terms, _ in generation.searcher.terms_with_prefix("terms", "") if terms]


def example_of(generation: Generation, terms: str) -> str | None:
    """The id of a dataset that has these terms."""
    searcher = generation.searcher
    hits = searcher.search(_one_of(generation, "terms", (terms,)), 1, count=False).hits
    return _id(searcher, hits[0][1]) if hits else None


def _answered(
    generation: Generation, searcher: Searcher, asked: Sequence[Query], wanted: Wanted
) -> Found:
    query = _query(generation, asked, wanted)
    place, last = wanted.after
    # As many more as a page, lest the last one shown has moved on a little.
    most = min(MOST_FOUND, place + 2 * wanted.limit + 1)
    order = _ORDERED_BY.get(wanted.order) or (None if asked else "newest")
    result = searcher.search(query, most, count=True, order_by_field=order)
    # Of what was shown before, only the place of the last matters.
    near = max(0, place - wanted.limit - 1)
    ids = [_id(searcher, address) for _, address in result.hits[near:]]
    start = ids.index(last) + 1 if last in ids else min(place - near, len(ids))
    shown = ids[start : start + wanted.limit]
    more = len(ids) > start + wanted.limit and near + start + len(shown) < MOST_FOUND
    total: int = result.count  # type: ignore[attr-defined] # the stub lacks it
    return Found(shown, near + start, more, total, _counted(searcher, query))


def _counted(searcher: Searcher, query: Query) -> dict[str, Sequence[tuple[str, int]]]:
    asked = {name: {"terms": {"field": name, "size": _MOST_VALUES}} for name in FACETS}
    told = searcher.aggregate(query, asked)
    return {
        name: tuple((one["key"], one["doc_count"]) for one in told[name]["buckets"])
        for name in FACETS
    }


def _query(generation: Generation, asked: Sequence[Query], wanted: Wanted) -> Query:
    chosen = [_one_of(generation, name, values) for name, values in wanted.chosen.items() if values]
    if wanted.terms is not None:
        chosen.append(_one_of(generation, "terms", sorted(wanted.terms)))
    filters = [Query.const_score_query(one, 0.0) for one in chosen]
    if not asked and not filters:
        return Query.all_query()
    return Query.boolean_query([(Occur.Must, one) for one in (*asked, *filters)])


def _one_of(generation: Generation, name: str, values: Sequence[str]) -> Query:
    if len(values) == 1:
        return Query.term_query(generation.schema, name, values[0], "basic")
    return Query.term_set_query(generation.schema, name, list(values))


def _word(generation: Generation, word: str) -> Query:
    """Datasets with this word in any text; of a compound, all its parts."""
    return _any_text(generation, word, lambda name, term: _exact(generation, name, term))


def _alike(generation: Generation, word: str) -> Query:
    """Datasets with a word that is spelled like this one."""
    if len(word) < _FORGIVING:
        return _word(generation, word)
    errors = 1 if len(word) < 2 * _FORGIVING else 2
    whole = _any_text(generation, word, lambda name, term: _fuzzy(generation, name, term, errors))
    cuts = range(_FORGIVING, len(word) - _FORGIVING + 1)
    halves = ((word[:cut], word[cut:]) for cut in cuts)
    return Query.boolean_query(
        [(Occur.Should, one) for one in (whole, *(_halves(generation, *two) for two in halves))]
    )


def _halves(generation: Generation, *halves: str) -> Query:
    """Datasets with two words like these in one text: of a misspelled compound no part is known."""
    either = []
    for name, (language, _) in TEXTS.items():
        if language == DUTCH:
            terms = [
                term for half in halves for term in generation.analysers[language].analyze(half)
            ]
            found = _all([_fuzzy(generation, name, term, 1) for term in terms])
            either.append((Occur.Should, Query.const_score_query(found, 1.0)))
    return Query.boolean_query(either)


def _fuzzy(generation: Generation, name: str, term: str, errors: int) -> Query:
    return Query.fuzzy_term_query(generation.schema, name, term, errors)


def _exact(generation: Generation, name: str, term: str) -> Query:
    return Query.term_query(generation.schema, name, term, "freq")


def _any_text(generation: Generation, word: str, look: Callable[[str, str], Query]) -> Query:
    fields = []
    for name, (language, weight) in TEXTS.items():
        terms = generation.analysers[language].analyze(word)
        found = _all([look(name, term) for term in dict.fromkeys(terms)])
        fields.append((Occur.Should, Query.boost_query(found, weight)))
    return Query.boolean_query(fields)


def _all(queries: Sequence[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Must, one) for one in queries])


def _has(searcher: Searcher, query: Query) -> bool:
    return bool(searcher.search(query, 1, count=False).hits)


def _id(searcher: Searcher, address: DocAddress) -> str:
    return str(searcher.doc(address)["id"][0])
