"""``make bench``: run the benchmarks, print their lines, keep them in ``bench-results.jsonl``."""

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.line import Line

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "bench-results.jsonl"
NOT_BENCHMARKS = {"__main__", "line"}


def names() -> list[str]:
    """The benchmarks there are: one module each."""
    return sorted(
        path.stem
        for path in HERE.glob("*.py")
        if path.stem not in NOT_BENCHMARKS and not path.stem.startswith("_")
    )


def machine() -> str:
    """What the figures were taken on, as one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {python}"


def run(name: str, size: str) -> Iterator[Line]:
    """The lines of one benchmark."""
    yield from importlib.import_module(f"tests.benchmarks.{name}").run(size)


def main() -> int:
    """Run what was chosen; lines of other benchmarks stay in the file as they were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", choices=["all", *names()], default="all")
    parser.add_argument("--size", choices=["ci", "full"], default="ci")
    chosen = parser.parse_args()
    wanted = names() if chosen.name == "all" else [chosen.name]
    kept = [line for line in _stored() if line.get("benchmark") not in wanted]
    context = {
        "size": chosen.size,
        "machine": machine(),
        "at": datetime.now(UTC).isoformat("T", "seconds"),
    }
    for name in wanted:
        for line in run(name, chosen.size):
            print(line.to_json(), flush=True)
            kept.append(json.loads(line.to_json()) | {"benchmark": name} | context)
    RESULTS.write_text("".join(json.dumps(line) + "\n" for line in kept))
    return 0


def _stored() -> list[dict[str, object]]:
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text().splitlines()]


if __name__ == "__main__":
    sys.exit(main())
