"""Asking before and after signing in, what an archive answers, and agreements to their end."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import col, func, select

from catalog.tables import Dataset, Edition, Offer, RightsClass
from policies import Outcome, parse_policy, policy_digest
from registry.access.tables import Agreement, DecisionRow
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.errors import Conflict, Gone, InvalidInput, NotFound
from registry.services import agreeing, asking, machines, publishing, requesting
from registry.services.agreeing import Revoke
from registry.services.asking import Question
from registry.services.requesting import ANSWER_WITHIN, FiledRequest, NewRequest, Review
from tests.support.world import PublishedDataset, Startup, World

EU = {"country": "NL", "operator_country": "NL"}


@pytest.fixture
def published(world: World) -> PublishedDataset:
    """A dataset whose clear cases are agreed without a person."""
    return world.a_published_dataset(items=400)


@pytest.fixture
def startup(world: World) -> Startup:
    """A commercial user that processes in the Netherlands."""
    return world.a_startup()


def precheck(world: World, published: PublishedDataset, **asked: Any) -> asking.DatasetAnswer:
    """The answer to somebody who has not signed in."""
    question = Question(datasets=(published.name,), **{"use": "train.gen", **EU, **asked})
    with reading(world.engine) as session:
        return asking.precheck(session, None, question, at=world.clock()).datasets[0]


# --- before signing in -----------------------------------------------------------------------


def test_a_precheck_says_what_a_request_then_gives(
    world: World, published: PublishedDataset, startup: Startup
) -> None:
    """The shares are the decided counts in whole per cents, and nothing is written down for it."""
    before = _entries(world)
    answer = precheck(world, published)
    assert _entries(world) == before
    counts = Counter({d.part: d.items for d in world.a_request(startup, published).decisions})
    total = published.edition.items
    assert sum(counts.values()) == total
    assert answer.shares is not None
    assert answer.shares.permit == pytest.approx(100 * counts["permit"] / total, abs=0.5)
    assert answer.shares.deny == pytest.approx(100 * counts["deny"] / total, abs=0.5)
    assert answer.shares.permit + answer.shares.review + answer.shares.deny == 100
    assert answer.dataset == f"{published.name}@1"
    assert answer.outcome in {"permit", "permit_with_duties"}
    for reason in answer.reasons:
        assert reason.text.nl
        assert reason.text.en


def _entries(world: World) -> int:
    with reading(world.engine) as session:
        return session.exec(select(func.count(col(AuditEntry.id)))).one()


def test_outside_the_region_nothing_is_given(world: World, published: PublishedDataset) -> None:
    """The same question from outside the EU is denied, and the change that would help is named."""
    answer = precheck(world, published, country="US", operator_country="US")
    assert answer.outcome == "deny"
    assert answer.shares == asking.Shares(0, 0, 100)
    assert answer.change is not None
    assert answer.change.fields["country"]
    assert answer.change.text.nl != answer.change.text.en


def test_a_place_that_is_not_told_gives_nothing(world: World, published: PublishedDataset) -> None:
    """Unknown never allows: without a country the answer is no."""
    assert precheck(world, published, country=None, operator_country=None).outcome == "deny"


def test_small_groups_are_not_told_apart(world: World, published: PublishedDataset) -> None:
    """No reason stands for fewer than ten items; what is left is told as one."""
    with transaction(world.engine) as session:
        rows = session.exec(
            select(RightsClass).where(col(RightsClass.edition_id) == published.edition.id)
        ).all()
        session.delete(rows[0])
        session.flush()
        facts = {**rows[0].facts, "rights": "http://rightsstatements.org/vocab/NKC/1.0/"}
        session.add(RightsClass(edition_id=published.edition.id, number=9999, facts=facts, items=3))
    asking._classes.clear()
    answer = precheck(world, published)
    assert {reason.code for reason in answer.reasons if reason.outcome == "mixed"} <= {"few-items"}
    assert all("3" not in reason.text.en for reason in answer.reasons if reason.code == "few-items")


def test_too_few_items_give_no_shares(world: World) -> None:
    """Of fewer than ten items not even shares are told."""
    published = world.a_published_dataset(items=8)
    assert precheck(world, published).shares is None


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"use": "sing"}, "use"),
        ({"user_class": "pirate"}, "user_class"),
        ({"purpose": "because"}, "purpose"),
        ({"country": "Nederland"}, "country"),
    ],
)
def test_a_question_in_words_nobody_knows(
    sqlite_world: World, asked: dict[str, str], path: str
) -> None:
    """A word that does not exist is named by its field, in both languages."""
    published = sqlite_world.a_published_dataset(items=20)
    with pytest.raises(InvalidInput) as problem:
        precheck(sqlite_world, published, **asked)
    assert [field.path for field in problem.value.fields] == [path]
    assert problem.value.text.nl != problem.value.text.en


def test_many_datasets_get_the_best_answer_of_them(sqlite_world: World) -> None:
    """Each dataset has its own answer; the whole says the best of them."""
    open_, closed = (
        sqlite_world.a_published_dataset(items=50, residency=residency)
        for residency in (("EU",), ("BE",))
    )
    question = Question(datasets=(open_.name, closed.name), use="train.gen", **EU)
    with reading(sqlite_world.engine) as session:
        answer = asking.precheck(session, None, question, at=sqlite_world.clock())
    assert [one.outcome == "deny" for one in answer.datasets] == [False, True]
    assert answer.outcome == answer.datasets[0].outcome
    with pytest.raises(ValidationError):
        Question(datasets=(), use="train.gen")


def test_without_an_offer_there_is_no_answer(sqlite_world: World) -> None:
    """A dataset whose offer was withdrawn is told as such, before and after signing in."""
    published = sqlite_world.a_published_dataset(items=20)
    startup, at = sqlite_world.a_startup(), sqlite_world.clock()
    with transaction(sqlite_world.engine) as session:
        publishing.withdraw_offer(session, published.archive, published.offer.id, at=at)
    with pytest.raises(Conflict, match="not-offered"):
        precheck(sqlite_world, published)
    with pytest.raises(Conflict, match="not-offered"):
        sqlite_world.a_request(startup, published)


# --- a request -------------------------------------------------------------------------------


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
        classes = asking.classes_of(session, published.edition.id)
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


def _review(world: World, published: PublishedDataset, **said: Any) -> DecisionRow:
    command = Review.model_validate(said)
    with transaction(world.engine) as session:
        return requesting.review(
            session, published.archive, command, origin=world.settings.origin, at=world.clock()
        )


def _pending(filed: FiledRequest) -> DecisionRow:
    return next(one for one in filed.decisions if one.part == "review")


def test_a_yes_proposes_an_agreement(
    world: World, published: PublishedDataset, startup: Startup
) -> None:
    """A part the archive says yes to gets its own agreement, in which nobody must consent again."""
    filed = world.a_request(startup, published)
    decided = _review(world, published, decision_id=_pending(filed).id, approve=True)
    assert (decided.state, decided.reviewed_by) == ("approved", published.archive.id)
    with reading(world.engine) as session:
        found = requesting.find_request(session, startup.actor, filed.request.id)
    agreed = next(one for one in found.agreements if one.decision_id == decided.id)
    assert agreed.state == "proposed"
    assert "obtainConsent" not in str(agreed.document)
    with pytest.raises(Conflict, match="not-pending"):
        _review(world, published, decision_id=decided.id, approve=False, answer="Toch niet.")
    world.check_log()


def test_a_no_has_a_reason(world: World, published: PublishedDataset, startup: Startup) -> None:
    """A no without a word is not taken; with one, the other side reads it."""
    decision = _pending(world.a_request(startup, published))
    with pytest.raises(InvalidInput) as problem:
        _review(world, published, decision_id=decision.id, approve=False, answer="  ")
    assert problem.value.fields[0].path == "answer"
    refused = _review(world, published, decision_id=decision.id, approve=False, answer="Nee.")
    assert (refused.state, refused.answer) == ("refused", "Nee.")
    with reading(world.engine) as session:
        found = requesting.find_request(session, startup.actor, decision.request_id)
    assert len(found.agreements) == 1


def test_a_yes_may_be_narrowed(world: World, published: PublishedDataset, startup: Startup) -> None:
    """A yes for some rights statements gives an agreement that reaches no others."""
    decision = _pending(world.a_request(startup, published))
    held = sorted({iri for line in decision.lines for iri in line["rights"]})
    with pytest.raises(InvalidInput) as problem:
        _review(
            world,
            published,
            decision_id=decision.id,
            approve=True,
            statements=("http://rightsstatements.org/vocab/none/",),
        )
    assert problem.value.fields[0].path == "statements"
    _review(world, published, decision_id=decision.id, approve=True, statements=held[:1])
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
    decision = _pending(sqlite_world.a_request(startup, published))
    origin, at = sqlite_world.settings.origin, sqlite_world.clock()
    with transaction(sqlite_world.engine) as session:
        publishing.replace_offer(
            session, published.archive, published.edition.id, origin=origin, at=at
        )
    with pytest.raises(Conflict, match="offer-replaced"):
        _review(sqlite_world, published, decision_id=decision.id, approve=True)
    with reading(sqlite_world.engine) as session:
        assert session.get_one(DecisionRow, decision.id).state == "pending"


def test_a_lapsed_offer_is_not_agreed_on(sqlite_world: World) -> None:
    """After the terms' last day, in Amsterdam, no yes and no acceptance makes an agreement."""
    last = (sqlite_world.clock() + timedelta(days=3)).date()
    published = sqlite_world.a_published_dataset(valid_until=last)
    startup = sqlite_world.a_startup()
    filed = sqlite_world.a_request(startup, published)
    sqlite_world.clock.now = datetime(last.year, last.month, last.day, 23, tzinfo=UTC)
    with pytest.raises(Conflict, match="nothing-to-agree"):
        _review(sqlite_world, published, decision_id=_pending(filed).id, approve=True)
    with pytest.raises(Conflict, match="offer-withdrawn"):
        _accept(sqlite_world, startup, filed.agreements[0])
    assert precheck(sqlite_world, published).outcome == "deny"
    sqlite_world.clock.advance(seconds=-1)
    assert _accept(sqlite_world, startup, filed.agreements[0]).state == "in_force"


# --- agreements ------------------------------------------------------------------------------


@pytest.fixture
def proposed(world: World, published: PublishedDataset, startup: Startup) -> Agreement:
    """An agreement that its organisation has not accepted yet."""
    return world.a_request(startup, published).agreements[0]


def _accept(world: World, startup: Startup, agreement: Agreement, digest: str = "") -> Agreement:
    with transaction(world.engine) as session:
        return agreeing.accept(
            session, startup.actor, agreement.id, digest or agreement.digest, at=world.clock()
        )


def test_an_agreement_is_accepted_as_it_was_read(
    world: World, startup: Startup, proposed: Agreement
) -> None:
    """Accepting takes the digest of what was read; before it nothing is in force."""
    assert isinstance(agreeing.standing(proposed, world.clock()), Conflict)
    with pytest.raises(InvalidInput) as problem:
        _accept(world, startup, proposed, "sha256:" + "0" * 64)
    assert problem.value.fields[0].path == "digest"
    for _ in range(2):
        agreed = _accept(world, startup, proposed)
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
        for facts, _items in asking.classes_of(session, published.edition.id):
            if decision.verdict(facts).outcome is outcome:
                return dict(facts)
    return None


def test_an_agreement_lapses(world: World, startup: Startup, proposed: Agreement) -> None:
    """At its last moment an agreement is over, and accepting one that is over is too late."""
    world.clock.now = proposed.valid_until
    with pytest.raises(Conflict, match="agreement-lapsed"):
        _accept(world, startup, proposed)
    world.clock.advance(seconds=-1)
    agreed = _accept(world, startup, proposed)
    assert agreeing.standing(agreed, world.clock()) is None
    ended = agreeing.standing(agreed, world.clock.advance(seconds=1))
    assert isinstance(ended, Gone)
    assert ended.code == "agreement-lapsed"


def test_revoking(
    world: World, published: PublishedDataset, startup: Startup, proposed: Agreement
) -> None:
    """The archive ends an agreement with a reason that stays; only the archive can."""
    agreed = _accept(world, startup, proposed)
    command = Revoke(agreement_id=agreed.id, reason="De maker heeft bezwaar.")
    with transaction(world.engine) as session:
        for _ in range(2):
            ended = agreeing.revoke(session, published.archive, command, at=world.clock())
    assert (ended.state, ended.ended_reason) == ("revoked", "De maker heeft bezwaar.")
    gone = agreeing.standing(ended, world.clock())
    assert isinstance(gone, Gone)
    assert gone.code == "agreement-revoked"
    with pytest.raises(Conflict, match="agreement-state"):
        _accept(world, startup, ended)
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
    agreed = _accept(world, startup, world.a_request(startup, published).agreements[0])
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
        _accept(world, startup, proposed)
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
