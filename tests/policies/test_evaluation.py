"""Every case of ``cases/`` is decided as it says, row by row and as SQL."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from policies import (
    Constraint,
    Decision,
    DutyMode,
    DutyState,
    Operator,
    Outcome,
    Place,
    Policy,
    Prospect,
    Request,
    World,
    cleared,
    compliance_report,
    evaluate,
    match,
    parse_policy,
)
from policies.evaluation import asked_otherwise
from policies.vocabulary import CORE_PROFILE, PROFILE
from tests.policies.test_filters_agree import POLICIES, REQUESTS

CASES = Path(__file__).parent / "cases"
COMMON = yaml.safe_load((CASES / "common.yaml").read_text())
SPEC = (Path(__file__).parents[2] / "policies" / "SPEC.md").read_text()


def _cases() -> list[Any]:
    files = sorted(path for path in CASES.glob("*.yaml") if path.name != "common.yaml")
    return [
        pytest.param(case, id=f"{path.stem}: {case['case']}")
        for path in files
        for case in yaml.safe_load(path.read_text())
    ]


def _filled(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in {**common, **own}.items() if v is not None}


def _request(own: dict[str, Any]) -> Request:
    values = {**COMMON["request"], **own}
    return Request(
        **{
            **values,
            "place": Place(**values["place"]),
            "at": datetime.fromisoformat(values["at"]),
        }
    )


def _world(own: dict[str, Any]) -> World:
    return World(
        members={name: frozenset(found) for name, found in own.get("members", {}).items()},
        duties={uid: DutyState(state) for uid, state in own.get("duties", {}).items()},
        mode=DutyMode(own.get("mode", "strict")),
        infringed=frozenset(own.get("infringed", ())),
    )


def _reported(report: dict[str, Any]) -> dict[str, str]:
    """Activation, performance and deontic state of each rule and duty, where it has them."""
    rules = report["report:ruleReport"]
    duties = (duty for rule in rules for duty in rule.get("report:conditionReport", ()))
    states = [f"report:{kind}State" for kind in ("activation", "performance", "deontic")]
    return {
        found["report:rule"]["@id"]: " ".join(
            found[state]["@id"].removeprefix("report:") for state in states if state in found
        )
        for found in (*rules, *duties)
    }


@pytest.mark.parametrize("case", _cases())
def test_a_case_is_decided_as_it_says(case: dict[str, Any]) -> None:
    """The outcome, rule, duties and reason codes of each item are those of the case."""
    document = _filled(COMMON["policy"], case["policy"])
    policy = parse_policy(document, lenient=case.get("lenient", False))
    decide = match if case.get("how") == "match" else evaluate
    answer = decide(policy, _request(case.get("request", {})), _world(case.get("world", {})))
    for expected in case.get("items") or [{"item": {}, **case["expect"]}]:
        item = {**COMMON["item"], **expected["item"]}
        verdict = answer.verdict(item)
        assert verdict.outcome == expected["outcome"]
        assert answer.outcome(item) == expected["outcome"]
        if "codes" in expected:
            assert [reason.code for reason in verdict.reasons] == expected["codes"]
        if "rule" in expected:
            assert verdict.rule == expected["rule"]
        if "duties" in expected:
            assert [duty.action for duty in verdict.duties] == expected["duties"]
        assert verdict.secure_only == expected.get("secure_only", False)
        assert all(reason.nl and reason.en for reason in verdict.reasons)
        for uid, states in expected.get("reports", {}).items():
            assert _reported(compliance_report(answer, item))[uid] == states
        passed = [outcome for outcome in Outcome if cleared(answer, outcome).matches(item)]
        assert passed == [verdict.outcome]


@pytest.mark.parametrize("case", _cases())
def test_a_case_names_sentences_that_exist(case: dict[str, Any]) -> None:
    """Every sentence a case claims to test stands in SPEC.md."""
    for sentence in case["spec"]:
        assert f"**{sentence}**" in SPEC


def test_every_sentence_has_a_test() -> None:
    """Named by a case, or by the docstring of a test, in brackets."""
    here = Path(__file__).parent
    named = {sentence for case in _cases() for sentence in case.values[0]["spec"]}
    for path in here.rglob("test_*.py"):
        for group in re.findall(r"\(([A-Z]\d+(?:, [A-Z]\d+)*)\)", path.read_text()):
            named.update(group.split(", "))
    assert set(re.findall(r"\*\*([A-Z]\d+)\*\*", SPEC)) == named


def test_a_policy_with_an_unknown_profile_counts_for_nothing() -> None:
    """Also one that never was a document; a document with it is refused (K6)."""
    policy = parse_policy({**COMMON["policy"], "permission": [{"action": "use"}]})
    foreign = replace(policy, profiles=("https://example.org/profile",))
    assert [reason.code for reason in evaluate(foreign, _request({})).reasons] == ["void:profile"]


def test_a_left_operand_of_a_later_vocabulary_is_unknown() -> None:
    """It never permits (C9)."""
    policy = parse_policy({**COMMON["policy"], "permission": [{"action": "use"}]})
    mood = Constraint("vg:mood", Operator.EQ, ("good",))
    moody = replace(policy, rules=(replace(policy.rules[0], constraints=(mood,)),))
    assert evaluate(moody, _request({})).verdict(COMMON["item"]).outcome is Outcome.DENY


def test_a_value_of_another_kind_than_the_fact_is_unknown() -> None:
    """A date where a policy compares a text is as good as missing (F3)."""
    policy = parse_policy({**COMMON["policy"], "permission": [{"action": "use"}]})
    odd = Constraint("vg:rightsholder", Operator.NEQ, (True,))
    strange = replace(policy, rules=(replace(policy.rules[0], constraints=(odd,)),))
    assert evaluate(strange, _request({})).verdict(COMMON["item"]).outcome is Outcome.DENY
    holder = Constraint("vg:rightsholder", Operator.NEQ, ("Nobody",))
    known = replace(policy, rules=(replace(policy.rules[0], constraints=(holder,)),))
    verdict = evaluate(known, _request({})).verdict({**COMMON["item"], "rightsholder": 7})
    assert [reason.code for reason in verdict.reasons] == ["unknown:rightsholder"]


@given(POLICIES, REQUESTS, REQUESTS)
@settings(max_examples=200, deadline=None)
def test_asking_otherwise_is_asking_anew(policy: Policy, first: Request, other: Request) -> None:
    """The same policy in the same world, whatever was asked before; void where it is void."""
    world = World({"https://example.org/all": frozenset({first.target})})
    decides: tuple[Callable[..., Prospect | Decision], ...] = (match, evaluate)
    for decide, until in product(decides, (None, first.at, first.at.max)):
        dated = replace(policy, valid_until=until and until.replace(tzinfo=first.at.tzinfo))
        expected = decide(dated, other, world)
        found = asked_otherwise(decide(dated, first, world), other, expected.residuals)
        assert found.to_json() == expected.to_json()
        assert type(found) is type(expected)


def test_a_policy_may_name_both_profiles(request_: Request) -> None:
    """The standard's own and ours, together."""
    policy = parse_policy(
        {
            "@context": "http://www.w3.org/ns/odrl.jsonld",
            "@type": "Set",
            "uid": "https://example.org/p",
            "profile": [CORE_PROFILE, PROFILE],
            "permission": [{"uid": "yes", "action": "use", "target": request_.target}],
        }
    )
    assert len(policy.profiles) == 2
    assert evaluate(policy, request_).outcome({}) is Outcome.PERMIT
