"""Running commands in this process, as a participant over HTTP or the operator at the machine."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from registry.cli import main as command_line
from tests.registry.api.world import Caller, World


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command as someone over HTTP, or as the operator at the machine, in this process."""
    monkeypatch.setenv("VRIJGAVE_HOME", str(world.home))
    monkeypatch.setenv("VRIJGAVE_BASE_URL", world.origin)
    monkeypatch.setenv("VRIJGAVE_SERVER", world.origin)

    def run_command(who: Caller | None, *arguments: object) -> Outcome:
        monkeypatch.setenv("VRIJGAVE_TOKEN", who.token or "" if who else "")
        monkeypatch.setattr("sys.argv", ["vrijgave", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        said = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), said.out, said.err)

    return run_command
