"""Populations from the command line: out of the service, and drawn from without it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from registry.cli.audit import app
from tests.support.world import PublishedDataset, World


@pytest.fixture
def published(sqlite_world: World, monkeypatch: pytest.MonkeyPatch) -> PublishedDataset:
    """A dataset someone asked for, in a service as the commands find it in the environment."""
    monkeypatch.setenv("VRIJGAVE_HOME", str(sqlite_world.settings.home))
    monkeypatch.setenv("VRIJGAVE_DATABASE_URL", sqlite_world.settings.database_url)
    made = sqlite_world.a_published_dataset()
    sqlite_world.a_request(sqlite_world.a_startup(), made)
    return made


def run(*arguments: object) -> Result:
    """One command, as typed."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def take(out: Path, published: PublishedDataset, *more: object) -> Result:
    """Requests since the world's clock began."""
    archive = published.archive.organisation_id
    period = ("--since", "2020-01-01", "--until", "2090-01-01")
    return run("population", out, "--archive", archive, "--kind", "requests", *period, *more)


def test_a_population_goes_out_is_verified_and_drawn_from(
    published: PublishedDataset, tmp_path: Path
) -> None:
    """The sample in the report is the one that the same seed draws again."""
    out = tmp_path / "requests.population.zip"
    made = take(out, published, "--sample", 1, "--seed", "kies-7")
    assert made.exit_code == 0, made.output
    assert "Population `requests`" in made.stdout
    key = run("key").stdout.strip()
    checked = run("verify", out, "--key", key)
    assert checked.exit_code == 0, checked.output
    assert "Sample with `kies-7`" in checked.stdout
    lines = run("sample", out, "--seed", "kies-7", "--size", 1).stdout.splitlines()
    assert len(lines) == 2
    assert f"`kies-7`: {lines[1].split(',')[0]}." in checked.stdout
    again = take(out, published)
    assert again.exit_code == 2
    assert "exists already" in again.output


def test_a_day_that_does_not_exist_is_told(published: PublishedDataset, tmp_path: Path) -> None:
    """In one sentence, with what was typed; nothing is left behind."""
    out = tmp_path / "x.zip"
    wrong = take(out, published, "--since", "2026-02-30")
    assert wrong.exit_code == 2
    assert "2026-02-30" in wrong.output
    assert list(tmp_path.glob("*.zip")) == []
