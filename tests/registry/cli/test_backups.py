"""`vrijgave backup`, `restore` and `reopen` as an operator types them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.services.backups.manifest import DATABASE
from tests.registry.api.world import World, open_world
from tests.registry.cli.conftest import Run


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A service that runs in this process."""
    with open_world(tmp_path / "home") as running:
        yield running


def test_from_a_running_service_to_another_home(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made while the service runs, verified, put back elsewhere, opened by a later export."""
    folder, later = tmp_path / "backup", tmp_path / "later.jsonl"
    made = run(None, "backup", folder)
    assert (made.status, made.err) == (0, "")
    assert f"{folder}: " in made.out
    assert "whole" in run(None, "backup", "verify", folder).out
    assert run(None, "audit", "export", later).status == 0
    monkeypatch.setenv("VRIJGAVE_HOME", str(tmp_path / "elsewhere"))
    restored = run(None, "restore", folder)
    assert (restored.status, restored.err) == (0, "")
    assert run(None, "reopen").status == 2
    assert run(None, "reopen", "--log", later, "--nothing-later").status == 2
    opened = run(None, "reopen", "--log", later)
    assert (opened.status, opened.err) == (0, "")
    assert "may be started" in opened.out
    assert run(None, "fsck").status == 0
    assert run(None, "audit", "check").status == 0


def test_a_broken_backup_ends_with_one(run: Run, world: World, tmp_path: Path) -> None:
    """What is wrong is told by its path, and the exit status is for scripts."""
    run(None, "backup", tmp_path / "backup")
    (tmp_path / "backup" / DATABASE).write_bytes(b"")
    found = run(None, "backup", "verify", tmp_path / "backup")
    assert found.status == 1
    assert DATABASE in found.out
    assert run(None, "backup", "verify", tmp_path).status == 1
