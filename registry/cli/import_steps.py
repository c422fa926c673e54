"""The steps of `vrijgave import`, on the same services as the API and the pages."""

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from sqlmodel import Session, col, select

from catalog.import_report import ImportReport, report
from catalog.mapping import Mapping, MappingError, read_mapping
from catalog.tables import Dataset, Delivery
from catalog.terms import Gap, ResidencyRule
from connectors.local import full_disk_named
from connectors.ports import Delivery as DeliveredFile
from registry.accounts.actors import ROLE_SCOPES, Actor
from registry.accounts.tables import Organisation
from registry.db import reading, transaction
from registry.errors import InvalidInput, NotFound, Text
from registry.jobs.claims import open_claims
from registry.runtime import Runtime
from registry.services import catalogue, checking, publishing, receiving, registration
from registry.services.laying import lay_out

Show = Callable[[float], None]
"""Told the share done, 0.0 to 1.0."""

_FORMS: dict[str, Literal["toml", "yaml", "json"]] = {
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
}
_EVERYWHERE_IN = ("EU",)
_PATIENCE = 3600.0
"""Seconds to wait for a check that the service itself has begun."""


class Import:
    """One file on its way in."""

    def __init__(
        self, runtime: Runtime, file: Path, mapping: Path, name: str, refused: Path
    ) -> None:
        self._runtime, self._file, self._name = runtime, file, name
        self._mapping = _read(mapping)
        self.refused = refused
        self._delivery_id = ""
        self._dataset_id = ""

    def dry_run(self, show: Show) -> ImportReport:
        """Lay the file out and report, leaving nothing but the file of refused rows."""
        ports = self._runtime.ports
        form = registration.format_of(self._file.name)
        problems = self._mapping.problems()
        if problems:
            raise registration.mapping_refused(MappingError(problems))
        with tempfile.TemporaryDirectory(dir=ports.scratch) as folder:
            file = DeliveredFile(self._file, form, self._mapping.records)
            laid = lay_out(
                ports.importer, file, self._mapping, b"dry run", Path(folder), on_progress=show
            )
            if laid.refused_file is not None:
                shutil.copyfile(Path(folder) / laid.refused_file.name, self.refused)
        return report(self._mapping, laid)

    def check(self, show: Show, title_nl: str, title_en: str) -> ImportReport:
        """Take the file in, lay it out, and declare what the mapping declares."""
        with self._copied() as (file, self._delivery_id), self._acting() as (session, actor):
            self._dataset_id = self._find_or_register(session, actor, title_nl, title_en)
            receiving.receive_delivery(
                session,
                actor,
                self._dataset_id,
                file,
                self._delivery_id,
                at=self._runtime.clock(),
            )
            registration.map_delivery(
                session, actor, self._delivery_id, self._mapping, at=self._runtime.clock()
            )
            kinds = registration.declarations_of(self._mapping)
            declared = registration.Declarations(kinds=kinds)
            registration.declare(
                session, actor, self._dataset_id, declared, at=self._runtime.clock()
            )
        # A service that runs beside this command looks for checks that nobody does: the claim
        # keeps it away, or makes this wait until it is done.
        claims = open_claims(self._runtime.engine, self._runtime.settings.home)
        with self._progress_shown(show), claims.take(self._delivery_id, patience=_PATIENCE):
            checking.run_check(self._runtime.engine, self._runtime.ports, self._delivery_id)
        return self._outcome()

    def confirm_suggestions(self, process: tuple[str, ...], *, automatic: bool) -> None:
        """Set the suggested terms as confirmed; and a residency rule, where given or missing."""
        at = self._runtime.clock()
        with self._acting() as (session, actor):
            suggested = publishing.suggested_terms(session, actor, self._delivery_id)
            lines = tuple(replace(line, confirmed=True) for line in suggested.lines)
            terms = replace(suggested, lines=lines, automatic=automatic)
            publishing.set_terms(session, actor, self._dataset_id, terms, at=at)
            dataset = registration.own_dataset(session, actor, self._dataset_id)
            if process or not dataset.residency:
                rule = ResidencyRule(process=process or _EVERYWHERE_IN)
                publishing.set_residency(session, actor, self._dataset_id, rule, at=at)

    def gaps(self) -> tuple[Gap, ...]:
        """What is still to be said."""
        with self._acting() as (session, actor):
            return publishing.gaps(session, actor, self._dataset_id)

    def publish(self, *, accept_refused: bool) -> str:
        """Publish the delivery; the edition's name."""
        command = publishing.PublishEdition(
            dataset_id=self._dataset_id,
            delivery_id=self._delivery_id,
            accept_refused=accept_refused,
        )
        runtime = self._runtime
        with self._acting() as (session, actor):
            done = publishing.publish(
                session, actor, command, origin=runtime.settings.origin, at=runtime.clock()
            )
            return catalogue.listing_of(session, self._dataset_id, done.edition.id).reference

    def _find_or_register(
        self, session: Session, actor: Actor, title_nl: str, title_en: str
    ) -> str:
        _, slug, _ = catalogue.parse_reference(self._name)
        own = select(Dataset).where(
            col(Dataset.archive_id) == actor.organisation_id, col(Dataset.slug) == slug
        )
        found = session.exec(own).one_or_none()
        if found is not None:
            return found.id
        plain = slug.replace("-", " ").capitalize()
        command = registration.NewDataset(
            slug=slug,
            title_nl=title_nl or title_en or plain,
            title_en=title_en or title_nl or plain,
        )
        return registration.register_dataset(session, actor, command, at=self._runtime.clock()).id

    @contextmanager
    def _copied(self) -> Iterator[tuple[receiving.ReceivedFile, str]]:
        """A copy of the file in the store, with the id of its delivery."""
        runtime = self._runtime
        with tempfile.TemporaryDirectory(dir=runtime.ports.scratch) as folder:
            with full_disk_named():
                copy = Path(shutil.copyfile(self._file, Path(folder) / "delivery"))
            with copy.open("rb") as opened:
                sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
            file = receiving.ReceivedFile(copy, self._file.name, copy.stat().st_size, sha256)
            store = runtime.ports.store
            with receiving.stored(runtime.engine, store, file, at=runtime.clock()) as delivery_id:
                yield file, delivery_id

    def _outcome(self) -> ImportReport:
        with reading(self._runtime.engine) as session:
            delivery = session.get_one(Delivery, self._delivery_id)
            found, key = checking.report_of(delivery), checking.refused_key(delivery)
            if found is None:
                problem = delivery.problem
                raise InvalidInput(problem["code"], Text(problem["nl"], problem["en"]))
        if key is not None:
            shutil.copyfile(self._runtime.ports.store.path(key), self.refused)
        return found

    @contextmanager
    def _progress_shown(self, show: Show) -> Iterator[None]:
        done = threading.Event()

        def follow() -> None:
            while not done.wait(0.3):
                with reading(self._runtime.engine) as session:
                    show(session.get_one(Delivery, self._delivery_id).progress / 100)

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield
        finally:
            done.set()
            follower.join()

    @contextmanager
    def _acting(self) -> Iterator[tuple[Session, Actor]]:
        with transaction(self._runtime.engine) as session:
            yield session, _operator_for(session, catalogue.parse_reference(self._name)[0])


def _operator_for(session: Session, slug: str) -> Actor:
    """The operator at the machine, acting for an archive; the log shows it as such."""
    archive = session.exec(
        select(Organisation).where(
            col(Organisation.slug) == slug, col(Organisation.role) == "archive"
        )
    ).one_or_none()
    if archive is None:
        raise NotFound(
            "no-such-archive",
            Text(f"Er is geen archief `{slug}`.", f"there is no archive `{slug}`"),
            Text(
                "Maak het met `vrijgave organisations add … --role archive`.",
                "make it with `vrijgave organisations add … --role archive`",
            ),
        )
    return Actor(
        id="operator",
        organisation_id=archive.id,
        organisation_slug=archive.slug,
        organisation_name=archive.name,
        role="archive",
        user_class=archive.user_class,
        scopes=ROLE_SCOPES["archive"],
        name="operator",
        language="en",
    )


def _read(path: Path) -> Mapping:
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise InvalidInput(
            "mapping-form",
            Text(
                f"`{path.name}` is geen TOML, YAML of JSON.",
                f"`{path.name}` is not TOML, YAML or JSON",
            ),
        )
    try:
        return read_mapping(path.read_text(encoding="utf-8"), form)
    except MappingError as wrong:
        raise registration.mapping_refused(wrong) from wrong


def tell_report(found: ImportReport, lang: str) -> str:
    """The report in lines for a person."""
    dutch = lang == "nl"
    words = ("gelezen", "aangenomen", "geweigerd") if dutch else ("read", "accepted", "refused")
    read, taken, left = words
    lines = [f"{found.rows_read} {read}, {found.accepted} {taken}, {found.refused} {left}"]
    lines += [f"  {one.rows:>9} {one.nl if dutch else one.en}" for one in found.reasons]
    lines.append("rechten:" if dutch else "rights:")
    lines += [f"  {one.rows:>9} {one.nl if dutch else one.en}" for one in found.rights]
    if found.blocked:
        blocked = "geblokkeerd, alleen voor u te zien" if dutch else "blocked, for your eyes only"
        lines.append(f"  {found.blocked:>9} {blocked}")
    return "\n".join(lines)
