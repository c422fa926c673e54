"""What is surely not meant is found before a policy is published."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from policies import (
    Conflict,
    Constraint,
    Effect,
    Kind,
    Logical,
    Moment,
    Operator,
    Policy,
    Rule,
    check_policy,
)
from policies.policy import Connective

O = Operator  # noqa: E741 - the cases below read as a table
AT = datetime(2026, 1, 1, tzinfo=UTC)
YES = Rule(Effect.PERMISSION, "yes", "vg:any", "archive/films@3")
NO = Rule(Effect.PROHIBITION, "no", "vg:train", "archive/films@3")
OPT_OUT = Constraint("vg:optOut", O.EQ, (True,))


def _policy(*rules: Rule, conflict: Conflict = Conflict.PROHIBIT) -> Policy:
    return Policy(Kind.SET, "https://example.org/p", rules, conflict=conflict)


def _codes(policy: Policy) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.rule) for finding in check_policy(policy)]


def _c(left: str, operator: Operator, *right: Any) -> Constraint:
    return Constraint(left, operator, right)


@pytest.mark.parametrize(
    "constraints",
    [
        [_c("vg:optOut", O.EQ, True), _c("vg:optOut", O.EQ, False)],
        [_c("vg:optOut", O.NEQ, True), _c("vg:optOut", O.NEQ, False)],
        [_c("vg:userClass", O.EQ, "research"), _c("vg:userClass", O.IS_NONE_OF, "research")],
        [_c("vg:rights", O.EQ, "a"), _c("vg:rights", O.EQ, "b")],
        [_c("vg:processedIn", O.IS_PART_OF, "EU"), _c("vg:processedIn", O.EQ, "US")],
        [
            _c("odrl:purpose", O.IS_A, "dpv:PublicBenefit"),
            _c("odrl:purpose", O.IS_A, "dpv:CommercialPurpose"),
        ],
        [_c("odrl:dateTime", O.LT, AT), _c("odrl:dateTime", O.GTEQ, AT)],
        [_c("vg:embargoUntil", O.GT, date.max)],
        [_c("odrl:count", O.LT, 3), _c("odrl:count", O.GT, Decimal("3.5"))],
    ],
    ids=str,
)
def test_conditions_that_exclude_each_other_are_found(constraints: list[Constraint]) -> None:
    """Such a rule can never apply."""
    assert _codes(_policy(YES, replace(NO, constraints=tuple(constraints)))) == [
        ("never-applies", "no")
    ]


@pytest.mark.parametrize(
    "constraints",
    [
        [_c("vg:optOut", O.NEQ, True)],
        [_c("vg:personalData", O.IS_NONE_OF, "none", "ordinary")],
        [_c("vg:rights", O.NEQ, "a"), _c("vg:rights", O.NEQ, "b")],
        [_c("vg:processedIn", O.IS_PART_OF, "EU"), _c("vg:processedIn", O.NEQ, "NL")],
        [_c("vg:processedIn", O.IS_NONE_OF, "EEA", "adequate")],
        [
            _c("odrl:purpose", O.IS_A, "dpv:CommercialPurpose"),
            _c("odrl:purpose", O.IS_A, "dpv:ResearchAndDevelopment"),
        ],
        [_c("odrl:dateTime", O.LTEQ, AT), _c("odrl:dateTime", O.GTEQ, AT)],
        [_c("odrl:dateTime", O.NEQ, AT)],
        [
            _c("vg:embargoUntil", O.GTEQ, date(2026, 1, 1)),
            _c("vg:embargoUntil", O.LT, date(2026, 1, 2)),
        ],
        [_c("vg:embargoUntil", O.LTEQ, date.min)],
        [_c("vg:embargoUntil", O.GT, Moment.USE), _c("vg:embargoUntil", O.LT, Moment.USE)],
        [_c("odrl:count", O.GT, 3), _c("odrl:count", O.LT, 5)],
        [_c("odrl:count", O.GT, 3), _c("odrl:count", O.LT, Decimal("3.5"))],
        [_c("odrl:product", O.NEQ, True)],
        [_c("odrl:product", O.GT, "z")],
        [_c("vg:mood", O.EQ, "a"), _c("vg:mood", O.EQ, "b")],
        [Constraint("odrl:count", O.EQ, (), reference="https://example.org/most")],
    ],
    ids=str,
)
def test_conditions_that_can_hold_are_left_alone(constraints: list[Constraint]) -> None:
    """A finding is certain: what might apply is not reported."""
    assert _codes(_policy(YES, replace(NO, constraints=tuple(constraints)))) == []


def test_two_rules_of_one_name_are_found() -> None:
    """A reason must point at one rule."""
    assert _codes(_policy(YES, replace(YES, action="vg:train"))) == [("same-name", "yes")]


def test_a_permission_that_is_always_prohibited_is_found() -> None:
    """The prohibition is at least as wide, and asks nothing more."""
    train = replace(YES, action="vg:train.gen", constraints=(OPT_OUT,))
    assert _codes(_policy(train, NO)) == [("always-prohibited", "yes")]
    assert _codes(_policy(train, replace(NO, constraints=(OPT_OUT,)))) == [
        ("always-prohibited", "yes")
    ]
    assert _codes(_policy(replace(train, action=None), replace(NO, action=None))) == [
        ("always-prohibited", "yes")
    ]


@pytest.mark.parametrize(
    "prohibition",
    [
        replace(NO, action="vg:search"),
        replace(NO, target="archive/films@4"),
        replace(NO, assignee="https://example.org/x"),
        replace(NO, constraints=(_c("vg:personalData", O.EQ, "special"),)),
        replace(NO, effect=Effect.OBLIGATION),
    ],
)
def test_a_narrower_prohibition_is_no_finding(prohibition: Rule) -> None:
    """Something of the permission is left."""
    assert _codes(_policy(replace(YES, action="vg:train.gen"), prohibition)) == []


def test_a_strategy_that_voids_is_pointed_out() -> None:
    """And a policy that permits nothing."""
    assert _codes(_policy(YES, NO, conflict=Conflict.INVALID)) == [("conflict-voids", None)]
    assert _codes(_policy(YES, NO, conflict=Conflict.PERM)) == []
    assert _codes(_policy(NO)) == [("permits-nothing", None)]


def test_logical_constraints_are_left_alone() -> None:
    """They are not taken apart, and every finding has both languages."""
    both = Logical(Connective.AND, (OPT_OUT, _c("vg:optOut", O.EQ, False)))
    assert _codes(_policy(replace(YES, constraints=(both,)))) == []
    assert all(f.nl and f.en and f.level in {"error", "warning"} for f in check_policy(_policy(NO)))
