"""The catalogue for machines: pages of records in DCAT and schema.org, and one record in a file.

Pages follow each other as Hydra says (``hydra:next``) and by a Link header (RFC 8288).
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from registry.dependencies import ReadingDep, RuntimeDep
from registry.dialects import DIALECTS, catalogue_of, given, led_on, named, wanted
from registry.services.catalogue import Withdrawn, find_dataset
from registry.services.records import list_records, record_of

router = APIRouter(include_in_schema=False)

PAGE = 100
CATALOGUES = tuple(one for one in DIALECTS if one.catalogue is not None)

AfterDep = Annotated[str | None, Query(max_length=60)]
SinceDep = Annotated[datetime | None, Query()]


@router.get("/catalogue")
def catalogue(
    request: Request,
    session: ReadingDep,
    runtime: RuntimeDep,
    after: AfterDep = None,
    modified_since: SinceDep = None,
) -> Response:
    """A page in the form that the Accept header wants; people go to the list of datasets."""
    dialect = wanted(request.headers.get("accept", "application/ld+json"), CATALOGUES)
    if dialect is None:
        return RedirectResponse("/datasets", 303, {"vary": "Accept"})
    return catalogue_file(dialect.file, request, session, runtime, after, modified_since)


@router.get("/catalogue/{file}")
def catalogue_file(
    file: str,
    request: Request,
    session: ReadingDep,
    runtime: RuntimeDep,
    after: AfterDep = None,
    modified_since: SinceDep = None,
) -> Response:
    """A page in the form of that file's name, from old to new."""
    dialect, origin = named(file, CATALOGUES), runtime.settings.origin
    since = None if modified_since is None else _aware(modified_since)
    records = list_records(session, origin=origin, after=after, since=since, limit=PAGE + 1)
    address = f"{origin}{request.url.path}"
    asked = {} if since is None else {"modified_since": since.isoformat()}
    view: dict[str, Any] = {
        "@id": _page(address, asked | ({"after": after} if after else {})),
        "@type": "hydra:PartialCollectionView",
        "hydra:first": {"@id": _page(address, asked)},
    }
    headers = {}
    if len(records) > PAGE:
        following = _page(address, {**asked, "after": records[PAGE - 1].id})
        view["hydra:next"] = {"@id": following}
        headers["link"] = f'<{following}>; rel="next"'
    return given(dialect, catalogue_of(dialect, records[:PAGE], origin, view), **headers)


@router.get("/datasets/{archive}/{name}/{file}")
def record_file(
    archive: str, name: str, file: str, session: ReadingDep, runtime: RuntimeDep
) -> Response:
    """One record, in the form of that file's name."""
    dialect, origin = named(file, DIALECTS), runtime.settings.origin
    try:
        listing = find_dataset(session, None, f"{archive}/{name}")
    except Withdrawn as gone:
        return led_on(gone)
    record = record_of(session, listing, origin=origin)
    assert record is not None  # noqa: S101 -- what anyone may know of is published
    return given(dialect, dialect.document(record, origin))


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _page(address: str, query: dict[str, str]) -> str:
    return f"{address}?{urlencode(query)}" if query else address
