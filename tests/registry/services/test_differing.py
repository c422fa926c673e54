"""A difference between editions says what changed and gives nothing hard-blocked away."""

import pytest

from catalog.tables import Edition
from registry.db import reading, transaction
from registry.errors import NotFound
from registry.services import publishing
from registry.services.catching_up import catch_up
from registry.services.checking import run_check
from registry.services.differing import Compared, compare_editions
from registry.services.publishing import PublishEdition
from tests.support.extracting import Scene
from tests.support.ledgers import Ledger


@pytest.fixture
def two(on_sqlite: Scene) -> Scene:
    """A second edition, of which the first sixty items are those of the first."""
    world, published = on_sqlite.world, on_sqlite.published
    delivery = world.a_delivery(published.archive, published.dataset, items=90)
    run_check(world.engine, world.ports, delivery.id)
    command = PublishEdition(dataset_id=published.dataset.id, delivery_id=delivery.id)
    with transaction(world.engine) as session:
        publishing.publish(
            session, published.archive, command, origin=world.settings.origin, at=world.clock()
        )
    return on_sqlite


def compared(scene: Scene, before: int, after: int, *, owner: bool = True) -> Compared:
    """Compare as the owner, or as anyone."""
    with reading(scene.world.engine) as session:
        caller = scene.published.archive if owner else None
        return compare_editions(
            session, caller, scene.published.name, before, after, ports=scene.world.ports
        )


def counted(found: Compared) -> dict[str, int]:
    """Items per kind of change."""
    counts: dict[str, int] = {}
    for one in found.changes:
        counts[one.change] = counts.get(one.change, 0) + (one.items or 0)
    return counts


def test_added_and_removed_are_each_others_mirror(two: Scene) -> None:
    """Forward and backward tell the same, and counts are those of items anyone may know of."""
    forward, back = compared(two, 1, 2), compared(two, 2, 1)
    there, here = counted(forward), counted(back)
    assert there.get("added", 0) == here.get("removed", 0) > 0
    assert there.get("removed", 0) == here.get("added", 0)
    assert there.get("changed", 0) == here.get("changed", 0)
    with reading(two.world.engine) as session:
        after = session.get_one(Edition, forward.after.id)
    assert after.items - forward.before.items == there["added"] - there.get("removed", 0)
    assert compared(two, 1, 1).changes == ()


def test_hard_blocked_items_are_in_no_example(two: Scene) -> None:
    """The owner is shown ids out of the files, which hold no hard-blocked items."""
    assert not any(row["_blocked"] for row in Ledger(two).rows())
    assert any(compared(two, 1, 2).examples.values())


def test_others_see_shares_and_no_small_groups(two: Scene) -> None:
    """No exact count and no id; what is under ten items is told without its statement."""
    exact, told = compared(two, 1, 2), compared(two, 1, 2, owner=False)
    assert told.examples == {}
    assert all(one.items is None for one in told.changes)
    small = {(one.change, one.before, one.after) for one in exact.changes if (one.items or 0) < 10}
    assert small
    assert not small & {(one.change, one.before, one.after) for one in told.changes}


def test_a_withdrawn_item_is_in_neither(two: Scene) -> None:
    """What the ledger took back since is gone from both sides."""
    added = compared(two, 1, 2).examples["added"][0]
    from tests.registry.services.test_withdrawing import take_back

    take_back(Ledger(two), items=[added])
    catch_up(two.world.engine, two.world.ports)
    found = compared(two, 1, 2)
    assert added not in found.examples["added"]


def test_an_edition_that_is_not_there_is_told(two: Scene) -> None:
    """By its name."""
    with pytest.raises(NotFound, match="not-found"):
        compared(two, 1, 9)
