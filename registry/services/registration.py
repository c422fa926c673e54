"""How an archive's files become editions: register, deliver, map, check, declare."""

import secrets
from collections.abc import Mapping as Lookup
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import StringConstraints
from sqlmodel import Session, col, select

from catalog.mapping import KINDS, NONE, ColumnRole, Mapping, MappingError, dump_mapping
from catalog.tables import Dataset, Delivery
from registry.accounts.actors import Actor, Scope, require
from registry.audit.acts import Act
from registry.digests import digest
from registry.errors import FieldProblem, InvalidInput, Text
from registry.ids import new_id
from registry.services.accounts import Command, Line
from registry.services.locking import locked
from registry.services.noting import note
from registry.services.wording import conflict, invalid, missing

Format = Literal["parquet", "csv", "jsonl", "json"]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]
DatasetSlug = Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]{0,78}[a-z0-9]$")]

FORMATS: Lookup[str, Format] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}
"""File name endings of deliveries."""


class NewDataset(Command):
    """A collection to register; texts in both languages."""

    slug: DatasetSlug
    title_nl: Line
    title_en: Line
    description_nl: Prose = ""
    description_en: Prose = ""


class Declarations(Command):
    """Per kind of sensitive column what the owner declares.

    ``column`` when a column of the delivery says it per item, ``none`` when there is none of it in
    the dataset, else one value for all items (a licence, a rightsholder).
    """

    kinds: dict[str, Annotated[str, StringConstraints(min_length=1, max_length=400)]]


def register_dataset(
    session: Session, actor: Actor, command: NewDataset, *, at: datetime
) -> Dataset:
    """Register a dataset as a draft that only its archive sees."""
    require(actor, Scope.ARCHIVE_WRITE)
    twin = select(Dataset).where(
        col(Dataset.archive_id) == actor.organisation_id, col(Dataset.slug) == command.slug
    )
    if session.exec(twin).one_or_none() is not None:
        raise conflict(
            "dataset-exists",
            f"U hebt al een dataset `{command.slug}`.",
            f"You already have a dataset `{command.slug}`.",
            "Lever een nieuwe editie aan, of kies een andere naam.",
            "Deliver a new edition, or choose another name.",
        )
    dataset = Dataset(
        id=new_id("ds", at),
        archive_id=actor.organisation_id,
        item_key=secrets.token_bytes(32),
        created_at=at,
        **command.model_dump(),
    )
    session.add(dataset)
    session.flush()
    _note(session, actor, Act.DATASET_REGISTERED, dataset, at)
    return dataset


def own_dataset(session: Session, actor: Actor, dataset_id: str) -> Dataset:
    """A dataset of the actor's own archive."""
    require(actor, Scope.ARCHIVE_READ)
    dataset = session.get(Dataset, dataset_id)
    if dataset is None or dataset.archive_id != actor.organisation_id:
        raise missing("dataset", "dataset", dataset_id)
    return dataset


def own_delivery(session: Session, actor: Actor, delivery_id: str) -> Delivery:
    """A delivery of the actor's own archive."""
    require(actor, Scope.ARCHIVE_READ)
    delivery = session.get(Delivery, delivery_id)
    owner = session.get(Dataset, delivery.dataset_id) if delivery else None
    if delivery is None or owner is None or owner.archive_id != actor.organisation_id:
        raise missing("aanlevering", "delivery", delivery_id)
    return delivery


def list_deliveries(session: Session, actor: Actor, dataset_id: str) -> list[Delivery]:
    """The dataset's deliveries, newest first."""
    dataset = own_dataset(session, actor, dataset_id)
    own = select(Delivery).where(col(Delivery.dataset_id) == dataset.id)
    return list(session.exec(own.order_by(col(Delivery.id).desc())))


def delivery_key(delivery_id: str) -> str:
    """Where the store keeps a delivered file."""
    return f"deliveries/{delivery_id}"


def format_of(file_name: str) -> Format:
    """The format that a file's name tells, or ``InvalidInput`` with the ones we take."""
    known = FORMATS.get(Path(file_name).suffix.lower())
    if known is None:
        endings = ", ".join(FORMATS)
        raise invalid(
            "file_name",
            f"`{file_name[:100]}` heeft geen ending die wij kennen ({endings}).",
            f"`{file_name[:100]}` has no ending that we know ({endings}).",
            "Lever Parquet, CSV, JSON Lines of JSON aan, met die ending in de naam.",
            "Deliver Parquet, CSV, JSON Lines or JSON, with that ending in its name.",
        )
    return known


def map_delivery(
    session: Session, actor: Actor, delivery_id: str, mapping: Mapping, *, at: datetime
) -> Delivery:
    """Say what each column is; the check by it starts once this has committed.

    What is declared for the whole dataset is filled in. A mapping may be changed and checked again
    until the delivery is published.
    """
    require(actor, Scope.ARCHIVE_WRITE)
    delivery = locked(session, own_delivery(session, actor, delivery_id))
    if delivery.state in {"checking", "published"}:
        raise conflict(
            "delivery-busy",
            "Deze aanlevering wordt gecontroleerd of is al gepubliceerd.",
            "This delivery is being checked or is published already.",
            "Wacht tot de controle klaar is, of lever een nieuw bestand aan.",
            "Wait until the check has ended, or deliver a new file.",
        )
    dataset = session.get_one(Dataset, delivery.dataset_id)
    whole = mapping.declaring(_constants(dataset))
    problems = whole.problems()
    if problems:
        raise mapping_refused(MappingError(problems))
    delivery.mapping = dump_mapping(whole)
    delivery.state, delivery.progress = "checking", 0
    delivery.problem, delivery.report = {}, {}
    session.add(delivery)
    return delivery


def mapping_refused(wrong: MappingError) -> InvalidInput:
    """A mapping that cannot be imported by, with each field that is wrong."""
    fields = tuple(FieldProblem(p.field, Text(p.nl, p.en)) for p in wrong.problems)
    return InvalidInput(
        "mapping-refused",
        Text(
            f"De beschrijving van de kolommen klopt niet: {fields[0].text.nl}",
            f"The mapping of the columns is not right: {fields[0].text.en}",
        ),
        Text("Verbeter de genoemde velden.", "Correct the fields that are named."),
        fields,
    )


def declare(
    session: Session, actor: Actor, dataset_id: str, command: Declarations, *, at: datetime
) -> Dataset:
    """Declare, per kind of sensitive column, how the dataset gives it or that there is none.

    Kinds not named keep what was declared before.
    """
    require(actor, Scope.ARCHIVE_WRITE)
    dataset = locked(session, own_dataset(session, actor, dataset_id))
    unknown = [kind for kind in command.kinds if kind not in KINDS]
    if unknown or not command.kinds:
        known = ", ".join(KINDS)
        raise invalid(
            f"kinds.{unknown[0]}" if unknown else "kinds",
            f"Verklaar een of meer van: {known}.",
            f"Declare one or more of: {known}.",
        )
    said = {
        kind: {"how": value, "by": actor.id, "at": at.isoformat()}
        for kind, value in command.kinds.items()
    }
    dataset.declarations = {**dataset.declarations, **said}
    session.add(dataset)
    facts = {"kinds": sorted(said), "declarations_digest": digest(dataset.declarations)}
    _note(session, actor, Act.DATASET_DECLARED, dataset, at, facts=facts)
    return dataset


def declarations_of(mapping: Mapping) -> dict[str, str]:
    """What a mapping says of each kind, ready for its owner to declare."""
    by_column = {role for role in KINDS if mapping.of(ColumnRole(role))}
    return {**mapping.declared, **dict.fromkeys(sorted(by_column), "column")}


def _constants(dataset: Dataset) -> dict[str, str]:
    said = {kind: str(one["how"]) for kind, one in dataset.declarations.items()}
    return {kind: how for kind, how in said.items() if how != "column"}


def disagreeing(dataset: Dataset, mapping: Mapping) -> list[str]:
    """Kinds on which the owner's declarations and the checked mapping say different things."""
    given = declarations_of(mapping)
    return [
        kind for kind, said in dataset.declarations.items() if given.get(kind, NONE) != said["how"]
    ]


def _note(
    session: Session,
    actor: Actor,
    act: Act,
    dataset: Dataset,
    at: datetime,
    ids: Lookup[str, str] | None = None,
    facts: Lookup[str, Any] | None = None,
) -> None:
    named = {"dataset": dataset.id, **(ids or {})}
    note(session, act, at=at, actor=actor, archive=dataset.archive_id, ids=named, facts=facts)
