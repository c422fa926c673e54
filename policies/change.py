"""The smallest change to a request that would give it a better answer.

Candidates are read off the policy itself: the values its conditions name for what the request
tells, and the uses it distinguishes. Each is tried by deciding again, one field at a time and, if
none helps, two.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from policies.decision import Decision, Prospect
from policies.evaluation import evaluate, match
from policies.regions import members, region_label
from policies.request import Request
from policies.residual import conditions_of, leaves
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
    fields = list(_candidates(answer))
    for size in (1, 2):
        changes = (dict(chosen) for chosen in combinations(fields, size))
        tried = [(_count(answer, change, items), change) for change in changes]
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


def _count(
    answer: Prospect | Decision, change: Mapping[str, str], items: Counted
) -> dict[Outcome, int]:
    request = answer.request
    for name, value in change.items():
        request = _with(request, name, value)
    decide = match if isinstance(answer, Prospect) else evaluate
    other = decide(answer.policy, request, answer.world)
    counts = dict.fromkeys(Outcome, 0)
    for facts, count in items:
        counts[other.outcome(facts)] += count
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
