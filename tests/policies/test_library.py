"""Every template permits what its name says, and no more."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from policies import (
    Outcome,
    Place,
    PolicyError,
    Request,
    check_policy,
    dump_policy,
    from_template,
    match,
    parse_policy,
    templates,
)

NAMES = [template.name for template in templates()]
RESEARCH = {"user_class": "research", "purpose": "dpv:ScientificResearch"}
SECURE = Place("NL", "NL", secure=True)
SERVICE = {"purpose": "dpv:ServiceProvision"}


def _outcome(name: str, request: Request, item: dict[str, object]) -> str:
    offer = from_template(
        name,
        uid="https://example.org/o",
        assigner="https://example.org/archive",
        target="archive/films@3",
    )
    return match(offer, request).verdict(item).outcome.value


CASES: list[tuple[str, dict[str, Any], str]] = [
    ("open-with-credit", {}, "permit"),
    ("open-with-credit", {"use": "redistribute"}, "deny"),
    ("ask-first", {}, "review"),
    ("research-only", {}, "deny"),
    ("research-only", RESEARCH, "permit"),
    ("research-only", {**RESEARCH, "purpose": None}, "deny"),
    ("research-only", {**RESEARCH, "purpose": "dpv:CommercialResearch"}, "deny"),
    ("non-commercial", {"purpose": "dpv:NonCommercialResearch"}, "deny"),
    (
        "non-commercial",
        {"purpose": "dpv:NonCommercialResearch", "user_class": "heritage"},
        "permit",
    ),
    ("non-commercial", {"user_class": "research"}, "deny"),
    ("education-only", {"user_class": "education", "use": "infer.rag"}, "permit"),
    ("education-only", {"user_class": "education", "use": "train"}, "deny"),
    ("education-only", {"use": "search"}, "deny"),
    ("eu-only", {}, "permit"),
    ("eu-only", {"place": Place("NL", "US")}, "deny"),
    ("eu-only", {"place": Place("US", "NL")}, "deny"),
    ("eu-only", {"place": Place("NL", None)}, "deny"),
    ("generative-training-paid", {}, "review"),
    ("generative-training-paid", {"use": "train"}, "deny"),
    ("no-generative", {}, "deny"),
    ("no-generative", {"use": "train"}, "deny"),
    ("no-generative", {"use": "train.nongen"}, "permit"),
    ("no-generative", {"use": "synthesise"}, "deny"),
    ("mining-only", {"use": "analyse"}, "permit"),
    ("mining-only", {}, "deny"),
    ("secure-environment-only", {}, "deny"),
    ("secure-environment-only", {"place": SECURE}, "permit"),
    ("newsroom-retrieval", {**SERVICE, "use": "infer.rag"}, "permit"),
    ("newsroom-retrieval", {**SERVICE, "use": "train.nongen"}, "deny"),
    ("newsroom-retrieval", {**SERVICE, "use": "infer.rag", "place": Place("US", "US")}, "deny"),
    ("search-only", {"use": "index"}, "permit"),
    ("search-only", {"use": "preview"}, "permit"),
    ("search-only", {"use": "infer"}, "deny"),
]


@pytest.mark.parametrize(("name", "changed", "outcome"), CASES)
def test_a_template_permits_what_it_says(
    request_: Request, item: dict[str, object], name: str, changed: dict[str, Any], outcome: str
) -> None:
    """For the uses, users, purposes and places in its text."""
    assert _outcome(name, replace(request_, **changed), item) == outcome


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "closed",
    [
        {"opt_out": True},
        {"opt_out": None},
        {"embargo_until": date(2027, 1, 1)},
        {"embargo_until": None},
        {"personal_data": "ordinary"},
        {"personal_data": None},
    ],
    ids=str,
)
def test_every_template_closes_what_always_is_closed(
    request_: Request, item: dict[str, object], name: str, closed: dict[str, object]
) -> None:
    """Opt-outs, embargoes and personal data, unknown ones too, whatever is asked."""
    for user_class in ("commercial", "research", "education"):
        for use in ("search", "train.gen", "analyse", "infer.rag"):
            asked = replace(
                request_,
                user_class=user_class,
                use=use,
                place=SECURE,
                purpose="dpv:ScientificResearch",
            )
            assert _outcome(name, asked, {**item, **closed}) == Outcome.DENY


@pytest.mark.parametrize("name", NAMES)
def test_every_template_is_sound_and_tested(name: str) -> None:
    """It has no findings, survives its document, speaks two languages, and has cases above."""
    offer = from_template(name, uid="u", assigner="a", target="t")
    assert check_policy(offer) == ()
    assert parse_policy(dump_policy(offer)) == offer
    (template,) = [each for each in templates() if each.name == name]
    assert template.version >= 1
    assert template.title_nl != template.title_en
    assert template.text_nl != template.text_en
    assert any(case[0] == name for case in CASES)


def test_an_unknown_template_is_an_error() -> None:
    """It names those there are."""
    with pytest.raises(PolicyError, match="ask-first"):
        from_template("everything", uid="u", assigner="a", target="t")
