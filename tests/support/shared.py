"""Material that is not part of the project: official suites, shapes and real archive records."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def shared(path: str) -> Path:
    """The file or folder of that name in the shared material, or a skip that says it is absent."""
    found = Path(os.environ.get("VRIJGAVE_SHARED", ROOT.parent / "shared")) / path
    if not found.exists():
        pytest.skip(f"the shared material has no {path} here (set VRIJGAVE_SHARED to its folder)")
    return found
