"""The blocklist: what a block refuses, for whom, and until when."""

import pytest
from sqlmodel import select

from registry.access.tables import Agreement, DecisionRow
from registry.accounts.actors import Actor
from registry.accounts.blocks import Block
from registry.accounts.tables import OutboxMail
from registry.db import reading, transaction
from registry.errors import Conflict, NotAllowed, NotFound
from registry.services import agreeing, asking, blocking, erasing, replaying, requesting
from registry.services.asking import Question
from registry.services.blocking import BlockOrganisation
from registry.services.refusal import Refused
from tests.support.extracting import Scene
from tests.support.world import World

WHY = "Gaf bestanden door aan anderen."


def block(world: World, actor: Actor | None, whom: str) -> Block:
    """A block, committed."""
    command = BlockOrganisation(organisation=whom, reason=WHY)
    with transaction(world.engine) as session:
        return blocking.block(session, actor, command, at=world.clock())


def lift(world: World, actor: Actor | None, one: Block) -> None:
    """The end of a block, committed."""
    with transaction(world.engine) as session:
        blocking.lift(session, actor, one.id, at=world.clock())


@pytest.mark.parametrize("by", ["archive", "operator"])
def test_a_block_refuses_everything_until_it_is_lifted(scene: Scene, by: str) -> None:
    """Pre-check, request, acceptance, order and reading, each with the reason; then none."""
    world, actor = scene.world, scene.startup.actor
    blocker = scene.published.archive if by == "archive" else None
    ready = scene.cut()
    proposed = world.a_request(scene.startup, scene.published).agreements[0]
    made = block(world, blocker, actor.organisation_slug)
    question = Question(datasets=(scene.published.name,), use="train.gen", country="NL")
    with reading(world.engine) as session:
        answer = asking.precheck(session, actor, question, at=world.clock())
        assert answer.outcome == "deny"
        assert WHY in answer.datasets[0].reasons[0].text.nl
        assert asking.precheck(session, None, question, at=world.clock()).outcome != "deny"
        assert session.exec(select(OutboxMail)).one().body.endswith(WHY)
    filed = world.a_request(scene.startup, scene.published)
    assert [one.state for one in filed.decisions] == ["denied"]
    assert WHY in filed.decisions[0].lines[0]["nl"]
    assert filed.agreements == ()
    with transaction(world.engine) as session, pytest.raises(NotAllowed, match="blocked"):
        agreeing.accept(session, actor, proposed.id, proposed.digest, at=world.clock())
    for refused in (scene.order(), scene.open(ready)):
        assert isinstance(refused, Refused)
        assert (refused.error.code, WHY in refused.error.text.nl) == ("organisation-blocked", True)
    for _ in range(2):
        lift(world, blocker, made)
    assert not isinstance(scene.open(ready), Refused)
    assert world.a_request(scene.startup, scene.published).agreements
    with transaction(world.engine) as session:
        assert blocking.list_blocks(session, blocker) == []
        archive = scene.published.archive
        again = replaying.replay_decision(session, archive, filed.decisions[0].id, at=world.clock())
        assert again.identical
        assert session.get_one(Agreement, scene.agreement.id).state == "in_force"
    acts = [entry.facts["state"] for entry in scene.entries("organisation:blocked")]
    assert sorted(map(str, acts)) == ["blocked", "lifted"]
    world.check_log()


def test_a_block_refuses_a_yes_by_the_archive(on_sqlite: Scene) -> None:
    """What waited for the archive when it blocked gets no agreement."""
    world, scene = on_sqlite.world, on_sqlite
    asked = world.a_request(scene.startup, scene.published)
    waiting = next(one for one in asked.decisions if one.state == "pending")
    archive = scene.published.archive
    block(world, archive, scene.startup.actor.organisation_id)
    command = requesting.Review(decision_id=waiting.id, approve=True)
    with pytest.raises(NotAllowed, match="blocked"), transaction(world.engine) as session:
        requesting.review(session, archive, command, origin=world.settings.origin, at=world.clock())
    with reading(world.engine) as session:
        assert session.get_one(DecisionRow, waiting.id).state == "pending"


def test_a_block_is_of_one_archive(on_sqlite: Scene) -> None:
    """A competitor's block keeps nobody from this archive, nor can it lift this one's."""
    world, scene = on_sqlite.world, on_sqlite
    rival, actor = world.an_archive(), scene.startup.actor
    ready = scene.cut()
    theirs = block(world, rival, actor.organisation_id)
    assert not isinstance(scene.open(ready), Refused)
    with pytest.raises(Conflict, match="blocked-already"):
        block(world, rival, actor.organisation_id)
    for whom in ("nobody", rival.organisation_id):
        with pytest.raises(NotFound):
            block(world, rival, whom)
    for other in (scene.published.archive, world.an_operator()):
        with pytest.raises(NotFound):
            lift(world, other, theirs)
    for other in (actor, world.an_auditor()):
        with pytest.raises(NotAllowed):
            block(world, other, actor.organisation_id)
    with transaction(world.engine) as session:
        erasing.erase_person(session, None, rival.id, at=world.clock())
        assert session.get_one(Block, theirs.id).reason == WHY
