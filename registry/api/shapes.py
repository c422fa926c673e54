"""Shapes that several routes share: rows as answers, lists in pages, text in two languages."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from registry.api.problems import answers
from registry.errors import FieldProblem, InvalidInput, Text
from registry.idempotency import OnceRoute

LARGEST_PAGE = 200


class Row(BaseModel):
    """An answer made from a row or record of the service, field by field of the same name."""

    model_config = ConfigDict(from_attributes=True)


class Words(Row):
    """One sentence in the product's two languages."""

    nl: str
    en: str


Item = TypeVar("Item", bound=BaseModel)


class Page(BaseModel, Generic[Item]):
    """Part of a list."""

    items: list[Item]
    next_cursor: str | None = Field(
        default=None, description="Give it as `cursor` to get what follows; absent at the end."
    )


class Slice(BaseModel):
    """Which part of a list is asked for."""

    after: str | None
    limit: int


async def _slice(
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Most items to give.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
) -> Slice:
    return Slice(after=None if cursor is None else opened(cursor), limit=limit)


SliceDep = Annotated[Slice, Depends(_slice)]


def page_of(
    rows: Sequence[Any],
    part: Slice,
    shape: Callable[[Any], Item],
    key: Callable[[Any], str] = lambda row: str(row.id),
    *,
    newest_first: bool = True,
) -> Page[Item]:
    """The part of a list that was asked for, in the order of its keys.

    `rows` may begin anywhere before the part; it must hold one more than `limit` beyond it, if
    there are as many.
    """
    beyond = [row for row in rows if _is_beyond(key(row), part.after, newest_first)]
    chosen = beyond[: part.limit]
    more = len(beyond) > part.limit
    return Page(
        items=[shape(row) for row in chosen],
        next_cursor=closed(key(chosen[-1])) if more else None,
    )


def _is_beyond(key: str, after: str | None, newest_first: bool) -> bool:
    if after is None:
        return True
    return key < after if newest_first else key > after


def closed(key: str) -> str:
    """A key as a cursor."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def opened(cursor: str) -> str:
    """The key that a cursor stands for, or `InvalidInput`."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, b"-_", validate=True).decode("ascii")
    except (UnicodeError, binascii.Error):
        raise foreign_cursor() from None


def foreign_cursor() -> InvalidInput:
    """A cursor that no page of ours gave."""
    return InvalidInput(
        "invalid-cursor",
        Text("Deze cursor is niet van ons.", "this cursor is not one of ours"),
        Text("Gebruik `next_cursor` van de vorige bladzijde.", "use the last page's `next_cursor`"),
        (FieldProblem("cursor", Text("Onbekend.", "unknown")),),
    )


def new_router(tag: str) -> APIRouter:
    """A router below `/v1`; every route of it may answer the problems listed here."""
    return APIRouter(
        prefix="/v1", tags=[tag], route_class=OnceRoute, responses=answers(400, 422, 503)
    )


SIGNED_IN = answers(401, 403)
"""Problems of every route that takes a token."""


def signed_in(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems of a route that takes a token and may answer these statuses besides."""
    return SIGNED_IN | answers(*statuses)
