"""Rules that reviews would otherwise have to repeat."""

import re
import subprocess
import tomllib
from pathlib import Path

import registry

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()
TEXT = [
    ROOT / name
    for name in TRACKED
    if name.endswith((".py", ".md", ".toml", ".yaml", ".html", ".css", ".txt", ".lock", ".sh"))
    and (ROOT / name).is_file()
]
ALLOWED_TOP = {"registry", "policies", "connectors", "catalog", "tests", "docs", ".ci"}


def test_top_level_folders_are_the_agreed_ones() -> None:
    """A new top-level folder needs a strong reason, and a line here."""
    assert {name.split("/")[0] for name in TRACKED if "/" in name} <= ALLOWED_TOP


def test_version_and_changelog_agree() -> None:
    """The package, its metadata and the newest release of the changelog carry one version."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## \[?([0-9.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert declared == registry.__version__ == newest[1]


def test_locks_name_no_hosts() -> None:
    """Lock files carry names, versions and hashes; every requirement is hashed."""
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        assert text.count("==") <= text.count("--hash="), lock.name
    programs = (ROOT / "tests/support/node/package-lock.json").read_text()
    assert "://" not in programs
    assert programs.count('"version"') == programs.count('"integrity"')


def test_modules_stay_readable() -> None:
    """No module of ours grows past 500 lines; about 300 is the aim."""
    long = {
        path.name: lines
        for path in TEXT
        if path.suffix == ".py" and "migrations" not in path.parts
        if (lines := len(path.read_text().splitlines())) > 500
    }
    assert long == {}


def test_decisions_are_numbered_and_whole() -> None:
    """Each decision record has its five headings and a number of its own."""
    records = sorted((ROOT / "registry/decisions").glob("*.md"))
    assert records
    assert len({record.name[:4] for record in records}) == len(records)
    for record in records:
        headings = re.findall(r"^## (.+)$", record.read_text(), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives", "References"], (
            record.name
        )
