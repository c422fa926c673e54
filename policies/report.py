"""An answer as a FORCE Compliance Report: every rule, what it asks, and what is so.

The model is the Compliance Report Model 0.9.0 (``https://w3id.org/force/compliance-report#``): a
rule report is active or not, and each premise (target, party, action, constraint) satisfied or not.
"""

from collections.abc import Mapping
from typing import Any

from policies.decision import Decision, Prospect
from policies.policy import Condition, Duty, Logical
from policies.residual import Part, Residual, condition
from policies.vocabulary import Effect
from policies.world import DutyState

CONTEXT = {
    "report": "https://w3id.org/force/compliance-report#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_RULES = {Effect.PERMISSION: "PermissionReport", Effect.PROHIBITION: "ProhibitionReport"}
_PREMISES = {"use": "ActionReport", "target": "TargetReport", "assignee": "PartyReport"}
_DEONTIC = {
    DutyState.NOT_SET: "NonSet",
    DutyState.FULFILLED: "Fulfilled",
    DutyState.LATE: "Fulfilled",
    DutyState.VIOLATED: "Violated",
}


def compliance_report(
    answer: Prospect | Decision, item: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """The report on one item, or on the request alone, as JSON-LD.

    A permission is active where it permits now, so not while a duty must still come first; a
    prohibition is active wherever it might apply.
    """
    return {
        "@context": CONTEXT,
        "@type": "report:PolicyReport",
        "dct:created": {"@value": answer.request.at.isoformat(), "@type": "xsd:dateTime"},
        "report:policy": {"@id": answer.policy.uid},
        "report:ruleReport": [_rule(left, answer, item or {}) for left in answer.residuals],
    }


def _rule(
    left: Residual, answer: Prospect | Decision, item: Mapping[str, object]
) -> dict[str, Any]:
    active = left.filter.matches(item) and not left.pending and not answer.void
    parts = [part for part in left.parts if part.name != "duty"]
    return {
        "@type": f"report:{_RULES[left.rule.effect]}",
        "report:rule": {"@id": left.rule.uid},
        "report:attemptState": {"@id": "report:Attempted"},
        "report:activationState": {"@id": f"report:{'Active' if active else 'Inactive'}"},
        "report:premiseReport": [_premise(part, answer, item) for part in parts],
        "report:conditionReport": [_duty(duty, answer) for duty in left.rule.duties],
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


def _duty(duty: Duty, answer: Prospect | Decision) -> dict[str, Any]:
    state = answer.world.duties.get(duty.uid or "", DutyState.NOT_SET)
    found: dict[str, Any] = {
        "@type": "report:DutyReport",
        "report:deonticState": {"@id": f"report:{_DEONTIC[state]}"},
    }
    if duty.uid:
        found["report:rule"] = {"@id": duty.uid}
    return found
