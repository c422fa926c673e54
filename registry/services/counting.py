"""How a request fares over an edition: by stored counts of equal items, as the ledger leaves them.

What the ledger closes is denied above the policy, like a hard block, but it is told: it stands in
the totals with its own reason. Withdrawn items stand in none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from catalog.ledger import Standing
from catalog.ledger_tables import EditionCount
from policies import Decision, Line, Outcome, Prospect, Summary, summarise
from registry.recent import Recent
from registry.services.catalogue import rights_classes

Facts = Mapping[str, object]

CLOSED = "ledger-closed"
"""Reason code of what the rights ledger closes."""
_NL = "Het rechtenregister sluit deze items hier, bijvoorbeeld om een geschil of een voorbehoud."
_EN = "The rights ledger closes these items here, for instance over a dispute or an opt-out."
_classes: Recent[tuple[str, int], "Classes"] = Recent(256)


@dataclass(frozen=True)
class Classes:
    """An edition's items in classes of equal facts, as of a moment of the ledger."""

    moment: int
    counted: Sequence[tuple[Facts, str, int]]

    def everything(self) -> list[tuple[Facts, int]]:
        """All classes, also those that the ledger closes somewhere."""
        return [(facts, items) for facts, _, items in self.counted]

    def open_in(self, country: str | None) -> list[tuple[Facts, int]]:
        """The classes that the ledger leaves open to who processes in this country."""
        return [
            (facts, items)
            for facts, closed_in, items in self.counted
            if not Standing("", closed_in=closed_in).closes(country)
        ]

    def closed_in(self, country: str | None) -> list[tuple[Facts, int]]:
        """The classes that the ledger closes there."""
        return [
            (facts, items)
            for facts, closed_in, items in self.counted
            if Standing("", closed_in=closed_in).closes(country)
        ]


def classes_of(session: Session, edition_id: str) -> Classes:
    """The edition's classes as last counted; read once for each moment of its ledger."""
    counted = select(EditionCount.moment).where(col(EditionCount.edition_id) == edition_id)
    moment = session.exec(counted).one_or_none() or 0
    classes = _classes.get((edition_id, moment))
    if classes is None:
        classes = _classes[edition_id, moment] = _read(session, edition_id, moment)
    return classes


def _read(session: Session, edition_id: str, moment: int) -> Classes:
    if not moment:
        imported = rights_classes(session, edition_id)
        return Classes(0, [(facts, "", items) for facts, items in imported])
    stored = session.get_one(EditionCount, edition_id).classes
    return Classes(moment, [(_facts(one), one["closed_in"], one["items"]) for one in stored])


def _facts(stored: Mapping[str, Any]) -> dict[str, object]:
    facts = dict(stored["facts"])
    if facts["embargo_until"] is not None:
        facts["embargo_until"] = date.fromisoformat(facts["embargo_until"])
    return facts


def judged(answer: Prospect | Decision, classes: Classes, *, advise: bool = True) -> Summary:
    """The answer over the whole edition, with what the ledger closes told apart."""
    country = answer.request.place.country
    summary = summarise(answer, classes.open_in(country), advise=advise)
    closed = classes.closed_in(country)
    if not closed:
        return summary
    items = sum(count for _, count in closed)
    rights = tuple(sorted({str(facts["rights"]) for facts, _ in closed}))
    line = Line(Outcome.DENY, None, CLOSED, items, _NL, _EN, rights)
    denied = summary.counts[Outcome.DENY] + items
    return replace(
        summary,
        total=summary.total + items,
        counts={**summary.counts, Outcome.DENY: denied},
        lines=(*summary.lines, line),
    )


def permitted_rows(decision: Decision, classes: Classes) -> dict[str, int]:
    """Permitted items per rights statement, by the stored counts."""
    rows: dict[str, int] = {}
    for facts, items in classes.open_in(decision.request.place.country):
        if decision.verdict(facts).outcome is Outcome.PERMIT:
            statement = str(facts["rights"])
            rows[statement] = rows.get(statement, 0) + items
    return dict(sorted(rows.items()))
