"""The files of lineage: writing one, naming it in a row, choosing those that can hold an answer."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select

from connectors.ports import ObjectStore, SourceFile, WrittenFile
from connectors.selecting import SelectPlan
from registry.access.lineage_tables import LineageFile
from registry.access.tables import Agreement, Extract, Part
from registry.ids import new_id
from registry.services.ports import Ports

LARGEST_SLOT = 65_535
SLOT = "('0x' || md5({})[:4])::INTEGER"
"""A key's slot, in DuckDB's words; :func:`slot_of` says the same."""

_ITEMS = f"""
SELECT *, $extract AS extract, $edition AS edition,
    $agreement AS agreement, $decision AS decision, $recipient AS recipient
FROM (
    SELECT {SLOT.format("_item")} AS slot, _item AS item, _rights AS rights,
        list_position($parts, filename) AS part
    FROM read_parquet($parts, filename = true, hive_partitioning = false)
    ORDER BY slot, item
)
"""  # noqa: S608 -- nothing but the names of columns; what all rows share need not be sorted


def slot_of(key: str) -> int:
    """Where rows of this key stand: the first 16 bits of its MD5, which only has to spread."""
    return int(hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:4], 16)


def write_items(
    ports: Ports, extract: Extract, agreement: Agreement, parts: Sequence[Part], folder: Path
) -> LineageFile:
    """Store which items an extract holds, under which rights and whose decision; its row.

    :param folder: a directory of the caller's, in which one is made for this.
    """
    place = folder / "lineage"
    place.mkdir()
    plan = SelectPlan(
        _ITEMS,
        {"parts": tuple(SourceFile(ports.store.path(p.key), p.sha256, p.bytes) for p in parts)},
        {
            "extract": extract.id,
            "edition": extract.edition_id,
            "agreement": agreement.id,
            "decision": agreement.decision_id,
            "recipient": extract.organisation_id,
        },
        memory_mb=ports.settings.extract_memory_mb,
        seconds=ports.settings.extract_seconds,
    )
    made = ports.selector.write(plan, place)
    row = stored(ports.store, place, made, agreement.dataset_id, "items", ports.clock())
    row.extract_id = extract.id
    return row


def without_lineage(session: Session, *conditions: ColumnElement[bool]) -> list[str]:
    """Extracts with parts whose items are in no file yet: they were made a moment ago."""
    filed = select(LineageFile.extract_id).where(col(LineageFile.extract_id) == col(Extract.id))
    made = (
        select(Extract.id)
        .join(Part, col(Part.extract_id) == col(Extract.id))
        .where(col(Extract.state).in_(("ready", "expired")), ~filed.exists(), *conditions)
    )
    return list(session.exec(made.distinct()))


def stored(
    store: ObjectStore, folder: Path, made: WrittenFile, dataset_id: str, kind: str, at: datetime
) -> LineageFile:
    """Put a file into the store; its row, to be added in the transaction that makes it count."""
    name = new_id("lin", at)
    key = f"lineage/{name}.parquet"
    store.put(key, folder / made.name)
    return LineageFile(
        id=name,
        run=name,
        dataset_id=dataset_id,
        kind=kind,
        key=key,
        sha256=made.sha256,
        bytes=made.bytes,
        rows=made.rows,
        made_at=at,
    )


def source_of(store: ObjectStore, file: LineageFile) -> SourceFile:
    """The file with the hash it was written with."""
    return SourceFile(store.path(file.key), file.sha256, file.bytes)


def holding(
    session: Session, dataset_id: str, kind: str, slots: Iterable[int]
) -> list[LineageFile]:
    """The files of a dataset that can hold rows of these slots."""
    near = [(col(LineageFile.low) <= slot) & (col(LineageFile.high) >= slot) for slot in set(slots)]
    return list(
        session.exec(
            select(LineageFile).where(
                col(LineageFile.dataset_id) == dataset_id,
                col(LineageFile.kind) == kind,
                col(LineageFile.merged_at).is_(None),
                or_(*near),
            )
        )
    )
