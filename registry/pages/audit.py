"""The log: its entries, its signed head, and an export to check elsewhere."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from sqlmodel import Session, col, func, select
from starlette.responses import PlainTextResponse, Response

from registry.accounts.actors import Actor
from registry.accounts.tables import Organisation
from registry.audit.entry import Entry
from registry.audit.tables import AuditEntry
from registry.db import transaction
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, refuse_when_halted
from registry.errors import InvalidInput, Text
from registry.looking import record_look, record_look_at_entry
from registry.pages.forms import PostedDep
from registry.pages.rendering import render, secured
from registry.pages.visiting import PersonDep
from registry.pages.words import AMSTERDAM
from registry.sending import send_file
from registry.services.auditing import (
    entry_receipt,
    last_checkpoint,
    list_entries,
    record_export,
    write_export,
)
from registry.services.mandates import reach_of

router = APIRouter(include_in_schema=False)

PAGE = 50
_EARLIEST, _LATEST = date(1970, 1, 2), date(9000, 1, 1)


@dataclass(frozen=True)
class Period:
    """Days that the log is looked at for, both included; Dutch days, as people mean them."""

    since: date | None
    until: date | None

    @property
    def query(self) -> dict[str, str]:
        """The period as the query of an address."""
        days = {"since": self.since, "until": self.until}
        return {name: day.isoformat() for name, day in days.items() if day is not None}

    def start(self) -> datetime | None:
        """The first moment."""
        return _midnight(self.since) if self.since else None

    def end(self) -> datetime | None:
        """The first moment after it."""
        return _midnight(self.until + timedelta(days=1)) if self.until else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), AMSTERDAM).astimezone(UTC)


def _period(
    since: Annotated[str, Query(max_length=20)] = "",
    until: Annotated[str, Query(max_length=20)] = "",
) -> Period:
    try:
        first, last = (date.fromisoformat(text) if text else None for text in (since, until))
    except ValueError:
        raise InvalidInput(
            "no-such-day",
            Text("Dit is geen dag.", "This is no day."),
            Text("Schrijf een datum als 2027-12-31.", "Write a date as 2027-12-31."),
        ) from None
    return Period(max(first, _EARLIEST) if first else None, min(last, _LATEST) if last else None)


@router.get("/audit")
def log_page(
    request: Request,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    period: Annotated[Period, Depends(_period)],
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    archive: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Entries, newest first, beside the signed head they stand under."""
    record_look(runtime, person, "entries", archive or None, at)
    place = before or _place_after(session, period.end())
    found = list_entries(
        session, person, at=at, archive=archive or None, before=place, limit=PAGE + 1
    )
    moments = {entry.id: datetime.fromisoformat(entry.time) for _, entry in found}
    start = period.start()
    shown = [one for one in found if start is None or moments[one[1].id] >= start]
    chosen = {**({"archive": archive} if archive else {}), **period.query}
    more = {**chosen, "before": shown[PAGE - 1][0]} if len(shown) > PAGE else {}
    return render(
        request,
        "audit.html",
        entries=[entry for _, entry in shown[:PAGE]],
        moments=moments,
        names=_names(session, found),
        checkpoint=last_checkpoint(session),
        archives=archives_of(session, person, at),
        archive=archive,
        period=period,
        first=f"/audit?{urlencode(chosen)}" if before else "",
        following=f"/audit?{urlencode(more)}" if more else "",
    )


def _place_after(session: Session, end: datetime | None) -> int | None:
    """The place of the first entry that was written after a period; entry ids begin with time."""
    if end is None:
        return None
    milliseconds = f"{int(end.timestamp() * 1000):012x}"
    bound = f"{milliseconds[:8]}-{milliseconds[8:]}"
    later = select(func.min(AuditEntry.position)).where(col(AuditEntry.id) >= bound)
    return session.exec(later).one()


def _names(session: Session, found: list[tuple[int, Entry]]) -> dict[str, str]:
    """The names of the organisations that these entries are of."""
    ids = {one for _, entry in found for one in (entry.archive, entry.organisation) if one}
    rows = session.exec(select(Organisation).where(col(Organisation.id).in_(ids)))
    return {row.id: row.name for row in rows}


def archives_of(session: Session, person: Actor, at: datetime) -> list[tuple[str, str]]:
    """The streams to choose from, for whoever may read more than one."""
    if person.role == "archive":
        return []
    reach = reach_of(session, person, at)
    rows = session.exec(select(Organisation).where(col(Organisation.role) == "archive"))
    known = ((row.id, row.name) for row in rows if reach.holds(row.id))
    return sorted(known, key=lambda one: one[1])


@router.get("/audit/entries/{entry_id}/receipt.txt")
def receipt(
    entry_id: str, person: PersonDep, session: ReadingDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """The proof that an entry stands in the log."""
    proof = entry_receipt(session, person, entry_id, at=at)
    record_look_at_entry(runtime, person, entry_id, at)
    return secured(PlainTextResponse(proof))


@router.post("/audit/export")
def export(
    request: Request, person: PersonDep, posted: PostedDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """The export as a file. That it was taken is itself recorded, and stands in it."""
    refuse_when_halted(request)
    with transaction(runtime.engine) as session:
        chosen = posted.text("archive") or None
        stream = record_export(session, person, archive=chosen, at=at)
    request.app.state.background.integrate()
    refuse_when_halted(request)
    return secured(
        send_file(
            runtime,
            lambda session, out: write_export(session, out, runtime.log_key, stream),
            f"vrijgave-{at:%Y-%m-%d}.jsonl",
            "application/jsonl",
        )
    )
