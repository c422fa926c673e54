"""What an archive says of a dataset for catalogues, and when anything that they tell changed."""

from datetime import datetime

from sqlmodel import Session

from catalog.description import Description
from catalog.description_tables import DatasetDescription, description_of
from catalog.record import Record
from catalog.tables import Dataset
from registry.accounts.actors import Actor, Scope, require
from registry.audit.acts import Act
from registry.digests import digest
from registry.services.catalogue import find_dataset, listing_changed
from registry.services.locking import locked
from registry.services.noting import note
from registry.services.records import record_of
from registry.services.registration import own_dataset


def changed(session: Session, dataset: Dataset, at: datetime) -> DatasetDescription:
    """Have catalogues tell that something of the dataset changed now; the row that says so."""
    row = session.get(DatasetDescription, dataset.id)
    if row is None:
        row = DatasetDescription(dataset_id=dataset.id, changed_at=at)
    row.changed_at = at
    session.add(row)
    listing_changed(session, dataset.id, at)
    return row


def described(session: Session, actor: Actor, dataset_id: str) -> Description:
    """What was said of one of the archive's own datasets."""
    dataset = own_dataset(session, actor, dataset_id)
    return description_of(session.get(DatasetDescription, dataset.id))


def own_record(session: Session, actor: Actor, dataset_id: str, *, origin: str) -> Record | None:
    """The record of one of the archive's own datasets; None before it is published."""
    dataset = own_dataset(session, actor, dataset_id)
    listing = find_dataset(session, actor, f"{actor.organisation_slug}/{dataset.slug}")
    return record_of(session, listing, origin=origin)


def describe(
    session: Session, actor: Actor, dataset_id: str, said: Description, *, at: datetime
) -> Description:
    """Say this of a dataset, in place of what was said before."""
    require(actor, Scope.ARCHIVE_WRITE)
    dataset = locked(session, own_dataset(session, actor, dataset_id))
    row = changed(session, dataset, at)
    row.said = said.model_dump(mode="json", exclude_defaults=True)
    facts = {"description_digest": digest(row.said)}
    ids = {"dataset": dataset.id}
    note(
        session,
        Act.DATASET_CHANGED,
        at=at,
        actor=actor,
        archive=dataset.archive_id,
        ids=ids,
        facts=facts,
    )
    return said
