"""Recognising rights statements as delivered, and what they suggest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.licences import STATEMENTS, recognise, statement, suggestion

BY_SA_NL = "https://creativecommons.org/licenses/by-sa/3.0/nl/"
BY_4 = "https://creativecommons.org/licenses/by/4.0/"
MARK = "https://creativecommons.org/publicdomain/mark/1.0/"
ZERO = "https://creativecommons.org/publicdomain/zero/1.0/"
IN_COPYRIGHT = "http://rightsstatements.org/vocab/InC/1.0/"


@pytest.mark.parametrize(
    ("raw", "iri"),
    [
        (BY_SA_NL, BY_SA_NL),
        ("http://creativecommons.org/licenses/by-sa/3.0/nl/deed.nl", BY_SA_NL),
        ("HTTP://WWW.CreativeCommons.org/licenses/BY-SA/3.0/NL", BY_SA_NL),
        ("CC BY-SA 3.0 NL", BY_SA_NL),
        ("cc-by-sa-3.0-nl", BY_SA_NL),
        ("Creative Commons Naamsvermelding-GelijkDelen 3.0 Nederland", BY_SA_NL),
        ("cc-by-4.0", BY_4),
        ("CC BY 4.0 International", BY_4),
        ("https://creativecommons.org/licenses/by/4.0/legalcode.nl", BY_4),
        ("https://spdx.org/licenses/CC-BY-4.0.html", BY_4),
        ("Public Domain Mark 1.0", MARK),
        ("http://creativecommons.org/publicdomain/mark/1.0", MARK),
        ("CC0", ZERO),
        (" CC0 1.0 Universal ", ZERO),
        ("InC", IN_COPYRIGHT),
        ("In Copyright", IN_COPYRIGHT),
        ("auteursrechtelijk beschermd", IN_COPYRIGHT),
        ("https://rightsstatements.org/page/InC/1.0/?language=nl", IN_COPYRIGHT),
        ("Apache-2.0", "http://spdx.org/licenses/Apache-2.0"),
    ],
)
def test_known_spellings_give_one_canonical_iri(raw: str, iri: str) -> None:
    """Every usual way to write a statement leads to the same IRI."""
    found = recognise(raw)
    assert found is not None
    assert found.iri == iri


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   ",
        "CC BY",
        "CC",
        "public domain",
        "publiek domein",
        "© ANP",
        "zie de balie",
        "CC BY 9.0",
        "CC BY 4.0 NL",
        "CC BY-SA 3.0 Atlantis",
        "CC BY 4.0, niet voor AI",
        "https://creativecommons.org/licenses/by/",
        "https://example.org/creativecommons.org/licenses/by/4.0/",
        "https://creativecommons.org.example/licenses/by/4.0/",
        "http://rightsstatements.org/vocab/XYZ/1.0/",
        "CC0" * 1000,
    ],
)
def test_what_does_not_name_a_statement_completely_is_unknown(raw: str) -> None:
    """An incomplete, amended or foreign text is never guessed at."""
    assert recognise(raw) is None


def test_every_statement_is_recognised_by_all_its_names() -> None:
    """IRI, code and both names of each statement lead back to it."""
    for known in STATEMENTS:
        assert statement(known.iri) == known
        assert {recognise(name) for name in (known.iri, known.code)} == {known}
        if known.kind == "rights-statement":
            assert {recognise(known.nl), recognise(known.en)} == {known}


def test_statements_have_unique_iris_and_both_languages() -> None:
    """The list people choose from has no doubles and no holes."""
    assert len({known.iri for known in STATEMENTS}) == len(STATEMENTS)
    assert all(known.nl and known.en for known in STATEMENTS)


@pytest.mark.parametrize(
    ("raw", "user_class", "outcome", "duties"),
    [
        ("CC0", "commercial", "permit", ()),
        ("PDM", "commercial", "permit", ()),
        (BY_4, "commercial", "permit", ("credit",)),
        (BY_SA_NL, "commercial", "review", ("credit",)),
        (BY_SA_NL, "research", "permit", ("credit",)),
        ("CC BY-NC-ND 3.0 NL", "commercial", "deny", ()),
        ("CC BY-NC-SA 3.0 NL", "commercial", "deny", ()),
        ("InC", "commercial", "deny", ()),
        ("InC", "research", "review", ()),
        ("UND", "research", "review", ()),
        ("CNE", "heritage", "review", ()),
        ("MIT", "commercial", "review", ()),
    ],
)
def test_a_statement_suggests_by_user_class(
    raw: str, user_class: str, outcome: str, duties: tuple[str, ...]
) -> None:
    """Suggestions follow the published guidance for training in the EU."""
    known = recognise(raw)
    assert known is not None
    found = suggestion(known.iri, user_class)
    assert (found.outcome, found.duties) == (outcome, duties)
    assert found.nl
    assert found.en


@pytest.mark.parametrize(("iri", "user_class"), [("urn:nothing", "commercial"), (ZERO, "martian")])
def test_an_unknown_statement_or_class_suggests_review(iri: str, user_class: str) -> None:
    """What is not known is looked at by a person."""
    assert suggestion(iri, user_class).outcome == "review"


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_recognising_never_fails_and_is_stable(raw: str) -> None:
    """Any text gives a statement or nothing, and a canonical IRI gives itself."""
    found = recognise(raw)
    assert found is None or recognise(found.iri) == found
