"""What the search index keeps of a dataset, and keeping it so while the database changes.

The index holds published datasets alone, and of each only what its page shows to anyone: titles,
descriptions, the archive, statements and rightsholders of ten items or more, and the values that
its public statistics tell. What nobody may see is not in it, so no count can tell of it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from catalog.description import Description
from catalog.description_tables import DatasetDescription, description_of
from catalog.listing_tables import ListingChange
from catalog.search.folder import SearchIndex
from catalog.search.generation import LAYOUT, Generation, Listed, State
from catalog.tables import Dataset
from registry.changes import Changes
from registry.clock import Clock
from registry.db import reading
from registry.digests import digest
from registry.services.asking import FEWEST
from registry.services.catalogue import Listing, listings_of, microseconds
from registry.services.counting import Classes, classes_of
from registry.services.describing import told_of

MARGIN = timedelta(minutes=2)
"""Longer than an act may take between saying when it changed a listing and its commit."""
_AT_ONCE = 200
_COLUMNS: Mapping[str, frozenset[str]] = {
    "language": frozenset({"language", "taal", "lang", "in_language", "inlanguage"}),
    "medium": frozenset({"medium", "media_type", "media", "type", "soort", "format", "drager"}),
    "period": frozenset({"year", "jaar", "date", "datum", "created", "date_created", "period"}),
}
"""Names of columns from whose public statistics a facet is made."""
_YEAR = re.compile(r"\d{4}")
_LONGEST_PERIOD = 100
"""Decades that a dataset may span to be found by them."""


class Keeper:
    """Keeps one process's view of the index up to date, and the index itself when it is its turn.

    :param index: shared by the processes of this machine.
    """

    def __init__(self, engine: Engine, index: SearchIndex, changes: Changes, clock: Clock) -> None:
        self._engine, self._index, self._changes, self._clock = engine, index, changes, clock
        self._mark: object = None

    def round(self) -> None:
        """Make the index where there is none to use; write into it what was committed since."""
        self._index.look()
        current = self._index.current
        if current is None or _outgrown(current):
            made = rebuild(self._engine, self._index, self._clock, wait=False)
            if current is None or made is not None:
                return
        mark = self._changes.mark()
        if mark == self._mark:
            return
        with self._index.turn("write", wait=False) as mine:
            if mine:
                catch_up(self._engine, current, self._clock())
                self._mark = mark
        self._index.look()


def rebuild(engine: Engine, index: SearchIndex, clock: Clock, *, wait: bool) -> Generation | None:
    """Make a new generation of all there is, while the one before is searched and written to.

    :param wait: for another process that is making one; else leave it to that.
    """
    with index.turn("make", wait=wait) as mine:
        if not mine:
            return None
        began = microseconds(clock())
        made = Generation.make(index.new_folder(), _everything(engine, clock()), began)
        with index.turn("write", wait=True):
            catch_up(engine, made, clock())
            index.install(made)
        return made


def catch_up(engine: Engine, generation: Generation, at: datetime) -> None:
    """Write into a generation what was committed since it was last kept."""
    state = generation.state
    since = state.upto - int(MARGIN.total_seconds()) * 1_000_000
    with reading(engine) as session:
        rows = session.exec(select(ListingChange).where(col(ListingChange.at) >= since)).all()
    marks = {row.dataset_id: row.mark for row in rows}
    changed = [one for one, mark in marks.items() if state.recent.get(one) != mark]
    for start in range(0, len(changed), _AT_ONCE):
        chunk = changed[start : start + _AT_ONCE]
        with reading(engine) as session:
            now = {one.id: one for one in _listed(session, chunk, at)}
        generation.replace({one: now.get(one) for one in chunk})
    if changed:
        upto = max(row.at for row in rows)
        generation.keep(State(LAYOUT, max(upto, state.upto), state.datasets, marks))


def _outgrown(generation: Generation) -> bool:
    """Whether most datasets came after the parts of compounds were chosen."""
    return generation.searcher.num_docs > 2 * generation.state.datasets


def _everything(engine: Engine, at: datetime) -> Iterator[Listed]:
    last = ""
    while True:
        with reading(engine) as session:
            query = select(Dataset.id).where(col(Dataset.state) == "published")
            query = query.where(col(Dataset.id) > last).order_by(col(Dataset.id)).limit(_AT_ONCE)
            ids = list(session.exec(query))
            yield from _listed(session, ids, at)
        if not ids:
            return
        last = ids[-1]


def _listed(session: Session, ids: Sequence[str], at: datetime) -> list[Listed]:
    return [listed(session, one, at) for one in listings_of(session, None, ids)]


def listed(session: Session, listing: Listing, at: datetime) -> Listed:
    """What anyone may know of a published dataset, as the index keeps it."""
    dataset, edition, offer = listing.dataset, listing.edition, listing.offer
    classes = classes_of(session, edition.id) if edition else None
    told = told_of(session, offer, at=at) if offer else None
    columns = [one for one in told["columns"] if one["described"]] if told else []
    values = [value for one in columns for value, _ in one["values"]]
    everywhere = " ".join((listing.archive.name, *values))
    said = description_of(session.get(DatasetDescription, dataset.id))
    facets = {"archive": [listing.archive.slug], **_of_rights(classes)}
    facets |= _of_columns([*columns, *_as_columns(said)])
    return Listed(
        id=dataset.id,
        title_nl=dataset.title_nl,
        title_en=dataset.title_en,
        text_nl=" ".join((dataset.description_nl, *said.keywords_nl, everywhere)),
        text_en=" ".join((dataset.description_en, *said.keywords_en, everywhere)),
        newest=microseconds(edition.published_at if edition else dataset.created_at),
        items=edition.items if edition else 0,
        terms=terms_of(session, listing),
        facets=facets,
    )


def _as_columns(said: Description) -> list[dict[str, Any]]:
    """Languages and period that the archive names, in the form of public statistics."""
    return [
        {"name": "language", "values": [(one, None) for one in said.languages]},
        {"name": "period", "least": said.begins, "most": said.ends or said.begins},
    ]


def terms_of(session: Session, listing: Listing) -> str:
    """A digest of all that the answer to a question about this dataset depends on."""
    if listing.edition is None or listing.offer is None:
        return ""
    document = json.dumps(listing.offer.document, sort_keys=True)
    for own in (listing.reference, listing.offer.id, f"/organisations/{listing.archive.slug}"):
        document = document.replace(own, "")
    # Without sizes: the best that a part of the items gets does not depend on them.
    rights = {
        json.dumps([facts, closed_in], sort_keys=True, default=str)
        for facts, closed_in, items in classes_of(session, listing.edition.id).counted
        if items
    }
    return digest({"offer": document, "rights": sorted(rights)})


def _of_rights(classes: Classes | None) -> dict[str, list[str]]:
    counts: dict[str, Counter[str]] = {"rights": Counter(), "rightsholder": Counter()}
    for facts, items in classes.everything() if classes else ():
        counts["rights"][str(facts["rights"] or "")] += items
        if facts["personal_data"] == "none":
            counts["rightsholder"][str(facts["rightsholder"] or "")] += items
    shown = {
        name: sorted(value for value, items in counter.items() if value and items >= FEWEST)
        for name, counter in counts.items()
    }
    return {"licence": shown["rights"], "rightsholder": shown["rightsholder"]}


def _of_columns(columns: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {name: set() for name in _COLUMNS}
    for column in columns:
        for name, known in _COLUMNS.items():
            if column["name"].lower() in known:
                told = _decades(column) if name == "period" else [v for v, _ in column["values"]]
                found[name].update(told)
    return {name: sorted(values) for name, values in found.items()}


def _decades(column: Mapping[str, Any]) -> list[str]:
    years = [_YEAR.match(str(column[end] or "")) for end in ("least", "most")]
    if years[0] is None or years[1] is None:
        return []
    first, last = (int(year[0]) // 10 * 10 for year in years if year)
    if last - first > 10 * _LONGEST_PERIOD:
        return []
    return [str(decade) for decade in range(first, last + 1, 10)]
