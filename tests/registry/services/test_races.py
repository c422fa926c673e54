"""Two people act on the same thing at the same moment: one of them is first, and it stays so.

Each test holds the first act's transaction open until the second act waits, then lets go. What the
first one did must stand, and the second one must be told.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel

from catalog.tables import Dataset, Delivery, Edition, Offer
from registry.access.tables import AccessRequest, Agreement, DecisionRow, Extract
from registry.accounts.actors import Actor, person
from registry.accounts.credentials import issue
from registry.accounts.tables import Credential, Environment, Organisation, Seat
from registry.db import reading, transaction
from registry.errors import RegistryError
from registry.services.accounts import sign_in
from registry.services.agreeing import Revoke, accept, decline, revoke
from registry.services.extracts import cancel_extract
from registry.services.requesting import Review, review, withdraw_request

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:8000"
SEEN = "sha256:" + "5" * 64


def _party(role: str) -> list[SQLModel]:
    organisation = Organisation(
        id=f"org_{role}", slug=role, name=role, role=role, country="NL", created_at=AT
    )
    seat = Seat(
        id=f"seat_{role}",
        organisation_id=organisation.id,
        email=f"{role}@example.org",
        name=role,
        created_at=AT,
    )
    return [organisation, seat]


def _dataset() -> list[SQLModel]:
    return [
        Dataset(
            id="ds_1",
            archive_id="org_archive",
            slug="news",
            state="published",
            title_nl="Nieuws",
            title_en="News",
            item_key=b"k" * 32,
            created_at=AT,
        ),
        Delivery(
            id="del_1",
            dataset_id="ds_1",
            file_name="a.csv",
            format="csv",
            bytes=1,
            sha256="0" * 64,
            state="published",
            received_at=AT,
        ),
        Edition(
            id="ed_1",
            dataset_id="ds_1",
            delivery_id="del_1",
            number=1,
            sha256="0" * 64,
            bytes=1,
            key="editions/0",
            rows=20,
            items=20,
            published_at=AT,
        ),
        Offer(
            id="offer_1",
            dataset_id="ds_1",
            edition_id="ed_1",
            document={},
            digest=SEEN,
            automatic=True,
            agreement_days=30,
            published_at=AT,
        ),
    ]


def _asked(state: str) -> list[SQLModel]:
    return [
        Environment(
            id="env_1",
            organisation_id="org_user",
            name="Lab",
            country="NL",
            operator="Lab",
            operator_country="NL",
            created_at=AT,
        ),
        AccessRequest(
            id="req_1",
            organisation_id="org_user",
            filed_by="seat_user",
            environment_id="env_1",
            use="train.gen",
            user_class="commercial",
            filed_at=AT,
        ),
        DecisionRow(
            id="dec_1",
            request_id="req_1",
            dataset_id="ds_1",
            archive_id="org_archive",
            edition_id="ed_1",
            offer_id="offer_1",
            part="review",
            state=state,
            items=20,
            snapshot={},
            decided_at=AT,
        ),
    ]


def _agreement(state: str) -> list[SQLModel]:
    return [
        Agreement(
            id="agr_1",
            decision_id="dec_1",
            organisation_id="org_user",
            archive_id="org_archive",
            dataset_id="ds_1",
            edition_id="ed_1",
            environment_id="env_1",
            document={},
            digest=SEEN,
            state=state,
            valid_from=AT,
            valid_until=AT + timedelta(days=30),
        )
    ]


@dataclass
class Scene:
    """Two organisations and one agreement between them."""

    engine: Engine
    actors: dict[str, Actor] = field(default_factory=dict)

    def set(self, *rows: SQLModel) -> None:
        """Put rows in, each after the ones it names."""
        with transaction(self.engine) as session:
            for row in rows:
                session.add(row)
                session.flush()

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
    scene.set(*_party("archive"), *_party("user"), *_dataset())
    with reading(engine) as session:
        for role in ("archive", "user"):
            seat = session.get_one(Seat, f"seat_{role}")
            scene.actors[role] = person(seat, session.get_one(Organisation, f"org_{role}"))
    return scene


def _revoke(scene: Scene) -> Callable[[Session], object]:
    command = Revoke(agreement_id="agr_1", reason="Rightsholder objects.")
    return lambda session: revoke(session, scene.actors["archive"], command, at=AT)


def _accept(scene: Scene) -> Callable[[Session], object]:
    return lambda session: accept(session, scene.actors["user"], "agr_1", SEEN, at=AT)


def test_a_revocation_is_not_undone_by_an_acceptance_under_way(scene: Scene) -> None:
    """An archive that revokes while the user accepts has revoked."""
    scene.set(*_asked("approved"), *_agreement("proposed"))

    told = scene.meet(_revoke(scene), _accept(scene))

    assert scene.state(Agreement, "agr_1") == "revoked"
    assert told is not None
    assert told.code == "agreement-state"


def test_an_acceptance_does_not_keep_a_revocation_out(scene: Scene) -> None:
    """An acceptance that was first is revoked by the revocation that waited for it."""
    scene.set(*_asked("approved"), *_agreement("proposed"))

    told = scene.meet(_accept(scene), _revoke(scene))

    assert told is None
    assert scene.state(Agreement, "agr_1") == "revoked"


def test_declining_while_accepting_leaves_what_was_first(scene: Scene) -> None:
    """Of two seats, one that accepts and one that declines, the first decides."""
    scene.set(*_asked("approved"), *_agreement("proposed"))

    told = scene.meet(
        _accept(scene),
        lambda session: decline(session, scene.actors["user"], "agr_1", at=AT),
    )

    assert scene.state(Agreement, "agr_1") == "in_force"
    assert told is not None


def test_a_part_is_reviewed_once(scene: Scene) -> None:
    """Of two refusals of one part by two people of the archive, the second is told it is late."""
    scene.set(*_asked("pending"))

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
    scene.set(*_asked("pending"))

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
    scene.set(
        *_asked("approved"),
        *_agreement("in_force"),
        Extract(
            id="ext_1",
            agreement_id="agr_1",
            organisation_id="org_user",
            state="running",
            ordered_by="seat_user",
            ordered_at=AT,
        ),
    )

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
