"""What was read, added up: by agreement, organisation, person or client, and place."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlmodel import select

from registry.access.tables import Access
from registry.accounts.actors import Actor
from registry.audit.log import pseudonym
from registry.db import transaction
from registry.errors import InvalidInput, NotAllowed
from registry.services.reading import Readable
from registry.services.tables import usage_csv
from registry.services.usage import BY, By, Usage, UsageQuestion, usage_of
from tests.support.extracting import Scene, a_scene
from tests.support.world import World

TODAY = date(2026, 11, 23)


def asked(
    world: World, actor: Actor, by: By = "agreement", since: date = TODAY, until: date = TODAY
) -> Usage:
    """The view of some days."""
    question = UsageQuestion(by=by, since=since, until=until)
    with transaction(world.engine) as session:
        return usage_of(session, actor, question, at=world.clock())


def read(scene: Scene, *counts: int, address: str = "192.0.2.9") -> None:
    """One access in these ranges, and the window closed."""
    extract = scene.cut()
    readable = scene.open(extract, address=address)
    assert isinstance(readable, Readable)
    for count in counts:
        scene.sent(scene.range(readable, 0, count), count)
    scene.world.clock.advance(minutes=6)
    scene.close_windows()


def test_bytes_by_everything_they_belong_to(scene: Scene) -> None:
    """Closed and open accesses together, under the name that the asker may know."""
    read(scene, 100, 40)
    readable = scene.open(scene.cut(), address="2001:db8::1")
    assert isinstance(readable, Readable)
    scene.range(readable, 0, 7)
    names = {}
    for by in BY:
        found = asked(scene.world, scene.published.archive, by)
        assert (found.accesses, found.bytes) == (2, 147), by
        assert sum(line.ranges for line in found.lines) == 3
        names[by] = [line.name for line in found.lines]
    with transaction(scene.world.engine) as session:
        known = pseudonym(session, scene.startup.actor.id)
    assert names == {
        "agreement": [scene.agreement.id],
        "dataset": [scene.published.dataset.slug],
        "organisation": [scene.startup.actor.organisation_name],
        "actor": [known[:16]],
        "environment": ["rekencentrum"],
        "address": ["192.0.2.9", "2001:db8::1"],
    }
    own = asked(scene.world, scene.startup.actor, "actor")
    assert [(line.key, line.name) for line in own.lines] == [(known, scene.startup.actor.name)]


def test_two_addresses_are_two_accesses(on_sqlite: Scene) -> None:
    """The bytes of one address are never put on another's account."""
    extract = on_sqlite.cut()
    for address, count in (("192.0.2.1", 5), ("192.0.2.2", 6), ("192.0.2.1", 7)):
        readable = on_sqlite.open(extract, address=address)
        assert isinstance(readable, Readable)
        on_sqlite.sent(on_sqlite.range(readable, 0, count), count)
    lines = asked(on_sqlite.world, on_sqlite.published.archive, "address").lines
    assert [(line.name, line.accesses, line.bytes) for line in lines] == [
        ("192.0.2.1", 1, 12),
        ("192.0.2.2", 1, 6),
    ]


def test_nobody_sees_a_competitors_use(sqlite_world: World) -> None:
    """An archive sees its own datasets', a user its own, an auditor all."""
    one, other = a_scene(sqlite_world, 60), a_scene(sqlite_world, 60)
    read(one, 10)
    read(other, 200)
    auditor = sqlite_world.an_auditor()
    for actor, count in (
        (one.published.archive, 10),
        (other.published.archive, 200),
        (one.startup.actor, 10),
        (other.startup.actor, 200),
        (auditor, 210),
        (sqlite_world.an_archive(), 0),
    ):
        assert asked(sqlite_world, actor).bytes == count
    question = UsageQuestion(
        since=TODAY, until=TODAY, archive=other.published.archive.organisation_id
    )
    with transaction(sqlite_world.engine) as session:
        assert usage_of(session, auditor, question, at=sqlite_world.clock()).bytes == 200
        own = usage_of(session, one.published.archive, question, at=sqlite_world.clock())
        assert own.bytes == 10


def test_days_are_days_in_the_netherlands(on_sqlite: Scene) -> None:
    """The night in which the clock goes back belongs to the day it is in."""
    read(on_sqlite, 1)
    world = on_sqlite.world
    with transaction(world.engine) as session:
        (access,) = session.exec(select(Access)).all()
        access.opened_at = datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC)
        session.add(access)
    found = {
        day: asked(
            world, on_sqlite.published.archive, since=date(2026, 10, day), until=date(2026, 10, day)
        ).bytes
        for day in (24, 25, 26)
    }
    assert found == {24: 0, 25: 1, 26: 0}
    with pytest.raises(InvalidInput, match="not begun"):
        asked(world, on_sqlite.published.archive, since=date(2027, 1, 1), until=date(2027, 1, 2))


def test_only_who_may_read_anything_may_ask(on_sqlite: Scene) -> None:
    """Without the scope there is no view, and no name is taken for a formula."""
    for actor in (on_sqlite.startup.actor, on_sqlite.published.archive):
        with pytest.raises(NotAllowed):
            asked(on_sqlite.world, replace(actor, scopes=frozenset()))
    read(on_sqlite, 9)
    found = asked(on_sqlite.world, on_sqlite.startup.actor, "environment")
    line = replace(found.lines[0], name="=cmd()")
    text = usage_csv(replace(found, lines=[line])).decode().splitlines()
    assert text[0] == "key,name,accesses,ranges,bytes,first,last"
    assert ",'=cmd(),1,1,9," in text[1]
