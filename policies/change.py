"""The smallest change to a request that would give it a better answer.

Candidates are read off the policy itself: the values its conditions name for what the request
tells, and the uses it distinguishes. Each is tried by deciding again, one field at a time and, if
none helps, two; only rules that hear the difference are read again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from policies.decision import Decision, Prospect
from policies.evaluation import asked_otherwise
from policies.policy import Rule
from policies.regions import members, region_label
from policies.request import Request
from policies.residual import Residual, conditions_of, covers, leaves, residual
from policies.verdict import Outcome
from policies.vocabulary import OPERANDS, USES, label, wider

_EASE = ("secure", "purpose", "country", "operator_country", "use", "user_class")
"""What a requester can change, easiest first; it settles ties."""

Counted = list[tuple[Mapping[str, object], int]]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one or two fields and what it would lead to.

    :param fields: new values by field: ``use``, ``user_class``, ``purpose``, ``country`` and
        ``operator_country`` (a region that will do), ``secure`` (``true``).
    :param counts: items per outcome then.
    """

    fields: dict[str, str]
    outcome: Outcome
    counts: dict[Outcome, int]
    nl: str
    en: str


def smallest_change(
    answer: Prospect | Decision, items: Counted, counts: dict[Outcome, int]
) -> Change | None:
    """The change that permits most items, in as few fields as possible; None if none helps."""
    if answer.void or counts[Outcome.PERMIT] == sum(counts.values()):
        return None
    fields, readings = list(_candidates(answer)), _Readings(answer)
    for size in (1, 2):
        changes = (dict(chosen) for chosen in combinations(fields, size))
        tried = [(_count(answer, readings, change, items), change) for change in changes]
        better = [
            (_merit(new), new, change) for new, change in tried if _merit(new) > _merit(counts)
        ]
        if better:
            _, new, change = max(better, key=lambda found: found[0])
            return _change(change, new)
    return None


def _merit(counts: dict[Outcome, int]) -> tuple[int, int]:
    return counts[Outcome.PERMIT], counts[Outcome.REVIEW]


def _candidates(answer: Prospect | Decision) -> Iterator[tuple[str, str]]:
    """Field and value, easiest field first; values that the request already has are left out."""
    found: dict[str, dict[str, None]] = {name: {} for name in _EASE}
    for left in answer.residuals:
        for constraint in leaves(conditions_of(left.rule)):
            name = OPERANDS[constraint.left].fact if constraint.left in OPERANDS else ""
            if name in found and name != "secure":
                found[name].update(dict.fromkeys(map(str, constraint.right)))
            elif name == "secure":
                found[name]["true"] = None
    found["use"] = dict.fromkeys(_uses(answer))
    for name, values in found.items():
        yield from ((name, v) for v in values if _with(answer.request, name, v) != answer.request)


def _uses(answer: Prospect | Decision) -> Iterator[str]:
    """Uses that some rule tells apart from the asked one; wider ones are never proposed."""
    named = {left.rule.action or "odrl:use" for left in answer.residuals}
    asked = answer.request.action
    for term in USES:
        told_apart = (wider(term) & named) != (wider(asked) & named) or asked in wider(term)
        if term not in wider(asked) and told_apart and named - wider("vg:any"):
            yield term.removeprefix("vg:")


def _with(request: Request, name: str, value: str) -> Request:
    """The request with one field changed; a region stands for a country in it."""
    match name:
        case "country":
            return replace(request, place=replace(request.place, country=_example(value)))
        case "operator_country":
            return replace(request, place=replace(request.place, operator_country=_example(value)))
        case "secure":
            return replace(request, place=replace(request.place, secure=True))
        case "purpose":
            return replace(request, purpose=value)
        case "user_class":
            return replace(request, user_class=value)
        case _:
            return replace(request, use=value)


def _example(region: str) -> str:
    return "NL" if "NL" in members(region) else min(members(region))


class _Readings:
    """The rules read for other requests: a rule that hears no difference is not read again."""

    def __init__(self, answer: Prospect | Decision) -> None:
        self._answer = answer
        self._heard = [_heard(left) for left in answer.residuals]
        self._kept: dict[object, Residual] = {}

    def of(self, request: Request, change: Mapping[str, str]) -> Iterator[Residual]:
        """Residuals for the request, which is the first one with this change.

        Rules about another use are left out: they apply to no item.
        """
        action = self._answer.request.action
        for place, left in enumerate(self._answer.residuals):
            rule, facts = left.rule, self._heard[place]
            if not _covers(rule, request.action):
                continue
            said = tuple(one for one in change.items() if one[0] in facts)
            if not said and _covers(rule, action):
                yield left
                continue
            key = (place, said)
            if key not in self._kept:
                self._kept[key] = residual(rule, request, self._answer.world)
            yield self._kept[key]


def _heard(left: Residual) -> frozenset[str]:
    """The facts that the rule's conditions ask for."""
    asked = (constraint.left for constraint in leaves(conditions_of(left.rule)))
    return frozenset(OPERANDS[operand].fact for operand in asked if operand in OPERANDS)


def _covers(rule: Rule, action: str) -> bool:
    return rule.action is None or covers(rule.effect, rule.action, action)


def _count(
    answer: Prospect | Decision, readings: _Readings, change: Mapping[str, str], items: Counted
) -> dict[Outcome, int]:
    request = answer.request
    for name, value in change.items():
        request = _with(request, name, value)
    other = asked_otherwise(answer, request, tuple(readings.of(request, change)))
    counts = dict.fromkeys(Outcome, 0)
    for item, count in items:
        counts[other.outcome(item)] += count
    return counts


def _change(fields: dict[str, str], counts: dict[Outcome, int]) -> Change:
    outcome = next(outcome for outcome in Outcome if counts[outcome])
    nl, en = ("; ".join(_phrase(n, v, lang) for n, v in fields.items()) for lang in ("nl", "en"))
    return Change(
        fields, outcome, counts, f"Het antwoord wordt beter met {nl}.", f"It improves with {en}."
    )


def _phrase(name: str, value: str, language: str) -> str:
    if name == "use":
        return {"nl": "als gebruik: ", "en": "as the use: "}[language] + label(
            f"vg:{value}", language
        )
    term = next(operand.term for operand in OPERANDS.values() if operand.fact == name)
    shown = "" if name == "secure" else ": " + region_label(label(value, language), language)
    return label(term, language) + shown
