"""Writing to the log, and the face of all that services and commands do with it.

An entry commits with its act, in the caller's transaction, or not at all. The sequencer
(:func:`integrate`) later gives it its place in the tree; from then on there is a receipt.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from sqlmodel import Session

from registry.audit.acts import PERSONS, Act, check
from registry.audit.entry import OPERATOR, entry_time, new_entry_id, written
from registry.audit.exporting import Exported, export, receipt
from registry.audit.heads import FileHeadStore, HeadStore, LogMismatch
from registry.audit.keys import open_head_store, open_signer
from registry.audit.matching import check_log
from registry.audit.merkle import leaf_hash
from registry.audit.sequencing import integrate
from registry.audit.subjects import erase, known_pseudonym, pseudonym, under
from registry.audit.values import Json
from registry.db import Statement

__all__ = [
    "Exported",
    "FileHeadStore",
    "HeadStore",
    "LogMismatch",
    "Recorded",
    "append",
    "append_all",
    "check_log",
    "erase",
    "export",
    "integrate",
    "known_pseudonym",
    "open_head_store",
    "open_signer",
    "pseudonym",
    "receipt",
]

_TAKE = Statement(
    "UPDATE audit_stream SET last = last + :count WHERE name = :name"
    " RETURNING last, (SELECT key FROM audit_subject_key WHERE subject = :actor)"
)
_START = Statement("INSERT INTO audit_stream (name, last) VALUES (:name, 0) ON CONFLICT DO NOTHING")
_ADD = Statement(
    "INSERT INTO audit_entry (id, stream, number, body, leaf_hash)"
    " VALUES (:id, :stream, :number, :body, :leaf_hash)"
)


@dataclass(frozen=True)
class Recorded:
    """One act to be recorded.

    :param at: when it happened.
    :param archive: id of the archive that the act concerns; ``None`` for the operator's stream.
    :param actor: stable id of the person or client who acted, stored as a pseudonym; ``None`` for
        the service itself.
    :param organisation: id of the organisation that acted.
    :param ids: what the act is about; a `seat` is given as its id and stored as a pseudonym.
    """

    act: Act
    at: datetime
    archive: str | None
    actor: str | None
    organisation: str | None
    ids: Mapping[str, str]
    facts: Mapping[str, Json]

    @property
    def stream(self) -> str:
        """Where the entry is numbered."""
        return self.archive if self.archive is not None else OPERATOR


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

    The arguments are those of :class:`Recorded`; the rest is as :func:`append_all` says.
    """
    return append_all(session, [Recorded(act, at, archive, actor, organisation, ids, facts)])[0]


def append_all(session: Session, acts: Sequence[Recorded]) -> list[str]:
    """Record several acts in the caller's transaction; the ids of their entries.

    The entries' numbers are taken under the streams' row locks, which hold until the caller's
    transaction ends: append last, and where one transaction appends more than once, in the order
    of the streams' names.

    :raises VocabularyError: ids or facts do not fit the act; a fault in the calling code.
    """
    counts: dict[str, int] = {}
    for one in acts:
        check(one.act, one.ids, one.facts)
        counts[one.stream] = counts.get(one.stream, 0) + 1
    names = _Names(session)
    due = {
        name: _take(session, name, counts[name], acts[0].actor, names) for name in sorted(counts)
    }
    rows = [_row(one, next(due[one.stream]), names) for one in acts]
    _ADD.run_each(session, rows)
    return [row["id"] for row in rows]


class _Names(dict[str, str]):
    """Pseudonyms as they are needed, each looked up once."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def __missing__(self, subject: str) -> str:
        name = self[subject] = pseudonym(self._session, subject)
        return name


def _take(
    session: Session, stream: str, many: int, actor: str | None, names: _Names
) -> Iterator[int]:
    """The next numbers of a stream; on the way, the name of who acts most likely."""
    values = {"name": stream, "count": many, "actor": actor}
    while (taken := _TAKE.row(session, values)) is None:
        _START.run(session, {"name": stream})
    last, key = taken
    if actor is not None and key is not None:
        names[actor] = under(key, actor)
    return count(last - many + 1)


def _row(one: Recorded, number: int, names: _Names) -> dict[str, Any]:
    ids = dict(one.ids)
    for name in PERSONS & ids.keys():
        ids[name] = names[ids[name]]
    entry_id = new_entry_id(one.at)
    body = written(
        id=entry_id,
        time=entry_time(one.at),
        act=one.act.value,
        archive=one.stream,
        number=number,
        actor=None if one.actor is None else names[one.actor],
        organisation=one.organisation,
        ids=ids,
        facts=one.facts,
    )
    row = {"id": entry_id, "stream": one.stream, "number": number, "body": body}
    return {**row, "leaf_hash": leaf_hash(body)}
