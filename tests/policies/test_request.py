"""A request is checked against the vocabulary when it is made."""

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from policies import Place, Request, RequestError, item_from_json, request_from_json


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("use", {"use": "train.everything"}),
        ("user_class", {"user_class": "king"}),
        ("purpose", {"purpose": "https://w3id.org/dpv#Fun"}),
        ("place.country", {"place": Place("nl", "NL")}),
        ("place.country", {"place": Place("EU1", "NL")}),
        ("place.operator_country", {"place": Place("NL", "Nederland")}),
        ("place.stored_country", {"place": Place("NL", "NL", stored_country="EEA")}),
        ("at", {"at": datetime(2026, 1, 1)}),  # noqa: DTZ001 - the missing zone is the point
    ],
)
def test_what_the_vocabulary_does_not_know_is_an_error(
    request_: Request, field: str, change: dict[str, Any]
) -> None:
    """The error names the field, in both languages with a way out (Q2)."""
    with pytest.raises(RequestError) as caught:
        replace(request_, **change)
    assert caught.value.path == field
    assert caught.value.remedy
    assert caught.value.probleem != caught.value.problem
    assert caught.value.uitweg


def test_a_use_is_an_action_of_the_profile_or_of_odrl(request_: Request) -> None:
    """Short names, prefixed terms and full IRIs all name the same action (Q1)."""
    for use in ("train.gen", "vg:train.gen", "https://w3id.org/vrijgave/ns#train.gen"):
        assert replace(request_, use=use).action == "vg:train.gen"
    assert replace(request_, use="odrl:print").action == "odrl:print"


def test_a_request_survives_json(request_: Request) -> None:
    """Stored as JSON and read back it is the same request."""
    asked = replace(
        request_,
        purpose="dpv:PublicBenefit",
        place=Place(None, "US", True),
        facts={"odrl:count": 2},
    )
    assert request_from_json(json.loads(json.dumps(asked.to_json()))) == asked


def test_an_items_facts_come_from_json() -> None:
    """Dates may be written as text; facts we do not know are errors."""
    facts = {"opt_out": False, "embargo_until": "2026-11-23", "rights": None}
    assert item_from_json(facts) == {**facts, "embargo_until": date(2026, 11, 23)}
    assert item_from_json({"embargo_until": date.min}) == {"embargo_until": date.min}
    for wrong in ({"colour": "red"}, {"embargo_until": "soon"}):
        with pytest.raises(RequestError, match=r"item\."):
            item_from_json(wrong)
