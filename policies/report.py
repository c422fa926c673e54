"""An answer as a FORCE Compliance Report: every rule, what it asks, and what is so.

The model is the Compliance Report Model 0.9.0 (``https://w3id.org/force/compliance-report#``): a
rule report is active or not, and each premise (target, party, action, constraint) satisfied or not.
It has no property for what follows on a breach, so consequences and remedies stand among the rules,
as the duties that they are.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.decision import Decision, Prospect
from policies.policy import Condition, Duty, Logical, Rule
from policies.residual import Part, Residual, condition, standing
from policies.vocabulary import Effect
from policies.world import DutyState

CONTEXT = {
    "report": "https://w3id.org/force/compliance-report#",
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
_BROKEN = (DutyState.LATE, DutyState.VIOLATED)


def compliance_report(
    answer: Prospect | Decision, item: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """The report on one item, or on the request alone, as JSON-LD.

    A permission is active where it permits now, so not while a duty must still come first; a
    prohibition is active wherever it might apply. An obligation is active where its constraints
    hold, a consequence where what it follows was not done in time, a remedy where its prohibition
    was infringed; made good, each of these counts as fulfilled.
    """
    return {
        "@context": CONTEXT,
        "@type": "report:PolicyReport",
        "dct:created": {"@value": answer.request.at.isoformat(), "@type": "xsd:dateTime"},
        "report:policy": {"@id": answer.policy.uid},
        "report:ruleReport": [
            *(_rule(left, answer, item or {}) for left in answer.residuals),
            *(each for rule in answer.policy.rules for each in _due(rule, answer, item or {})),
        ],
    }


def _rule(
    left: Residual, answer: Prospect | Decision, item: Mapping[str, object]
) -> dict[str, Any]:
    active = left.filter.matches(item) and not left.pending and not answer.void
    parts = [part for part in left.parts if part.name != "duty"]
    return {
        "@type": f"report:{_RULES[left.rule.effect]}",
        "report:rule": {"@id": left.rule.uid},
        **(_infringement(left.rule, answer) if left.rule.uid in answer.world.infringed else {}),
        "report:attemptState": {"@id": "report:Attempted"},
        "report:activationState": _active(active),
        "report:premiseReport": [_premise(part, answer, item) for part in parts],
        "report:conditionReport": [_duty(duty, answer) for duty in left.rule.duties],
    }


def _infringement(rule: Rule, answer: Prospect | Decision) -> dict[str, Any]:
    """How a prohibition stands that someone acted against: fulfilled with all its remedies."""
    made_good = [standing(remedy, answer.world) is DutyState.FULFILLED for remedy in rule.remedies]
    state = "Fulfilled" if made_good and all(made_good) else "Violated"
    return {
        "report:performanceState": {"@id": "report:Performed"},
        "report:deonticState": {"@id": f"report:{state}"},
    }


def _due(
    rule: Rule, answer: Prospect | Decision, item: Mapping[str, object]
) -> Iterator[dict[str, Any]]:
    """The obligation that the rule is, and what follows on a breach of it or of its duties."""
    if rule.effect is Effect.OBLIGATION:
        yield _duty(rule, answer, item, active=not answer.void)
    breakable: tuple[Duty | Rule, ...] = (rule, *rule.duties)
    following = [
        (rule.uid in answer.world.infringed, rule.remedies),
        *((answer.world.duties.get(of.uid or "") in _BROKEN, of.consequences) for of in breakable),
    ]
    for active, duties in following:
        for duty in duties:
            yield _duty(duty, answer, item, active=active)


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


def _duty(
    of: Duty | Rule,
    answer: Prospect | Decision,
    item: Mapping[str, object] | None = None,
    *,
    active: bool | None = None,
) -> dict[str, Any]:
    """A duty; one that is no condition of a permission is active where its constraints hold too."""
    told = answer.world.duties.get(of.uid or "", DutyState.NOT_SET)
    found: dict[str, Any] = {
        "@type": "report:DutyReport",
        **({"report:rule": {"@id": of.uid}} if of.uid else {}),
        "report:performanceState": {"@id": f"report:{_PERFORMANCE[told]}"},
        "report:deonticState": {"@id": f"report:{_DEONTIC[standing(of, answer.world)]}"},
    }
    if active is not None:
        asked = (*of.constraints, *of.refinements)
        holds = all(condition(each, answer.request).matches(item or {}) for each in asked)
        found["report:activationState"] = _active(active and holds)
        found["report:premiseReport"] = [_constraint(each, answer, item or {}) for each in asked]
    return found


def _active(active: bool) -> dict[str, str]:
    return {"@id": f"report:{'Active' if active else 'Inactive'}"}
