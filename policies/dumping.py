"""A policy as ODRL JSON-LD, and its digest.

The document is the policy's canonical form: equal policies give equal bytes, and
:func:`policies.parse_policy` gives the same policy back. Numbers that are not whole are written as
typed strings, so that no reader's floating point can change a digest.
"""

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from policies.policy import (
    Collection,
    Condition,
    Constraint,
    Duty,
    Logical,
    Moment,
    Named,
    Policy,
    Rule,
    Value,
)
from policies.vocabulary import OPERANDS, PREFIXES, Effect

ODRL_CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
CONTEXT = [ODRL_CONTEXT, {p: iri for p, iri in PREFIXES.items() if p != "odrl"}]


def dump_policy(policy: Policy) -> dict[str, Any]:
    """The policy as JSON-LD, keys in the order in which ODRL's own examples have them."""
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": policy.kind.value,
        "uid": policy.uid,
        "profile": list(policy.profiles),
        "conflict": policy.conflict.value,
        "inheritFrom": list(policy.inherits),
        "dct:isReplacedBy": policy.replaced_by,
        "dct:valid": _value(policy.valid_until) if policy.valid_until else None,
        "assigner": _named(policy.assigner),
        "assignee": _named(policy.assignee),
    }
    for effect in Effect:
        document[effect.value] = [_rule(r, policy) for r in policy.rules if r.effect is effect]
    return _filled(document)


def policy_digest(policy: Policy) -> str:
    """``sha256:<hex>`` over the document as JSON with sorted keys and no spaces, in UTF-8."""
    canonical = json.dumps(
        dump_policy(policy), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _filled(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None and value != []}


def _odrl(term: str) -> str:
    """ODRL's own terms stand bare under its context."""
    return term.removeprefix("odrl:")


def _rule(rule: Rule, policy: Policy) -> dict[str, Any]:
    return _filled(
        {
            "uid": rule.uid,
            "target": _named(rule.target, "Asset"),
            "assigner": _named(rule.assigner) if rule.assigner != policy.assigner else None,
            "assignee": _named(rule.assignee) if rule.assignee != policy.assignee else None,
            **{function: _named(party) for function, party in rule.parties},
            "action": _action(rule.action, rule.refinements) if rule.action else None,
            "constraint": [_condition(c) for c in rule.constraints],
            "duty": [_duty(d) for d in rule.duties],
            "remedy": [_duty(d) for d in rule.remedies],
            "consequence": [_duty(d) for d in rule.consequences],
        }
    )


def _duty(duty: Duty) -> dict[str, Any]:
    return _filled(
        {
            "uid": duty.uid,
            "target": _named(duty.target, "Asset"),
            **{function: _named(party) for function, party in duty.parties},
            "action": _action(duty.action, duty.refinements),
            "constraint": [_condition(c) for c in duty.constraints],
            "consequence": [_duty(d) for d in duty.consequences],
        }
    )


def _action(action: str, refinements: tuple[Condition, ...]) -> object:
    if not refinements:
        return _odrl(action)
    return [{"rdf:value": {"@id": action}, "refinement": [_condition(c) for c in refinements]}]


def _named(named: Named | None, kind: str = "Party") -> object:
    if not isinstance(named, Collection):
        return named
    refinements = [_condition(c) for c in named.refinements]
    if named.source is None:
        return {"@type": f"{kind}Collection", "uid": named.uid}
    return _filled({"uid": named.uid, "source": named.source, "refinement": refinements})


def _condition(of: Condition) -> dict[str, Any]:
    if isinstance(of, Logical):
        operands = {"@list": [_condition(operand) for operand in of.operands]}
        return _filled({"uid": of.uid, of.connective.value: operands})
    return _filled(
        {
            "uid": of.uid,
            "leftOperand": _odrl(of.left),
            "operator": of.operator.value,
            "rightOperand": _right(of),
            "rightOperandReference": of.reference,
            "unit": of.unit,
            "dataType": of.data_type,
            "status": None if of.status is None else _value(of.status),
        }
    )


def _right(of: Constraint) -> object:
    as_iri = of.left in OPERANDS and OPERANDS[of.left].kind == "iri"
    values = [{"@id": v} if as_iri and isinstance(v, str) else _value(v) for v in of.right]
    return values[0] if len(values) == 1 else values


def _value(value: Value) -> object:
    match value:
        case Moment():
            return {"@id": value.value}
        case datetime():
            return _typed(value.astimezone(UTC).isoformat().replace("+00:00", "Z"), "dateTime")
        case date():
            return _typed(value.isoformat(), "date")
        case Decimal():
            return _typed(str(value), "decimal")
        case _:
            return value


def _typed(value: str, data_type: str) -> dict[str, str]:
    return {"@value": value, "@type": f"xsd:{data_type}"}
