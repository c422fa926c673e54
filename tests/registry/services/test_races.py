"""Two people act on the same thing at the same moment: one of them is first, and it stays so.

Each test holds the first act's transaction open until the second act waits, then lets go. What the
first one did must stand, and the second one must be told.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel

from registry.access.tables import Agreement, DecisionRow, Extract
from registry.accounts.actors import Actor
from registry.accounts.credentials import issue
from registry.accounts.tables import Credential
from registry.db import reading, transaction
from registry.errors import RegistryError
from registry.services.accounts import sign_in
from registry.services.agreeing import Revoke, accept, decline, revoke
from registry.services.extracts import cancel_extract
from registry.services.requesting import Review, review, withdraw_request
from tests.support.rows import AT, SEEN, actor_of, agreement, asked, dataset, extract, party, put

ORIGIN = "http://127.0.0.1:8000"


@dataclass
class Scene:
    """Two organisations and one agreement between them."""

    engine: Engine
    actors: dict[str, Actor] = field(default_factory=dict)

    def row(self, kind: type[SQLModel], key: str) -> SQLModel:
        """A row as it is now."""
        with reading(self.engine) as session:
            return session.get_one(kind, key)

    def state(self, kind: type[SQLModel], key: str) -> str:
        """The state of a row."""
        return str(getattr(self.row(kind, key), "state"))  # noqa: B009 -- of several tables

    def meet(
        self, first: Callable[[Session], object], second: Callable[[Session], object]
    ) -> RegistryError | None:
        """Do the second act while the first is not committed yet; what the second was told."""
        told: list[BaseException] = []
        began = threading.Event()

        def late() -> None:
            began.set()
            try:
                with transaction(self.engine) as session:
                    second(session)
            except BaseException as problem:  # noqa: BLE001 -- handed to the test's thread
                told.append(problem)

        other = threading.Thread(target=late)
        with transaction(self.engine) as session:
            first(session)
            session.flush()
            other.start()
            began.wait()
            other.join(0.5)
            assert other.is_alive(), "the second act did not wait for the first"
        other.join(20)
        assert not other.is_alive(), "the second act never ended"
        if told and not isinstance(told[0], RegistryError):
            raise told[0]
        return told[0] if told else None  # type: ignore[return-value]  # narrowed above


@pytest.fixture
def scene(engine: Engine) -> Scene:
    """An archive that offers a dataset, and a user of data."""
    scene = Scene(engine)
    put(engine, *party("archive"), *party("user"), *dataset())
    for name in ("archive", "user"):
        scene.actors[name] = actor_of(engine, name)
    return scene


def _revoke(scene: Scene) -> Callable[[Session], object]:
    command = Revoke(agreement_id="agr_1", reason="Rightsholder objects.")
    return lambda session: revoke(session, scene.actors["archive"], command, at=AT)


def _accept(scene: Scene) -> Callable[[Session], object]:
    return lambda session: accept(session, scene.actors["user"], "agr_1", SEEN, at=AT)


def test_a_revocation_is_not_undone_by_an_acceptance_under_way(scene: Scene) -> None:
    """An archive that revokes while the user accepts has revoked."""
    put(scene.engine, *asked("approved"), *agreement("proposed"))

    told = scene.meet(_revoke(scene), _accept(scene))

    assert scene.state(Agreement, "agr_1") == "revoked"
    assert told is not None
    assert told.code == "agreement-state"


def test_an_acceptance_does_not_keep_a_revocation_out(scene: Scene) -> None:
    """An acceptance that was first is revoked by the revocation that waited for it."""
    put(scene.engine, *asked("approved"), *agreement("proposed"))

    told = scene.meet(_accept(scene), _revoke(scene))

    assert told is None
    assert scene.state(Agreement, "agr_1") == "revoked"


def test_declining_while_accepting_leaves_what_was_first(scene: Scene) -> None:
    """Of two seats, one that accepts and one that declines, the first decides."""
    put(scene.engine, *asked("approved"), *agreement("proposed"))

    told = scene.meet(
        _accept(scene),
        lambda session: decline(session, scene.actors["user"], "agr_1", at=AT),
    )

    assert scene.state(Agreement, "agr_1") == "in_force"
    assert told is not None


def test_a_part_is_reviewed_once(scene: Scene) -> None:
    """Of two refusals of one part by two people of the archive, the second is told it is late."""
    put(scene.engine, *asked("pending"))

    def refuse(answer: str) -> Callable[[Session], object]:
        command = Review(decision_id="dec_1", approve=False, answer=answer)
        return lambda session: review(
            session, scene.actors["archive"], command, origin=ORIGIN, at=AT
        )

    told = scene.meet(refuse("first"), refuse("second"))

    assert told is not None
    assert told.code == "not-pending"
    decision = scene.row(DecisionRow, "dec_1")
    assert isinstance(decision, DecisionRow)
    assert decision.answer == "first"


def test_a_withdrawn_request_is_not_reviewed(scene: Scene) -> None:
    """A review that comes while the request is being taken back finds nothing to decide."""
    put(scene.engine, *asked("pending"))

    told = scene.meet(
        lambda session: withdraw_request(session, scene.actors["user"], "req_1", at=AT),
        lambda session: review(
            session,
            scene.actors["archive"],
            Review(decision_id="dec_1", approve=False, answer="No."),
            origin=ORIGIN,
            at=AT,
        ),
    )

    assert scene.state(DecisionRow, "dec_1") == "withdrawn"
    assert told is not None


def test_a_finished_extract_is_not_cancelled_afterwards(scene: Scene) -> None:
    """Cancelling while the job publishes is too late, and says so."""
    put(scene.engine, *asked("approved"), *agreement("in_force"), *extract("running"))

    def publish(session: Session) -> None:
        extract = session.get_one(Extract, "ext_1", with_for_update=True)
        extract.state, extract.finished_at = "ready", AT
        session.add(extract)

    told = scene.meet(
        publish,
        lambda session: cancel_extract(session, scene.actors["user"], "ext_1", at=AT),
    )

    assert scene.state(Extract, "ext_1") == "ready"
    assert told is not None
    assert told.code == "extract-finished"


def test_a_sign_in_link_opens_one_session(scene: Scene) -> None:
    """A link that two browsers use at once signs in only one of them."""
    with transaction(scene.engine) as session:
        credential, secret = issue(
            session, "link", at=AT, lifetime=timedelta(minutes=15), seat_id="seat_user"
        )

    told = scene.meet(
        lambda session: sign_in(session, secret, at=AT),
        lambda session: sign_in(session, secret, at=AT),
    )

    assert told is not None
    assert told.code == "credential-used"
    used = scene.row(Credential, credential.id)
    assert isinstance(used, Credential)
    assert used.used_at == AT
