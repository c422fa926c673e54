"""No lock file goes back behind a release that closed a known hole."""

import re
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FLOORS = {
    "authlib": ("1.9.0", "algorithm confusion, keys in headers, tokens for another audience"),
    "starlette": ("1.3.0", "quadratic ranges, a Host header that changes the path"),
    "python-multipart": ("0.0.27", "file names that are paths, parsing without end"),
    "pyarrow": ("14.0.1", "code run on reading a file (CVE-2023-47248)"),
    "duckdb": ("1.1.0", "files read past the switch that forbids it (CVE-2024-41672)"),
}
"""The oldest release of each that has no hole we know of, and what the older ones let in."""


def _locked(lock: Path) -> dict[str, set[Version]]:
    found: dict[str, set[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text(), re.MULTILINE):
        found.setdefault(name.lower(), set()).add(Version(version))
    return found


@pytest.mark.parametrize("name", FLOORS)
def test_locked_versions_are_above_their_floors(name: str) -> None:
    """Every lock that has the package has a good release of it, and the service's lock has it."""
    floor, _why = FLOORS[name]
    assert name in _locked(ROOT / "requirements.lock")
    for lock in ROOT.glob("requirements*.lock"):
        for version in _locked(lock).get(name, ()):
            assert version >= Version(floor), f"{lock.name}: {name} {version}"
