"""Tests of a policy as data, to stand beside it as ``name.policytest.yaml``.

A document has ``tests``, each with a ``name``, a ``request``, an ``item`` and what to ``expect``;
``defaults`` states the request and item that tests only need to differ from. An offer is matched,
anything else evaluated.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policies.evaluation import evaluate, match
from policies.nodes import Node
from policies.policy import Kind, Policy
from policies.request import Place, Request, item_from_json
from policies.verdict import ItemVerdict, Outcome
from policies.vocabulary import ITEM_FACTS

_EXPECTED = {"outcome", "rule", "reasons", "duties", "secure_only"}
_REQUEST = {"use", "user_class", "purpose", "assignee", "target", "place", "at", "facts"}
_UNTOLD: dict[str, Any] = {"purpose": None, "assignee": None, "facts": {}}
_NOWHERE = {"country": None, "operator_country": None, "secure": False}


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test and how it went: ``failures`` says what was expected and what came instead."""

    name: str
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyTestReport:
    """All tests of a policy, and the rules that none of them saw apply."""

    tests: tuple[PolicyTest, ...]
    untested: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every test passed; untested rules are for the reader to judge."""
        return not any(test.failures for test in self.tests)


def run_policy_tests(policy: Policy, document: object) -> PolicyTestReport:
    """Decide every test of the document and compare.

    :raises DocumentError: if the document is no set of tests, with its path.
    :raises RequestError: for a request or item outside the vocabulary.
    """
    fields = Node(document, "$").fields({"defaults", "tests"})
    if "tests" not in fields:
        Node(document, "$").fail("`tests` is missing")
    defaults: dict[str, Node] = {}
    if "defaults" in fields:
        defaults = fields["defaults"].fields({"request", "item"})
    decide = match if policy.kind is Kind.OFFER else evaluate
    tests: list[PolicyTest] = []
    applied: set[str] = set()
    for node in fields["tests"].each():
        test = node.fields({"name", "request", "item", "expect"})
        for name in ("name", "expect"):
            if name not in test:
                node.fail(f"`{name}` is missing")
        try:
            item = item_from_json(_merged(defaults, test, "item", set(ITEM_FACTS)))
            request = _request(_merged(defaults, test, "request", _REQUEST), node)
        except (TypeError, ValueError) as error:
            node.fail(f"the request or item cannot be read: {error}")
        answer = decide(policy, request)
        applied.update(left.rule.uid for left in answer.residuals if left.filter.matches(item))
        failures = tuple(_failures(answer.verdict(item), test["expect"]))
        tests.append(PolicyTest(test["name"].text(), failures))
    untested = [rule.uid for rule in policy.rules if rule.uid not in applied]
    return PolicyTestReport(tuple(tests), tuple(untested))


def _merged(
    defaults: dict[str, Node], test: dict[str, Node], name: str, known: set[str]
) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for source in (defaults, test):
        if name in source:
            found = source[name].fields(known)
            merged |= {key: node.value for key, node in found.items()}
    return merged


def _request(values: dict[str, Any], node: Node) -> Request:
    given = {**_UNTOLD, **values, "place": _NOWHERE | dict(values.get("place", {}))}
    missing = sorted(_REQUEST - set(given))
    if missing:
        node.fail(f"the request does not tell: {', '.join(missing)}")
    at = given["at"] if isinstance(given["at"], datetime) else datetime.fromisoformat(given["at"])
    return Request(**{**given, "place": Place(**given["place"]), "at": at})


def _failures(verdict: ItemVerdict, expect: Node) -> list[str]:
    """What differs from what the test expects."""
    expected = expect.fields(_EXPECTED)
    found = {
        "outcome": verdict.outcome.value,
        "rule": verdict.rule,
        "reasons": [reason.code for reason in verdict.reasons],
        "duties": [duty.action for duty in verdict.duties],
        "secure_only": verdict.secure_only,
    }
    if "outcome" in expected and expected["outcome"].value not in {o.value for o in Outcome}:
        expected["outcome"].fail("an outcome is `permit`, `review` or `deny`")
    return [
        f"{name}: expected {node.value!r}, got {found[name]!r}"
        for name, node in expected.items()
        if node.value != found[name]
    ]
