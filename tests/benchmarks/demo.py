"""From a clean checkout to "extract verified": what a newcomer waits for after `make demo`."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.line import Line

ROOT = Path(__file__).parents[2]
LIMIT = 60.0


def run(_size: str) -> Iterator[Line]:
    """Clone the last commit, run the demonstration, and time the line that says it is verified."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "vrijgave"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
        seconds = _seconds_until("extract verified", checkout)
    yield Line(
        "demo: clean checkout to extract verified, warm package cache",
        round(seconds, 1),
        "s",
        goal=f"<= {LIMIT:.0f} s",
        holds=seconds <= LIMIT,
    )


def _seconds_until(words: str, checkout: Path) -> float:
    started = time.perf_counter()
    command = ["make", "demo", "ARGS=--no-serve"]
    with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reached = [time.perf_counter() for line in process.stdout if words in line.lower()]
    if process.returncode or not reached:
        raise RuntimeError(f"the demonstration ended with status {process.returncode}")
    return reached[0] - started
