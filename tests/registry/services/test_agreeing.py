"""Agreements: read, accepted, and in force until they end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import select

from catalog.tables import Dataset, Offer
from policies import Outcome, parse_policy, policy_digest
from registry.access.tables import Agreement, DecisionRow
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.errors import Conflict, Gone, InvalidInput
from registry.services import agreeing, counting, publishing
from registry.services.agreeing import Revoke
from tests.support.asking import accept_as_read, precheck, say, waiting_part
from tests.support.world import PublishedDataset, Startup, World


@pytest.fixture
def proposed(world: World, published: PublishedDataset, startup: Startup) -> Agreement:
    """An agreement that its organisation has not accepted yet."""
    return world.a_request(startup, published).agreements[0]


def test_an_agreement_is_accepted_as_it_was_read(
    world: World, startup: Startup, proposed: Agreement
) -> None:
    """Accepting takes the digest of what was read; before it nothing is in force."""
    assert isinstance(agreeing.standing(proposed, world.clock()), Conflict)
    with pytest.raises(InvalidInput) as problem:
        accept_as_read(world, startup, proposed, "sha256:" + "0" * 64)
    assert problem.value.fields[0].path == "digest"
    for _ in range(2):
        agreed = accept_as_read(world, startup, proposed)
        assert (agreed.state, agreed.accepted_by) == ("in_force", startup.actor.id)
    assert agreeing.standing(agreed, world.clock()) is None
    assert policy_digest(parse_policy(agreed.document)) == agreed.digest
    world.check_log()


def test_an_agreement_names_its_parties_and_nothing_wider(
    world: World, published: PublishedDataset, startup: Startup, proposed: Agreement
) -> None:
    """The frozen document is for this assignee; another's request under it is denied."""
    from policies import evaluate, request_from_json

    with reading(world.engine) as session:
        decision = session.get_one(DecisionRow, proposed.decision_id)
    asked = request_from_json(decision.snapshot["request"])
    policy = parse_policy(proposed.document)
    open_ = _some(world, published, Outcome.PERMIT, evaluate(policy, asked))
    assert open_ is not None
    for other in (
        replace(asked, assignee="http://elsewhere.example/organisations/other"),
        replace(asked, use="index"),
        replace(asked, at=proposed.valid_until),
        replace(asked, target=f"{published.name}@2"),
    ):
        assert evaluate(policy, other).verdict(open_).outcome is Outcome.DENY, other


def _some(
    world: World, published: PublishedDataset, outcome: Outcome, decision: Any
) -> dict[str, object] | None:
    with reading(world.engine) as session:
        for facts, _items in counting.classes_of(session, published.edition.id).everything():
            if decision.verdict(facts).outcome is outcome:
                return dict(facts)
    return None


def test_an_agreement_lapses(world: World, startup: Startup, proposed: Agreement) -> None:
    """At its last moment an agreement is over, and accepting one that is over is too late."""
    world.clock.now = proposed.valid_until
    with pytest.raises(Conflict, match="agreement-lapsed"):
        accept_as_read(world, startup, proposed)
    world.clock.advance(seconds=-1)
    agreed = accept_as_read(world, startup, proposed)
    assert agreeing.standing(agreed, world.clock()) is None
    ended = agreeing.standing(agreed, world.clock.advance(seconds=1))
    assert isinstance(ended, Gone)
    assert ended.code == "agreement-lapsed"


def test_revoking(
    world: World, published: PublishedDataset, startup: Startup, proposed: Agreement
) -> None:
    """The archive ends an agreement with a reason that stays; only the archive can."""
    agreed = accept_as_read(world, startup, proposed)
    command = Revoke(agreement_id=agreed.id, reason="De maker heeft bezwaar.")
    with transaction(world.engine) as session:
        for _ in range(2):
            ended = agreeing.revoke(session, published.archive, command, at=world.clock())
    assert (ended.state, ended.ended_reason) == ("revoked", "De maker heeft bezwaar.")
    gone = agreeing.standing(ended, world.clock())
    assert isinstance(gone, Gone)
    assert gone.code == "agreement-revoked"
    with pytest.raises(Conflict, match="agreement-state"):
        accept_as_read(world, startup, ended)
    with pytest.raises(ValidationError):
        Revoke(agreement_id=agreed.id, reason=" ")
    with reading(world.engine) as session:
        bodies = session.exec(select(AuditEntry.body)).all()
    assert sum(b'"act":"agreement:revoked"' in body for body in bodies) == 1


def test_declining(world: World, published: PublishedDataset, startup: Startup) -> None:
    """A proposed agreement may be left; then it is neither accepted nor revoked."""
    proposed = world.a_request(startup, published).agreements[0]
    with transaction(world.engine) as session:
        for _ in range(2):
            left = agreeing.decline(session, startup.actor, proposed.id, at=world.clock())
        assert left.state == "declined"
        assert isinstance(agreeing.standing(left, world.clock()), Gone)
        with pytest.raises(Conflict):
            agreeing.revoke(
                session,
                published.archive,
                Revoke(agreement_id=left.id, reason="Nee."),
                at=world.clock(),
            )
    agreed = accept_as_read(world, startup, world.a_request(startup, published).agreements[0])
    with transaction(world.engine) as session, pytest.raises(Conflict):
        agreeing.decline(session, startup.actor, agreed.id, at=world.clock())


def test_sides_keep_to_their_acts(
    world: World, published: PublishedDataset, startup: Startup, proposed: Agreement
) -> None:
    """Both sides see the agreement; it is the user's to accept and the archive's to revoke."""
    with reading(world.engine) as session:
        for side in (published.archive, startup.actor):
            assert agreeing.find_agreement(session, side, proposed.id).id == proposed.id
            assert [one.id for one in agreeing.list_agreements(session, side)] == [proposed.id]
            assert agreeing.list_agreements(session, side, after=proposed.id) == []


def test_a_withdrawn_offer_is_not_accepted_on(
    world: World, published: PublishedDataset, startup: Startup, proposed: Agreement
) -> None:
    """Withdrawing an offer stops what was proposed on it; what was agreed on it goes on."""
    other = world.a_startup()
    running = world.an_agreement(other, published)
    with transaction(world.engine) as session:
        publishing.withdraw_offer(session, published.archive, published.offer.id, at=world.clock())
    with pytest.raises(Conflict, match="offer-withdrawn"):
        accept_as_read(world, startup, proposed)
    assert world.a_ready_extract(other, running).state == "ready"


def test_a_dataset_without_terms_has_no_offer(sqlite_world: World) -> None:
    """An edition whose dataset lost its terms is not offered anew."""
    published = sqlite_world.a_published_dataset(items=20)
    with transaction(sqlite_world.engine) as session:
        session.get_one(Dataset, published.dataset.id).terms = {}
    with pytest.raises(Conflict, match="no-terms"), transaction(sqlite_world.engine) as session:
        publishing.replace_offer(
            session, published.archive, published.edition.id, origin="o", at=sqlite_world.clock()
        )
    with reading(sqlite_world.engine) as session:
        assert session.get_one(Offer, published.offer.id).state == "in_force"


def test_a_lapsed_offer_is_not_agreed_on(sqlite_world: World) -> None:
    """After the terms' last day, in Amsterdam, no yes and no acceptance makes an agreement."""
    last = (sqlite_world.clock() + timedelta(days=3)).date()
    published = sqlite_world.a_published_dataset(valid_until=last)
    startup = sqlite_world.a_startup()
    filed = sqlite_world.a_request(startup, published)
    sqlite_world.clock.now = datetime(last.year, last.month, last.day, 23, tzinfo=UTC)
    with pytest.raises(Conflict, match="nothing-to-agree"):
        say(sqlite_world, published, decision_id=waiting_part(filed).id, approve=True)
    with pytest.raises(Conflict, match="offer-withdrawn"):
        accept_as_read(sqlite_world, startup, filed.agreements[0])
    assert precheck(sqlite_world, published).outcome == "deny"
    sqlite_world.clock.advance(seconds=-1)
    assert accept_as_read(sqlite_world, startup, filed.agreements[0]).state == "in_force"
