"""An auditor looks: the entry of it commits before the page or answer that shows anything."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import col, select

from catalog.tables import Dataset
from registry.accounts.actors import Actor
from registry.audit.tables import AuditEntry
from registry.db import transaction
from registry.runtime import Runtime
from registry.services.mandates import note_look, note_look_at_all


def record_look(
    runtime: Runtime,
    actor: Actor,
    kind: str,
    archive: str | None,
    at: datetime,
    ids: Mapping[str, str] | None = None,
) -> None:
    """Record what an auditor looks at, in a transaction of its own; others look unrecorded.

    :param kind: what is looked at, as a code.
    """
    if actor.role == "auditor":
        with transaction(runtime.engine) as session:
            note_look(session, actor, kind, archive, at=at, ids=ids or {})


def record_look_at_all(runtime: Runtime, actor: Actor, kind: str, at: datetime) -> None:
    """The same for an answer that adds up or lists what several archives hold."""
    if actor.role == "auditor":
        with transaction(runtime.engine) as session:
            note_look_at_all(session, actor, kind, at=at)


def record_look_at_dataset(
    runtime: Runtime,
    actor: Actor,
    kind: str,
    dataset_id: str,
    at: datetime,
    ids: Mapping[str, str] | None = None,
) -> None:
    """The same for what a dataset holds, in the stream of its archive."""
    if actor.role == "auditor":
        with transaction(runtime.engine) as session:
            archive = session.get_one(Dataset, dataset_id).archive_id
            named = {"dataset": dataset_id, **(ids or {})}
            note_look(session, actor, kind, archive, at=at, ids=named)


def record_look_at_entry(runtime: Runtime, actor: Actor, entry_id: str, at: datetime) -> None:
    """The same for the proof of one entry, which holds the entry."""
    if actor.role == "auditor":
        with transaction(runtime.engine) as session:
            its = select(AuditEntry.stream).where(col(AuditEntry.id) == entry_id)
            stream = session.exec(its).one()
            note_look(session, actor, "receipt", stream, at=at, ids={})
