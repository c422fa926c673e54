"""The words: closed enums, and terms in dated data files."""

from datetime import date, timedelta

import pytest

from policies import (
    DUTIES,
    ITEM_FACTS,
    PURPOSES,
    USER_CLASSES,
    USES,
    VOCABULARY_VERSION,
    Operator,
    duty_term,
    is_country,
    is_region,
    label,
    purpose_term,
    region_label,
    regions_of,
    use_term,
)
from policies.regions import members
from policies.vocabulary import ACTIONS, OPERANDS, compact, expand, wider

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)


def test_odrl_is_whole() -> None:
    """The 72 actions, 34 left operands and 12 operators of the W3C vocabulary are known."""
    assert sum(term.startswith(("odrl:", "cc:")) for term in ACTIONS) == 72
    assert sum(term.startswith("odrl:") for term in OPERANDS) == 34
    assert len(Operator) == 12


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("vg:train.gen.finetune", "vg:train"),
        ("vg:infer.rag", "vg:any"),
        ("vg:any", "odrl:use"),
        ("vg:redistribute", "odrl:distribute"),
        ("odrl:display", "odrl:use"),
        ("odrl:sell", "odrl:transfer"),
        ("dpv:NonCommercialResearch", "dpv:NonCommercialPurpose"),
    ],
)
def test_a_term_lies_within_wider_ones(narrow: str, wide: str) -> None:
    """The tree is followed all the way up."""
    assert wide in wider(narrow)
    assert narrow not in wider(wide)


@pytest.mark.parametrize("outside", ["vg:preview", "vg:redistribute", "vg:sublicense"])
def test_uses_outside_ai_are_not_any(outside: str) -> None:
    """`any` means any use for AI; previewing, redistributing and sublicensing stand beside it."""
    assert "vg:any" not in wider(outside)


def test_use_does_not_cover_selling() -> None:
    """Selling and giving lie within `transfer` (R1)."""
    assert "odrl:use" not in wider("odrl:sell") | wider("odrl:give")


def test_every_tree_ends_at_a_known_term() -> None:
    """No term lies within one that does not exist."""
    for term in [*ACTIONS, *PURPOSES]:
        assert wider(term) <= set(ACTIONS) | set(PURPOSES)


def test_a_reader_finds_words_for_every_term() -> None:
    """Everything we name has a Dutch and an English label, and one differs from its code."""
    for table in (USES, DUTIES, USER_CLASSES, PURPOSES):
        for term in table:
            assert label(term, "nl") != term
            assert label(term, "en") != term
    assert label("odrl:print", "nl") == "odrl:print"
    assert set(ITEM_FACTS) == {
        "rights",
        "rightsholder",
        "embargo_until",
        "opt_out",
        "personal_data",
    }


def test_short_names_stand_for_terms() -> None:
    """Uses, purposes and duties can be named short; an unknown name stands for nothing."""
    assert use_term("infer.rag") == "vg:infer.rag"
    assert purpose_term("ScientificResearch") == "dpv:ScientificResearch"
    assert duty_term("credit") == duty_term("odrl:attribute") == "odrl:attribute"
    assert use_term("x") is purpose_term("x") is duty_term("x") is None


def test_prefixes_expand_and_compact() -> None:
    """A term and its IRI are two spellings of one thing; other texts stay as they are."""
    assert USES["vg:train"].iri == expand("vg:train") == "https://w3id.org/vrijgave/ns#train"
    assert compact("http://www.w3.org/ns/odrl/2/use") == "odrl:use"
    assert (
        expand("https://example.org/") == compact("https://example.org/") == "https://example.org/"
    )
    assert expand("bare") == "bare"


def test_a_country_lies_in_its_regions() -> None:
    """The Netherlands in the EU and the EEA, Norway in the EEA only, the US in none of them."""
    assert regions_of("NL", TODAY) == frozenset({"NL", "EU", "EEA"})
    assert regions_of("NO", TODAY) == frozenset({"NO", "EEA"})
    assert regions_of("JP", TODAY) == frozenset({"JP", "adequate"})
    assert regions_of("US", TODAY) == frozenset({"US"})
    assert regions_of(None, TODAY) is regions_of("Nederland", TODAY) is None
    assert len(members("EU")) == 27
    assert members("NL") == {"NL"}


@pytest.mark.parametrize(
    ("country", "first", "last"),
    [
        ("GB", date(2021, 6, 28), date(2031, 12, 27)),
        ("BR", date(2026, 1, 27), date.max),
        ("NZ", date.min, date.max),
    ],
)
def test_a_set_of_countries_is_read_on_a_day(country: str, first: date, last: date) -> None:
    """An adequacy decision counts from its first day through its last."""
    for day in (first, last):
        assert "adequate" in (regions_of(country, day) or ())
    if first > date.min:
        assert regions_of(country, first - DAY) == frozenset({country})
    if last < date.max:
        assert regions_of(country, last + DAY) == frozenset({country})


def test_regions_are_countries_and_sets() -> None:
    """A region has the form of a country code or is a set we know."""
    assert is_region("NL")
    assert is_region("EEA")
    assert not is_region("Europe")
    assert not is_country("EEA")
    assert region_label("EU", "nl") == "de Europese Unie"
    assert region_label("NL", "en") == "NL"


def test_the_vocabulary_has_a_version() -> None:
    """Date and digest, so that a decision says which words it used."""
    day, digest = VOCABULARY_VERSION.split("+")
    assert day >= "2026-11-22"
    assert len(digest) == 12
