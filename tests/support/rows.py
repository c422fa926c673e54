"""Rows as services leave them, made directly: for tests of who may do what, and who comes first."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import SQLModel

from catalog.tables import Dataset, Delivery, Edition, Offer
from catalog.terms import ResidencyRule, Terms, offer_for
from policies import dump_policy
from registry.access.tables import AccessRequest, Agreement, DecisionRow, Extract, Part
from registry.accounts.actors import Actor, person
from registry.accounts.tables import Environment, Organisation, Seat
from registry.db import reading, transaction
from registry.digests import digest

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DOCUMENT = dump_policy(
    offer_for(
        Terms(lines=()),
        ResidencyRule(process=("EU",)),
        uid="urn:offer",
        archive="urn:archive",
        edition="archive/news@1",
        columns={},
    )
)
"""The policy of the offer here and of the agreement on it: it permits nothing."""
SEEN = digest(DOCUMENT)


def party(role: str, name: str | None = None) -> list[SQLModel]:
    """An organisation of that role with its one seat; their ids end in its name."""
    name = name or role
    organisation = Organisation(
        id=f"org_{name}", slug=name, name=name, role=role, country="NL", created_at=AT
    )
    seat = Seat(
        id=f"seat_{name}",
        organisation_id=organisation.id,
        email=f"{name}@example.org",
        name=name,
        created_at=AT,
    )
    return [organisation, seat]


def dataset() -> list[SQLModel]:
    """A published dataset of the archive, with its edition and offer."""
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
            document=DOCUMENT,
            digest=SEEN,
            automatic=True,
            agreement_days=30,
            published_at=AT,
        ),
    ]


def asked(state: str) -> list[SQLModel]:
    """A request of the user for it, with one part in that state."""
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
            snapshot={"reference": "archive/news@1"},
            decided_at=AT,
        ),
    ]


def agreement(state: str) -> list[SQLModel]:
    """The agreement on that part."""
    return [
        Agreement(
            id="agr_1",
            decision_id="dec_1",
            organisation_id="org_user",
            archive_id="org_archive",
            dataset_id="ds_1",
            edition_id="ed_1",
            environment_id="env_1",
            document=DOCUMENT,
            digest=SEEN,
            state=state,
            valid_from=AT,
            valid_until=AT + timedelta(days=30),
        )
    ]


def extract(state: str) -> list[SQLModel]:
    """An extract under that agreement, with its one part."""
    return [
        Extract(
            id="ext_1",
            agreement_id="agr_1",
            edition_id="ed_1",
            organisation_id="org_user",
            state=state,
            ordered_by="seat_user",
            ordered_at=AT,
        ),
        Part(extract_id="ext_1", number=0, key="parts/0", sha256="0" * 64, bytes=1, rows=20),
    ]


def put(engine: Engine, *rows: SQLModel) -> None:
    """Put rows in, each after the ones it names."""
    with transaction(engine) as session:
        for row in rows:
            session.add(row)
            session.flush()


def actor_of(engine: Engine, name: str) -> Actor:
    """The actor of a party's seat."""
    with reading(engine) as session:
        seat = session.get_one(Seat, f"seat_{name}")
        return person(seat, session.get_one(Organisation, f"org_{name}"))
