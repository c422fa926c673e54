"""A whole service without HTTP, for tests: real database, store, DuckDB and keys, and a set clock.

Each builder goes through the services as a caller would, and commits.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from catalog.mapping import KINDS
from catalog.tables import Dataset, Delivery, Edition, Offer
from catalog.terms import ResidencyRule, Terms
from connectors.local import sha256_of
from registry.access.tables import Agreement, Extract
from registry.accounts.actors import Actor, person
from registry.accounts.tables import Environment
from registry.audit.checkpoint import Checkpoint
from registry.audit.log import check_log, integrate, open_head_store, open_signer
from registry.db import reading, transaction
from registry.demo import generator
from registry.services import (
    agreeing,
    extracts,
    machines,
    publishing,
    receiving,
    registration,
    requesting,
)
from registry.services.accounts import SignUp, invite
from registry.services.checking import run_check
from registry.services.cutting import run_extract
from registry.services.ports import Ports, open_ports
from registry.services.refusal import Refused
from registry.settings import Settings
from tests.support.clock import SetClock


@dataclass(frozen=True)
class Startup:
    """Someone who asks for data, and where it will be processed."""

    actor: Actor
    environment: Environment


@dataclass(frozen=True)
class PublishedDataset:
    """A dataset with its newest edition and the offer on it."""

    archive: Actor
    dataset: Dataset
    edition: Edition
    offer: Offer

    @property
    def name(self) -> str:
        """``archive/dataset``."""
        return f"{self.archive.organisation_slug}/{self.dataset.slug}"


class World:
    """The service on one database and one home folder."""

    def __init__(self, engine: Engine, home: Path, clock: SetClock) -> None:
        self.engine, self.clock = engine, clock
        home.mkdir(parents=True, exist_ok=True)
        url = engine.url.set(drivername=engine.dialect.name)
        self.settings = Settings(home=home, database_url=url.render_as_string(hide_password=False))
        self.ports: Ports = open_ports(self.settings, clock)
        self._files = home.parent / "delivered"
        self._files.mkdir(exist_ok=True)
        self._made = 0

    def _number(self) -> int:
        self._made += 1
        return self._made

    # --- who takes part ------------------------------------------------------------------------

    def an_archive(self, **facts: str) -> Actor:
        """A verified archive's seat."""
        return self._member("archive", {"user_class": "heritage", **facts})

    def an_auditor(self, **facts: str) -> Actor:
        """An auditor's seat."""
        return self._member("auditor", {"user_class": "government", **facts})

    def an_operator(self, **facts: str) -> Actor:
        """The operator's seat."""
        return self._member("operator", facts)

    def a_startup(
        self, *, networks: tuple[str, ...] = (), secure: bool = False, **facts: str
    ) -> Startup:
        """A commercial user of data with an environment in its own country."""
        actor = self._member("user", facts)
        country = facts.get("country", "NL")
        command = machines.NewEnvironment(
            name="rekencentrum",
            country=country,
            operator="Rekenhuis BV",
            operator_country=country,
            secure=secure,
            networks=networks,
        )
        with transaction(self.engine) as session:
            environment = machines.register_environment(session, actor, command, at=self.clock())
        return Startup(actor, environment)

    def _member(self, role: str, facts: dict[str, str]) -> Actor:
        number = self._number()
        stated = {
            "organisation_name": f"{role.capitalize()} {number}",
            "role": role,
            "country": "NL",
            "person_name": f"Persoon {number}",
            "email": f"persoon-{number}@example.org",
        }
        command = SignUp.model_validate({**stated, **facts})
        with transaction(self.engine) as session:
            made = invite(session, None, command, at=self.clock())
            return person(made.seat, made.organisation)

    # --- from a file to an edition with an offer -----------------------------------------------

    def a_dataset(self, archive: Actor) -> Dataset:
        """A registered draft."""
        command = registration.NewDataset(
            slug=f"journaals-{self._number()}", title_nl="Journaals", title_en="Newsreels"
        )
        with transaction(self.engine) as session:
            return registration.register_dataset(session, archive, command, at=self.clock())

    def a_delivery(
        self,
        archive: Actor,
        dataset: Dataset,
        *,
        items: int = 200,
        seed: int = 1,
        faults: int = 0,
        form: str = ".csv",
    ) -> Delivery:
        """A made-up file, delivered; its check is still to be run."""
        path = self._files / f"journaals-{self._number()}{form}"
        generator.write(path, items, seed=seed, faults=faults)
        return self.deliver(archive, dataset, path)

    def deliver(self, archive: Actor, dataset: Dataset, path: Path) -> Delivery:
        """A file in the made-up collection's form, delivered and mapped."""
        file = receiving.ReceivedFile(path, path.name, path.stat().st_size, sha256_of(path))
        with (
            receiving.stored(self.engine, self.ports.store, file, at=self.clock()) as delivery_id,
            transaction(self.engine) as session,
        ):
            receiving.receive_delivery(
                session, archive, dataset.id, file, delivery_id, at=self.clock()
            )
            return registration.map_delivery(
                session, archive, delivery_id, generator.mapping(), at=self.clock()
            )

    def declare(
        self,
        archive: Actor,
        dataset: Dataset,
        delivery: Delivery,
        *,
        automatic: bool = True,
        residency: tuple[str, ...] = ("EU",),
        secure_only: bool = False,
        **terms: object,
    ) -> Terms:
        """Declare everything, confirm the suggested terms with these changes, set the place."""
        kinds = registration.Declarations(kinds=dict.fromkeys(KINDS, "column"))
        at = self.clock()
        with transaction(self.engine) as session:
            registration.declare(session, archive, dataset.id, kinds, at=at)
            suggested = publishing.suggested_terms(session, archive, delivery.id)
            lines = tuple(replace(line, confirmed=True) for line in suggested.lines)
            chosen = replace(suggested, lines=lines, automatic=automatic)
            chosen = replace(chosen, **terms)  # type: ignore[arg-type] # named as the terms' fields
            publishing.set_terms(session, archive, dataset.id, chosen, at=at)
            rule = ResidencyRule(process=residency, secure_only=secure_only)
            publishing.set_residency(session, archive, dataset.id, rule, at=at)
        return chosen

    def a_published_dataset(
        self,
        archive: Actor | None = None,
        *,
        items: int = 200,
        seed: int = 1,
        automatic: bool = True,
        residency: tuple[str, ...] = ("EU",),
        secure_only: bool = False,
        **terms: object,
    ) -> PublishedDataset:
        """The whole way: register, deliver, map, check, declare, publish."""
        archive = archive or self.an_archive()
        dataset = self.a_dataset(archive)
        delivery = self.a_delivery(archive, dataset, items=items, seed=seed)
        run_check(self.engine, self.ports, delivery.id)
        self.declare(
            archive,
            dataset,
            delivery,
            automatic=automatic,
            residency=residency,
            secure_only=secure_only,
            **terms,
        )
        return self.publish(archive, dataset, delivery)

    def publish(self, archive: Actor, dataset: Dataset, delivery: Delivery) -> PublishedDataset:
        """A checked delivery as the dataset's next edition, with an offer on it."""
        command = publishing.PublishEdition(dataset_id=dataset.id, delivery_id=delivery.id)
        with transaction(self.engine) as session:
            made = publishing.publish(
                session, archive, command, origin=self.settings.origin, at=self.clock()
            )
            dataset = session.get_one(Dataset, dataset.id)
        return PublishedDataset(archive, dataset, made.edition, made.offer)

    # --- from a question to an extract ---------------------------------------------------------

    def a_request(
        self, startup: Startup, *published: PublishedDataset, use: str = "train.gen"
    ) -> requesting.FiledRequest:
        """A filed request over these datasets, decided as far as the terms decide."""
        command = requesting.NewRequest(
            datasets=tuple(one.name for one in published),
            environment_id=startup.environment.id,
            use=use,
        )
        with transaction(self.engine) as session:
            return requesting.file_request(
                session, startup.actor, command, origin=self.settings.origin, at=self.clock()
            )

    def an_agreement(
        self, startup: Startup, published: PublishedDataset, *, use: str = "train.gen"
    ) -> Agreement:
        """An agreement in force on the clear part of a dataset with automatic terms."""
        proposed = self.a_request(startup, published, use=use).agreements[0]
        with transaction(self.engine) as session:
            return agreeing.accept(
                session, startup.actor, proposed.id, proposed.digest, at=self.clock()
            )

    def an_ordered_extract(
        self, startup: Startup, agreement: Agreement, columns: tuple[str, ...] | None = None
    ) -> Extract:
        """An extract whose job is still to be run."""
        command = extracts.NewExtract(agreement_id=agreement.id, columns=columns)
        with transaction(self.engine) as session:
            ordered = extracts.order_extract(
                session, startup.actor, command, origin=self.settings.origin, at=self.clock()
            )
        assert not isinstance(ordered, Refused), ordered.error
        return ordered

    def a_ready_extract(
        self, startup: Startup, agreement: Agreement, columns: tuple[str, ...] | None = None
    ) -> Extract:
        """An extract that was cut and published."""
        ordered = self.an_ordered_extract(startup, agreement, columns)
        run_extract(self.engine, self.ports, ordered.id)
        with reading(self.engine) as session:
            return _kept(session, session.get_one(Extract, ordered.id))

    # --- the log -------------------------------------------------------------------------------

    def check_log(self) -> Checkpoint:
        """Bring all entries into the tree, check the whole log, and give its checkpoint."""
        signer, heads = open_signer(self.settings), open_head_store(self.settings)
        while integrate(self.engine, signer, heads, self.clock()) is not None:
            pass
        checkpoint = check_log(self.engine, signer.verifier, heads)
        assert checkpoint is not None, "nothing was recorded"
        return checkpoint


def _kept(session: Session, extract: Extract) -> Extract:
    """The row with its facts loaded, for use after its session."""
    session.refresh(extract)
    session.expunge(extract)
    return extract
