"""From the yes to the first byte: accept, order, cut, read, of an extract of a million rows."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks._approved import approved
from tests.benchmarks.line import Line

LIMIT = 2.0
ITEMS = 3_300_000
"""Of the made-up collection, a good million are cleared at once for generative training."""

READING = 3
"""Seconds in which someone reads what is to be agreed to; the service has just started by then."""


def run(_size: str) -> Iterator[Line]:
    """One run, as a start-up would feel it."""
    with tempfile.TemporaryDirectory() as folder, approved(Path(folder), ITEMS) as ready:
        time.sleep(READING)
        started = time.perf_counter()
        ready.accept()
        extract = ready.extract()
        address = extract["parts"][0]["address"]
        with ready.startup.http.stream("GET", address) as response:
            next(response.iter_raw(1))
            seconds = time.perf_counter() - started
            response.close()
    yield Line(
        f"first byte: from the yes, an extract of {extract['rows'] / 1e6:.2f} million rows",
        round(seconds, 2),
        "s",
        goal=f"<= {LIMIT:.0f} s",
        holds=seconds <= LIMIT and extract["rows"] >= 1_000_000,
    )
