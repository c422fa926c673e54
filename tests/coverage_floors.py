"""Hold branch coverage to its floors: whole where rights and proof are decided, 95 % elsewhere."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

FLOORS = {
    "policies": 100.0,
    "registry/audit": 100.0,
    "catalog": 95.0,
    "connectors": 95.0,
    "registry": 95.0,
}


def measured() -> dict[str, dict[str, float]]:
    """File → coverage summary, combined over all processes of the test run."""
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet"], check=False)
    subprocess.run([*coverage, "report"], check=False)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        subprocess.run([*coverage, "json", "--quiet", "-o", str(report)], check=True)
        files = json.loads(report.read_text())["files"]
    return {name: file["summary"] for name, file in files.items()}


def share(summaries: list[dict[str, float]]) -> float:
    """Covered lines and branches as a percentage of all."""
    covered = sum(s["covered_lines"] + s.get("covered_branches", 0) for s in summaries)
    total = sum(s["num_statements"] + s.get("num_branches", 0) for s in summaries)
    return 100 * covered / total if total else 100.0


def main() -> int:
    """Print each floor and fail below one."""
    files = measured()
    below = 0
    for folder, floor in FLOORS.items():
        found = share([s for name, s in files.items() if name.startswith(f"{folder}/")])
        print(f"coverage of {folder}: {found:.1f} % (at least {floor:.0f} %)")
        below += found < floor
    return int(bool(below))


if __name__ == "__main__":
    sys.exit(main())
