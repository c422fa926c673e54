"""The commands for ledgers and withdrawals, against a real service."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.cli import main as command_line
from tests.registry.api.world import Caller, World, open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service in which a start-up holds an extract."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as running:
        reference = running.publish()
        running.extract(running.agree(reference, running.environment()))
        yield running


@pytest.fixture
def run(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs a command as someone, in this process; its output."""

    def run_command(who: Caller, *arguments: object) -> str:
        whole = ["vrijgave", *map(str, arguments), "--server", world.origin]
        monkeypatch.setattr("sys.argv", [*whole, "--token", str(who.token)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        said = capsys.readouterr()
        assert not ended.value.code, said.err
        return said.out

    return run_command


def test_lines_go_in_by_file_and_are_shown(world: World, run: Any, tmp_path: Path) -> None:
    """A CSV file is one moment; its lines are listed."""
    file = tmp_path / "lines.csv"
    file.write_text("identifier,kind,rightsholder\nniemand,opt_out,De Vries\n", encoding="utf-8")
    dataset = world.things["dataset_id"]
    told = run(world.archive, "ledger", dataset, file)
    assert re.fullmatch(r"moment \d+: 1 lines\n", told)
    assert "opt_out" in run(world.archive, "ledger", dataset)


def test_a_withdrawal_and_its_receipt(world: World, run: Any) -> None:
    """From the archive's command to the recipient's answer, and back."""
    dataset, files = world.things["dataset_id"], world.app.state.runtime.ports.store
    assert next(files.keys("parts/"))
    made = run(world.archive, "withdraw", dataset, "--reason", "x", "--identifier", "1")
    assert " 1 items  due " in made
    world.take_back()
    notice = world.things["notice_id"]
    assert notice in run(world.startup, "notices")
    assert "removed" in run(world.startup, "receipt", notice, "removed")
    withdrawal = world.things["withdrawal_id"]
    assert withdrawal in run(world.archive, "withdrawals")
    until = time.monotonic() + 30
    while "  removed\n" not in (told := run(world.archive, "withdrawals", withdrawal)):
        assert time.monotonic() < until, told
    assert notice in told


def test_an_edition_does_not_differ_from_itself(world: World, run: Any) -> None:
    """As JSON, with the hash of each side."""
    name = world.startup.get("/datasets")["items"][0]["name"]
    told = run(world.startup, "difference", name, 1, 1)
    assert '"changes": []' in told
    assert "before_sha256" in told


def test_an_edition_that_the_agreement_does_not_cover(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command hands the edition on, and prints why it is refused and what to do."""
    agreement = world.things["agreement_id"]
    order = ["vrijgave", "extract", agreement, "--edition", "9", "--server", world.origin]
    monkeypatch.setattr("sys.argv", [*order, "--token", str(world.startup.token)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code
    assert "edition" in capsys.readouterr().err
