"""An answer as a FORCE Compliance Report: every rule, what it asks, and what is so.

The model is the Compliance Report Model 0.9.0 (``https://w3id.org/force/compliance-report#``): a
rule report is active or not, and each premise (target, party, action, constraint) satisfied or not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from policies.decision import Decision, Prospect
from policies.duties import failed, infringed, standing, told
from policies.policy import Condition, Duty, Logical, Rule
from policies.residual import Part, Residual, condition, residual
from policies.rowfilter import all_of, possibly
from policies.vocabulary import PREFIXES, Effect
from policies.world import DutyState

CONTEXT = {
    "report": "https://w3id.org/force/compliance-report#",
    "odrl": PREFIXES["odrl"],
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_RULES = {Effect.PERMISSION: "PermissionReport", Effect.PROHIBITION: "ProhibitionReport"}
_PREMISES = {"use": "ActionReport", "target": "TargetReport", "assignee": "PartyReport"}
_PERFORMANCE = {
    DutyState.NOT_SET: "Unknown",
    DutyState.FULFILLED: "Performed",
    DutyState.LATE: "Performed",
    DutyState.VIOLATED: "Unperformed",
}
_DEONTIC = {
    DutyState.NOT_SET: "NonSet",
    DutyState.FULFILLED: "Fulfilled",
    DutyState.VIOLATED: "Violated",
}


def compliance_report(
    answer: Prospect | Decision, item: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """The report on one item, or on the request alone, as JSON-LD.

    A permission is active where it permits now, so not while a duty must still come first; a
    prohibition or obligation is active wherever it might apply. Consequences and remedies stand
    after their rule, since in the model only a permission has duties of its own; ``@reverse`` says
    whose they are.
    """
    return {
        "@context": CONTEXT,
        "@type": "report:PolicyReport",
        "dct:created": {"@value": answer.request.at.isoformat(), "@type": "xsd:dateTime"},
        "report:policy": {"@id": answer.policy.uid},
        "report:ruleReport": list(_rules(answer, item or {})),
    }


def _rules(answer: Prospect | Decision, item: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    for left in answer.residuals:
        rule = left.rule
        yield _rule(left, answer, item)
        for duty in rule.duties:
            yield from _consequences(duty, answer, item)
        for remedy in rule.remedies:
            found = _duty(remedy, answer, item, owed=rule.uid in answer.world.infringed)
            yield _owed_to(rule, "remedy", found)
    for rule in answer.policy.rules:
        if rule.effect is Effect.OBLIGATION:
            yield _obligation(rule, answer, item)
            yield from _consequences(rule, answer, item)


def _rule(
    left: Residual, answer: Prospect | Decision, item: Mapping[str, object]
) -> dict[str, Any]:
    active = left.filter.matches(item) and not left.pending and not answer.void
    parts = [part for part in left.parts if part.name != "duty"]
    due = all(part.filter.matches(item) for part in parts)
    return {
        "@type": f"report:{_RULES[left.rule.effect]}",
        "report:rule": {"@id": left.rule.uid},
        "report:attemptState": {"@id": "report:Attempted"},
        "report:activationState": _activation(active=active),
        **(_infringement(left.rule, answer) if left.rule.effect is Effect.PROHIBITION else {}),
        "report:premiseReport": [_premise(part, answer, item) for part in parts],
        "report:conditionReport": [_duty(d, answer, item, owed=due) for d in left.rule.duties],
    }


def _activation(*, active: bool) -> dict[str, str]:
    return {"@id": f"report:{'Active' if active else 'Inactive'}"}


def _infringement(rule: Rule, answer: Prospect | Decision) -> dict[str, Any]:
    """Doing what is forbidden stays a fact; a remedy takes away that it counts as a violation."""
    done = "Performed" if rule.uid in answer.world.infringed else "Unknown"
    state = "Violated" if infringed(rule, answer.world) else "NonSet"
    return {
        "report:performanceState": {"@id": f"report:{done}"},
        "report:deonticState": {"@id": f"report:{state}"},
    }


def _premise(part: Part, answer: Prospect | Decision, item: Mapping[str, object]) -> dict[str, Any]:
    if part.condition is not None:
        return _constraint(part.condition, answer, item)
    return _state(_PREMISES[part.name], holds=part.filter.matches(item))


def _constraint(
    of: Condition, answer: Prospect | Decision, item: Mapping[str, object]
) -> dict[str, Any]:
    found = _state("ConstraintReport", holds=condition(of, answer.request).matches(item))
    if of.uid:
        found["report:constraint"] = {"@id": of.uid}
    if isinstance(of, Logical):
        inner = [_constraint(operand, answer, item) for operand in of.operands]
        found["report:premiseReport"] = inner
    return found


def _state(kind: str, *, holds: bool) -> dict[str, Any]:
    state = "Satisfied" if holds else "Unsatisfied"
    return {"@type": f"report:{kind}", "report:satisfactionState": {"@id": f"report:{state}"}}


def _obligation(
    rule: Rule, answer: Prospect | Decision, item: Mapping[str, object]
) -> dict[str, Any]:
    """An obligation asks for its action and is not about the asked use."""
    left = residual(replace(rule, action=None, refinements=()), answer.request, answer.world)
    premises = [_premise(part, answer, item) for part in left.parts]
    return _life(rule, answer, premises, active=left.filter.matches(item))


def _consequences(
    of: Duty | Rule, answer: Prospect | Decision, item: Mapping[str, object]
) -> Iterator[dict[str, Any]]:
    for duty in of.consequences:
        found = _duty(duty, answer, item, owed=failed(of, answer.world))
        yield _owed_to(of, "consequence", found)


def _owed_to(of: Duty | Rule, relation: str, found: dict[str, Any]) -> dict[str, Any]:
    """The report, telling of which rule the duty is a consequence or remedy."""
    if of.uid is None:
        return found
    whose = {f"odrl:{relation}": {"@id": of.uid}}
    return {**found, "report:rule": {**found.get("report:rule", {}), "@reverse": whose}}


def _duty(
    duty: Duty, answer: Prospect | Decision, item: Mapping[str, object], *, owed: bool
) -> dict[str, Any]:
    asked = all_of(*(condition(each, answer.request) for each in duty.constraints))
    premises = [_constraint(each, answer, item) for each in duty.constraints]
    return _life(duty, answer, premises, active=owed and possibly(asked).matches(item))


def _life(
    duty: Duty | Rule,
    answer: Prospect | Decision,
    premises: list[dict[str, Any]],
    *,
    active: bool,
) -> dict[str, Any]:
    performance = _PERFORMANCE[told(duty, answer.world)]
    return {
        "@type": "report:DutyReport",
        **({"report:rule": {"@id": duty.uid}} if duty.uid else {}),
        "report:activationState": _activation(active=active and not answer.void),
        "report:performanceState": {"@id": f"report:{performance}"},
        "report:deonticState": {"@id": f"report:{_DEONTIC[standing(duty, answer.world)]}"},
        "report:premiseReport": premises,
    }
