"""Findings on a policy before it is published: what is surely not what its author meant.

A finding never changes what the policy means; ``error`` is what must be mended first, ``warning``
what should be looked at.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from policies.columns import COLUMN
from policies.policy import Condition, Conflict, Constraint, Moment, Policy, Rule
from policies.regions import DAYS, members
from policies.residual import compare, conditions_of, covers, leaves
from policies.vocabulary import OPERANDS, PURPOSES, Effect, Operand, Operator

_ORDERING = {Operator.LT, Operator.LTEQ, Operator.GT, Operator.GTEQ}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or odd, with the rule it is about."""

    level: str
    code: str
    rule: str | None
    nl: str
    en: str


def check_policy(policy: Policy) -> tuple[Finding, ...]:
    """Everything found, in the order of the rules; an empty tuple if nothing is."""
    return (
        *_in_circles(policy),
        *_same_names(policy),
        *(_odd_columns(rule) for rule in policy.rules if _has_odd_columns(rule)),
        *(_never(rule) for rule in policy.rules if not _can_apply(rule)),
        *_shadowed(policy),
        *_voided(policy),
        *_nothing_permitted(policy),
    )


def _in_circles(policy: Policy) -> Iterator[Finding]:
    for name, uids in (("inheritFrom", policy.inherits), ("isReplacedBy", (policy.replaced_by,))):
        if policy.uid in uids:
            yield Finding(
                "error",
                "circle",
                None,
                f"Deze voorwaarden verwijzen met `{name}` naar zichzelf en gelden dus nooit.",
                f"These terms point to themselves with `{name}` and so never count.",
            )


def _same_names(policy: Policy) -> Iterator[Finding]:
    seen: set[str] = set()
    for rule in policy.rules:
        if rule.uid in seen:
            yield Finding(
                "error",
                "same-name",
                rule.uid,
                "Twee regels hebben dezelfde naam; redenen wijzen dan niet één regel aan.",
                "Two rules have one name, so that a reason does not point at one of them.",
            )
        seen.add(rule.uid)


def _has_odd_columns(rule: Rule) -> bool:
    return any(each.left == COLUMN for each in leaves(conditions_of(rule)))


def _odd_columns(rule: Rule) -> Finding:
    return Finding(
        "error",
        "columns-not-supported",
        rule.uid,
        "Deze regel noemt kolommen op een manier die niet wordt gelezen: als toestemming geldt hij "
        "nooit, als verbod altijd. Verfijn het doel met één lijst; `isAllOf` kan alleen in een "
        "verbod.",
        "This rule names columns in a way that is not read: as a permission it never applies, as a "
        "prohibition it always does. Refine the target with one list; `isAllOf` is for a "
        "prohibition only.",
    )


def _never(rule: Rule) -> Finding:
    return Finding(
        "error",
        "never-applies",
        rule.uid,
        "Deze regel kan nooit gelden: zijn voorwaarden sluiten elkaar uit.",
        "This rule can never apply: its conditions exclude each other.",
    )


def _can_apply(rule: Rule) -> bool:
    return can_hold(conditions_of(rule))


def can_hold(conditions: Iterable[Condition]) -> bool:
    """Whether some value of each operand satisfies all that is said of it.

    False is certain. Conditions that :func:`is_simple` does not cover are taken to hold.
    """
    by_left: dict[str, list[Constraint]] = {}
    for condition in conditions:
        if isinstance(condition, Constraint) and is_simple(condition):
            by_left.setdefault(condition.left, []).append(condition)
    return all(
        any(
            all(_holds(constraint, value, day) for constraint in found)
            for value in _candidates(OPERANDS[left], found)
            for day in DAYS
        )
        for left, found in by_left.items()
    )


def is_simple(of: Condition) -> bool:
    """Whether a condition can be judged on its own: one comparison with values known now."""
    if not isinstance(of, Constraint) or of.left not in OPERANDS or of.reference is not None:
        return False
    orders_texts = of.operator in _ORDERING and any(isinstance(v, str) for v in of.right)
    return Moment.USE not in of.right and not orders_texts


def _holds(of: Constraint, value: object, day: date) -> bool:
    return compare(value, of.operator, of.right, day) is True


def _candidates(operand: Operand, found: list[Constraint]) -> Iterator[Any]:
    """Values enough to satisfy the constraints if any does: those named, beside, and another."""
    named = [value for constraint in found for value in constraint.right]
    yield from operand.values
    if operand.term == "odrl:purpose":
        yield from PURPOSES
    for value in named:
        yield value
        yield from _beside(operand, value)
    numbers = sorted({Decimal(v) for v in named if isinstance(v, int | Decimal)})
    yield from ((low + high) / 2 for low, high in pairwise(numbers))
    if not operand.values:
        yield {"region": "ZZ", "boolean": False}.get(operand.kind, "another value")


def _beside(operand: Operand, value: Any) -> Iterable[Any]:
    if operand.kind == "region":
        return members(str(value))
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, datetime):
        return (value - timedelta(microseconds=1), value + timedelta(microseconds=1))
    if isinstance(value, date):
        around = (value.toordinal() - 1, value.toordinal() + 1)
        return [date.fromordinal(day) for day in around if 1 <= day <= date.max.toordinal()]
    return () if isinstance(value, str) else (value - 1, value + 1)


def _shadowed(policy: Policy) -> Iterator[Finding]:
    """Permissions under a prohibition that asks nothing they do not ask themselves."""
    if policy.conflict is not Conflict.PROHIBIT:
        return
    for rule in policy.rules:
        if rule.effect is Effect.PERMISSION and any(_hides(no, rule) for no in policy.rules):
            yield Finding(
                "error",
                "always-prohibited",
                rule.uid,
                "Deze toestemming werkt nooit: een verbod geldt voor alles wat zij toestaat.",
                "This permission never works: a prohibition applies to all that it permits.",
            )


def _hides(prohibition: Rule, permission: Rule) -> bool:
    if prohibition.effect is not Effect.PROHIBITION:
        return False
    wide = prohibition.action is None or (
        permission.action is not None
        and covers(Effect.PERMISSION, prohibition.action, permission.action)
    )
    same = prohibition.target in (None, permission.target)
    theirs = prohibition.assignee in (None, permission.assignee)
    return wide and same and theirs and _asks(prohibition) <= _asks(permission)


def _asks(rule: Rule) -> set[Condition]:
    return set(conditions_of(rule))


def _voided(policy: Policy) -> Iterator[Finding]:
    effects = {rule.effect for rule in policy.rules} - {Effect.OBLIGATION}
    if policy.conflict is Conflict.INVALID and len(effects) > 1:
        yield Finding(
            "warning",
            "conflict-voids",
            None,
            "Zodra een verbod en een toestemming samen kunnen gelden, geldt niets meer; "
            "kies `prohibit` als een verbod moet winnen.",
            "As soon as a prohibition and a permission may both apply nothing counts; "
            "choose `prohibit` if a prohibition should win.",
        )


def _nothing_permitted(policy: Policy) -> Iterator[Finding]:
    if not any(rule.effect is Effect.PERMISSION for rule in policy.rules):
        yield Finding(
            "warning",
            "permits-nothing",
            None,
            "Zonder toestemming is elk antwoord nee.",
            "Without a permission every answer is no.",
        )
