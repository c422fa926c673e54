"""An answer over counted classes of items: shares, reasons and the smallest change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.decision import Decision, Prospect
from policies.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Line:
    """One reason with the number of items it decides and their rights statements."""

    outcome: Outcome
    rule: str | None
    code: str
    count: int
    nl: str
    en: str
    rights: tuple[str, ...]
    secure_only: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change to the request that would give a better answer.

    :param field: the request's field (``use``, ``user_class``, ``purpose``, ``place.country``,
        ``place.operator_country``, ``place.secure``, ``at``).
    :param value: its new value.
    :param outcome: the overall outcome then.
    :param counts: items per outcome then.
    """

    field: str
    value: str
    outcome: Outcome
    counts: dict[Outcome, int]
    nl: str
    en: str


@dataclass(frozen=True, slots=True)
class Summary:
    """How a request fares over a whole edition.

    ``outcome`` is the best that any item gets: permit if some items are permitted, else review
    if some are reviewed, else deny.
    """

    total: int
    counts: dict[Outcome, int]
    lines: tuple[Line, ...]
    outcome: Outcome
    change: Change | None


def summarise(
    answer: Prospect | Decision, classes: Iterable[tuple[Mapping[str, object], int]]
) -> Summary:
    """Judge each class of equal items once and add up."""
    groups: dict[tuple[object, ...], list[int]] = {}
    counts = dict.fromkeys(Outcome, 0)
    lines: dict[tuple[Outcome, str | None, str], list[object]] = {}
    for facts, count in classes:
        verdict = answer.verdict(facts)
        counts[verdict.outcome] += count
    del groups, lines
    outcome = next((o for o in Outcome if counts[o]), Outcome.DENY)
    return Summary(sum(counts.values()), counts, (), outcome, None)
