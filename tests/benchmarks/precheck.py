"""The pre-check over HTTP, from the counts stored at publication."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks._approved import NAME, approved
from tests.benchmarks.line import Line
from tests.support.service import Person

LIMIT = 20.0
ASKED = 500
ITEMS = {"ci": 50_000, "full": 5_000_000}
USES = ("train.gen", "train", "search", "any")


def run(size: str) -> Iterator[Line]:
    """One asker after the other, with several uses; the 95th percentile."""
    with tempfile.TemporaryDirectory() as folder, approved(Path(folder), ITEMS[size]) as ready:
        anyone = Person(ready.service.origin)
        uses = [use for use in USES if _known(anyone, use)]
        taken = [_ask(anyone, uses[n % len(uses)]) for n in range(ASKED)]
    slowest = statistics.quantiles(taken, n=20)[-1]
    yield Line(
        f"precheck: p95 over HTTP of {ASKED}, {ITEMS[size]} items",
        round(slowest, 1),
        "ms",
        goal=f"<= {LIMIT:.0f} ms",
        holds=slowest <= LIMIT,
    )


def _question(use: str) -> dict[str, object]:
    return {"datasets": [NAME], "use": use, "country": "NL", "operator_country": "NL"}


def _known(anyone: Person, use: str) -> bool:
    return anyone.http.post("/precheck", json=_question(use)).status_code == 200


def _ask(anyone: Person, use: str) -> float:
    started = time.perf_counter()
    anyone.post("/precheck", _question(use))
    return (time.perf_counter() - started) * 1000
