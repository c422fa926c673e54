"""Asking before signing in: what an agreement would give, and no more than that."""

from collections import Counter

import pytest
from pydantic import ValidationError
from sqlmodel import col, func, select

from catalog.tables import RightsClass
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.errors import Conflict, InvalidInput
from registry.services import asking, counting, publishing
from registry.services.asking import Question
from tests.support.asking import EU, precheck
from tests.support.world import PublishedDataset, Startup, World


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
    counting._classes.clear()
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
