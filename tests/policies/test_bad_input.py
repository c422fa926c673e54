"""Bad policies: each is a finding with its place, and never a crash, a hang or a permit."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from policies import (
    Constraint,
    DocumentError,
    Effect,
    Kind,
    Logical,
    Operator,
    Outcome,
    Place,
    Policy,
    PolicyError,
    Request,
    Rule,
    check_policy,
    evaluate,
    inherit,
    parse_policy,
    successor,
)
from policies.interchange.turtle import parse_turtle
from policies.policy import Condition, Connective

ODRL = "http://www.w3.org/ns/odrl.jsonld"
TARGET = "archive/films@3"
UID = "https://example.org/policies/1"
SECONDS = 5.0
"""More than enough for any answer here, also on a busy machine."""


def _policy(*constraints: object, **more: Any) -> str:
    rule = {"action": "use", "target": TARGET, "constraint": list(constraints)}
    rule = {key: value for key, value in rule.items() if value}
    return json.dumps({"@context": ODRL, "uid": UID, "permission": [rule], **more})


def _says(left: str, operator: str, right: object) -> dict[str, object]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _nested(levels: int) -> str:
    inner = json.dumps(_says("count", "eq", 1))
    whole = '{"and":{"@list":[' * levels + inner + "]}}" * levels
    return _policy("HERE").replace('"HERE"', whole)


TURTLE = f"""
@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
<{UID}> a odrl:Set ; odrl:permission [ odrl:action odrl:use ; odrl:target <{TARGET}> ;
  odrl:constraint """
NAIVE = {"@value": "2027-01-01T00:00:00", "@type": "xsd:dateTime"}
BAD = [
    # what, file's name, text, place and word of the finding
    ("inherits from itself", "p.json", _policy(inheritFrom=UID), "circle", "inheritFrom"),
    (
        "replaced by itself",
        "p.json",
        _policy(**{"dct:isReplacedBy": UID}),
        "circle",
        "isReplacedBy",
    ),
    (
        "a constraint within itself",
        "p.ttl",
        TURTLE + "_:c ] . _:c odrl:and _:c .",
        "$",
        "nested",
    ),
    (
        "a list within itself",
        "p.ttl",
        TURTLE + "[ odrl:and _:l ] ] . _:l rdf:first 1 ; rdf:rest _:l .",
        "$",
        "back to where it began",
    ),
    ("33 levels", "p.json", _nested(33), "$.permission[0].constraint[0].and", "nested"),
    ("10,000 levels", "p.json", _nested(10_000), "$", "JSON"),
    ("10,000 levels in Turtle", "p.ttl", TURTLE + "[ odrl:and ( " * 10_000, "$", "nested"),
    (
        "10,000 alternatives of which one holds",
        "p.json",
        _policy({"xone": {"@list": [_says("count", "eq", n) for n in range(10_000)]}}),
        "$.permission[0].constraint[0]",
        "comparisons",
    ),
    (
        "an unknown operand",
        "p.json",
        _policy(_says("mood", "eq", "good")),
        "$.permission[0].constraint[0].leftOperand",
        "`odrl:mood`",
    ),
    (
        "an unknown operand in Turtle",
        "p.ttl",
        TURTLE + "[ odrl:leftOperand odrl:mood ; odrl:operator odrl:eq ; odrl:rightOperand 1 ] ] .",
        "$.permission.constraint.leftOperand",
        "`odrl:mood`",
    ),
    (
        "a remote context",
        "p.json",
        _policy(**{"@context": [ODRL, "https://example.org/context.jsonld"]}),
        "$.@context[1]",
        "never fetched",
    ),
    (
        "a date without zone",
        "p.json",
        _policy(_says("dateTime", "lt", NAIVE)),
        "$.permission[0].constraint[0].rightOperand",
        "no time zone",
    ),
    (
        "an operand of another kind",
        "p.json",
        _policy(_says("vg:optOut", "eq", "no")),
        "$.permission[0].constraint[0].rightOperand",
        "neither true nor false",
    ),
    (
        "conditions that exclude each other",
        "p.json",
        _policy(_says("count", "lt", 1), _says("count", "gt", 2)),
        f"{UID}#permission-1",
        "exclude each other",
    ),
    (
        "a permission and a prohibition of the same",
        "p.json",
        _policy(conflict="prohibit", prohibition=[{"action": "use", "target": TARGET}]),
        f"{UID}#permission-1",
        "never works",
    ),
]
ASKED = Request(
    use="train.gen",
    user_class="research",
    purpose=None,
    assignee=None,
    target=TARGET,
    place=Place("NL", "NL"),
    at=datetime(2026, 11, 23, 12, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("name", "text", "place", "word"),
    [case[1:] for case in BAD],
    ids=[case[0] for case in BAD],
)
def test_a_bad_policy_is_a_finding_with_its_place(
    name: str, text: str, place: str, word: str
) -> None:
    """Either it cannot be read, or it is found and permits nothing; and soon (D1, D2, D6)."""
    begun = time.process_time()
    read = _read(name, text)
    if isinstance(read, Policy):
        (found,) = (f for f in check_policy(read) if place in (f.rule, f.code))
        assert found.level == "error"
        assert word in found.en
        assert found.nl != found.en
        assert evaluate(read, ASKED).outcome({}) is Outcome.DENY
    else:
        assert read.path.startswith(place)
        assert word in read.problem
    assert time.process_time() - begun < SECONDS


def _read(name: str, text: str) -> Policy | DocumentError:
    try:
        return parse_turtle(text) if name.endswith("ttl") else parse_policy(text)
    except DocumentError as error:
        return error


def test_a_circle_of_policies_is_refused() -> None:
    """Of inheritance and of replacement, over any number of policies (K3, K5)."""
    first = Policy(Kind.SET, "urn:0", (Rule(Effect.PERMISSION, "yes", "odrl:use", TARGET),))
    count = 50
    known = {
        f"urn:{n}": replace(
            first,
            uid=f"urn:{n}",
            inherits=(f"urn:{(n + 1) % count}",),
            replaced_by=f"urn:{(n + 1) % count}",
        )
        for n in range(count)
    }
    with pytest.raises(PolicyError, match="inherits from itself"):
        inherit(known["urn:0"], known)
    with pytest.raises(PolicyError, match="where it began"):
        successor(known["urn:0"], known)
    assert evaluate(known["urn:0"], ASKED).outcome({}) is Outcome.DENY


OPTED_OUT = Constraint("vg:optOut", Operator.EQ, (True,))


@pytest.mark.parametrize(
    ("connective", "fits", "too_many"),
    [(Connective.OR, 10_000, 10_001), (Connective.XONE, 100, 101)],
)
def test_constraints_made_in_code_have_the_same_bounds(
    connective: Connective, fits: int, too_many: int
) -> None:
    """What can be built can be decided: no more comparisons and no more levels (D10)."""
    assert Logical(connective, (OPTED_OUT,) * fits).operands
    with pytest.raises(PolicyError) as caught:
        Logical(connective, (OPTED_OUT,) * too_many)
    assert caught.value.path == "constraint"
    assert caught.value.problem != caught.value.probleem
    assert caught.value.remedy != caught.value.uitweg
    inner: Condition = OPTED_OUT
    for _ in range(31):
        inner = Logical(Connective.AND, (inner,))
    rule = Rule(Effect.PERMISSION, "yes", "odrl:use", TARGET, constraints=(inner,))
    answer = evaluate(Policy(Kind.SET, UID, (rule,)), ASKED)
    assert answer.outcome({"opt_out": True}) is Outcome.PERMIT
    with pytest.raises(PolicyError):
        Logical(Connective.AND, (inner,))
