"""Taking the log of processing (Logboek Dataverwerkingen) out of the audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO
from uuid import UUID

from sqlmodel import Session, col, select

from registry import __version__
from registry.access.tables import Agreement, DecisionRow, Extract
from registry.accounts.actors import Actor
from registry.audit.acts import Act
from registry.audit.entry import Entry
from registry.audit.tables import AuditEntry
from registry.audit.values import moment
from registry.digests import canonical
from registry.evidence.processing import FORM, record_of
from registry.services.accounts import Command
from registry.services.mandates import stream_of
from registry.services.noting import note
from registry.services.periods import AMSTERDAM, Period, period_of

_BEGINNING = date(2000, 1, 1)


class ProcessingOrder(Command):
    """Whose entries, and of which days in Europe/Amsterdam; the whole log where none are named."""

    archive: str | None = None
    since: date = _BEGINNING
    until: date | None = None


@dataclass(frozen=True)
class Taken:
    """What is taken: one stream, or all of them, and its days."""

    stream: str | None
    period: Period


def record_processing_log(
    session: Session, actor: Actor, order: ProcessingOrder, *, at: datetime
) -> Taken:
    """Write down that the actor takes the records out; for whoever may read these entries."""
    stream = stream_of(session, actor, order.archive, at=at)
    until = order.until or at.astimezone(AMSTERDAM).date()
    period = period_of(order.since, until, at)
    facts = {
        "format": FORM,
        "kind": "processing-log",
        "since": moment(period.start),
        "until": moment(period.stop),
    }
    note(session, Act.AUDIT_EXPORTED, at=at, actor=actor, archive=stream, ids={}, facts=facts)
    return Taken(stream, period)


def write_processing_log(session: Session, out: BinaryIO, taken: Taken, origin: str) -> int:
    """Write one canonical JSON record a line, in the order of the log; how many there are."""
    query = select(AuditEntry.body).where(
        col(AuditEntry.id) >= _first_id(taken.period.start),
        col(AuditEntry.id) < _first_id(taken.period.stop),
    )
    if taken.stream is not None:
        query = query.where(col(AuditEntry.stream) == taken.stream)
    rows = query.order_by(col(AuditEntry.position)).execution_options(yield_per=1000)
    request_of, written = _requests(session), 0
    for body in session.exec(rows):
        entry = Entry.from_bytes(body)
        out.write(canonical(record_of(entry, f"{origin}/processing", __version__, request_of)))
        out.write(b"\n")
        written += 1
    return written


def _first_id(at: datetime) -> str:
    """Ids of entries begin with their millisecond."""
    return str(UUID(int=int(at.timestamp() * 1000) << 80))


def _requests(session: Session) -> Callable[[Entry], str | None]:
    """The request that an entry came of: by its decision, its agreement or its extract."""
    known: dict[str, str | None] = {}

    def found(name: str, query: object) -> str | None:
        if name not in known:
            known[name] = session.scalar(query)  # type: ignore[call-overload] # one of three below
        return known[name]

    def request_of(entry: Entry) -> str | None:
        ids = entry.ids
        if "request" in ids:
            return ids["request"]
        asked = select(DecisionRow.request_id)
        if (name := ids.get("decision")) is not None:
            return found(name, asked.where(col(DecisionRow.id) == name))
        agreed = asked.join(Agreement, col(Agreement.decision_id) == col(DecisionRow.id))
        if (name := ids.get("agreement")) is not None:
            return found(name, agreed.where(col(Agreement.id) == name))
        if (name := ids.get("extract")) is not None:
            cut = agreed.join(Extract, col(Extract.agreement_id) == col(Agreement.id))
            return found(name, cut.where(col(Extract.id) == name))
        return None

    return request_of
