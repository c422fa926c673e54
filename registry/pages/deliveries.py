"""Deliveries: the upload, what each column is, and what checking it gave."""

from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session
from starlette.responses import FileResponse, Response

from catalog.mapping import ColumnRole, MappedColumn, Mapping, MappingError, read_mapping
from catalog.tables import Dataset
from registry.accounts.actors import Actor
from registry.db import reading
from registry.delivering import leave, take_in
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    after_commit,
    runtime_of,
)
from registry.errors import FieldProblem, InvalidInput, RegistryError, StorageFull, Text, TooLarge
from registry.jobs import enqueue_check
from registry.pages.collection import dataset_overview
from registry.pages.forms import (
    NOTHING,
    FormRefused,
    Posted,
    PostedDep,
    filled,
    shown_again,
    to_field,
)
from registry.pages.rendering import render, secured, see
from registry.pages.visiting import PersonDep
from registry.runtime import Runtime
from registry.services.checking import refused_key, report_of
from registry.services.places import LeaveInPlace
from registry.services.proposing import propose_mapping
from registry.services.registration import (
    map_delivery,
    mapping_refused,
    own_dataset,
    own_delivery,
)
from registry.services.wording import missing
from registry.uploads import Upload, receive_form

router = APIRouter(include_in_schema=False)


@router.post("/archive/datasets/{dataset_id}/deliveries")
async def deliver(
    request: Request, dataset_id: str, person: PersonDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """Take the file in, as it streams; nothing is kept of one that does not arrive whole."""
    await run_in_threadpool(_check_target, runtime, person, dataset_id)
    scratch, most = runtime.ports.scratch, runtime.settings.upload_limit_bytes
    show = partial(dataset_overview, person, dataset_id)
    try:
        _, upload = await receive_form(request, scratch, most)
        if upload is None:
            raise _no_file()
        delivery_id = await run_in_threadpool(_take_in, runtime, person, dataset_id, upload, at)
    except InvalidInput as wrong:
        raise FormRefused(to_field(wrong, "file", "file"), show) from wrong
    except (TooLarge, StorageFull) as wrong:
        raise FormRefused(wrong, show) from wrong
    return see(f"/archive/deliveries/{delivery_id}", done="delivery")


@router.post("/archive/datasets/{dataset_id}/deliveries/in-place")
def leave_in_place(
    dataset_id: str, person: PersonDep, posted: PostedDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """Register a file that stays in a bucket of the archive's own."""
    try:
        named = filled(LeaveInPlace, place=posted.text("place"), key=posted.text("key"))
        delivery, _ = leave(runtime.engine, runtime.settings, person, dataset_id, named, at=at)
    except InvalidInput as wrong:
        raise FormRefused(wrong, partial(dataset_overview, person, dataset_id)) from wrong
    return see(f"/archive/deliveries/{delivery.id}", done="delivery")


def _check_target(runtime: Runtime, person: Actor, dataset_id: str) -> None:
    with reading(runtime.engine) as session:
        own_dataset(session, person, dataset_id)


def _no_file() -> InvalidInput:
    text = Text("Kies een bestand.", "Choose a file.")
    return InvalidInput("no-file", text, fields=(FieldProblem("file", text),))


def _take_in(runtime: Runtime, person: Actor, dataset_id: str, upload: Upload, at: datetime) -> str:
    try:
        store = runtime.ports.store
        return take_in(runtime.engine, store, person, dataset_id, upload, at=at)[0].id
    finally:
        upload.path.unlink(missing_ok=True)


@router.get("/archive/deliveries/{delivery_id}")
def delivery(
    request: Request, delivery_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """Where this delivery stands: to be mapped, being checked, or checked with its report."""
    return _page(person, delivery_id, NOTHING, request, session)


def _page(
    person: Actor,
    delivery_id: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    found = own_delivery(session, person, delivery_id)
    mapping = None
    if found.state in {"received", "failed", "checked"}:
        mapping, error = _mapping(session, person, delivery_id, request, error)
    if mapping is not None and "column.0.role" in posted:
        mapping = _edited(mapping, posted)
    return render(
        request,
        "delivery.html",
        under_way=found.state == "checking",
        delivery=found,
        dataset=session.get_one(Dataset, found.dataset_id),
        mapping=mapping,
        roles=[role.value for role in ColumnRole],
        report=report_of(found),
        refused=refused_key(found),
        values=posted,
        error=error,
    )


def _mapping(
    session: Session,
    person: Actor,
    delivery_id: str,
    request: Request,
    error: RegistryError | None,
) -> tuple[Mapping | None, RegistryError | None]:
    """The mapping, or the proposal; a file that cannot be read has none, and the reason why."""
    ports = runtime_of(request).ports
    try:
        return propose_mapping(session, person, delivery_id, ports=ports), error
    except InvalidInput as wrong:
        # What is wrong is the file itself, and it has no field here.
        return None, error or InvalidInput(wrong.code, wrong.text, wrong.help)


def _edited(mapping: Mapping, posted: Posted) -> Mapping:
    """The mapping with what the form says of each column; the rest stays as it was."""
    columns = tuple(
        MappedColumn.model_validate(
            {**column.model_dump(), **_column_fields(posted, f"column.{number}", column)}
        )
        for number, column in enumerate(mapping.columns)
    )
    return filled(
        Mapping,
        records=posted.text("records"),
        columns=columns,
        declared=mapping.declared,
    )


def _column_fields(posted: Posted, prefix: str, column: MappedColumn) -> dict[str, str | None]:
    name = posted.text(f"{prefix}.name")
    return {
        "role": posted.text(f"{prefix}.role") or column.role.value,
        "name": "" if name == column.shown_name and not column.name else name,
        "title_nl": posted.text(f"{prefix}.title_nl"),
        "title_en": posted.text(f"{prefix}.title_en"),
        "empty": posted.text(f"{prefix}.empty") or None,
    }


def _written(
    request: Request, session: Session, person: Actor, delivery_id: str, posted: Posted
) -> Mapping:
    """The mapping that was posted: as a document where one was pasted, else from the fields."""
    document = posted.text("document")
    if not document:
        known = propose_mapping(session, person, delivery_id, ports=runtime_of(request).ports)
        return _edited(known, posted)
    form = posted.text("form")
    try:
        return read_mapping(document, form if form in {"toml", "yaml"} else "json")  # type: ignore[arg-type] # narrowed above
    except MappingError as wrong:
        raise mapping_refused(wrong) from wrong


@router.post("/archive/deliveries/{delivery_id}/mapping")
def map_columns(
    request: Request,
    delivery_id: str,
    person: PersonDep,
    posted: PostedDep,
    session: SessionDep,
    at: NowDep,
) -> Response:
    """Say what each column is; the check starts once that stands."""
    with shown_again(partial(_page, person, delivery_id, posted)):
        mapping = _written(request, session, person, delivery_id, posted)
        map_delivery(session, person, delivery_id, mapping, at=at)
    after_commit(session, lambda: enqueue_check(delivery_id))
    return see(f"/archive/deliveries/{delivery_id}")


@router.get("/archive/deliveries/{delivery_id}/refused.csv")
def refused_rows(
    delivery_id: str, person: PersonDep, session: ReadingDep, runtime: RuntimeDep
) -> Response:
    """The refused rows with line and reason, to correct and deliver again."""
    key = refused_key(own_delivery(session, person, delivery_id))
    if key is None:
        raise missing("bestand met geweigerde rijen", "file of refused rows", delivery_id)
    response = FileResponse(
        runtime.ports.store.path(key),
        media_type="text/csv; charset=utf-8",
        filename=f"refused-{delivery_id}.csv",
        headers={"cache-control": "no-store"},
    )
    return secured(response)
