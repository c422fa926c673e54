"""Delta Sharing (open protocol, version 1, parquet format): each ready extract is a share.

A share is an extract's id, with one schema and one table. Files are given as signed links, so that
what cannot be taken back elsewhere is refused here at the next range. Section numbers are those of
the protocol's REST page.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from sqlmodel import Session
from starlette.responses import Response

from catalog.tables import Edition
from registry.access.tables import Extract
from registry.accounts.actors import Actor, Scope
from registry.client.snippets import DELTA_SCHEMA, DELTA_TABLE, linked_address
from registry.dependencies import NowDep, ReadingDep, SessionDep, acting, looking, runtime_of
from registry.errors import InvalidInput, NotFound, Text
from registry.services.extracts import ALWAYS, find_extract, list_extracts, parts_of
from registry.services.links import LONGEST, NewLink, issue_link, sign_link

PREFIX = "/delta-sharing"
VERSION = 0
"""The one version of a table: an extract never changes."""

router = APIRouter(prefix=PREFIX, include_in_schema=False)

LookingDep = Annotated[Actor, Depends(looking(Scope.EXTRACTS))]
ActingDep = Annotated[Actor, Depends(acting(Scope.EXTRACTS))]
MaxDep = Annotated[int, Query(alias="maxResults", ge=0, le=1000)]
PageDep = Annotated[str | None, Query(alias="pageToken", max_length=100)]


class Asked(BaseModel):
    """A query; hints may be left unused, as the protocol says."""

    limit: int | None = Field(default=None, alias="limitHint", ge=0)
    version: int | None = None
    timestamp: str | None = None


@router.get("/shares")
def shares(
    session: ReadingDep, actor: LookingDep, most: MaxDep = 100, page: PageDep = None
) -> dict[str, Any]:
    """The extracts that are ready, newest first."""
    found = list_extracts(session, actor, after=page, limit=most + 1)
    items = [_share(one) for one in found[:most] if one.state == "ready"]
    following = found[most - 1].id if 0 < most < len(found) else None
    return _page(items) | ({"nextPageToken": following} if following else {})


@router.get("/shares/{share}")
def share_of(share: str, session: ReadingDep, actor: LookingDep) -> dict[str, Any]:
    """One share."""
    return {"share": _share(_ready(session, actor, share))}


@router.get("/shares/{share}/schemas")
def schemas(share: str, session: ReadingDep, actor: LookingDep) -> dict[str, Any]:
    """Its one schema."""
    return _page([{"name": DELTA_SCHEMA, "share": _ready(session, actor, share).id}])


@router.get("/shares/{share}/all-tables")
def all_tables(share: str, session: ReadingDep, actor: LookingDep) -> dict[str, Any]:
    """Its one table."""
    return _page([_table(_ready(session, actor, share))])


@router.get("/shares/{share}/schemas/{schema}/tables")
def tables(share: str, schema: str, session: ReadingDep, actor: LookingDep) -> dict[str, Any]:
    """Its one table, in its one schema."""
    return _page([_table(_named(session, actor, share, schema, DELTA_TABLE))])


@router.get("/shares/{share}/schemas/{schema}/tables/{table}/version")
def version(
    share: str, schema: str, table: str, session: ReadingDep, actor: LookingDep
) -> Response:
    """The table's version, in a header."""
    _named(session, actor, share, schema, table)
    return _lines()


@router.get("/shares/{share}/schemas/{schema}/tables/{table}/metadata")
def metadata(
    share: str, schema: str, table: str, session: ReadingDep, actor: LookingDep
) -> Response:
    """What the table's rows look like."""
    return _lines(*_head(session, _named(session, actor, share, schema, table)))


@router.post("/shares/{share}/schemas/{schema}/tables/{table}/query")
def query(
    share: str,
    schema: str,
    table: str,
    asked: Asked,
    request: Request,
    session: SessionDep,
    actor: ActingDep,
    at: NowDep,
) -> Response:
    """The files, each behind a signed link for a day: the client cannot ask for fresh ones."""
    extract = _named(session, actor, share, schema, table)
    if asked.timestamp is not None or asked.version not in {None, VERSION}:
        raise InvalidInput(
            "no-such-version",
            Text("Deze tabel heeft alleen versie 0.", "this table has version 0 only"),
        )
    minutes = int(LONGEST.total_seconds()) // 60
    link = issue_link(session, actor, NewLink(extract_id=extract.id, minutes=minutes), at=at)
    runtime = runtime_of(request)
    lines, rows = _head(session, extract), 0
    for part in parts_of(session, extract):
        if asked.limit is not None and rows >= asked.limit:
            break
        rows += part.rows
        signed = sign_link(link, part.number, runtime.ports.link_key)
        file = {
            "url": linked_address(runtime.settings.origin, extract.id, part.number, signed),
            "id": part.sha256,
            "partitionValues": {},
            "size": part.bytes,
            "stats": json.dumps({"numRecords": part.rows}),
            "expirationTimestamp": int(link.expires_at.timestamp() * 1000),
        }
        lines.append({"file": file})
    return _lines(*lines)


def _ready(session: Session, actor: Actor, share: str) -> Extract:
    extract = find_extract(session, actor, share.lower())  # names are case-insensitive
    if extract.state != "ready":
        raise _nothing(share)
    return extract


def _named(session: Session, actor: Actor, share: str, schema: str, table: str) -> Extract:
    extract = _ready(session, actor, share)
    if (schema.lower(), table.lower()) != (DELTA_SCHEMA, DELTA_TABLE):
        raise _nothing(f"{schema}.{table}")
    return extract


def _nothing(name: str) -> NotFound:
    return NotFound(
        "no-such-share",
        Text(f"Er is geen `{name}`.", f"there is no `{name}`"),
        Text(
            f"Een share heet als het extract, met daarin `{DELTA_SCHEMA}.{DELTA_TABLE}`.",
            f"a share is named as its extract, with `{DELTA_SCHEMA}.{DELTA_TABLE}` in it",
        ),
    )


def _share(extract: Extract) -> dict[str, str]:
    return {"name": extract.id, "id": extract.id}


def _table(extract: Extract) -> dict[str, str]:
    return {"name": DELTA_TABLE, "schema": DELTA_SCHEMA, "share": extract.id, "id": extract.id}


def _page(items: list[dict[str, str]]) -> dict[str, Any]:
    return {"items": items}


def _head(session: Session, extract: Extract) -> list[dict[str, Any]]:
    edition = session.get_one(Edition, extract.edition_id)
    described = {
        "id": extract.id,
        "format": {"provider": "parquet"},
        "schemaString": json.dumps({"type": "struct", "fields": list(_fields(extract, edition))}),
        "partitionColumns": [],
        "size": extract.bytes,
        "numFiles": len(parts_of(session, extract)),
    }
    return [{"protocol": {"minReaderVersion": 1}}, {"metaData": described}]


def _fields(extract: Extract, edition: Edition) -> Iterator[dict[str, Any]]:
    types = {column["name"]: column["type"] for column in edition.columns}
    for name in (*ALWAYS, *extract.columns):
        kind = delta_type(types.get(name, "VARCHAR"))
        yield {"name": name, "type": kind, "nullable": True, "metadata": {}}


_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "byte",
    "SMALLINT": "short",
    "INTEGER": "integer",
    "BIGINT": "long",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DATE": "date",
    "BLOB": "binary",
}


def delta_type(sql_type: str) -> str | dict[str, Any]:
    """A DuckDB type as Delta's schema writes it; what Delta does not know is a string."""
    if sql_type.endswith("[]"):
        inner = delta_type(sql_type.removesuffix("[]"))
        return {"type": "array", "elementType": inner, "containsNull": True}
    if sql_type.startswith("TIMESTAMP"):
        return "timestamp"
    if sql_type.startswith("DECIMAL"):
        return sql_type.lower().replace(" ", "")
    return _TYPES.get(sql_type, "string")


def _lines(*lines: dict[str, Any]) -> Response:
    text = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)
    headers = {"delta-table-version": str(VERSION), "cache-control": "private, no-store"}
    return Response(text, headers=headers, media_type="application/x-ndjson; charset=utf-8")
