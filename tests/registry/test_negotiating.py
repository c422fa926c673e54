"""An Accept header is read as RFC 9110 says."""

import pytest

from registry.negotiating import Form, preferred

PAGE, LD, CROISSANT, TURTLE = (
    Form("text/html"),
    Form("application/ld+json", "urn:dcat"),
    Form("application/ld+json", "urn:croissant"),
    Form("text/turtle"),
)
OFFERED = (PAGE, LD, CROISSANT, TURTLE)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", PAGE),
        ("*/*", PAGE),
        ("nonsense", PAGE),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PAGE),
        ("application/ld+json", LD),
        ("text/turtle, application/ld+json;q=0.9", TURTLE),
        ("text/turtle;q=0.3, application/ld+json;q=0.9", LD),
        ('application/ld+json;profile="urn:croissant"', CROISSANT),
        (
            'application/ld+json; profile="urn:other urn:croissant"; q=0.5, text/turtle;q=0.4',
            CROISSANT,
        ),
        ("application/*", LD),
        ("text/*;q=0.5, text/turtle", TURTLE),
        ("*/*;q=0.1, text/html;q=0", LD),
        ("TEXT/Turtle", TURTLE),
        ("image/png", None),
        ("text/html;q=0", None),
        ("text/turtle;q=many, text/html;q=2", None),
        ('application/ld+json;profile="urn:other"', None),
    ],
)
def test_the_form_that_is_wanted_most(accept: str, form: Form | None) -> None:
    """By quality, the most precise range counting; what is alike goes by our order."""
    assert preferred(accept, OFFERED) == form


def test_a_long_header_costs_little() -> None:
    """What stands beyond a few thousand characters is not read."""
    assert preferred("image/png," * 10_000 + "text/turtle", OFFERED) is None
