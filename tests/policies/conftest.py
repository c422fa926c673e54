"""What the policy tests share: a request, an item and random ones of each."""

from datetime import UTC, date, datetime

import pytest

from policies import Place, Request

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def request_() -> Request:
    """A start-up in the Netherlands that asks to train a generative model."""
    return Request(
        use="train.gen",
        user_class="commercial",
        purpose=None,
        assignee="https://example.org/startup",
        target="archive/films@3",
        place=Place("NL", "NL"),
        at=AT,
    )


@pytest.fixture
def item() -> dict[str, object]:
    """An item that nothing stands in the way of."""
    return {
        "rights": "https://creativecommons.org/publicdomain/mark/1.0/",
        "rightsholder": "Polygoon",
        "embargo_until": date.min,
        "opt_out": False,
        "personal_data": "none",
    }
