"""What the guide for archives shows of `vrijgave policy` is run, to the letter."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from registry.cli.policy import app
from registry.db import reading
from registry.services.replaying import open_decision
from tests.support.world import World

GUIDE = Path(__file__).parents[2] / "docs" / "archive.md"
SECTION = re.compile(r"^## Write terms as a policy\n(.*?)^## ", re.MULTILINE | re.DOTALL)
BLOCKS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOLD = (
    "--set opens=... the moment when all opens",
    "research-only (version 1): ",
    "Offer urn:example:offer: 5 rules, sha256:",
    "conflict\n",
    "passed  an opt-out holds against research too",
    "untested rule urn:example:offer#prohibition-2",
    "It improves with the kind of user: ",
    "420 items lose (permit to deny)",
    "https://example.org/university loses 420 (permit to deny)",
    "identical\n",
)
"""What the commands are to say, in this order."""


@pytest.fixture
def folder(sqlite_world: World, tmp_path: Path) -> Path:
    """A folder with the record of a decision, as the service gives it."""
    world, home = sqlite_world, tmp_path / "guide"
    home.mkdir()
    published = world.a_published_dataset(items=60)
    decision = world.a_request(world.a_startup(), published).decisions[0]
    with reading(world.engine) as session:
        found = open_decision(session, published.archive, decision.id, at=world.clock())
    (home / "decision.json").write_text(json.dumps(dict(found.stored)))
    (home / "policy.json").write_text(json.dumps(found.document))
    return home


def _shown() -> list[str]:
    section = SECTION.search(GUIDE.read_text("utf-8"))
    assert section is not None
    return BLOCKS.findall(section[1])


def test_the_guide_shows_every_command() -> None:
    """But the one that is for whoever publishes the profile."""
    shown = set(re.findall(r"^vrijgave policy ([a-z-]+)", "".join(_shown()), re.MULTILINE))
    named = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}
    assert shown == named - {"profile"}


def test_what_the_guide_shows_works(folder: Path) -> None:
    """One command after the other, in one folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", "set -euo pipefail\n" + "\n".join(_shown())],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    places = [done.stdout.find(words) for words in TOLD]
    assert -1 not in places, dict(zip(TOLD, places, strict=True))
    assert places == sorted(places)
    assert "warning no-equivalent" in done.stderr
