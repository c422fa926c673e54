"""Reading the log: an archive its own stream, an auditor what it was asked to look at."""

from datetime import datetime
from typing import BinaryIO

from sqlmodel import Session, col, select

from registry.accounts.actors import Actor
from registry.audit import store
from registry.audit.acts import Act
from registry.audit.checkpoint import SigningKey
from registry.audit.entry import Entry
from registry.audit.exporting import Exported, export
from registry.audit.lines import FORM
from registry.audit.tables import AuditCheckpoint, AuditEntry
from registry.audit.tiles import TilePlace
from registry.errors import NotAllowed, Text
from registry.services.mandates import reach_of, stream_of
from registry.services.noting import note
from registry.services.receipts import whole_receipt
from registry.services.wording import missing


def list_entries(
    session: Session,
    actor: Actor,
    *,
    at: datetime,
    archive: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[tuple[int, Entry]]:
    """Entries that the actor may read, newest first, each with its place in order of writing.

    :param before: place to continue from.
    """
    stream = stream_of(session, actor, archive, at=at)
    query = select(AuditEntry)
    if stream is not None:
        query = query.where(col(AuditEntry.stream) == stream)
    if before is not None:
        query = query.where(col(AuditEntry.position) < before)
    rows = session.exec(query.order_by(col(AuditEntry.position).desc()).limit(limit)).all()
    return [(row.position or 0, Entry.from_bytes(row.body)) for row in rows]


def entry_receipt(session: Session, actor: Actor, entry_id: str, *, at: datetime) -> str:
    """The proof that an entry is in the log.

    :raises Unavailable: it is not yet, which lasts a second.
    """
    reach = reach_of(session, actor, at)
    row = session.exec(select(AuditEntry).where(col(AuditEntry.id) == entry_id)).one_or_none()
    if row is None or not reach.holds(row.stream):
        raise missing("auditregel", "audit entry", entry_id)
    return whole_receipt(session, entry_id)


def require_whole_log(session: Session, actor: Actor, *, at: datetime) -> None:
    """Pass whoever may read all entries; an archive sees others' only as hashes."""
    if reach_of(session, actor, at).archives is None:
        return
    raise NotAllowed(
        "own-entries-only",
        Text(
            "Hier staan ook regels van andere archieven.",
            "Entries of other archives stand here too.",
        ),
        Text(
            "Neem een export: uw eigen regels voluit, andere als hash.",
            "Take an export: your own entries in full, others as hashes.",
        ),
    )


def hash_tile(session: Session, level: int, place: TilePlace) -> bytes | None:
    """Hashes of the tree, which are public; ``None`` where the signed tree has not so many."""
    return store.hash_tile(session, level, place.number, place.width)


def entry_bundle(session: Session, place: TilePlace) -> bytes | None:
    """Entries as C2SP tlog-tiles bundles them; ``None`` where the signed tree has not so many."""
    return store.entry_bundle(session, place.number, place.width)


def last_checkpoint(session: Session) -> AuditCheckpoint | None:
    """The signed head of the log; public, since it tells no more than the log's size."""
    newest = select(AuditCheckpoint).order_by(col(AuditCheckpoint.size).desc()).limit(1)
    return session.exec(newest).one_or_none()


def record_export(
    session: Session, actor: Actor, *, archive: str | None = None, at: datetime
) -> str | None:
    """Write down that the actor takes the log out; the stream it may take in full."""
    stream = stream_of(session, actor, archive, at=at)
    note(
        session,
        Act.AUDIT_EXPORTED,
        at=at,
        actor=actor,
        archive=stream,
        ids={},
        facts={"format": FORM, "kind": "archive" if stream else "whole"},
    )
    return stream


def write_export(session: Session, out: BinaryIO, key: SigningKey, stream: str | None) -> Exported:
    """Write what :func:`record_export` recorded, for ``vrijgave audit verify``."""
    return export(session, out, key.verifier, archive=stream)
