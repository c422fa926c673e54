"""Decisions opened again: the same comes out, and what was changed since is an alarm."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from catalog.tables import Offer
from registry.access.tables import DecisionRow, Extract
from registry.accounts.actors import Actor
from registry.db import reading, transaction
from registry.errors import NotAllowed, NotFound
from registry.services import publishing, replaying
from registry.services.replaying import Opened, Replayed, WhatIf
from tests.support.extracting import Scene
from tests.support.world import World


def replayed(world: World, who: Actor, decision: str) -> Replayed:
    """What comes out when someone makes it again."""
    with transaction(world.engine) as session:
        return replaying.replay_decision(session, who, decision, at=world.clock())


def opened(world: World, who: Actor, decision: str) -> Opened:
    """The decision as someone opens it."""
    with reading(world.engine) as session:
        return replaying.open_decision(session, who, decision, at=world.clock())


def what_if(world: World, who: Actor, decision: str) -> WhatIf:
    """The answer of today."""
    with reading(world.engine) as session:
        return replaying.what_if_now(session, who, decision, at=world.clock())


def tamper(world: World, table: Any, row: str, **values: Any) -> None:
    """Change a row behind the service's back."""
    with transaction(world.engine) as session:
        session.execute(update(table).where(table.id == row).values(**values))


def test_every_side_replays_the_decision_and_the_same_comes_out(scene: Scene) -> None:
    """Its archive, who asked and an auditor, later and after the offer was replaced."""
    world, decision = scene.world, scene.agreement.decision_id
    extract = scene.cut()
    world.clock.advance(days=20)
    sides = (scene.published.archive, scene.startup.actor, world.an_auditor())
    for who in sides:
        for one in (decision, extract.id):
            assert replayed(world, who, one).identical, (who.role, one)
    found = opened(world, sides[1], decision)
    assert found.stored["request"]["use"] == "train.gen"
    assert found.document["@type"] == "Offer"
    assert found.entry is not None
    assert found.entry.ids["decision"] == decision
    assert opened(world, sides[1], extract.id).document["@type"] == "Agreement"
    world.check_log()


def test_others_find_no_decision(on_sqlite: Scene) -> None:
    """Another archive, another start-up and an auditor whose time is over."""
    world, decision = on_sqlite.world, on_sqlite.agreement.decision_id
    auditor = world.an_auditor()
    for rival in (world.an_archive(), world.a_startup().actor):
        for one in (decision, "dec_unknown", "ext_unknown"):
            with pytest.raises(NotFound):
                opened(world, rival, one)
    world.clock.advance(days=400)
    with pytest.raises(NotAllowed, match="auditor-time-over"):
        opened(world, auditor, decision)


def test_what_was_changed_since_is_an_alarm_on_record(on_sqlite: Scene) -> None:
    """Each part of a decision that someone could alter shows as its own difference."""
    world, decision = on_sqlite.world, on_sqlite.agreement.decision_id
    archive = on_sqlite.published.archive
    stored = dict(opened(world, archive, decision).stored)
    with reading(world.engine) as session:
        row = session.get_one(DecisionRow, decision)
        offer_id, document = row.offer_id, session.get_one(Offer, row.offer_id).document
    counts = {**stored["counts"], "permit": stored["counts"]["permit"] + 1}
    altered: list[tuple[dict[str, Any], set[str]]] = [
        ({**stored, "counts": counts}, {"record", "counts"}),
        ({**stored, "reasons": [{"code": "x"}]}, {"record", "reasons"}),
        ({**stored, "request": {**stored["request"], "use": "none"}}, {"record", "unreadable"}),
    ]
    for snapshot, differences in altered:
        tamper(world, DecisionRow, decision, snapshot=snapshot)
        assert set(replayed(world, archive, decision).differences) == differences
    tamper(world, DecisionRow, decision, snapshot=stored)
    permissions = {**document, "permission": document["permission"][:1]}
    tamper(world, Offer, offer_id, document=permissions)
    found = replayed(world, archive, decision)
    assert {"policy", "filters"} <= set(found.differences)
    [entry] = [e for e in on_sqlite.entries("decision:replayed") if e.id == found.entry_id]
    assert entry.facts["identical"] is False
    assert entry.facts["reasons"] == list(found.differences)


def test_an_extract_whose_log_entry_is_gone_differs(on_sqlite: Scene) -> None:
    """A decision that the log does not know is none."""
    world = on_sqlite.world
    extract = on_sqlite.cut()
    with transaction(world.engine) as session:
        moved = {"ordered_at": world.clock.advance(minutes=3)}
        session.execute(update(Extract).where(col(Extract.id) == extract.id).values(**moved))
    assert replayed(world, on_sqlite.startup.actor, extract.id).differences == ("record",)


def test_the_same_question_on_the_offer_of_today(on_sqlite: Scene) -> None:
    """Today's terms answer for the same items; without an offer nothing is permitted."""
    world, decision = on_sqlite.world, on_sqlite.agreement.decision_id
    same = what_if(world, on_sqlite.startup.actor, decision)
    assert same.before == same.after
    assert same.before["permit"] > 0
    assert same.lines
    with transaction(world.engine) as session:
        publishing.withdraw_offer(
            session, on_sqlite.published.archive, on_sqlite.published.offer.id, at=world.clock()
        )
    gone = what_if(world, on_sqlite.startup.actor, decision)
    assert gone.reference is None
    assert gone.after == {"permit": 0, "review": 0, "deny": sum(gone.before.values())}
