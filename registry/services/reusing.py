"""An extract that was cut before is not cut again: its files are named in the new one as well.

Equal identity means equal rows and cells: edition, filter and values, columns, masks and the
ledger's snapshot go into it. What the files say in themselves must be equal too. Everything that is
one recipient's own (manifest, signature, entry, lineage, accesses) is made anew.
"""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from connectors.errors import NoSuchObject
from connectors.ports import ObjectStore
from registry.access.tables import Extract, Part
from registry.services.extracts import parts_of

_SHARED = ("edition", "offer", "attribution", "terms", "columns", "masked", "rows_per_statement")
"""Fields of a manifest that its parts say too, or that shape them."""


def cut_before(
    session: Session, store: ObjectStore, extract: Extract, wanted: Mapping[str, Any]
) -> tuple[Extract, list[Part]] | None:
    """A readable extract with the same rows and cells, and its files as this extract's parts.

    :param wanted: the manifest as it would be, without parts.
    """
    alike = select(Extract).where(
        col(Extract.identity) == extract.identity,
        col(Extract.state) == "ready",
        col(Extract.stopped_at).is_(None),
    )
    for example in session.exec(alike.order_by(col(Extract.id).desc())):
        parts = parts_of(session, example)
        same = all(example.manifest[field] == wanted[field] for field in _SHARED)
        if same and all(_is_there(store, part) for part in parts):
            return example, [_taken_over(part, extract) for part in parts]
    return None


def still_readable(session: Session, example: Extract) -> bool:
    """Whether it is so now, and until this transaction ends: its files cannot go meanwhile."""
    now = (
        select(Extract.id)
        .where(col(Extract.id) == example.id, col(Extract.state) == "ready")
        .where(col(Extract.stopped_at).is_(None))
    )
    return session.exec(now.with_for_update(read=True)).one_or_none() is not None


def _is_there(store: ObjectStore, part: Part) -> bool:
    try:
        with store.open(part.key) as file:
            return file.size == part.bytes
    except NoSuchObject:
        return False


def _taken_over(part: Part, extract: Extract) -> Part:
    return Part(
        extract_id=extract.id,
        number=part.number,
        key=part.key,
        sha256=part.sha256,
        bytes=part.bytes,
        rows=part.rows,
    )
