"""ODRL in Turtle is read as strictly as JSON-LD, and says the same."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, reject, settings

from policies import Collection, DocumentError, Effect, Kind, dump_policy, parse_policy
from policies.interchange.turtle import dump_turtle, parse_turtle
from policies.policy import Policy
from tests.policies.test_documents import POLICIES

PREFIXES = """
@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
@prefix vg: <https://w3id.org/vrijgave/ns#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix ex: <https://example.org/> .
"""
OFFER = """
ex:offer a odrl:Offer ;
  dct:description "Read within working hours, or in the collection." ;
  odrl:profile <https://w3id.org/vrijgave/profile/1> ;
  odrl:conflict odrl:prohibit ;
  odrl:assigner ex:archive ;
  odrl:permission [
    odrl:target <archive/films@3> ;
    odrl:action [ rdf:value vg:train ; odrl:refinement
      [ odrl:leftOperand odrl:count ; odrl:operator odrl:lteq ; odrl:rightOperand 3 ] ] ;
    odrl:assignee ex:members ;
    odrl:constraint [ odrl:andSequence (
      [ odrl:leftOperand odrl:dateTime ; odrl:operator odrl:lt ;
        odrl:rightOperand "2027-01-01T00:00:00Z"^^xsd:dateTime ]
      [ odrl:leftOperand vg:embargoUntil ; odrl:operator odrl:lteq ;
        odrl:rightOperand odrl:policyUsage ] ) ] ;
    odrl:duty ex:pay ] .
ex:pay a odrl:Duty ; odrl:action odrl:compensate .
ex:members a odrl:PartyCollection ; odrl:source ex:everyone .
"""


def test_an_offer_in_turtle_is_the_offer_in_json_ld() -> None:
    """Blank nodes, lists, typed values, relative names and described collections (D8)."""
    policy = parse_turtle(PREFIXES + OFFER)
    expected = parse_policy(
        {
            "@context": "http://www.w3.org/ns/odrl.jsonld",
            "@type": "Offer",
            "uid": "https://example.org/offer",
            "profile": "https://w3id.org/vrijgave/profile/1",
            "conflict": "prohibit",
            "assigner": "https://example.org/archive",
            "permission": {
                "target": "archive/films@3",
                "action": {
                    "rdf:value": {"@id": "vg:train"},
                    "refinement": {"leftOperand": "count", "operator": "lteq", "rightOperand": 3},
                },
                "assignee": {
                    "@type": "PartyCollection",
                    "uid": "https://example.org/members",
                    "source": "https://example.org/everyone",
                },
                "constraint": {
                    "andSequence": [
                        {
                            "leftOperand": "dateTime",
                            "operator": "lt",
                            "rightOperand": {
                                "@value": "2027-01-01T00:00:00Z",
                                "@type": "xsd:dateTime",
                            },
                        },
                        {
                            "leftOperand": "vg:embargoUntil",
                            "operator": "lteq",
                            "rightOperand": {"@id": "odrl:policyUsage"},
                        },
                    ]
                },
                "duty": {"uid": "https://example.org/pay", "action": "compensate"},
            },
        }
    )
    assert policy == expected
    assert policy.kind is Kind.OFFER
    assert isinstance(policy.rules[0].assignee, Collection)


@given(POLICIES)
@settings(max_examples=60, deadline=None)
def test_turtle_says_what_json_ld_says(policy: Policy) -> None:
    """Written as Turtle and read back nothing is lost but the order, which a graph has not."""
    try:
        text = dump_turtle(policy)
    except DocumentError:
        reject()
    assert _unordered(parse_turtle(text)) == _unordered(policy)


def test_two_things_of_one_name_are_refused() -> None:
    """A graph would melt them into one that neither was (D8)."""
    policy = parse_turtle(PREFIXES + OFFER)
    twin = replace(policy.rules[0], action="odrl:use")
    with pytest.raises(DocumentError, match="share the uid"):
        dump_turtle(replace(policy, rules=(*policy.rules, twin)))


def _unordered(policy: Policy) -> str:
    """The document with every list sorted and duplicates left out, as in a graph."""

    def sort(value: object) -> object:
        if isinstance(value, dict):
            return {key: sort(inner) for key, inner in sorted(value.items())}
        if isinstance(value, list):
            texts = sorted({json.dumps(sort(inner), sort_keys=True) for inner in value})
            return texts[0] if len(texts) == 1 else texts
        return value

    return json.dumps(sort(dump_policy(policy)), sort_keys=True)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("ex:p a odrl:Set ; odrl:permission [ odrl:action ; ] .", "line", "not Turtle"),
        ("ex:p odrl:permission ex:r .", "$", "0 were found"),
        ("ex:p a odrl:Set . ex:q a odrl:Set .", "$", "2 were found"),
        ("ex:p a odrl:Set ; ex:limit 5 .", "$.https://example.org/limit", "not known"),
        (
            "ex:p a odrl:Set ; odrl:permission [ odrl:action odrl:fly ; odrl:target ex:t ] .",
            "$.permission.action",
            "`odrl:fly`",
        ),
        (
            "ex:p a odrl:Set ; odrl:permission ex:r . ex:r odrl:action odrl:use ; "
            "odrl:target ex:t ; odrl:constraint ex:c . ex:c odrl:and ex:c, ex:d .",
            "$",
            "nested more than",
        ),
    ],
)
def test_a_wrong_graph_is_refused_with_its_place(text: str, path: str, message: str) -> None:
    """A line for what is no Turtle, a path for what is no policy (D8)."""
    with pytest.raises(DocumentError) as caught:
        parse_turtle(PREFIXES + text)
    assert caught.value.path.startswith(path)
    assert message in caught.value.problem


def test_a_lenient_graph_may_leave_out_action_and_target() -> None:
    """As in older policies and test suites (D9)."""
    policy = parse_turtle(PREFIXES + "ex:p a odrl:Set ; odrl:prohibition [] .", lenient=True)
    assert [(rule.effect, rule.action) for rule in policy.rules] == [(Effect.PROHIBITION, None)]
    assert parse_policy(dump_policy(policy), lenient=True) == policy
