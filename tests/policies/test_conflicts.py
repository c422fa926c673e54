"""Two policies that contradict each other are never called compatible."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from policies import (
    Agreeing,
    Clash,
    Collection,
    Conflict,
    Constraint,
    Effect,
    Kind,
    Logical,
    Moment,
    Operator,
    Outcome,
    Policy,
    Request,
    Rule,
    agreeing,
    clashes,
    evaluate,
)
from policies.policy import Connective
from tests.policies.test_filters_agree import POLICIES, REQUESTS, ROWS

YES = Rule(Effect.PERMISSION, "yes", "vg:train", "archive/films@3")
NO = Rule(Effect.PROHIBITION, "no", "vg:train.gen", "archive/films@3")
RESEARCH = Constraint("vg:userClass", Operator.EQ, ("research",))
COMMERCIAL = Constraint("vg:userClass", Operator.EQ, ("commercial",))
EMBARGO = Constraint("vg:embargoUntil", Operator.GT, (Moment.USE,))


def _policy(*rules: Rule) -> Policy:
    return Policy(Kind.SET, "https://example.org/p", rules, conflict=Conflict.PROHIBIT)


@pytest.mark.parametrize(
    ("yes", "no", "answer"),
    [
        ({}, {}, Agreeing.CONFLICT),
        ({"action": None}, {}, Agreeing.CONFLICT),
        ({}, {"action": None}, Agreeing.CONFLICT),
        ({"action": "vg:search"}, {}, Agreeing.COMPATIBLE),
        ({"target": "archive/films@4"}, {}, Agreeing.COMPATIBLE),
        ({"target": None}, {}, Agreeing.CONFLICT),
        ({"assignee": "a"}, {"assignee": "b"}, Agreeing.COMPATIBLE),
        ({"assignee": "a"}, {"assignee": Collection("all")}, Agreeing.UNKNOWN),
        ({"constraints": (RESEARCH,)}, {"constraints": (COMMERCIAL,)}, Agreeing.COMPATIBLE),
        ({"constraints": (RESEARCH,)}, {"constraints": (RESEARCH,)}, Agreeing.CONFLICT),
        ({}, {"constraints": (EMBARGO,)}, Agreeing.UNKNOWN),
        ({"constraints": (Logical(Connective.OR, (RESEARCH,)),)}, {}, Agreeing.UNKNOWN),
    ],
)
def test_policies_agree_or_not(yes: dict[str, Any], no: dict[str, Any], answer: Agreeing) -> None:
    """Whichever of the two permits (S4)."""
    first, second = _policy(replace(YES, **yes)), _policy(replace(NO, **no))
    assert agreeing(first, second) is answer
    assert agreeing(second, first) is answer


def test_a_clash_names_its_rules() -> None:
    """So that an author finds them."""
    assert clashes(_policy(YES, NO), _policy(NO)) == (Clash("yes", "no", certain=True),)


@given(POLICIES, POLICIES, REQUESTS, ROWS)
@settings(max_examples=200, deadline=None)
def test_what_is_called_compatible_never_meets(
    first: Policy, second: Policy, request_: Request, rows: list[dict[str, Any]]
) -> None:
    """No request and item that one permits and a prohibition of the other surely forbids."""
    if agreeing(first, second) is not Agreeing.COMPATIBLE:
        return
    for permitting, prohibiting in ((first, second), (second, first)):
        permits = replace(permitting, conflict=Conflict.PERM)
        allowed, against = evaluate(permits, request_), evaluate(prohibiting, request_)
        for row in rows:
            forbids = any(
                left.rule.effect is Effect.PROHIBITION
                and all(part.filter.matches(row) for part in left.parts)
                for left in against.residuals
            )
            assert not (forbids and allowed.outcome(row) is not Outcome.DENY)
