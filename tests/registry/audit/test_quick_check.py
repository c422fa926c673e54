"""The quick check at the start, and the whole one by command."""

import pytest

from registry.audit.heads import LogMismatch
from registry.audit.log import check_log
from tests.registry.audit.conftest import World


@pytest.fixture
def long(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A log of which the quick check only looks at the last two tiles."""
    monkeypatch.setattr("registry.audit.matching.TAIL", 256)
    world.acts(600, "org_a", "org_b")
    world.integrate()
    world.acts(30, "org_a", "org_b")
    world.integrate()
    return world


def quick(world: World) -> None:
    """The check that the service makes before it starts."""
    check_log(world.engine, world.key.verifier, world.heads, quick=True)


def test_the_quick_check_passes_an_honest_log(long: World) -> None:
    """A long log that is as it was signed passes both checks."""
    quick(long)
    long.check()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET number = 999 WHERE tree_index = 628",
        "UPDATE audit_entry SET body = :body WHERE tree_index = 560",
        "DELETE FROM audit_entry WHERE tree_index = 628",
        "DELETE FROM audit_entry WHERE tree_index = 629",
        "UPDATE audit_head SET size = 600",
        "UPDATE audit_tile SET hashes = :body WHERE level = 0 AND number = 2",
        "DELETE FROM audit_tile WHERE level = 1",
        "UPDATE audit_stream SET last = 5",
    ],
)
def test_the_quick_check_finds_what_was_changed_late(long: World, statement: str) -> None:
    """In head, tree, counters and last entries the quick check finds what the whole one does."""
    long.run(statement, **({"body": bytes(128)} if ":body" in statement else {}))
    with pytest.raises(LogMismatch):
        quick(long)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET body = :body WHERE tree_index = 3",
        "DELETE FROM audit_entry WHERE tree_index = 3",
        "DELETE FROM audit_tile WHERE level = 0 AND number = 0",
    ],
)
def test_the_whole_check_finds_what_was_changed_long_ago(long: World, statement: str) -> None:
    """What the quick check leaves, the command finds; nothing of it can be proven meanwhile."""
    long.run(statement, **({"body": bytes(128)} if ":body" in statement else {}))
    quick(long)
    with pytest.raises(LogMismatch):
        long.check()


def test_a_count_that_hides_a_gap(long: World) -> None:
    """Numbers that end right and have a gap before the tree are found by counting."""
    long.acts(2)
    long.run("DELETE FROM audit_entry WHERE tree_index IS NULL AND number = 316")
    quick(long)
    with pytest.raises(LogMismatch, match="is missing"):
        long.check()
