"""``make soak``: faults at every call to the file system, kills under load, and changed files.

One JSON object a line: ``name, passed, total, failed, seed``; what failed goes to standard error.
A run with the same seed tries the same. ``--size ci`` is the short run of the full check.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.faults import kills, mutations, points

SIZES = {"ci": (240, 24, 2000), "full": (5000, 2000, 20_000)}
"""How many points, how many kills, and how many changed files."""
_KILLS_A_TRIAL = 100


def main() -> int:
    """Run all three; the exit status says whether any promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    faults, deaths, files = SIZES[chosen.size]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        work.chmod(0o755)  # the user that PostgreSQL runs as passes through
        good = _points(work, faults, chosen.seed)
        good &= _kills(work, deaths, chosen.seed)
        wrong = mutations.run(work, files, chosen.seed)
        good &= _report("changed file given to a job", files, wrong, chosen.seed)
    return 0 if good else 1


def _points(work: Path, count: int, seed: int) -> bool:
    """Each way to fail at each call; more than there are: again, on files of another size."""
    tried, wrong = 0, []
    for turn in range(100):
        folder = work / f"points-{turn}"
        folder.mkdir()
        every = points.all_points(folder)
        wanted = points.chosen(every, count - tried, seed + turn)
        with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=50) as pool:
            for seen in pool.imap_unordered(partial(points.try_point, folder), wanted):
                tried += seen.fired
                wrong += [f"{seen.point}: {one}" for one in seen.wrong]
        if tried >= count or len(wanted) < count - tried:
            break
    return _report("a fault at a call to the file system", tried, wrong, seed)


def _kills(work: Path, count: int, seed: int) -> bool:
    wrong: list[str] = []
    for turn, first in enumerate(range(0, count, _KILLS_A_TRIAL)):
        folder = work / f"kills-{turn}"
        folder.mkdir()
        wrong += kills.run(folder, min(_KILLS_A_TRIAL, count - first), seed + turn)
    return _report("service, job, database or store killed under load", count, wrong, seed)


def _report(name: str, tried: int, wrong: list[str], seed: int) -> bool:
    for one in wrong:
        print(one, file=sys.stderr)
    failed = min(len(wrong), tried)
    line = {"name": name, "passed": tried - failed, "total": tried, "failed": failed, "seed": seed}
    print(json.dumps(line), flush=True)
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
