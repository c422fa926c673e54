"""Stored answers given again, and what another policy would have changed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from policies import (
    Conflict,
    Constraint,
    DutyMode,
    DutyState,
    Effect,
    Kind,
    Moment,
    Operator,
    Outcome,
    Policy,
    Request,
    Rule,
    World,
    evaluate,
    match,
    replay,
    what_if,
    world_from_json,
)

TARGET = "archive/films@3"
POLICY = Policy(
    Kind.SET,
    "https://example.org/p",
    (
        Rule(Effect.PERMISSION, "yes", "vg:any", TARGET),
        Rule(
            Effect.PROHIBITION,
            "embargo",
            "odrl:use",
            TARGET,
            constraints=(Constraint("vg:embargoUntil", Operator.GT, (Moment.USE,)),),
        ),
    ),
    conflict=Conflict.PROHIBIT,
)
WORLD = World(
    {"https://example.org/all": frozenset({"https://example.org/b", "https://example.org/a"})},
    {"pay": DutyState.FULFILLED},
    DutyMode.EVENTUAL,
    frozenset({"embargo"}),
)


def _stored(answer: Any) -> dict[str, Any]:
    """As it comes back from a database."""
    return dict(json.loads(json.dumps(answer.to_json())))


@pytest.mark.parametrize("decide", [match, evaluate])
def test_an_answer_is_given_again_identically(request_: Request, decide: Any) -> None:
    """Years later, from what was stored and the policy alone."""
    again = replay(_stored(decide(POLICY, request_, WORLD)), POLICY)
    assert again.differences == ()
    assert again.answer.request == request_
    assert again.answer.world == WORLD


def test_a_stored_answer_says_which_rows_it_took(request_: Request) -> None:
    """As SQL over the facts, with its values."""
    permit = _stored(evaluate(POLICY, request_))["filters"]["permit"]
    assert permit == {"sql": '"embargo_until" <= $v0', "params": {"v0": "2026-11-23"}}


def test_the_rows_of_a_stored_answer_may_turn_on_text(request_: Request) -> None:
    """Text and truth values stand in it as they are."""
    text = Constraint("vg:rights", Operator.EQ, ("urn:a",))
    truth = Constraint("vg:optOut", Operator.EQ, (False,))
    rules = (replace(POLICY.rules[0], constraints=(text, truth)),)
    permit = _stored(evaluate(replace(POLICY, rules=rules), request_))["filters"]["permit"]
    assert sorted(map(str, permit["params"].values())) == ["False", "urn:a"]


def test_a_difference_is_named(request_: Request) -> None:
    """Another policy, another engine, or an answer that was changed where it is stored."""
    stored = _stored(evaluate(POLICY, request_))
    assert set(stored["policy"]) == {"uid", "digest"}
    stricter = replace(POLICY, rules=POLICY.rules[1:])
    assert replay(stored, stricter).differences == ("policy", "filters", "reasons")
    assert replay({**stored, "engine": "0"}, POLICY).differences == ("engine",)
    tampered = {**stored, "filters": {**stored["filters"], "permit": {"sql": "TRUE"}}}
    assert replay(tampered, POLICY).differences == ("filters",)


def test_a_world_survives_json() -> None:
    """Members, duty states, mode and infringements; stored without the last, none were told."""
    assert world_from_json(json.loads(json.dumps(WORLD.to_json()))) == WORLD
    spotless = replace(WORLD, infringed=frozenset())
    assert "infringed" not in spotless.to_json()
    assert world_from_json(spotless.to_json()) == spotless


def test_what_if_tells_who_gains_and_who_loses(request_: Request, item: dict[str, object]) -> None:
    """Items per change of outcome, with an example; what stays the same is left out."""
    research = replace(
        POLICY.rules[0], constraints=(Constraint("vg:userClass", Operator.EQ, ("research",)),)
    )
    only_research = replace(POLICY, rules=(research,))
    scholar = replace(request_, user_class="research")
    classes = [(item, 3), ({**item, "embargo_until": None}, 4)]
    shifts = what_if(POLICY, only_research, [request_, scholar], classes)
    assert [(s.request.user_class, s.before, s.after, s.count, s.gains) for s in shifts] == [
        ("commercial", Outcome.PERMIT, Outcome.DENY, 3, False),
        ("research", Outcome.DENY, Outcome.PERMIT, 4, True),
    ]
    assert shifts[1].example["embargo_until"] is None
    offers = [replace(policy, kind=Kind.OFFER) for policy in (POLICY, only_research)]
    assert len(what_if(offers[0], offers[1], [request_], classes)) == 1
