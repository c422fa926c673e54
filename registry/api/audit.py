"""The audit log for those who check: entries, receipts, exports, checkpoint and keys."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from registry.accounts.actors import Actor, Scope
from registry.api.problems import answers, no_such_thing
from registry.api.shapes import Page, Row, SliceDep, foreign_cursor, new_router, page_of, signed_in
from registry.audit.entry import Entry
from registry.db import transaction
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    arriving,
    looking,
    refuse_when_halted,
)
from registry.looking import record_look, record_look_at_entry
from registry.runtime import Runtime
from registry.sending import send_file
from registry.services import auditing

router = new_router("audit")
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Plain text"}
}


class EntryShape(Row):
    """One act, as the log keeps it (FORMAT.md section 1)."""

    id: str
    time: str
    act: str = Field(examples=["agreement:accepted"])
    archive: str = Field(description="In whose stream it stands.")
    number: int = Field(description="Counts the stream's entries without a gap.")
    actor: str | None = Field(description="A pseudonym.")
    organisation: str | None
    ids: dict[str, str]
    facts: dict[str, Any]


class ExportOrder(BaseModel):
    """What to take out."""

    archive: str | None = Field(
        default=None, description="Only this archive's entries in full (id); others as hashes."
    )


@router.get("/audit/entries", responses=signed_in(404), summary="Entries of the log")
def list_entries(
    session: ReadingDep,
    part: SliceDep,
    at: NowDep,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(looking(Scope.AUDIT))],
    archive: Annotated[str | None, Query(max_length=100, description="Id of an archive.")] = None,
) -> Page[EntryShape]:
    """Newest first. An archive sees its own stream, an auditor what it was asked to look at."""
    record_look(runtime, actor, "entries", archive, at)
    before = None if part.after is None else _place(part.after)
    rows = auditing.list_entries(
        session, actor, at=at, archive=archive, before=before, limit=part.limit + 1
    )
    return page_of(rows, part, _entry_shape, lambda row: f"{row[0]:020}")


def _place(after: str) -> int:
    if not (after.isascii() and after.isdigit() and len(after) == 20):
        raise foreign_cursor()
    return min(int(after), 2**62)


def _entry_shape(row: tuple[int, Entry]) -> EntryShape:
    return EntryShape.model_validate(row[1])


@router.get(
    "/audit/entries/{entry_id}/receipt",
    response_class=Response,
    responses={**_TEXT, **signed_in(404)},
    summary="The proof that an entry is in the log",
)
def receipt(
    entry_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(Scope.AUDIT))],
) -> Response:
    """A `c2sp.org/tlog-proof@v1`; within a second of the act, and 503 until then."""
    proof = auditing.entry_receipt(session, actor, entry_id, at=at)
    record_look_at_entry(runtime, actor, entry_id, at)
    return Response(proof, media_type="text/plain")


@router.get(
    "/audit/checkpoint",
    response_class=Response,
    responses={**_TEXT, **answers(404)},
    summary="The signed head of the log",
)
def checkpoint(session: ReadingDep) -> Response:
    """A C2SP tlog-checkpoint; public, since it tells no more than the log's size."""
    last = auditing.last_checkpoint(session)
    if last is None:
        raise no_such_thing()
    return Response(last.note, media_type="text/plain")


@router.get(
    "/keys/{name}",
    response_class=Response,
    responses={**_TEXT, **answers(404)},
    summary="The verifier key of the log or of manifests",
)
def key(name: str, runtime: RuntimeDep) -> Response:
    """`log` or `manifest`, as `name+id+base64` (C2SP). Compare it with what you got elsewhere."""
    keys = {"log": runtime.log_key, "manifest": runtime.ports.signer}
    if name not in keys:
        raise no_such_thing()
    return Response(f"{keys[name].verifier}\n", media_type="text/plain")


@router.post(
    "/audit/exports",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"application/jsonl": {"schema": {"type": "string"}}},
            "description": "An export in the form of FORMAT.md section 4",
        },
        **signed_in(404, 507),
    },
    summary="Take the log out, to check it offline",
)
def export(
    order: ExportOrder,
    request: Request,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(arriving(Scope.AUDIT))],
) -> StreamingResponse:
    """For `vrijgave audit verify`. That it was taken is itself recorded, and stands in it."""
    refuse_when_halted(request)
    stream = _record(runtime, actor, order, at)
    request.app.state.background.integrate()
    refuse_when_halted(request)
    return send_file(
        runtime,
        lambda session, out: auditing.write_export(session, out, runtime.log_key, stream),
        "audit.jsonl",
        "application/jsonl",
    )


def _record(runtime: Runtime, actor: Actor, order: ExportOrder, at: datetime) -> str | None:
    with transaction(runtime.engine) as session:
        return auditing.record_export(session, actor, archive=order.archive, at=at)
