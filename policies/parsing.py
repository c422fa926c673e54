"""ODRL JSON-LD to a policy: strict, offline, with the place in every error.

A property, term, profile or context that is not known is an error: what is skipped could be a
restriction. Contexts are compared, never fetched. Compact documents are expanded to atomic rules
(IM 2.2, section 2.7).
"""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

from policies.columns import EACH, EXCEPT, TOGETHER
from policies.dumping import ODRL_CONTEXT
from policies.errors import DocumentError, PolicyError
from policies.nodes import Node, many, one
from policies.policy import (
    Collection,
    Condition,
    Conflict,
    Connective,
    Constraint,
    Duty,
    Kind,
    Logical,
    Named,
    Policy,
    Rule,
)
from policies.values import ORDERED_KINDS, XSD, moment, scalar, value_for
from policies.vocabulary import (
    ACTIONS,
    CORE_PROFILE,
    FUNCTIONS,
    OPERANDS,
    PREFIXES,
    PROFILE,
    Effect,
    Operand,
    Operator,
)

_KNOWN_PREFIXES = PREFIXES | {
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": XSD,
}
_OTHER_PARTIES = FUNCTIONS - {"assigner", "assignee"}
_COMPACT = ("action", "target", "assigner", "assignee")
_SHARED = {"uid", "type", "target", "action", "constraint"} | FUNCTIONS
_RULE_KEYS = {
    Effect.PERMISSION: _SHARED | {"duty"},
    Effect.PROHIBITION: _SHARED | {"remedy"},
    Effect.OBLIGATION: _SHARED | {"consequence"},
}
_POLICY_KEYS = (
    {
        "@context",
        "uid",
        "type",
        "profile",
        "conflict",
        "inheritFrom",
        "dct:isReplacedBy",
        "dct:valid",
    }
    | {"target", "action", "assigner", "assignee"}
    | {effect.value for effect in Effect}
)
_DESCRIPTIONS = {
    *("dct:title", "dct:description", "dct:creator", "dct:publisher"),
    *("dct:issued", "dct:modified", "dct:source"),
}
"""Properties of a policy that say something about it and rule nothing (IM 2.2, section 2.8)."""
_NAMED_TYPES = {"odrl:Asset", "odrl:AssetCollection", "odrl:Party", "odrl:PartyCollection"}
_CONNECTIVES = {connective.value for connective in Connective}
_CONSTRAINT_KEYS = {
    *("uid", "type", "leftOperand", "operator", "rightOperand", "rightOperandReference"),
    *("unit", "dataType", "status"),
}
_SET_OPERATORS = {
    *(Operator.IS_A, Operator.HAS_PART, Operator.IS_PART_OF),
    *(Operator.IS_ALL_OF, Operator.IS_ANY_OF, Operator.IS_NONE_OF),
}
_MOST_RULES = 10_000


def parse_policy(document: dict[str, Any] | str, *, lenient: bool = False) -> Policy:
    """The policy that a JSON-LD document states.

    :param lenient: let a rule leave out its target or action, which then means any. ODRL forbids
        it (IM 2.2, section 2.6), yet test suites and older policies have such rules.
    :raises DocumentError: with the JSON path of what is wrong and the way out.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise DocumentError("$", f"this is not JSON: {error}") from None
    return _policy(Node(document, "$"), lenient=lenient)


def _policy(node: Node, *, lenient: bool) -> Policy:
    fields = node.fields(_POLICY_KEYS | _DESCRIPTIONS)
    for name in ("@context", "uid"):
        if name not in fields:
            node.fail(f"`{name}` is missing")
    _check_context(fields["@context"])
    uid = fields["uid"].text()
    policy = Policy(
        kind=one(fields, "type", _kind) or Kind.SET,
        uid=uid,
        rules=tuple(_rules(fields, uid, lenient=lenient)),
        profiles=many(fields, "profile", _profile),
        conflict=one(fields, "conflict", _conflict) or Conflict.INVALID,
        inherits=many(fields, "inheritFrom", Node.text),
        replaced_by=one(fields, "dct:isReplacedBy", Node.text),
        valid_until=one(fields, "dct:valid", moment),
        assigner=one(fields, "assigner", _named),
        assignee=one(fields, "assignee", _named),
    )
    _check_parties(policy, node)
    return policy


def _check_context(node: Node) -> None:
    """The ODRL context, and objects that define prefixes the way we know them."""
    entries = list(node.each())
    if not any(entry.value == ODRL_CONTEXT for entry in entries):
        node.fail("the ODRL context is missing", f"add {ODRL_CONTEXT}")
    for entry in entries:
        if entry.value == ODRL_CONTEXT:
            continue
        if not isinstance(entry.value, dict):
            entry.fail(
                "this context is not known and is never fetched",
                f"use {ODRL_CONTEXT} and an object of prefixes",
            )
        for prefix, namespace in entry.value.items():
            if _KNOWN_PREFIXES.get(prefix) != namespace:
                entry.child(namespace, f".{prefix}").fail(f"the prefix `{prefix}` is not known so")


def _kind(node: Node) -> Kind:
    name = node.term().removeprefix("odrl:")
    if name == "Policy":
        return Kind.SET
    if name not in {kind.value for kind in Kind}:
        node.fail(f"`{name}` is not a policy we read", "use Set, Offer or Agreement")
    return Kind(name)


def _profile(node: Node) -> str:
    if node.text() not in {PROFILE, CORE_PROFILE}:
        node.fail(f"the profile `{node.text()}` is not known", f"known is {PROFILE}")
    return node.text()


def _conflict(node: Node) -> Conflict:
    name = node.term().removeprefix("odrl:")
    if name not in {conflict.value for conflict in Conflict}:
        node.fail(f"`{name}` is not a conflict strategy", "use perm, prohibit or invalid")
    return Conflict(name)


def _check_parties(policy: Policy, node: Node) -> None:
    """An offer says who offers, an agreement also to whom (IM 2.2, section 2.1)."""
    for rule in policy.rules:
        if policy.kind is not Kind.SET and rule.assigner is None:
            node.fail(f"the rule `{rule.uid}` has no assigner", "add one to the policy")
        if policy.kind is Kind.AGREEMENT and rule.assignee is None:
            node.fail(f"the rule `{rule.uid}` has no assignee", "add one to the policy")
    if not policy.rules:
        node.fail("the policy has no rule", "add a permission, prohibition or obligation")


def _rules(shared: dict[str, Node], uid: str, *, lenient: bool) -> Iterator[Rule]:
    count = 0
    for effect in Effect:
        if effect.value not in shared:
            continue
        for position, node in enumerate(shared[effect.value].each(), start=1):
            name = f"{uid}#{effect.value}-{position}"
            for rule in _expand(effect, node, shared, name, lenient=lenient):
                count += 1
                if count > _MOST_RULES:
                    node.fail(f"the policy has more than {_MOST_RULES} rules once expanded")
                yield rule


def _expand(
    effect: Effect, node: Node, shared: dict[str, Node], name: str, *, lenient: bool
) -> Iterator[Rule]:
    """The atomic rules of one rule: every combination of its actions, targets and parties."""
    fields = node.fields(_RULE_KEYS[effect])
    _check_type(fields, effect.value.capitalize())
    own = {**{k: shared[k] for k in _COMPACT if k in shared}, **fields}
    if "action" not in own and not lenient:
        node.fail("the rule has no action")
    if "target" not in own and effect is not Effect.OBLIGATION and not lenient:
        node.fail("the rule has no target")
    uid = one(fields, "uid", Node.text) or name
    combinations = list(
        product(
            many(own, "action", _action) or ((None, ()),),
            many(own, "target", _target) or (None,),
            many(own, "assigner", _named) or (None,),
            many(own, "assignee", _named) or (None,),
        )
    )
    for number, ((action, refinements), target, assigner, assignee) in enumerate(combinations, 1):
        yield Rule(
            effect=effect,
            uid=uid if len(combinations) == 1 else f"{uid}-{number}",
            action=action,
            target=target,
            assigner=assigner,
            assignee=assignee,
            constraints=many(fields, "constraint", _condition),
            refinements=refinements,
            duties=many(fields, "duty", _duty),
            remedies=many(fields, "remedy", _last_duty),
            consequences=many(fields, "consequence", _last_duty),
            parties=_parties(fields, _OTHER_PARTIES),
        )


def _check_type(fields: dict[str, Node], expected: str) -> None:
    if "type" in fields and fields["type"].term() != f"odrl:{expected}":
        fields["type"].fail(f"`{fields['type'].text()}` is not expected here", f"use {expected}")


def _parties(fields: dict[str, Node], functions: set[str] | frozenset[str]) -> tuple[Any, ...]:
    return tuple((name, _named(fields[name])) for name in sorted(functions & set(fields)))


def _action(node: Node) -> tuple[str, tuple[Condition, ...]]:
    refinements: tuple[Condition, ...] = ()
    if isinstance(node.value, dict) and "@id" not in node.value:
        fields = node.fields({"rdf:value", "type", "refinement"})
        _check_type(fields, "Action")
        if "rdf:value" not in fields:
            node.fail("the action has no `rdf:value`")
        refinements = many(fields, "refinement", _condition)
        node = fields["rdf:value"]
    if node.term() not in ACTIONS:
        node.fail(
            f"the action `{node.text()}` is not known",
            "use an ODRL action or a use of the AI profile",
            f"de handeling `{node.text()}` is niet bekend",
            "gebruik een handeling van ODRL of een gebruik uit het AI-profiel",
        )
    return node.term(), refinements


def _target(node: Node) -> Named:
    """What a rule is about; its refinements may narrow it to columns."""
    return _named(node, of_target=True)


def _named(node: Node, *, of_target: bool = False) -> Named:
    """A party or asset; a collection with refinements has no uid (IM 2.2, section 2.2.2)."""
    if not isinstance(node.value, dict):
        return node.text()
    fields = node.fields({"uid", "type", "source", "refinement"})
    if "type" in fields and fields["type"].term() not in _NAMED_TYPES:
        fields["type"].fail(f"`{fields['type'].text()}` is neither an asset nor a party")
    if "refinement" in fields and ("uid" in fields or "source" not in fields):
        node.fail("a refined collection has a `source` and no `uid`")
    if "source" not in fields and "uid" not in fields:
        node.fail("it has neither a `uid` nor, as a collection, a `source`")
    uid, source = one(fields, "uid", Node.text), one(fields, "source", Node.text)
    collection = source is not None or _ends_in_collection(fields)
    if uid is not None and not collection:
        return uid
    refine = _refinement_of_target if of_target else _condition
    return Collection(source, many(fields, "refinement", refine), uid)


def _ends_in_collection(fields: dict[str, Node]) -> bool:
    return "type" in fields and fields["type"].term().endswith("Collection")


def _duty(node: Node) -> Duty:
    """A duty; its consequences may have none of their own (IM 2.2, section 2.6.3)."""
    return _read_duty(node, {"consequence"})


def _last_duty(node: Node) -> Duty:
    return _read_duty(node, set())


def _read_duty(node: Node, more: set[str]) -> Duty:
    fields = node.fields(_SHARED | more)
    _check_type(fields, "Duty")
    if "action" not in fields:
        node.fail("the duty has no action")
    actions = [_action(n) for n in fields["action"].each()]
    if len(actions) > 1:
        fields["action"].fail("a duty has one action", "write one duty for each")
    ((action, refinements),) = actions
    return Duty(
        action=action,
        uid=one(fields, "uid", Node.text),
        target=one(fields, "target", _named),
        parties=_parties(fields, FUNCTIONS),
        constraints=many(fields, "constraint", _condition),
        refinements=refinements,
        consequences=many(fields, "consequence", _last_duty),
    )


def _refinement_of_target(node: Node) -> Condition:
    return _condition(node, of_target=True)


def _condition(node: Node, *, of_target: bool = False) -> Condition:
    fields = node.fields(_CONSTRAINT_KEYS | _CONNECTIVES)
    joined = _CONNECTIVES & set(fields)
    if not joined:
        return _constraint(node, fields, of_target=of_target)
    if len(fields.keys() - {"uid", "type"}) > 1:
        node.fail("a logical constraint has one connective and nothing beside it")
    ((connective, operands),) = ((name, fields[name]) for name in joined)
    parts = tuple(_condition(operand) for operand in operands.each())
    uid = one(fields, "uid", Node.text)
    try:
        return Logical(Connective(connective), parts, uid)
    except PolicyError as error:
        node.fail(error.problem, error.remedy, error.probleem, error.uitweg)


def _constraint(node: Node, fields: dict[str, Node], *, of_target: bool) -> Constraint:
    for name in ("leftOperand", "operator"):
        if name not in fields:
            node.fail(f"`{name}` is missing")
    if ("rightOperand" in fields) == ("rightOperandReference" in fields):
        node.fail("give either `rightOperand` or `rightOperandReference`")
    left = fields["leftOperand"].term()
    if left not in OPERANDS:
        fields["leftOperand"].fail(f"the left operand `{left}` is not known")
    operand = OPERANDS[left]
    if operand.of == "column":
        _check_columns(fields, of_target=of_target)
    operator = _operator(fields["operator"], operand)
    right = many(fields, "rightOperand", lambda value: value_for(value, operand))
    if len(right) > 1 and operator not in _SET_OPERATORS:
        fields["rightOperand"].fail(f"`{operator}` compares with one value")
    return Constraint(
        left=left,
        operator=operator,
        right=right,
        reference=one(fields, "rightOperandReference", Node.text),
        unit=one(fields, "unit", Node.text),
        data_type=one(fields, "dataType", Node.text),
        status=one(fields, "status", scalar),
        uid=one(fields, "uid", Node.text),
    )


def _check_columns(fields: dict[str, Node], *, of_target: bool) -> None:
    """Columns are said in few ways, so that a policy about them can always become SQL."""
    if not of_target:
        fields["leftOperand"].fail("columns refine the target of a rule and nothing else")
    if "rightOperandReference" in fields:
        fields["rightOperandReference"].fail("columns are named, not referred to")
    said = fields["operator"].term().removeprefix("odrl:")
    supported = sorted(operator.value for operator in EACH | EXCEPT | TOGETHER)
    if said not in supported:
        fields["operator"].fail(f"`{said}` cannot name columns", f"use {', '.join(supported)}")


def _operator(node: Node, operand: Operand) -> Operator:
    name = node.term().removeprefix("odrl:")
    if name not in {operator.value for operator in Operator}:
        node.fail(f"the operator `{name}` is not known")
    operator = Operator(name)
    ordering = {Operator.LT, Operator.LTEQ, Operator.GT, Operator.GTEQ}
    if operator in ordering and operand.kind not in ORDERED_KINDS:
        node.fail(f"`{operator}` cannot order the values of `{operand.term}`")
    return operator
