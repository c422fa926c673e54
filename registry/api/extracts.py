"""Extracts: order, follow, cancel; their manifest and the lines that read them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response
from pydantic import BaseModel, Field
from sqlmodel import Session

from registry.access.tables import Extract
from registry.accounts.actors import Actor, Scope
from registry.api.deliveries import ProblemWords
from registry.api.problems import no_such_thing, problem_response
from registry.api.shapes import Page, Row, SliceDep, new_router, page_of, signed_in
from registry.client.snippets import part_address, snippets
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    acting,
    after_commit,
    at_once,
    looking,
)
from registry.digests import canonical
from registry.idempotency import once
from registry.jobs import enqueue_extract
from registry.services import extract_life, extracts
from registry.services.refusal import Refused

router = new_router("extracts")


class PartShape(BaseModel):
    """One Parquet file of an extract; HEAD, Range and ETag are understood at its address."""

    number: int
    address: str
    bytes: int
    sha256: str
    rows: int


class SnippetShape(Row):
    """Lines to copy and paste that read the extract with one client."""

    client: str
    language: str
    text: str


class ExtractShape(BaseModel):
    """A cut of an edition for one agreement."""

    id: str
    agreement_id: str
    edition_id: str
    state: Literal["ordered", "running", "ready", "failed", "cancelled", "expired"]
    progress: int = Field(description="In whole per cents.")
    columns: list[str]
    identity: str = Field(description="Digest of row set and columns: equal extracts, equal ids.")
    rows: int
    bytes: int
    problem: ProblemWords | None
    ordered_at: datetime
    finished_at: datetime | None


class WholeExtract(ExtractShape):
    """An extract with its files and the lines that read them."""

    parts: list[PartShape]
    snippets: list[SnippetShape]


class Order(BaseModel):
    """Which columns, all of them by default; and of which edition."""

    columns: list[str] | None = Field(default=None, min_length=1, max_length=2000)
    edition: int | None = Field(
        default=None,
        ge=1,
        le=999_999_999,
        description="Number of a newer edition, where the agreement covers those; by default the "
        "one that it names.",
    )


def extract_shape(extract: Extract) -> ExtractShape:
    """An extract as an answer, without its files."""
    return ExtractShape(**_shown(extract))


def _shown(extract: Extract) -> dict[str, Any]:
    shown: dict[str, Any] = extract.model_dump(include=set(ExtractShape.model_fields))
    return shown | {"problem": extract.problem or None}


def _whole(session: Session, extract: Extract, origin: str) -> WholeExtract:
    parts = extracts.parts_of(session, extract)
    lines = snippets(origin, extract.id, len(parts)) if parts else ()
    return WholeExtract(
        **_shown(extract),
        parts=[
            PartShape(
                **part.model_dump(include={"number", "bytes", "sha256", "rows"}),
                address=part_address(origin, extract.id, part.number),
            )
            for part in parts
        ],
        snippets=[SnippetShape.model_validate(line) for line in lines],
    )


@router.post(
    "/agreements/{agreement_id}/extracts",
    status_code=202,
    response_model=ExtractShape,
    responses=signed_in(404, 409, 410),
    summary="Order an extract",
)
def order(
    agreement_id: str,
    wanted: Order,
    request: Request,
    response: Response,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(once(Scope.EXTRACTS))],
) -> ExtractShape | Response:
    """The agreement is evaluated anew; a job cuts the extract. Follow it at `Location`."""
    columns = None if wanted.columns is None else tuple(wanted.columns)
    command = extracts.NewExtract(
        agreement_id=agreement_id, columns=columns, edition=wanted.edition
    )
    origin, regions = runtime.settings.origin, runtime.settings.regions
    extract_life.refuse_beyond(session, actor, runtime.settings.extract_quota_bytes)
    done = extracts.order_extract(session, actor, command, origin=origin, at=at, regions=regions)
    if isinstance(done, Refused):
        return problem_response(request, done.error)
    extract_id = done.id
    after_commit(session, lambda: enqueue_extract(extract_id))
    response.headers["location"] = f"{origin}/v1/extracts/{extract_id}"
    return extract_shape(done)


@router.get("/extracts", responses=signed_in(), summary="My organisation's extracts")
def list_extracts(
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.EXTRACTS))],
) -> Page[ExtractShape]:
    """Newest first."""
    rows = extracts.list_extracts(session, actor, after=part.after, limit=part.limit + 1)
    return page_of(rows, part, extract_shape)


@router.get("/extracts/{extract_id}", responses=signed_in(404), summary="One extract")
async def find_extract(
    extract_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(looking(Scope.EXTRACTS))],
) -> WholeExtract:
    """With its progress, and once it is ready its files and the lines that read them."""

    def read() -> WholeExtract:
        extract = extracts.find_extract(session, actor, extract_id)
        return _whole(session, extract, runtime.settings.origin)

    return await at_once(runtime, read)


@router.post(
    "/extracts/{extract_id}/retry",
    status_code=202,
    responses=signed_in(404, 409, 410),
    summary="Make an extract after all",
)
def retry(
    extract_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.EXTRACTS))],
) -> ExtractShape:
    """One that failed or was cancelled, under the same decision."""
    done = extract_life.retry_extract(session, actor, extract_id, at=at)
    after_commit(session, lambda: enqueue_extract(extract_id))
    return extract_shape(done)


@router.post(
    "/extracts/{extract_id}/expiry",
    responses=signed_in(404),
    summary="Drop an extract before its agreement ends",
)
def drop(
    extract_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.EXTRACTS))],
) -> ExtractShape:
    """It is read no more; its files go within ten minutes, and make room in your quota at once."""
    return extract_shape(extract_life.drop_extract(session, actor, extract_id, at=at))


@router.delete(
    "/extracts/{extract_id}", responses=signed_in(404, 409), summary="Stop an extract under way"
)
def cancel(
    extract_id: str,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.EXTRACTS))],
) -> ExtractShape:
    """Its job notices within a second."""
    return extract_shape(extracts.cancel_extract(session, actor, extract_id, at=at))


@router.get(
    "/extracts/{extract_id}/manifest",
    response_model=dict[str, Any],
    responses=signed_in(404),
    summary="What the extract holds and leaves out",
)
def manifest(
    extract_id: str,
    session: ReadingDep,
    actor: Annotated[Actor, Depends(looking(Scope.EXTRACTS))],
) -> Response:
    """Canonical JSON (RFC 8785): the SHA-256 of these very bytes is what was signed."""
    found = extracts.find_extract(session, actor, extract_id)
    if not found.manifest:
        raise no_such_thing()
    return Response(canonical(found.manifest), media_type="application/json", headers=_PRIVATE)


@router.get(
    "/extracts/{extract_id}/manifest.note",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **signed_in(404)},
    summary="The manifest's signature",
)
def note(
    extract_id: str,
    session: ReadingDep,
    actor: Annotated[Actor, Depends(looking(Scope.EXTRACTS))],
) -> Response:
    """A C2SP signed note: the key's name, the extract's id, `sha256:` and the digest."""
    found = extracts.find_extract(session, actor, extract_id)
    if not found.signature:
        raise no_such_thing()
    return Response(found.signature, media_type="text/plain", headers=_PRIVATE)


_PRIVATE = {"cache-control": "private, no-store"}
