"""Deliveries: handing a file in, saying what its columns are, and what the check makes of it."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import get_args

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session
from starlette.responses import Response, StreamingResponse

from catalog.mapping import ColumnRole, ColumnType, Mapping, MappingError, read_mapping
from catalog.tables import Dataset, Delivery
from connectors.errors import ConnectorError
from connectors.ports import Delivery as DeliveredFile
from connectors.ports import OpenObject, SourceColumn
from registry.accounts.actors import Actor, Scope, require
from registry.db import reading, transaction
from registry.dependencies import (
    NowDep,
    ReadingDep,
    RuntimeDep,
    SessionDep,
    after_commit,
    language_of,
    runtime_of,
)
from registry.errors import FieldProblem, InvalidInput, NotFound, RegistryError, Text, TooLarge
from registry.jobs import enqueue_check
from registry.pages.forms import FormRefused, Posted, PostedDep, shown_again
from registry.pages.mapping_form import (
    column_fields,
    kind_fields,
    read_columns,
    read_declarations,
    statement_options,
)
from registry.pages.rendering import render, secured, see
from registry.pages.visiting import PersonDep
from registry.pages.words import Words
from registry.runtime import Runtime
from registry.services.checking import refused_key, report_of
from registry.services.proposing import propose_mapping
from registry.services.registration import (
    FORMATS,
    Declarations,
    ReceivedFile,
    declarations_of,
    declare,
    delivery_key,
    list_deliveries,
    map_delivery,
    mapping_refused,
    own_dataset,
    own_delivery,
    receive_delivery,
)
from registry.uploads import Upload, receive_form

router = APIRouter(prefix="/archive", include_in_schema=False)

_BLOCK = 1024 * 1024
REFRESH_SECONDS = 2


def _deliver_page(
    dataset_id: str,
    person: Actor,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    return render(
        request,
        "deliver.html",
        dataset=own_dataset(session, person, dataset_id),
        endings=tuple(FORMATS),
        most=runtime_of(request).settings.upload_limit_bytes,
        error=error,
    )


@router.get("/datasets/{dataset_id}/deliver")
def deliver_form(
    request: Request, dataset_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """The form for a file."""
    require(person, Scope.ARCHIVE_WRITE)
    return _deliver_page(dataset_id, person, request, session)


@router.post("/datasets/{dataset_id}/deliveries")
async def deliver(
    request: Request, dataset_id: str, person: PersonDep, runtime: RuntimeDep, at: NowDep
) -> Response:
    """Take the file in as it streams; nothing is kept of one that does not arrive whole."""
    await run_in_threadpool(_may_deliver, runtime, person, dataset_id)
    settings = runtime.settings
    try:
        _, upload = await receive_form(request, runtime.ports.scratch, settings.upload_limit_bytes)
        delivery_id = await run_in_threadpool(
            _take_in, runtime, person, dataset_id, _chosen(upload), at
        )
    except (InvalidInput, TooLarge) as wrong:
        raise FormRefused(wrong, partial(_deliver_page, dataset_id, person)) from wrong
    return see(f"/archive/deliveries/{delivery_id}", done="delivery")


def _may_deliver(runtime: Runtime, person: Actor, dataset_id: str) -> None:
    require(person, Scope.ARCHIVE_WRITE)
    with reading(runtime.engine) as session:
        own_dataset(session, person, dataset_id)


def _chosen(upload: Upload | None) -> Upload:
    if upload is None:
        text = Text("Kies een bestand.", "Choose a file.")
        raise InvalidInput("no-file", text, fields=(FieldProblem("file", text),))
    return upload


def _take_in(runtime: Runtime, person: Actor, dataset_id: str, upload: Upload, at: datetime) -> str:
    """The delivery's id; the same file sent twice is one delivery."""
    file = ReceivedFile(upload.path, upload.file_name, upload.bytes, upload.sha256)
    try:
        with transaction(runtime.engine) as session:
            for earlier in list_deliveries(session, person, dataset_id):
                if (earlier.sha256, earlier.file_name) == (file.sha256, file.file_name):
                    return earlier.id
            store = runtime.ports.store
            return receive_delivery(session, person, dataset_id, file, store=store, at=at).id
    finally:
        upload.path.unlink(missing_ok=True)


@router.get("/deliveries/{delivery_id}")
def delivery_page(
    request: Request,
    delivery_id: str,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    still: str = "",
) -> Response:
    """What the check gave, its progress, or the form that starts it."""
    delivery = own_delivery(session, person, delivery_id)
    if delivery.state in {"received", "failed"}:
        return _columns_page(delivery_id, person, Posted({}), request, session)
    page = render(
        request,
        "delivery.html",
        delivery=delivery,
        dataset=session.get_one(Dataset, delivery.dataset_id),
        report=report_of(delivery),
        still=still == "yes",
    )
    if delivery.state == "checking" and still != "yes":
        # A person may stop this by the page's own link (WCAG 2.2, 2.2.2).
        page.headers["refresh"] = str(REFRESH_SECONDS)
    return page


@router.get("/deliveries/{delivery_id}/columns")
def columns_form(
    request: Request, delivery_id: str, person: PersonDep, session: ReadingDep
) -> Response:
    """What each column is, to say or to change."""
    return _columns_page(delivery_id, person, Posted({}), request, session)


def _columns_page(
    delivery_id: str,
    person: Actor,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
) -> Response:
    runtime = runtime_of(request)
    delivery = own_delivery(session, person, delivery_id)
    mapping = _mapping_shown(session, person, delivery, posted, runtime)
    dataset = session.get_one(Dataset, delivery.dataset_id)
    return render(
        request,
        "columns.html",
        delivery=delivery,
        dataset=dataset,
        mapping=mapping,
        columns=column_fields(mapping, _profile(runtime, delivery, mapping)),
        kinds=kind_fields(mapping, dataset.declarations),
        roles=[role.value for role in ColumnRole],
        types=get_args(ColumnType),
        statements=statement_options(Words(language_of(request))),
        values=posted,
        error=error,
    )


def _mapping_shown(
    session: Session, person: Actor, delivery: Delivery, posted: Posted, runtime: Runtime
) -> Mapping:
    if "count" in posted:
        try:
            return read_columns(posted)
        except InvalidInput:
            return propose_mapping(session, person, delivery.id, ports=runtime.ports)
    return propose_mapping(session, person, delivery.id, ports=runtime.ports)


def _profile(runtime: Runtime, delivery: Delivery, mapping: Mapping) -> tuple[SourceColumn, ...]:
    path = runtime.ports.store.path(delivery_key(delivery))
    file = DeliveredFile(path, delivery.format, mapping.records)  # type: ignore[arg-type] # CHECKed
    try:
        return runtime.ports.importer.profile(file).columns
    except ConnectorError as wrong:
        raise InvalidInput(wrong.code, Text(wrong.nl, wrong.en)) from wrong


@router.post("/deliveries/{delivery_id}/columns")
def map_columns(
    request: Request,
    delivery_id: str,
    posted: PostedDep,
    person: PersonDep,
    session: SessionDep,
    at: NowDep,
) -> Response:
    """Record the declarations, keep the mapping, and start the check."""
    with shown_again(partial(_columns_page, delivery_id, person, posted)):
        mapping = read_columns(posted)
        _map(session, person, delivery_id, mapping, read_declarations(posted, mapping), at)
    return see(f"/archive/deliveries/{delivery_id}")


@router.post("/deliveries/{delivery_id}/mapping-file")
def map_by_file(
    request: Request,
    delivery_id: str,
    posted: PostedDep,
    person: PersonDep,
    session: SessionDep,
    at: NowDep,
) -> Response:
    """The same by a mapping that was written down before (TOML, YAML or JSON)."""
    with shown_again(partial(_columns_page, delivery_id, person, posted)):
        form = posted.text("form")
        if form not in {"toml", "yaml", "json"}:
            text = Text("Kies een vorm.", "Choose a form.")
            raise InvalidInput("invalid-input", text, fields=(FieldProblem("form", text),))
        try:
            mapping = read_mapping(posted.text("mapping"), form)  # type: ignore[arg-type] # checked above
        except MappingError as wrong:
            raise mapping_refused(wrong) from wrong
        _map(session, person, delivery_id, mapping, declarations_of(mapping), at)
    return see(f"/archive/deliveries/{delivery_id}")


def _map(
    session: Session,
    person: Actor,
    delivery_id: str,
    mapping: Mapping,
    kinds: dict[str, str],
    at: datetime,
) -> None:
    delivery = own_delivery(session, person, delivery_id)
    if kinds:
        declare(session, person, delivery.dataset_id, Declarations(kinds=kinds), at=at)
    map_delivery(session, person, delivery_id, mapping, at=at)
    after_commit(session, lambda: enqueue_check(delivery_id))


@router.get("/deliveries/{delivery_id}/refused.csv")
def refused_rows(
    delivery_id: str, person: PersonDep, session: ReadingDep, runtime: RuntimeDep
) -> Response:
    """The refused rows as they were delivered, with line and reason, to correct."""
    key = refused_key(own_delivery(session, person, delivery_id))
    if key is None:
        raise NotFound(
            "no-refused-rows",
            Text("Er zijn geen geweigerde rijen.", "There are no refused rows."),
        )
    file = runtime.ports.store.open(key)
    headers = {
        "content-length": str(file.size),
        "content-disposition": f'attachment; filename="{delivery_id}-refused.csv"',
        "cache-control": "private, no-store",
    }
    media_type = "text/csv; charset=utf-8"
    return secured(StreamingResponse(_blocks(file), headers=headers, media_type=media_type))  # type: ignore[no-any-return]


def _blocks(file: OpenObject) -> Iterator[bytes]:
    with file:
        for offset in range(0, file.size, _BLOCK):
            yield file.read(offset, _BLOCK)
