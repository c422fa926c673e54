"""The dataset's page tells anyone what is open to everyone, and says so where nothing is."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from registry.pages.rendering import environment
from registry.pages.words import LANGUAGES, Words
from tests.registry.pages.site import Site
from tests.registry.pages.steps import publish
from tests.registry.pages.visitor import Visitor

PAGE = "/datasets/toonarchief/journaals"


def once_told(anyone: Visitor) -> str:
    """The page when the work beside the requests is done."""
    for _ in range(120):
        page = anyone.open(PAGE).one("main").text
        if Words("nl")("statistics.later") not in page:
            return page
        time.sleep(0.25)
    raise AssertionError(page)


def test_a_page_shows_statistics_and_some_items(site: Site) -> None:
    """In both languages, to someone who is not signed in: columns, shares, titles, and no ids."""
    publish(site.invited("archive", "Toonarchief"), rows=200, broken=0)
    page = once_told(site.visitor("nl"))
    assert "Enkele items" in page
    assert "Journaal 0" in page
    assert "nr-0" not in page
    english = site.visitor("en").open(PAGE).one("main").text
    assert "Some items" in english
    assert "Values of year that at least 10 items have" in english


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("told", "key"),
    [
        (None, "statistics.later"),
        ({"rows": 0, "columns": [{"name": "a", "described": False}]}, "statistics.empty_text"),
    ],
)
def test_where_nothing_is_told_the_page_says_why(
    language: str, told: Mapping[str, Any] | None, key: str
) -> None:
    """Not made yet, or nothing open to everyone."""
    words = Words(language)
    section: Any = environment().get_template("statistics.html").module
    found = section.section(words, told)
    assert words(key) in found
    assert "<table" not in found
