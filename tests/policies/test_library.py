"""Every template permits what its name says, and no more."""

from dataclasses import replace
from datetime import date
from importlib.resources import files

import pytest
import yaml

from policies import (
    DocumentError,
    Outcome,
    Place,
    Policy,
    PolicyError,
    Request,
    Template,
    check_policy,
    dump_policy,
    from_template,
    match,
    parse_policy,
    run_policy_tests,
    templates,
)

VALUES = {
    "opens": "2027-05-01T00:00:00+02:00",
    "closes": "2027-06-01T00:00:00+02:00",
    "place": "reading-room",
}
"""What the archive of these tests chooses where a template has no value of its own."""

every_template = pytest.mark.parametrize("template", templates(), ids=lambda each: each.name)


def _offer(template: Template) -> Policy:
    left_open = [each.name for each in template.adjustable if each.value is None]
    return from_template(
        template.name,
        uid="https://example.org/o",
        assigner="https://example.org/archive",
        target="archive/films@3",
        values={name: VALUES[name] for name in left_open},
    )


@every_template
def test_a_template_passes_the_tests_beside_it(template: Template) -> None:
    """They see every one of its rules apply, and both what is given and what is not."""
    name = f"{template.name}-{template.version}.policytest.yaml"
    text = files("policies").joinpath("data", "templates", name).read_text("utf-8")
    report = run_policy_tests(_offer(template), yaml.safe_load(text))
    assert [test for test in report.tests if test.failures] == []
    assert report.untested == ()
    outcomes = {test["expect"]["outcome"] for test in yaml.safe_load(text)["tests"]}
    assert "deny" in outcomes
    assert outcomes & {"permit", "review"}


@every_template
@pytest.mark.parametrize(
    "closed",
    [
        {"opt_out": True},
        {"opt_out": None},
        {"embargo_until": date(2028, 1, 1)},
        {"embargo_until": None},
        {"personal_data": "ordinary"},
        {"personal_data": None},
    ],
    ids=str,
)
def test_every_template_closes_what_always_is_closed(
    request_: Request, item: dict[str, object], template: Template, closed: dict[str, object]
) -> None:
    """Opt-outs, embargoes and personal data, unknown ones too, whatever is asked."""
    offer = _offer(template)
    secure = Place("NL", "NL", secure=True, stored_country="NL", name="reading-room")
    for user_class in ("commercial", "research", "education"):
        for use in ("search", "train.gen", "analyse", "infer.rag"):
            asked = replace(
                request_,
                user_class=user_class,
                use=use,
                place=secure,
                purpose="dpv:ScientificResearch",
            )
            assert match(offer, asked).verdict({**item, **closed}).outcome is Outcome.DENY


@every_template
def test_every_template_is_sound(template: Template) -> None:
    """It has no findings, survives its document, and speaks two languages."""
    offer = _offer(template)
    assert check_policy(offer) == ()
    assert parse_policy(dump_policy(offer)) == offer
    assert template.version >= 1
    assert template.title_nl != template.title_en
    assert template.text_nl != template.text_en
    assert all(each.text_nl != each.text_en for each in template.adjustable)


def test_an_unknown_template_is_an_error() -> None:
    """It names those there are."""
    with pytest.raises(PolicyError, match="ask-first"):
        from_template("everything", uid="u", assigner="a", target="t")


def _adjusted(name: str, **values: str) -> Policy:
    return from_template(name, uid="u", assigner="a", target="archive/films@3", values=values)


def test_what_a_template_leaves_open_is_chosen(request_: Request, item: dict[str, object]) -> None:
    """Another country than the one that counts where none is told."""
    belgian = replace(request_, place=Place("BE", "BE", stored_country="BE"))
    for offer, outcome in (
        (_adjusted("national-only"), Outcome.DENY),
        (_adjusted("national-only", country="BE"), Outcome.PERMIT),
    ):
        assert match(offer, belgian).verdict(item).outcome is outcome


def test_a_choice_that_is_missing_or_unknown_is_an_error() -> None:
    """It says what to tell, in both languages; a wrong value is told with its place."""
    with pytest.raises(PolicyError, match="needs `opens`") as missing:
        _adjusted("open-after-date")
    assert missing.value.path == "values.opens"
    assert missing.value.uitweg.startswith("geef het tijdstip")
    with pytest.raises(PolicyError, match="leaves no `country` open") as unknown:
        _adjusted("open-after-date", opens=VALUES["opens"], country="NL")
    assert unknown.value.remedy == "it leaves open: opens"
    with pytest.raises(PolicyError) as closed:
        _adjusted("eu-only", country="NL")
    assert closed.value.remedy == "it leaves open: nothing"
    with pytest.raises(DocumentError, match="no time zone"):
        _adjusted("open-after-date", opens="2027-05-01T00:00:00")


def test_a_window_that_closes_before_it_opens_never_applies() -> None:
    """The check says so before anything is published."""
    offer = _adjusted("sports-highlights", opens=VALUES["closes"], closes=VALUES["opens"])
    assert {finding.code for finding in check_policy(offer)} == {"never-applies"}
