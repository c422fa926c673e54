"""The log: its entries, its signed head, and an export to check elsewhere."""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Query, Request
from sqlmodel import Session, col, select
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from registry.accounts.actors import Actor
from registry.accounts.tables import Organisation
from registry.audit.entry import Entry
from registry.db import reading, transaction
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, refuse_when_halted
from registry.errors import Text, Unavailable
from registry.pages.forms import PostedDep
from registry.pages.rendering import render, secured
from registry.pages.visiting import PersonDep
from registry.runtime import Runtime
from registry.services.auditing import (
    entry_receipt,
    last_checkpoint,
    list_entries,
    record_export,
    write_export,
)

router = APIRouter(include_in_schema=False)

PAGE = 50
_BLOCK = 1024 * 1024


@router.get("/audit")
def log_page(
    request: Request,
    person: PersonDep,
    session: ReadingDep,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    archive: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Entries, newest first, beside the signed head they stand under."""
    found = list_entries(session, person, archive=archive or None, before=before, limit=PAGE + 1)
    chosen = f"archive={archive}&" if archive else ""
    following = f"/audit?{chosen}before={found[PAGE - 1][0]}" if len(found) > PAGE else ""
    return render(
        request,
        "audit.html",
        entries=[entry for _, entry in found[:PAGE]],
        moments={entry.id: datetime.fromisoformat(entry.time) for _, entry in found[:PAGE]},
        names=_names(session, found),
        checkpoint=last_checkpoint(session),
        archives=_archives(session, person),
        archive=archive,
        first="/audit" if before else "",
        following=following,
    )


def _names(session: Session, found: list[tuple[int, Entry]]) -> dict[str, str]:
    """The names of the organisations that these entries are of."""
    ids = {one for _, entry in found for one in (entry.archive, entry.organisation) if one}
    rows = session.exec(select(Organisation).where(col(Organisation.id).in_(ids)))
    return {row.id: row.name for row in rows}


def _archives(session: Session, person: Actor) -> list[tuple[str, str]]:
    """The streams to choose from, for whoever may read more than one."""
    if person.role == "archive":
        return []
    rows = session.exec(select(Organisation).where(col(Organisation.role) == "archive"))
    return sorted(((row.id, row.name) for row in rows), key=lambda one: one[1])


@router.get("/audit/entries/{entry_id}/receipt.txt")
def receipt(entry_id: str, person: PersonDep, session: ReadingDep) -> Response:
    """The proof that an entry stands in the log."""
    proof = entry_receipt(session, person, entry_id)
    if proof is None:
        raise Unavailable(
            "not-integrated-yet",
            Text(
                "Deze regel staat nog niet onder een ijkpunt.",
                "This entry does not stand under a checkpoint yet.",
            ),
            Text("Probeer het over een seconde weer.", "Try again in a second."),
            headers={"retry-after": "1"},
        )
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
    headers = {
        "content-disposition": f'attachment; filename="vrijgave-{at:%Y-%m-%d}.jsonl"',
        "cache-control": "private, no-store",
    }
    file = _written(runtime, stream)
    return secured(
        StreamingResponse(_blocks(file), headers=headers, media_type="application/jsonl")
    )


def _written(runtime: Runtime, stream: str | None) -> BinaryIO:
    """The export in a scratch file without a name: nothing of it can stay behind."""
    file: BinaryIO = tempfile.TemporaryFile(dir=runtime.ports.scratch)  # noqa: SIM115 -- closed when sent
    with reading(runtime.engine) as session:
        write_export(session, file, runtime.log_key, stream)
    file.seek(0)
    return file


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
