"""Tests of a policy as data."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from policies import (
    Conflict,
    Constraint,
    DocumentError,
    Effect,
    Kind,
    Operator,
    Policy,
    RequestError,
    Rule,
    run_policy_tests,
)

OFFER = Policy(
    Kind.OFFER,
    "https://example.org/o",
    (
        Rule(Effect.PERMISSION, "yes", "vg:any", "archive/films@3", "https://example.org/a"),
        Rule(
            Effect.PROHIBITION,
            "opt-out",
            "odrl:use",
            "archive/films@3",
            "https://example.org/a",
            constraints=(Constraint("vg:optOut", Operator.EQ, (True,)),),
        ),
    ),
    conflict=Conflict.PROHIBIT,
    assigner="https://example.org/a",
)
DEFAULTS: dict[str, Any] = {
    "request": {
        "use": "train.gen",
        "user_class": "commercial",
        "target": "archive/films@3",
        "place": {"country": "NL"},
        "at": "2026-11-23T12:00:00Z",
    },
    "item": {"opt_out": False, "embargo_until": "2026-01-01"},
}


def _tests(*tests: dict[str, Any]) -> dict[str, Any]:
    return {"defaults": DEFAULTS, "tests": list(tests)}


def test_tests_pass_and_rules_are_covered() -> None:
    """Each test differs from the defaults; every rule was seen to apply."""
    report = run_policy_tests(
        OFFER,
        _tests(
            {
                "name": "open",
                "expect": {"outcome": "permit", "rule": "yes", "duties": [], "secure_only": False},
            },
            {
                "name": "opted out",
                "item": {"opt_out": True},
                "request": {"at": datetime(2026, 1, 1, tzinfo=UTC)},
                "expect": {"outcome": "deny", "reasons": ["prohibited:optOut"]},
            },
        ),
    )
    assert report.passed
    assert report.untested == ()


def test_a_failing_test_says_what_came_instead() -> None:
    """And a rule that no test saw apply is named."""
    report = run_policy_tests(OFFER, _tests({"name": "wrong", "expect": {"outcome": "deny"}}))
    assert not report.passed
    assert report.tests[0].failures == ("outcome: expected 'deny', got 'permit'",)
    assert report.untested == ("opt-out",)


def test_an_agreement_is_evaluated() -> None:
    """Where an offer would only be matched."""
    agreement = replace(OFFER, kind=Kind.SET)
    document = {
        "tests": [{"name": "x", "request": DEFAULTS["request"], "expect": {"outcome": "deny"}}]
    }
    (test,) = run_policy_tests(agreement, document).tests
    assert not test.failures


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "$"),
        ({}, "$"),
        ({"tests": [{"name": "x"}]}, "$.tests[0]"),
        ({"tests": [{"expect": {}}]}, "$.tests[0]"),
        ({"tests": [{"name": "x", "expect": {}, "also": 1}]}, "$.tests[0].also"),
        ({"tests": [{"name": "x", "expect": {}}]}, "$.tests[0]"),
        (_tests({"name": "x", "item": {"colour": 1}, "expect": {}}), "$.tests[0].item.colour"),
        (_tests({"name": "x", "request": {"at": "soon"}, "expect": {}}), "$.tests[0]"),
        (_tests({"name": "x", "request": {"place": {"on": 1}}, "expect": {}}), "$.tests[0]"),
        (_tests({"name": "x", "expect": {"outcome": "yes"}}), "$.tests[0].expect.outcome"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place(document: object, path: str) -> None:
    """A test that says nothing we know would pass for ever."""
    with pytest.raises(DocumentError) as caught:
        run_policy_tests(OFFER, document)
    assert caught.value.path == path


def test_a_request_or_item_outside_the_vocabulary_is_refused() -> None:
    """Its error names the field."""
    soon = _tests({"name": "x", "item": {"embargo_until": "soon"}, "expect": {}})
    with pytest.raises(RequestError, match="embargo_until"):
        run_policy_tests(OFFER, soon)
    with pytest.raises(RequestError, match="use"):
        run_policy_tests(OFFER, _tests({"name": "x", "request": {"use": "fly"}, "expect": {}}))
