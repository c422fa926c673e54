"""``make conformance``: other people's suites against the product, one JSON object a line."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUITES = {
    "rfc-6962-and-c2sp-go-referee": "tests/registry/audit",
    "c2sp-aics-tlog-referee": "tests/registry/audit",
    "openapi-schemathesis": "tests/registry/api",
    "odrl-force-suite": "tests/policies",
    "dcat-ap-3": "tests/catalog/renderings",
    "dcat-ap-nl-3": "tests/catalog/renderings",
    "nde-requirements": "tests/catalog/renderings",
    "dsp-schemas-2025-1": "tests/catalog/renderings",
    "croissant-1-1": "tests/catalog/renderings tests/registry/protocols",
}
"""Name of a suite and the tests marked ``conformance(name)`` that hold it."""


def count(name: str, folder: str) -> dict[str, object]:
    """How one suite went; a suite that is absent here has a total of 0."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        *folder.split(),
        "-m",
        "conformance",
        "-q",
        "--no-header",
    ]
    command += ["-p", "no:randomly", "-k", name.replace("-", "_"), "-rN"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    counts = {
        word: int(number)
        for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", output)
    }
    failed = sum(number for word, number in counts.items() if word in {"failed", "error", "errors"})
    passed = counts.get("passed", 0)
    return {"name": name, "passed": passed, "total": passed + failed, "failed": failed}


def main() -> int:
    """Print each suite's line; the exit status tells whether any failed."""
    lines = [
        count(name, folder)
        for name, folder in SUITES.items()
        if (ROOT / folder.split()[0]).exists()
    ]
    for line in lines:
        print(json.dumps(line), flush=True)
    return int(any(line["failed"] for line in lines))


if __name__ == "__main__":
    sys.exit(main())
