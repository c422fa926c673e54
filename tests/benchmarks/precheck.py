"""The pre-check over HTTP, from the counts stored at publication."""

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from policies.vocabulary import USES
from tests.benchmarks._approved import NAME, approved
from tests.benchmarks.line import Line
from tests.support.service import Person

LIMIT = 20.0
ASKED = 500
ITEMS = {"ci": 50_000, "full": 5_000_000}
CLASSES = ("commercial", "research", "heritage", "education", "government")
COUNTRIES = ("NL", "BE", "DE", "FR", "GB", "US", "CN", "JP")


def run(size: str) -> Iterator[Line]:
    """One asker after the other, no two with the same question; the 95th percentile."""
    with tempfile.TemporaryDirectory() as folder, approved(Path(folder), ITEMS[size]) as ready:
        anyone = Person(ready.service.origin)
        taken = [ask(anyone, question) for question in questions()]
    slowest = statistics.quantiles(taken, n=20)[-1]
    yield Line(
        f"precheck: p95 over HTTP of {ASKED} different questions, {ITEMS[size]} items",
        round(slowest, 1),
        "ms",
        goal=f"<= {LIMIT:.0f} ms",
        holds=slowest <= LIMIT,
    )


def questions() -> list[dict[str, object]]:
    """Different ones, in an order that is always the same."""
    uses = [term.removeprefix("vg:") for term in USES]
    every = list(product(uses, CLASSES, COUNTRIES))
    return [
        {
            "datasets": [NAME],
            "use": use,
            "user_class": user_class,
            "country": country,
            "operator_country": country,
        }
        for use, user_class, country in random.Random(1).sample(every, ASKED)
    ]


def ask(anyone: Person, question: dict[str, object]) -> float:
    """Ask once; how many milliseconds it took."""
    started = time.perf_counter()
    anyone.post("/precheck", question)
    return (time.perf_counter() - started) * 1000
