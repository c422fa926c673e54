"""The log, for those who check: entries, receipts, the checkpoint and the export."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import BinaryIO

from fastapi import APIRouter, Request
from sqlmodel import Session, col, select
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from registry.accounts.actors import Actor, Scope
from registry.accounts.tables import Organisation
from registry.audit.acts import Act
from registry.audit.entry import Entry
from registry.audit.log import receipt
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.dependencies import NowDep, ReadingDep, RuntimeDep
from registry.errors import NotFound, Text
from registry.pages.forms import PostedDep
from registry.pages.rendering import render, secured
from registry.pages.visiting import PersonDep
from registry.services.auditing import (
    entry_receipt,
    last_checkpoint,
    list_entries,
    record_export,
    stream_of,
    write_export,
)

router = APIRouter(prefix="/audit", include_in_schema=False)

PAGE = 50
_BLOCK = 1024 * 1024


@router.get("")
def log_page(
    request: Request,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    before: int | None = None,
    archive: str = "",
) -> Response:
    """Entries newest first, with the signed head they belong to."""
    found = list_entries(session, person, archive=archive or None, before=before, limit=PAGE + 1)
    kept = f"archive={archive}&" if archive else ""
    following = f"/audit?{kept}before={found[PAGE - 1][0]}" if len(found) > PAGE else ""
    entries = [entry for _, entry in found[:PAGE]]
    return render(
        request,
        "audit.html",
        entries=entries,
        names=names_of(session, entries),
        archives=_archives(session) if person.role != "archive" else [],
        archive=archive,
        checkpoint=last_checkpoint(session),
        verifier=runtime.log_key.verifier.text,
        stream=stream_of(person, archive or None),
        first="/audit" if before else "",
        following=following,
    )


def _archives(session: Session) -> list[tuple[str, str]]:
    archives = select(Organisation).where(col(Organisation.role) == "archive")
    return [(one.id, one.name) for one in session.exec(archives.order_by(col(Organisation.name)))]


def names_of(session: Session, entries: list[Entry]) -> dict[str, str]:
    """Names of the organisations that acted."""
    ids = {entry.organisation for entry in entries if entry.organisation}
    ids |= {entry.archive for entry in entries}
    found = session.exec(select(Organisation).where(col(Organisation.id).in_(ids)))
    return {one.id: one.name for one in found}


@router.get("/checkpoint")
def checkpoint(session: ReadingDep) -> Response:
    """The signed head of the log, as text; public."""
    newest = last_checkpoint(session)
    if newest is None:
        raise _nothing_yet()
    return secured(PlainTextResponse(newest.note, headers={"cache-control": "no-cache"}))


def _nothing_yet() -> NotFound:
    return NotFound(
        "nothing-published",
        Text("Het logboek is nog leeg.", "The log is still empty."),
        Text("Probeer het over een seconde opnieuw.", "Try again in a second."),
    )


@router.post("/export")
def export(person: PersonDep, posted: PostedDep, runtime: RuntimeDep, at: NowDep) -> Response:
    """The whole log, or one archive's part, for the offline verifier; taking it is recorded."""
    with transaction(runtime.engine) as session:
        stream = record_export(session, person, archive=posted.text("archive") or None, at=at)
    out: BinaryIO = TemporaryFile(dir=runtime.ports.scratch)  # noqa: SIM115 -- _sent closes it
    with reading(runtime.engine) as session:
        write_export(session, out, runtime.log_key, stream)
    name = f"vrijgave-audit-{stream or 'whole'}-{at:%Y%m%dT%H%M%SZ}.jsonl"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-length": str(out.tell()),
        "cache-control": "private, no-store",
    }
    out.seek(0)
    return secured(StreamingResponse(_sent(out), headers=headers, media_type="application/jsonl"))


def _sent(out: BinaryIO) -> Iterator[bytes]:
    with out:
        while block := out.read(_BLOCK):
            yield block


@dataclass(frozen=True)
class Shown:
    """An entry with its canonical bytes as text."""

    entry: Entry
    body: str


def _entry(session: Session, person: Actor, entry_id: str) -> Shown:
    # Asked through the service, which knows who may see it.
    entry_receipt(session, person, entry_id)
    row = session.exec(select(AuditEntry).where(col(AuditEntry.id) == entry_id)).one()
    pretty = json.dumps(json.loads(row.body), ensure_ascii=False, indent=2)
    return Shown(Entry.from_bytes(row.body), pretty)


@router.get("/{entry_id}")
def entry_page(request: Request, entry_id: str, person: PersonDep, session: ReadingDep) -> Response:
    """One act in words and as it stands in the log, with the proof that it does."""
    shown = _entry(session, person, entry_id)
    return render(
        request,
        "audit_entry.html",
        entry=shown.entry,
        body=shown.body,
        names=names_of(session, [shown.entry]),
        receipt=receipt(session, entry_id),
    )


@router.get("/{entry_id}/receipt")
def receipt_file(entry_id: str, person: PersonDep, session: ReadingDep) -> Response:
    """The receipt as a file, to keep beside what it proves."""
    text = entry_receipt(session, person, entry_id)
    if text is None:
        raise _nothing_yet()
    headers = {"content-disposition": f'attachment; filename="{entry_id}.tlog-proof"'}
    return secured(PlainTextResponse(text, headers=headers))


ACTS = tuple(act.value for act in Act)
"""Every act, each of which has words in the catalogue (`act.…`); the test reads this."""
AUDITORS = Scope.AUDIT
