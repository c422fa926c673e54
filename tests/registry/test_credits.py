"""Credits: what may leave is on record before, and what left is on record after."""

from datetime import timedelta

from sqlmodel import select

from registry.access.tables import AccessRange
from registry.credits import Credit, Credits, write_down
from registry.db import reading, transaction
from registry.services.accesses import Ended, promise
from registry.services.reading import Readable
from tests.support.extracting import a_scene
from tests.support.world import World


def _ranges(world: World) -> list[tuple[int, int, int | None]]:
    with reading(world.engine) as session:
        return [(r.start, r.stop, r.sent) for r in session.exec(select(AccessRange)).all()]


def test_ranges_take_the_place_of_their_credit(sqlite_world: World) -> None:
    """A credit is spent in memory, written down when its reader rests, and then gone."""
    scene = a_scene(sqlite_world, 20)
    readable, at = scene.open(scene.cut()), sqlite_world.clock()
    assert isinstance(readable, Readable)
    kept, reader = Credits(), ("ext", 1, "seat", "env", "::1")
    assert kept.spend(reader, 1, at) is None
    with transaction(sqlite_world.engine) as session:
        promised = promise(session, scene.startup.actor, readable, 100, at=at)
    credit = Credit(*promised, left=100)
    kept.open(reader, credit, 60)
    assert _ranges(sqlite_world) == [(0, 100, None)]
    assert kept.spend(reader, 41, at) is None
    assert kept.spend(reader, 40, at + timedelta(minutes=5)) is None
    assert kept.spend(reader, 40, at) is credit
    assert kept.resting() == kept.resting() == []
    kept.ended(credit, Ended(0, 60, 60, at))
    kept.ended(credit, Ended(60, 100, 7, at))
    assert kept.resting() == [credit]
    with transaction(sqlite_world.engine) as session:
        write_down(session, [credit])
    assert _ranges(sqlite_world) == [(0, 60, 60), (60, 100, 7)]
    assert kept.spend(reader, 0, at) is None


def test_a_credit_whose_bytes_are_under_way_stays_whole(sqlite_world: World) -> None:
    """A process that stops with a reader under way leaves the whole credit counted."""
    scene = a_scene(sqlite_world, 20)
    readable, at = scene.open(scene.cut()), sqlite_world.clock()
    assert isinstance(readable, Readable)
    with transaction(sqlite_world.engine) as session:
        promised = promise(session, scene.startup.actor, readable, 100, at=at)
    kept, reader = Credits(), ("ext", 1, "seat", "env", "::1")
    first, second = Credit(*promised, left=100), Credit("other", 0, at, left=5)
    kept.open(reader, first, 10)
    kept.open(reader, second, 5)
    assert kept.resting(all_of_them=True) == [first, second]
    kept.put_back([first])
    assert kept.resting(all_of_them=True) == [first]
    with transaction(sqlite_world.engine) as session:
        write_down(session, [first])
    assert _ranges(sqlite_world) == [(0, 100, None)]
