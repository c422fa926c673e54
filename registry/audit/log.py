"""Writing to the log, and the face of all that services and commands do with it.

An entry commits with its act, in the caller's transaction, or not at all. The sequencer
(:func:`integrate`) later gives it its place in the tree; from then on there is a receipt.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from registry.audit.acts import PERSONS, Act, check
from registry.audit.entry import OPERATOR, Entry, entry_time, new_entry_id
from registry.audit.exporting import Exported, export, receipt
from registry.audit.heads import FileHeadStore, HeadStore, LogMismatch
from registry.audit.keys import open_head_store, open_signer
from registry.audit.matching import check_log
from registry.audit.merkle import leaf_hash
from registry.audit.sequencing import integrate
from registry.audit.subjects import erase, pseudonym
from registry.audit.values import Json

__all__ = [
    "Exported",
    "FileHeadStore",
    "HeadStore",
    "LogMismatch",
    "append",
    "check_log",
    "erase",
    "export",
    "integrate",
    "open_head_store",
    "open_signer",
    "pseudonym",
    "receipt",
]

_COUNT = text("UPDATE audit_stream SET last = last + 1 WHERE name = :name RETURNING last")
_START = text("INSERT INTO audit_stream (name, last) VALUES (:name, 0) ON CONFLICT DO NOTHING")
_ADD = text(
    "INSERT INTO audit_entry (id, stream, number, body, leaf_hash)"
    " VALUES (:id, :stream, :number, :body, :leaf_hash)"
)


def append(
    session: Session,
    act: Act,
    *,
    at: datetime,
    archive: str | None,
    actor: str | None,
    organisation: str | None,
    ids: Mapping[str, str],
    facts: Mapping[str, Json],
) -> str:
    """Record an act in the caller's transaction; the entry's id, from which its receipt is asked.

    The entry's number is taken under the stream's row lock, which holds until the caller's
    transaction ends: append last, and where one transaction writes to several streams, in the
    order of their names.

    :param at: when it happened.
    :param archive: id of the archive that the act concerns; ``None`` for the operator's stream.
    :param actor: stable id of the person or client who acted, stored as a pseudonym; ``None`` for
        the service itself.
    :param organisation: id of the organisation that acted.
    :param ids: what the act is about; a `seat` is given as its id and stored as a pseudonym.
    :raises VocabularyError: ids or facts do not fit the act; a fault in the calling code.
    """
    check(act, ids, facts)
    stream = archive if archive is not None else OPERATOR
    who = None if actor is None else pseudonym(session, actor)
    entry = Entry(
        id=new_entry_id(at),
        time=entry_time(at),
        act=act.value,
        archive=stream,
        number=_next_number(session, stream),
        actor=who,
        organisation=organisation,
        ids={
            name: pseudonym(session, value) if name in PERSONS else value
            for name, value in ids.items()
        },
        facts=dict(facts),
    )
    body = entry.to_bytes()
    row = {"id": entry.id, "stream": stream, "number": entry.number, "body": body}
    session.execute(_ADD, {**row, "leaf_hash": leaf_hash(body)})
    return entry.id


def _next_number(session: Session, stream: str) -> int:
    number = session.scalar(_COUNT, {"name": stream})
    if number is None:
        session.execute(_START, {"name": stream})
        number = session.scalar(_COUNT, {"name": stream})
    return int(number)
