"""The log as C2SP tlog-tiles: what anyone may check is public, what says who did what is not.

The checkpoint and the hashes tell the log's size and nothing else. Entries hold pseudonyms and
ids, so their bundles are for those who may read the whole log.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from registry.accounts.actors import Actor, Scope
from registry.api.problems import answers, no_such_thing
from registry.api.shapes import signed_in
from registry.audit.tiles import MOST_LEVELS, TilePlace
from registry.dependencies import NowDep, ReadingDep, looking
from registry.services import auditing

router = APIRouter(prefix="/audit/v1", tags=["audit"])

_FOREVER = "max-age=31536000, immutable"
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        "description": "A tile, which never changes",
    }
}
Where = Annotated[
    str,
    Path(
        max_length=40,
        description="Number of the tile, in groups of three digits, all but the last after an `x`;"
        " with `.p/` and a width for a tile that is not full.",
        examples=["x001/x234/067", "000.p/17"],
    ),
]


@router.get(
    "/checkpoint",
    response_class=Response,
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "description": "A signed note with the cosignatures it has by now",
        },
        **answers(404),
    },
    summary="The signed head of the log, where C2SP tlog-tiles wants it",
)
def checkpoint(session: ReadingDep) -> Response:
    """The same as `/v1/audit/checkpoint`."""
    last = auditing.last_checkpoint(session)
    if last is None:
        raise no_such_thing()
    headers = {"cache-control": "no-cache"}
    return Response(last.note, media_type="text/plain; charset=utf-8", headers=headers)


# Before the hashes, whose level would else be `entries`.
@router.get(
    "/tile/entries/{where:path}",
    response_class=Response,
    responses={**_BYTES, **signed_in(404)},
    summary="256 entries of the log",
)
def entries(
    where: Where,
    session: ReadingDep,
    at: NowDep,
    actor: Annotated[Actor, Depends(looking(Scope.AUDIT))],
) -> Response:
    """Each after its length (uint16). For those who may read the whole log, not for an archive."""
    auditing.require_whole_log(session, actor, at=at)
    place = _place(where)
    return _tile(auditing.entry_bundle(session, place), f"private, {_FOREVER}")


@router.get(
    "/tile/{level}/{where:path}",
    response_class=Response,
    responses={**_BYTES, **answers(404)},
    summary="256 hashes of the log's tree",
)
def hashes(level: str, where: Where, session: ReadingDep) -> Response:
    """Of level 0 leaves, of level L the roots of full tiles of level L - 1; public."""
    if level not in _LEVELS:
        raise no_such_thing()
    place = _place(where)
    return _tile(auditing.hash_tile(session, int(level), place), f"public, {_FOREVER}")


_LEVELS = frozenset(map(str, range(MOST_LEVELS)))


def _place(where: str) -> TilePlace:
    place = TilePlace.parse(where)
    if place is None:
        raise no_such_thing()
    return place


def _tile(data: bytes | None, caching: str) -> Response:
    if data is None:
        raise no_such_thing()
    headers = {"cache-control": caching}
    return Response(data, media_type="application/octet-stream", headers=headers)
