"""A proof counts once, however many show it at once, on either kind of database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine
from sqlmodel import select

from registry.accounts.jwts import BadJwt
from registry.accounts.spent import forget_spent, spend
from registry.accounts.tables import SpentProof
from registry.db import reading, transaction
from tests.support.rows import AT

LATER = AT + timedelta(minutes=2)


def _spent(engine: Engine, owner: str, jti: str) -> bool:
    try:
        with transaction(engine) as session:
            spend(session, owner, jti, until=LATER)
    except BadJwt as wrong:
        return wrong.code != "replayed"
    return True


def test_of_many_at_once_one_counts(engine: Engine) -> None:
    """Eight threads show the same proof, and one of them is believed."""
    with ThreadPoolExecutor(8) as pool:
        believed = list(pool.map(lambda _: _spent(engine, "key", "1"), range(8)))
    assert believed.count(True) == 1


def test_another_owner_or_number_is_another_proof(engine: Engine) -> None:
    """What is kept is who made it and its number together."""
    assert [_spent(engine, *one) for one in (("a", "1"), ("b", "1"), ("a", "2"))] == [True] * 3
    assert not _spent(engine, "a", "1")


def test_a_refused_one_leaves_the_transaction_whole(engine: Engine) -> None:
    """What was done before in the same transaction is kept."""
    with transaction(engine) as session:
        spend(session, "a", "1", until=LATER)
    with transaction(engine) as session:
        spend(session, "a", "2", until=LATER)
        try:
            spend(session, "a", "1", until=LATER)
        except BadJwt:
            spend(session, "a", "3", until=LATER)
    with reading(engine) as session:
        assert len(session.exec(select(SpentProof)).all()) == 3


def test_they_are_forgotten_when_they_could_not_be_shown_again(engine: Engine) -> None:
    """Not a moment before."""
    assert _spent(engine, "a", "1")
    for at, left in ((LATER, 1), (LATER + timedelta(microseconds=1), 0)):
        with transaction(engine) as session:
            forget_spent(session, at=at)
        with reading(engine) as session:
            assert len(session.exec(select(SpentProof)).all()) == left
