"""The examination after a fault can find something: a broken word, a lost file, a leftover."""

from pathlib import Path

import pytest

from registry.jobs.leftovers import Home
from tests.faults.examine import examine
from tests.faults.scenario import Ack, opened, prepare


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which nothing went wrong."""
    home = tmp_path / "home"
    prepare(home)
    return home


def test_broken_words_are_found(home: Path) -> None:
    """What was acknowledged and is not there is told, word by word; all else is well."""
    with opened(home) as (_world, cast):
        standing = cast.agreement.id
    acks: list[Ack] = [
        {"ordered": "ext_none"},
        {"revoked": standing},
        {"sent": 10, "of": "ext_none"},
        {"signed": 3, "root": "00"},
    ]
    assert [told.rpartition("}: ")[2] for told in examine(home, acks)] == [
        "is gone",
        "is in_force",
        "only 0 bytes were written down",
        "the tree no longer has this head",
    ]


def test_leftovers_and_lost_files_are_found(home: Path) -> None:
    """A file that no start cleared from scratch, and one that a row names and that is not there."""
    with opened(home) as (world, cast):
        world.ports.store.delete(cast.published.edition.key)
        another = Home(world.ports)  # at work here, so that a start leaves scratch alone
        (home / "scratch" / "half-done").write_bytes(b"x")
        told = examine(home, [])
        another.leave()
    assert any("half-done" in problem for problem in told)
    assert any(problem.startswith("whole ") for problem in told)
