"""Policies that build on others, or were replaced by others."""

from dataclasses import replace

import pytest

from policies import (
    PROFILE,
    Conflict,
    Constraint,
    Effect,
    Kind,
    Logical,
    Operator,
    Outcome,
    Policy,
    PolicyError,
    Request,
    Rule,
    evaluate,
    inherit,
    successor,
)
from policies.policy import Connective

COUNT = Constraint("odrl:count", Operator.LTEQ, (5,), status=3)
RULE = Rule(Effect.PERMISSION, "yes", "vg:any", "archive/films@3")
PARENT = Policy(
    Kind.SET,
    "https://example.org/parent",
    (replace(RULE, constraints=(Logical(Connective.AND, (COUNT,)),), refinements=(COUNT,)),),
    profiles=(PROFILE,),
    conflict=Conflict.PROHIBIT,
    assigner="https://example.org/archive",
)
NO = Rule(Effect.PROHIBITION, "no", "vg:search", "archive/films@3")
CHILD = Policy(
    Kind.SET,
    "https://example.org/child",
    (NO,),
    conflict=Conflict.PROHIBIT,
    inherits=(PARENT.uid,),
    assignee="https://example.org/startup",
)


def test_a_child_has_its_parents_rules(request_: Request, item: dict[str, object]) -> None:
    """With their profile, and the parties that one of them leaves open (K5, K8)."""
    joined = inherit(CHILD, {PARENT.uid: PARENT})
    assert [rule.uid for rule in joined.rules] == ["yes", "no"]
    assert joined.inherits == ()
    assert joined.profiles == (PROFILE,)
    assert {rule.assigner for rule in joined.rules} == {"https://example.org/archive"}
    assert {rule.assignee for rule in joined.rules} == {"https://example.org/startup"}
    asked = replace(request_, facts={"odrl:count": 4})
    assert evaluate(joined, asked).verdict(item).outcome is Outcome.PERMIT
    assert evaluate(CHILD, asked).verdict(item).outcome is Outcome.DENY


def test_running_counts_start_anew() -> None:
    """A parent's status is not the child's (K8)."""
    rule = inherit(CHILD, {PARENT.uid: PARENT}).rules[0]
    (logical,) = rule.constraints
    assert isinstance(logical, Logical)
    counts = [*logical.operands, *rule.refinements]
    assert all(isinstance(c, Constraint) and c.status is None for c in counts)


def test_different_conflict_strategies_become_invalid() -> None:
    """The child no longer knows which one to follow (K8)."""
    lax = replace(PARENT, conflict=Conflict.PERM)
    assert inherit(CHILD, {PARENT.uid: lax}).conflict is Conflict.INVALID


def test_inheritance_goes_any_depth() -> None:
    """A grandchild has its grandparent's rules."""
    grandchild = replace(CHILD, uid="https://example.org/grandchild", inherits=(CHILD.uid,))
    joined = inherit(grandchild, {PARENT.uid: PARENT, CHILD.uid: CHILD})
    assert [rule.uid for rule in joined.rules] == ["yes", "no", "no"]


def test_a_circle_is_found() -> None:
    """However long it is (K5)."""
    circle = replace(PARENT, inherits=(CHILD.uid,))
    with pytest.raises(PolicyError, match="inherits from itself"):
        inherit(CHILD, {PARENT.uid: circle, CHILD.uid: CHILD})


def test_a_parent_that_is_not_known_is_an_error() -> None:
    """Nothing is decided on half a policy (K5)."""
    with pytest.raises(PolicyError, match="not known here") as caught:
        inherit(CHILD, {})
    assert caught.value.path == "inheritFrom"


def test_a_successor_is_found() -> None:
    """The last of those that replaced it; itself where nothing did (K3)."""
    last = replace(PARENT, uid="https://example.org/3")
    second = replace(PARENT, uid="https://example.org/2", replaced_by=last.uid)
    first = replace(PARENT, uid="https://example.org/1", replaced_by=second.uid)
    known = {policy.uid: policy for policy in (first, second, last)}
    assert successor(first, known) is last
    assert successor(last, known) is last


@pytest.mark.parametrize("replacement", ["https://example.org/1", "https://example.org/lost"])
def test_a_replacement_must_lead_somewhere(replacement: str) -> None:
    """A circle or a lost policy is an error (K3)."""
    first = replace(PARENT, uid="https://example.org/1", replaced_by=replacement)
    with pytest.raises(PolicyError, match="replacement"):
        successor(first, {first.uid: first})
