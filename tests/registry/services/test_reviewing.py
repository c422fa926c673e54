"""Reviews of the log: planned, looked at, signed as an act, and held against the plan."""

from datetime import timedelta

import pytest
from sqlmodel import select

from registry.access.reviews import LogReview
from registry.accounts.actors import Actor
from registry.accounts.tables import OutboxMail
from registry.audit.populations import Sample
from registry.db import reading, transaction
from registry.digests import digest
from registry.errors import InvalidInput, NotAllowed
from registry.services import auditing, reviewing
from registry.services.reading import Readable
from registry.services.reviewing import PlanReview, Queue, SignReview
from tests.support.extracting import Scene
from tests.support.world import World


def queue(world: World, who: Actor, archive: str | None = None) -> Queue:
    """What waits for an archive."""
    with reading(world.engine) as session:
        return reviewing.open_queue(session, who, at=world.clock(), archive=archive)


def sign(world: World, who: Actor, last: int, outcome: str = "in-order", **said: str) -> LogReview:
    """Sign off."""
    command = SignReview.model_validate({"last_number": last, "outcome": outcome, **said})
    with transaction(world.engine) as session:
        return reviewing.sign_review(session, who, command, at=world.clock())


def plan(world: World, who: Actor, days: int = 30) -> None:
    """Plan an archive's reviews."""
    with transaction(world.engine) as session:
        reviewing.plan_review(session, who, PlanReview(days=days, sample_size=3), at=world.clock())


def states(world: World, who: Actor) -> list[str]:
    """How each planned review went."""
    with reading(world.engine) as session:
        held = reviewing.reviews_held(session, who, at=world.clock())
    return [one.state for one in held.planned]


def remind(world: World) -> int:
    """A background round."""
    with transaction(world.engine) as session:
        return reviewing.remind_reviewers(session, at=world.clock())


def test_a_review_is_signed_as_an_act_over_what_was_seen(scene: Scene) -> None:
    """The entry carries the digest of sample and findings; the next review goes on behind it."""
    world, archive = scene.world, scene.published.archive
    plan(world, archive)
    seen = queue(world, archive)
    assert (seen.first, len(seen.sample)) == (1, 3)
    again = Sample(seen.seed, 3)
    for number, entry_id in _all(world, archive):
        again.offer(number, entry_id)
    assert [one.number for one in seen.sample] == again.numbers
    review = sign(world, archive, seen.last)
    [entry] = scene.entries("log:reviewed")
    assert entry.id == review.entry_id
    assert entry.facts["report_digest"] == digest(review.report)
    assert (entry.facts["first_number"], entry.facts["last_number"]) == (1, seen.last)
    following = queue(world, archive)
    assert following.first == seen.last + 1 == following.last, "the signature itself waits"
    with pytest.raises(InvalidInput):
        sign(world, archive, seen.last)
    with pytest.raises(InvalidInput) as why:
        sign(world, archive, following.last, "follow-up")
    assert why.value.fields[0].path == "remark"
    world.check_log()


def _all(world: World, archive: Actor) -> list[tuple[int, str]]:
    with reading(world.engine) as session:
        found = auditing.list_entries(session, archive, at=world.clock(), limit=500)
    return [(one.number, one.id) for _, one in found]


def test_a_revoked_agreement_that_is_read_waits_in_the_queue(on_sqlite: Scene) -> None:
    """A rule's evidence are the entries themselves."""
    extract = on_sqlite.cut()
    on_sqlite.revoke()
    on_sqlite.open(extract)
    [found] = queue(on_sqlite.world, on_sqlite.published.archive).findings
    [refused] = on_sqlite.entries("access:refused")
    assert (found.rule, found.evidence[-1]) == ("after-notice", refused.id)


def test_a_reading_from_a_new_network_waits_in_the_queue(scene: Scene) -> None:
    """Its rule, whom it is about and the entry of the reading; the first network is not new."""
    extract, world = scene.cut(), scene.world
    for address in ("192.0.2.9", "192.0.2.10", "203.0.113.5"):
        opened = scene.open(extract, address=address)
        assert isinstance(opened, Readable)
        scene.range(opened, 0, 10)
        world.clock.advance(minutes=6)
    [found] = queue(world, scene.published.archive).findings
    read = scene.entries("access:opened")
    assert len(read) == 3
    assert (found.rule, found.about) == ("new-network", scene.startup.actor.organisation_id)
    assert found.evidence == (read[-1].id,)


def test_planning_anew_hides_no_review_that_was_missed(sqlite_world: World) -> None:
    """What was due under the plan before stays in the report, held or not."""
    world = sqlite_world
    archive = world.an_archive()
    plan(world, archive, days=10)
    world.clock.advance(days=9)
    sign(world, archive, queue(world, archive).last)
    world.clock.advance(days=25)
    assert states(world, archive) == ["held", "missed", "missed"]
    plan(world, archive, days=20)
    assert states(world, archive) == ["held", "missed", "missed", "due"]
    world.clock.advance(days=21)
    plan(world, archive, days=5)
    assert states(world, archive) == ["held", "missed", "missed", "missed", "due"]


def test_held_is_told_against_planned(sqlite_world: World) -> None:
    """In time, late and missed; a mail reminds every archive's seat weekly until it is signed."""
    world = sqlite_world
    archive = world.an_archive()
    plan(world, archive, days=10)
    assert (states(world, archive), remind(world)) == (["due"], 0)
    world.clock.advance(days=9)
    sign(world, archive, queue(world, archive).last)
    world.clock.advance(days=12)
    assert [remind(world), remind(world)] == [1, 0]
    sign(world, archive, queue(world, archive).last)
    assert states(world, archive) == ["held", "late", "due"]
    world.clock.advance(days=20)
    assert states(world, archive) == ["held", "late", "missed", "missed"]
    assert remind(world) == 1
    world.clock.advance(days=7)
    assert remind(world) == 1
    with reading(world.engine) as session:
        mails = session.exec(select(OutboxMail)).all()
        assert {one.seat_id for one in mails} == {archive.id}
    assert len(mails) == 3


def test_a_review_nobody_planned_is_told_apart(sqlite_world: World) -> None:
    """And an empty queue cannot be signed."""
    world = sqlite_world
    archive = world.an_archive()
    assert queue(world, archive).empty
    with pytest.raises(InvalidInput):
        sign(world, archive, 1)
    world.a_dataset(archive)
    sign(world, archive, 1, "follow-up", remark="Vraag na wie dit was.")
    with reading(world.engine) as session:
        held = reviewing.reviews_held(session, archive, at=world.clock() + timedelta(days=99))
    assert (held.plan, held.planned, len(held.unplanned)) == (None, (), 1)


def test_others_look_and_do_not_sign(sqlite_world: World) -> None:
    """An auditor sees the queue of an archive that it names; a start-up sees none."""
    world = sqlite_world
    archive, auditor = world.an_archive(), world.an_auditor()
    world.a_dataset(archive)
    assert queue(world, auditor, archive.organisation_id).last == 1
    with pytest.raises(InvalidInput):
        queue(world, auditor)
    with pytest.raises(InvalidInput):
        states(world, auditor)
    for who in (auditor, world.a_startup().actor):
        with pytest.raises(NotAllowed):
            sign(world, who, 1)
    with pytest.raises(NotAllowed):
        queue(world, world.a_startup().actor)
