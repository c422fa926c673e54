"""Personal fields go when their period is over; what an agreement or the log needs stays."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from registry.access.tables import Access
from registry.access.withdrawal_tables import Dispute
from registry.accounts.erasures import Erasure
from registry.accounts.tables import OutboxMail, Seat
from registry.db import open_engine, reading, transaction
from registry.services import accounts
from registry.services.erasing import erase_person, is_erased
from registry.services.reading import Readable
from registry.services.retention import apply_periods, keep_periods, profiles
from registry.settings import Settings
from tests.registry.services.test_erasing import a_claim, reject
from tests.support.extracting import Scene
from tests.support.world import World

FIVE_YEARS = timedelta(days=5 * 365 + 2)


def due(world: World) -> dict[str, int]:
    """What the next round will empty."""
    with reading(world.engine) as session:
        found = profiles(session, None, world.settings, at=world.clock())
    assert {one.months for one in found} == {60}, "five years, where nothing else is set"
    return {one.name: one.due for one in found if one.due}


def erased(world: World, seat_id: str) -> bool:
    """Whether the person of a seat is gone."""
    with reading(world.engine) as session:
        return is_erased(session.get_one(Seat, seat_id))


def test_after_five_years_personal_fields_go_and_entries_stay(scene: Scene) -> None:
    """Addresses, messages, claims and people, each counted in an entry; the log stays whole."""
    world = scene.world
    opened = scene.open(scene.cut())
    assert isinstance(opened, Readable)
    scene.sent(scene.range(opened, 0, 10), 10)
    world.clock.advance(hours=1)
    scene.close_windows()
    reject(scene, a_claim(scene))
    world.clock.now += FIVE_YEARS - timedelta(days=30)
    assert due(world) == {}
    entries = world.check_log().size
    world.clock.advance(days=40)
    assert due(world) == {"people": 2, "addresses": 1, "messages": 1, "claims": 1}
    removed = apply_periods(world.engine, world.settings, at=world.clock())
    assert removed == {"people": 2, "addresses": 1, "messages": 1, "claims": 1}
    assert due(world) == {}
    with reading(world.engine) as session:
        assert set(session.exec(select(Access.address))) == {None}
        assert session.exec(select(Dispute.contact)).all() == [""]
        assert session.exec(select(OutboxMail)).all() == []
        rows = session.exec(select(Erasure).order_by(col(Erasure.id))).all()
    assert {one.reason for one in rows} == {"retention"}
    assert all(one.overwritten_at for one in rows)
    (entry,) = scene.entries("retention:applied")
    assert entry.facts == {"reason": "retention", "removed": removed}
    assert len(scene.entries("actor:erased")) == 2
    assert world.check_log().size == entries + 3


def test_people_stay_while_they_come_or_something_binds_them(sqlite_world: World) -> None:
    """An agreement in force keeps both its sides' people; signing in keeps a person."""
    world = sqlite_world
    published, startup = world.a_published_dataset(items=20), world.a_startup()
    agreement = world.an_agreement(startup, published)
    comes, gone = world.a_startup().actor, world.a_startup().actor
    world.clock.now += FIVE_YEARS - timedelta(days=1)
    with transaction(world.engine) as session:
        accounts.link_for(session, session.get_one(Seat, comes.id), at=world.clock())
        kept = session.merge(agreement)
        kept.valid_until = world.clock() + timedelta(days=20)
        session.add(kept)
    world.clock.advance(days=10)
    apply_periods(world.engine, world.settings, at=world.clock())
    assert erased(world, gone.id)
    bound = (comes.id, startup.actor.id, published.archive.id)
    assert [erased(world, one) for one in bound] == [False, False, False]
    world.clock.advance(days=20)
    apply_periods(world.engine, world.settings, at=world.clock())
    assert [erased(world, one) for one in bound] == [False, True, True]


def test_a_claim_that_waits_keeps_its_address(on_sqlite: Scene) -> None:
    """However long, and also where whoever made it has a seat that nobody uses."""
    world = on_sqlite.world
    made_by = world.a_startup(email="zeldzaam@planted.example").actor
    a_claim(on_sqlite)
    world.clock.now += FIVE_YEARS + timedelta(days=10)
    apply_periods(world.engine, world.settings, at=world.clock())
    assert erased(world, made_by.id)
    with reading(world.engine) as session:
        assert session.exec(select(Dispute.contact)).all() == ["zeldzaam@planted.example"]


def test_a_round_a_day(sqlite_world: World) -> None:
    """Each is on record, also one that found nothing; a period can be set shorter."""
    world = sqlite_world

    def rounds() -> list[datetime]:
        with reading(world.engine) as session:
            return list(session.exec(select(Erasure.at)))

    for hours, count in ((0, 1), (23, 1), (1, 2)):
        world.clock.advance(hours=hours)
        keep_periods(world.engine, world.settings, at=world.clock())
        assert len(rounds()) == count
    person = world.a_startup().actor
    short = Settings(**{**world.settings.model_dump(), "retention_people_months": 1})
    world.clock.advance(days=40)
    keep_periods(world.engine, short, at=world.clock())
    assert erased(world, person.id)


def test_what_a_reader_keeps_from_being_overwritten_is_tried_again(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the next look, not at the next round; until then nobody is told that it was done."""
    world = sqlite_world
    person = world.a_startup(email="zeldzaam@planted.example").actor
    with transaction(world.engine) as session:
        erase_person(session, None, person.id, at=world.clock())
    monkeypatch.setattr("registry.db.LONGEST_WAIT", 0.1)
    hasty = open_engine(str(world.engine.url))
    try:
        with reading(world.engine) as session:
            session.exec(select(Erasure)).all()  # a reader that sees the database as of now
            keep_periods(hasty, world.settings, at=world.clock())
            assert _pending(world) == 2
    finally:
        hasty.dispose()
    keep_periods(world.engine, world.settings, at=world.clock())
    assert _pending(world) == 0
    assert world.engine.url.database
    left = Path(world.engine.url.database).parent.glob("*.sqlite*")
    assert not [one for one in left if b"zeldzaam@planted.example" in one.read_bytes()]


def _pending(world: World) -> int:
    with reading(world.engine) as session:
        return list(session.exec(select(Erasure.overwritten_at))).count(None)
