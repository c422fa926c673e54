"""An answer over counted classes of items: shares, reasons and the smallest change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policies.change import Change, smallest_change
from policies.decision import Decision, Prospect
from policies.signature import Signature
from policies.verdict import ItemVerdict, Outcome, Reason


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
class Summary:
    """How a request fares over a whole edition.

    ``outcome`` is the best that any item gets: permit if some items are permitted, else review
    if some are reviewed, else deny. A line's items are counted under their first reason only, so
    lines add up to ``total``.
    """

    total: int
    counts: dict[Outcome, int]
    lines: tuple[Line, ...]
    outcome: Outcome
    change: Change | None


@dataclass(slots=True)
class _Group:
    """Items that the policy cannot tell apart."""

    item: Mapping[str, object]
    count: int = 0
    rights: set[str] = field(default_factory=set)


def summarise(
    answer: Prospect | Decision,
    classes: Iterable[tuple[Mapping[str, object], int]],
    *,
    advise: bool = True,
) -> Summary:
    """Judge every class of equal items (facts, count) once, and add up.

    :param advise: look for the smallest change that would help, which costs most of the time.
    """
    groups: dict[Signature, _Group] = {}
    signature_of = answer.signature
    for facts, count in classes:
        signature = signature_of(facts)
        if (group := groups.get(signature)) is None:
            group = groups[signature] = _Group(facts)
        group.count += count
        group.rights.add(str(facts.get("rights")))
    judged = [(answer.verdict(group.item), group) for group in groups.values()]
    counts = dict.fromkeys(Outcome, 0)
    for verdict, group in judged:
        counts[verdict.outcome] += group.count
    representatives = [(group.item, group.count) for group in groups.values()]
    return Summary(
        total=sum(counts.values()),
        counts=counts,
        lines=_lines(judged),
        outcome=next((outcome for outcome in Outcome if counts[outcome]), Outcome.DENY),
        change=smallest_change(answer, representatives, counts) if advise else None,
    )


def _lines(judged: list[tuple[ItemVerdict, _Group]]) -> tuple[Line, ...]:
    """One line per outcome, rule and reason code; most items first within an outcome."""
    merged: dict[tuple[Outcome, Reason, bool], tuple[int, set[str]]] = {}
    for verdict, group in judged:
        key = (verdict.outcome, verdict.reasons[0], verdict.secure_only)
        count, rights = merged.get(key, (0, set()))
        merged[key] = (count + group.count, rights | group.rights)
    lines = [
        Line(outcome, r.rule, r.code, count, r.nl, r.en, tuple(sorted(rights)), secure_only)
        for (outcome, r, secure_only), (count, rights) in merged.items()
    ]
    order = list(Outcome)
    return tuple(sorted(lines, key=lambda n: (order.index(n.outcome), -n.count, n.code, n.nl)))
