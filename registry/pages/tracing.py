"""Where data went: who received an item, and what was read, added up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from sqlmodel import Session, col, select
from starlette.responses import Response

from catalog.tables import Dataset
from registry.access.tables import Agreement
from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, RuntimeDep
from registry.errors import InvalidInput
from registry.looking import record_look, record_look_at_all, record_look_at_dataset
from registry.pages.audit import archives_of
from registry.pages.forms import filled
from registry.pages.rendering import render, secured
from registry.pages.visiting import PersonDep
from registry.runtime import Runtime
from registry.services.lineage.asking import extract_lineage, item_lineage
from registry.services.mandates import reach_of
from registry.services.periods import AMSTERDAM
from registry.services.tables import usage_csv
from registry.services.usage import BY, Usage, UsageQuestion, usage_of

router = APIRouter(include_in_schema=False)

PAGE = 100
_MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Asked:
    """The fields of the form, as they were filled in."""

    by: str
    since: str
    until: str
    archive: str = ""

    @property
    def query(self) -> str:
        """The same as the query of an address."""
        return urlencode(vars(self))


@router.get("/usage")
def usage_page(
    request: Request,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    by: Annotated[str, Query(max_length=20)] = "agreement",
    since: Annotated[str, Query(max_length=20)] = "",
    until: Annotated[str, Query(max_length=20)] = "",
    archive: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Accesses and bytes, the most bytes first; the last thirty days where nothing is asked."""
    asked = _asked(by, since, until, archive, at)
    found, error = None, None
    try:
        found = _found(session, runtime, person, asked, at)
    except InvalidInput as wrong:
        error = wrong
    return render(
        request,
        "usage.html",
        status=error.status if error else 200,
        error=error,
        asked=asked,
        found=found,
        sorts=BY,
        archives=[] if person.role == "user" else archives_of(session, person, at),
    )


@router.get("/usage.csv")
def usage_file(
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    by: Annotated[str, Query(max_length=20)] = "agreement",
    since: Annotated[str, Query(max_length=20)] = "",
    until: Annotated[str, Query(max_length=20)] = "",
    archive: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The same for a spreadsheet."""
    found = _found(session, runtime, person, _asked(by, since, until, archive, at), at)
    headers = {"content-disposition": 'attachment; filename="usage.csv"'}
    return secured(Response(usage_csv(found), media_type="text/csv", headers=headers))


def _asked(by: str, since: str, until: str, archive: str, at: datetime) -> Asked:
    today = at.astimezone(AMSTERDAM).date()
    return Asked(by, since or (today - _MONTH).isoformat(), until or today.isoformat(), archive)


def _found(session: Session, runtime: Runtime, person: Actor, asked: Asked, at: datetime) -> Usage:
    question = filled(UsageQuestion, **{**vars(asked), "archive": asked.archive or None})
    found = usage_of(session, person, question, at=at)
    if question.archive:
        record_look(runtime, person, "usage", question.archive, at)
    else:
        record_look_at_all(runtime, person, "usage", at)
    return found


@router.get("/lineage")
def lineage_page(
    request: Request,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    dataset: Annotated[str, Query(max_length=100)] = "",
    item: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """Every extract that holds an item; its owner may give its own identifier of it."""
    found = None
    if dataset and item:
        for name in ("item", "identifier"):
            asked = {name: item}
            found = found or item_lineage(session, runtime.ports, person, dataset, at=at, **asked)
        record_look_at_dataset(runtime, person, "lineage", dataset, at)
    return render(
        request,
        "lineage.html",
        datasets=_datasets(session, person, at),
        dataset=dataset,
        item=item,
        found=found,
    )


@router.get("/lineage/extract")
def extract_page(
    request: Request,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    extract: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """What an extract holds, under which rights it was cleared, and who decided that."""
    found = extract_lineage(
        session, runtime.ports, person, extract, at=at, after=after, limit=PAGE + 1
    )
    record_look_at_dataset(runtime, person, "lineage", found.dataset_id, at, {"extract": extract})
    here = f"/lineage/extract?{urlencode({'extract': extract})}"
    more = urlencode({"after": found.items[PAGE - 1].item}) if len(found.items) > PAGE else ""
    return render(
        request,
        "lineage_extract.html",
        found=found,
        items=found.items[:PAGE],
        dataset=found.dataset_id,
        first=here if after else "",
        following=f"{here}&{more}" if more else "",
    )


def _datasets(session: Session, person: Actor, at: datetime) -> list[tuple[str, str]]:
    """The datasets that the visitor may ask about."""
    wanted = select(Dataset).order_by(col(Dataset.slug))
    if person.role == "user":
        agreed = select(Agreement.dataset_id).where(
            col(Agreement.organisation_id) == person.organisation_id
        )
        wanted = wanted.where(col(Dataset.id).in_(agreed))
    elif (archives := reach_of(session, person, at).archives) is not None:
        wanted = wanted.where(col(Dataset.archive_id).in_(archives))
    return [(one.id, one.slug) for one in session.exec(wanted)]
