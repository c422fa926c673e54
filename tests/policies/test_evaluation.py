"""Every case of ``cases/`` is decided as it says, row by row and as SQL."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import Outcome, Place, Request, cleared, evaluate, match, parse_policy

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


@pytest.mark.parametrize("case", _cases())
def test_a_case_is_decided_as_it_says(case: dict[str, Any]) -> None:
    """The outcome, rule, duties and reason codes of each item are those of the case."""
    policy = parse_policy(_filled(COMMON["policy"], case["policy"]))
    decide = match if case.get("how") == "match" else evaluate
    answer = decide(policy, _request(case.get("request", {})))
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
        passed = [outcome for outcome in Outcome if cleared(answer, outcome).matches(item)]
        assert passed == [verdict.outcome]


@pytest.mark.parametrize("case", _cases())
def test_a_case_names_sentences_that_exist(case: dict[str, Any]) -> None:
    """Every sentence a case claims to test stands in SPEC.md."""
    for sentence in case["spec"]:
        assert f"**{sentence}**" in SPEC
