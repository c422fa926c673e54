"""Deliveries: the upload, the mapping of its columns, the check and its report."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from catalog.import_report import ImportReport
from catalog.mapping import Mapping
from catalog.tables import Delivery
from registry.accounts.actors import Actor, Scope
from registry.api.problems import no_such_thing
from registry.api.shapes import Page, SliceDep, new_router, page_of, signed_in
from registry.db import reading
from registry.delivering import take_in
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    acting,
    after_commit,
    arriving,
    looking,
)
from registry.jobs import enqueue_check
from registry.runtime import Runtime
from registry.services import checking, registration
from registry.services.proposing import propose_mapping
from registry.uploads import receive_body

router = new_router("deliveries")
_BLOCK = 1024 * 1024


class ProblemWords(BaseModel):
    """Why a job did not come to its end."""

    code: str
    nl: str
    en: str


class DeliveryShape(BaseModel):
    """A file an archive handed in, and how far its check is."""

    id: str
    dataset_id: str
    file_name: str
    format: Literal["parquet", "csv", "jsonl", "json"]
    bytes: int
    sha256: str
    place: str = Field(description="Of the archive's own, where it was left; else empty.")
    state: Literal["received", "checking", "checked", "failed", "published"]
    progress: int = Field(description="Of the check, in whole per cents.")
    problem: ProblemWords | None
    received_at: datetime


def delivery_shape(delivery: Delivery) -> DeliveryShape:
    """A delivery as an answer."""
    shown = delivery.model_dump(exclude={"mapping", "report", "problem", "place_key"})
    return DeliveryShape(**shown, problem=delivery.problem or None)


@router.put(
    "/datasets/{dataset_id}/deliveries",
    status_code=201,
    responses={
        200: {"model": DeliveryShape, "description": "These bytes were delivered before"},
        **signed_in(404, 413, 507),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
    summary="Deliver a file",
)
async def deliver(
    dataset_id: str,
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(arriving(Scope.ARCHIVE_WRITE))],
    file_name: Annotated[
        str,
        Query(min_length=1, max_length=200, description="Its ending tells the format."),
    ],
) -> DeliveryShape:
    """The raw body is the file: Parquet, CSV, JSON Lines or JSON.

    The same bytes again give the same delivery. Nothing is kept of a body that does not arrive
    whole.
    """
    await run_in_threadpool(_check_target, runtime, actor, dataset_id, file_name)
    most = runtime.settings.upload_limit_bytes
    upload = await receive_body(request, runtime.ports.scratch, file_name, most)
    try:
        delivery, new = await run_in_threadpool(
            take_in, runtime.engine, runtime.ports.store, actor, dataset_id, upload, at=at
        )
    finally:
        upload.path.unlink(missing_ok=True)
    response.status_code = 201 if new else 200
    return delivery_shape(delivery)


def _check_target(runtime: Runtime, actor: Actor, dataset_id: str, file_name: str) -> None:
    """Refuse what cannot be taken in before its bytes are sent."""
    registration.format_of(file_name)
    with reading(runtime.engine) as session:
        registration.own_dataset(session, actor, dataset_id)


@router.get(
    "/datasets/{dataset_id}/deliveries", responses=signed_in(404), summary="A dataset's deliveries"
)
def list_deliveries(
    dataset_id: str,
    session: ReadingDep,
    part: SliceDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> Page[DeliveryShape]:
    """Newest first."""
    rows = registration.list_deliveries(session, actor, dataset_id)
    return page_of(rows, part, delivery_shape)


@router.get("/deliveries/{delivery_id}", responses=signed_in(404), summary="One delivery")
def find_delivery(
    delivery_id: str,
    session: ReadingDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> DeliveryShape:
    """With the progress of its check."""
    return delivery_shape(registration.own_delivery(session, actor, delivery_id))


@router.get(
    "/deliveries/{delivery_id}/mapping",
    responses=signed_in(404),
    summary="The mapping, or a proposal",
)
def find_mapping(
    delivery_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> Mapping:
    """What was said of the columns; before that, what their names and values suggest."""
    return propose_mapping(session, actor, delivery_id, ports=runtime.ports)


@router.put(
    "/deliveries/{delivery_id}/mapping",
    status_code=202,
    responses=signed_in(404, 409),
    summary="Say what each column is, and check",
)
def map_delivery(
    delivery_id: str,
    mapping: Mapping,
    session: SessionDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(acting(Scope.ARCHIVE_WRITE))],
) -> DeliveryShape:
    """A dry run starts: its report tells what an edition would hold. May be done again."""
    done = registration.map_delivery(session, actor, delivery_id, mapping, at=at)
    after_commit(session, lambda: enqueue_check(delivery_id))
    return delivery_shape(done)


@router.get(
    "/deliveries/{delivery_id}/report", responses=signed_in(404), summary="What the check gave"
)
def find_report(
    delivery_id: str,
    session: ReadingDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> ImportReport:
    """Rows accepted and refused with reasons, and how rights are spread. For the owner only."""
    found = checking.report_of(registration.own_delivery(session, actor, delivery_id))
    if found is None:
        raise no_such_thing()
    return found


@router.get(
    "/deliveries/{delivery_id}/refused-rows",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "CSV"}, **signed_in(404)},
    summary="The rows that were refused, to correct and deliver again",
)
def refused_rows(
    delivery_id: str,
    session: ReadingDep,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(looking(Scope.ARCHIVE_READ))],
) -> StreamingResponse:
    """The original columns with `_line` and `_reason`."""
    key = checking.refused_key(registration.own_delivery(session, actor, delivery_id))
    if key is None:
        raise no_such_thing()
    file = runtime.ports.store.open(key)

    def blocks() -> Any:
        with file:
            for offset in range(0, file.size, _BLOCK):
                yield file.read(offset, _BLOCK)

    name = f"{delivery_id}-refused.csv"
    headers = {
        "content-length": str(file.size),
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "private, no-store",
    }
    return StreamingResponse(blocks(), headers=headers, media_type="text/csv")
