"""A request, its parts and their clocks, and what an archive answers."""

from typing import Any

import pytest
from sqlmodel import col, select

from catalog.tables import Edition, Offer, RightsClass
from policies import parse_policy, policy_digest
from registry.access.tables import Agreement, DecisionRow
from registry.db import reading, transaction
from registry.errors import Conflict, InvalidInput, NotFound
from registry.services import agreeing, counting, machines, publishing, requesting
from registry.services.requesting import ANSWER_WITHIN, FiledRequest, NewRequest
from tests.support.asking import say, waiting_part
from tests.support.world import PublishedDataset, Startup, World


def test_parts_of_a_request(world: World, published: PublishedDataset, startup: Startup) -> None:
    """Clear items are agreed on at once, the rest waits with a clock or is denied with reasons."""
    filed = world.a_request(startup, published)
    by_part = {decision.part: decision for decision in filed.decisions}
    assert set(by_part) == {"permit", "review", "deny"}
    assert {part: one.state for part, one in by_part.items()} == {
        "permit": "permitted",
        "review": "pending",
        "deny": "denied",
    }
    assert by_part["review"].due_at == world.clock() + ANSWER_WITHIN
    assert by_part["permit"].due_at is by_part["deny"].due_at is None
    assert sum(one.items for one in filed.decisions) == published.edition.items
    for decision in filed.decisions:
        assert sum(line["count"] for line in decision.lines) == decision.items
        assert {line["outcome"] for line in decision.lines} == {decision.part}
        assert all(line["nl"] and line["en"] for line in decision.lines)
    assert [one.decision_id for one in filed.agreements] == [by_part["permit"].id]
    world.check_log()


def test_the_snapshot_is_enough_to_decide_again(
    world: World, published: PublishedDataset, startup: Startup
) -> None:
    """From the snapshot alone, with the offer it names, the same counts come out again."""
    from policies import match, request_from_json, summarise

    filed = world.a_request(startup, published)
    snapshot = filed.decisions[0].snapshot
    with reading(world.engine) as session:
        offer = session.get_one(Offer, published.offer.id)
        classes = counting.classes_of(session, published.edition.id).everything()
        policy = parse_policy(offer.document)
        summary = summarise(match(policy, request_from_json(snapshot["request"])), classes)
    assert {str(outcome): n for outcome, n in summary.counts.items()} == snapshot["counts"]
    assert policy_digest(policy) in str(snapshot)
    assert snapshot["reference"] == f"{published.name}@1"


def test_without_automatic_terms_a_person_decides(world: World, startup: Startup) -> None:
    """Where the owner did not mark the offer automatic, even clear cases wait."""
    published = world.a_published_dataset(automatic=False)
    filed = world.a_request(startup, published)
    assert filed.agreements == ()
    states = {decision.part: decision.state for decision in filed.decisions}
    assert states["permit"] == states["review"] == "pending"


def test_a_request_over_two_archives(world: World, startup: Startup) -> None:
    """Each archive sees its own part of the request, and nothing of the other's."""
    first, second = world.a_published_dataset(), world.a_published_dataset()
    filed = world.a_request(startup, first, second)
    assert len({decision.archive_id for decision in filed.decisions}) == 2
    for published in (first, second):
        with reading(world.engine) as session:
            seen = requesting.find_request(session, published.archive, filed.request.id)
            waiting = requesting.inbox(session, published.archive)
        assert {decision.dataset_id for decision in seen.decisions} == {published.dataset.id}
        assert {one.dataset_id for one in seen.agreements} == {published.dataset.id}
        assert {row[0].archive_id for row in waiting} == {published.archive.organisation_id}


def test_one_dataset_once(sqlite_world: World) -> None:
    """An edition named twice, in whatever spelling, is told so and nothing is filed."""
    published, startup = sqlite_world.a_published_dataset(items=20), sqlite_world.a_startup()
    for twice in ((published.name, published.name), (published.name, f"{published.name}@1")):
        with pytest.raises(InvalidInput) as problem:
            _file(sqlite_world, startup, datasets=twice)
        assert problem.value.fields[0].path == "datasets"
    with reading(sqlite_world.engine) as session:
        assert requesting.list_requests(session, startup.actor) == []


def _file(world: World, startup: Startup, **facts: Any) -> FiledRequest:
    usual = {"environment_id": startup.environment.id, "use": "train.gen"}
    command = NewRequest.model_validate(usual | facts)
    with transaction(world.engine) as session:
        return requesting.file_request(
            session, startup.actor, command, origin=world.settings.origin, at=world.clock()
        )


def test_what_cannot_be_asked(sqlite_world: World) -> None:
    """An unknown use, a closed environment and a dataset that is not there: nothing is filed."""
    published, startup = sqlite_world.a_published_dataset(items=20), sqlite_world.a_startup()
    with pytest.raises(InvalidInput):
        _file(sqlite_world, startup, datasets=(published.name,), use="sing")
    with pytest.raises(NotFound):
        _file(sqlite_world, startup, datasets=("nobody/nothing",))
    with transaction(sqlite_world.engine) as session:
        machines.close_environment(
            session, startup.actor, startup.environment.id, at=sqlite_world.clock()
        )
    with pytest.raises(Conflict, match="environment-closed"):
        _file(sqlite_world, startup, datasets=(published.name,))
    with reading(sqlite_world.engine) as session:
        assert session.exec(select(DecisionRow)).all() == []


def test_an_edition_without_items_is_denied(sqlite_world: World) -> None:
    """Where an edition has no item that anyone may know of, the answer is still a decision."""
    published, startup = sqlite_world.a_published_dataset(items=20), sqlite_world.a_startup()
    with transaction(sqlite_world.engine) as session:
        for row in session.exec(select(RightsClass)).all():
            session.delete(row)
        session.get_one(Edition, published.edition.id).items = 0
    filed = sqlite_world.a_request(startup, published)
    assert [(one.part, one.state, one.items) for one in filed.decisions] == [("deny", "denied", 0)]


def test_requests_are_listed_newest_first(sqlite_world: World) -> None:
    """The list goes on from the last one seen."""
    published, startup = sqlite_world.a_published_dataset(items=20), sqlite_world.a_startup()
    made = []
    for _ in range(3):
        sqlite_world.clock.advance(seconds=1)
        made.append(sqlite_world.a_request(startup, published).request.id)
    with reading(sqlite_world.engine) as session:
        first = requesting.list_requests(session, startup.actor, limit=2)
        rest = requesting.list_requests(session, startup.actor, after=first[-1].id)
        waiting = requesting.inbox(session, published.archive, limit=2)
        later = requesting.inbox(session, published.archive, after=waiting[-1][0].id)
    assert [one.id for one in first + rest] == made[::-1]
    assert [row[1].id for row in waiting + later] == made


def test_withdrawing_a_request(world: World, published: PublishedDataset, startup: Startup) -> None:
    """What waits is taken back, once; what was agreed stays; the archive cannot take it back."""
    filed = world.a_request(startup, published)
    with transaction(world.engine) as session, pytest.raises(NotFound):
        requesting.withdraw_request(session, published.archive, filed.request.id, at=world.clock())
    for _ in range(2):
        with transaction(world.engine) as session:
            after = requesting.withdraw_request(
                session, startup.actor, filed.request.id, at=world.clock()
            )
    states = {decision.part: decision.state for decision in after.decisions}
    assert states == {"permit": "permitted", "review": "withdrawn", "deny": "denied"}
    assert after.agreements[0].state == "proposed"
    with reading(world.engine) as session:
        assert requesting.inbox(session, published.archive) == []


# --- the archive's own answer ----------------------------------------------------------------


def test_a_yes_proposes_an_agreement(
    world: World, published: PublishedDataset, startup: Startup
) -> None:
    """A part the archive says yes to gets its own agreement, in which nobody must consent again."""
    filed = world.a_request(startup, published)
    decided = say(world, published, decision_id=waiting_part(filed).id, approve=True)
    assert (decided.state, decided.reviewed_by) == ("approved", published.archive.id)
    with reading(world.engine) as session:
        found = requesting.find_request(session, startup.actor, filed.request.id)
    agreed = next(one for one in found.agreements if one.decision_id == decided.id)
    assert agreed.state == "proposed"
    assert "obtainConsent" not in str(agreed.document)
    with pytest.raises(Conflict, match="not-pending"):
        say(world, published, decision_id=decided.id, approve=False, answer="Toch niet.")
    world.check_log()


def test_a_no_has_a_reason(world: World, published: PublishedDataset, startup: Startup) -> None:
    """A no without a word is not taken; with one, the other side reads it."""
    decision = waiting_part(world.a_request(startup, published))
    with pytest.raises(InvalidInput) as problem:
        say(world, published, decision_id=decision.id, approve=False, answer="  ")
    assert problem.value.fields[0].path == "answer"
    refused = say(world, published, decision_id=decision.id, approve=False, answer="Nee.")
    assert (refused.state, refused.answer) == ("refused", "Nee.")
    with reading(world.engine) as session:
        found = requesting.find_request(session, startup.actor, decision.request_id)
    assert len(found.agreements) == 1


def test_a_yes_may_be_narrowed(world: World, published: PublishedDataset, startup: Startup) -> None:
    """A yes for some rights statements gives an agreement that reaches no others."""
    decision = waiting_part(world.a_request(startup, published))
    held = sorted({iri for line in decision.lines for iri in line["rights"]})
    with pytest.raises(InvalidInput) as problem:
        say(
            world,
            published,
            decision_id=decision.id,
            approve=True,
            statements=("http://rightsstatements.org/vocab/none/",),
        )
    assert problem.value.fields[0].path == "statements"
    say(world, published, decision_id=decision.id, approve=True, statements=held[:1])
    with reading(world.engine) as session:
        agreed = session.exec(
            select(Agreement).where(col(Agreement.decision_id) == decision.id)
        ).one()
    with transaction(world.engine) as session:
        agreeing.accept(session, startup.actor, agreed.id, agreed.digest, at=world.clock())
    extract = world.a_ready_extract(startup, agreed)
    assert extract.state == "ready", extract.problem
    assert set(extract.manifest["rows_per_statement"]) <= set(held[:1])
    assert extract.rows == sum(extract.manifest["rows_per_statement"].values())


def test_a_replaced_offer_is_not_agreed_on(sqlite_world: World) -> None:
    """A yes to a request on an offer that has been replaced is told to be too late."""
    published, startup = sqlite_world.a_published_dataset(), sqlite_world.a_startup()
    decision = waiting_part(sqlite_world.a_request(startup, published))
    origin, at = sqlite_world.settings.origin, sqlite_world.clock()
    with transaction(sqlite_world.engine) as session:
        publishing.replace_offer(
            session, published.archive, published.edition.id, origin=origin, at=at
        )
    with pytest.raises(Conflict, match="offer-replaced"):
        say(sqlite_world, published, decision_id=decision.id, approve=True)
    with reading(sqlite_world.engine) as session:
        assert session.get_one(DecisionRow, decision.id).state == "pending"
