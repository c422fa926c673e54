"""Keeping lineage: closed accesses go into files, and small files are merged into larger ones."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine
from sqlmodel import Session, col, func, select, update

from connectors.local import sha256_of, sync_file
from connectors.ports import WrittenFile
from connectors.selecting import SelectPlan
from registry.access.lineage_tables import LineageFile
from registry.access.tables import Access, Agreement, Extract
from registry.audit.log import known_pseudonym
from registry.db import reading, transaction
from registry.services.extracts import parts_of
from registry.services.lineage.files import (
    LARGEST_SLOT,
    slot_of,
    source_of,
    stored,
    without_lineage,
    write_items,
)
from registry.services.ports import Ports

AT_ONCE = 5_000
"""Accesses written to one file; the database is held meanwhile."""
ENOUGH = 1_000
"""Closed accesses of a dataset that are worth a file; the rest is read from the database."""
FAN = 8
"""Runs of one level that are merged into one of the next."""
FILE_ROWS = 500_000
"""Rows that a merged file aims at: what an answer hashes and reads of a run."""
GRACE = timedelta(minutes=10)
"""How long a merged file stays for those who are reading it."""

_SCHEMA = pa.schema(
    {
        "slot": pa.int32(),
        "extract": pa.string(),
        "part": pa.int32(),
        "access": pa.string(),
        "agreement": pa.string(),
        "recipient": pa.string(),
        "actor": pa.string(),
        "environment": pa.string(),
        "opened": pa.timestamp("ms", "UTC"),
        "closed": pa.timestamp("ms", "UTC"),
        "ranges": pa.int64(),
        "bytes": pa.int64(),
    }
)
_MERGED = """
SELECT * FROM read_parquet($files, hive_partitioning = false)
WHERE slot BETWEEN $low AND $high ORDER BY slot, {}
"""
_ORDER = {"items": "item, extract", "accesses": "extract, access"}


def keep_lineage(engine: Engine, ports: Ports) -> None:
    """One round of all that is due."""
    with reading(engine) as session:
        missed = without_lineage(session)
    for extract_id in missed:
        file_items(engine, ports, extract_id)
    for dataset_id in _worth_a_file(engine):
        while _append(engine, ports, dataset_id) == AT_ONCE:
            pass
    while (due := _due(engine)) is not None:
        _merge(engine, ports, due)
    _remove(engine, ports)


# --- items -------------------------------------------------------------------------------------


def file_items(engine: Engine, ports: Ports, extract_id: str) -> None:
    """Write down which items an extract holds, unless another process did so meanwhile."""
    with reading(engine) as session:
        extract = session.get_one(Extract, extract_id)
        agreement = session.get_one(Agreement, extract.agreement_id)
        parts = parts_of(session, extract)
    with TemporaryDirectory(dir=ports.scratch, prefix="lineage-") as folder:
        file = write_items(ports, extract, agreement, parts, Path(folder))
    with transaction(engine) as session:
        session.exec(select(Extract.id).where(col(Extract.id) == extract_id).with_for_update())
        first = extract_id in without_lineage(session, col(Extract.id) == extract_id)
        if first:
            session.add(file)
    if not first:
        ports.store.delete(file.key)


# --- accesses ----------------------------------------------------------------------------------


def _worth_a_file(engine: Engine) -> list[str]:
    """Datasets with enough closed accesses that stand in no file yet."""
    counted = (
        select(Agreement.dataset_id)
        .join(Access, col(Access.agreement_id) == col(Agreement.id))
        .where(col(Access.closed_at).is_not(None), col(Access.lineage).is_(None))
        .group_by(col(Agreement.dataset_id))
        .having(func.count() >= ENOUGH)
    )
    with reading(engine) as session:
        return list(session.exec(counted))


def _append(engine: Engine, ports: Ports, dataset_id: str) -> int:
    """Write some closed accesses to a file, and note in each which; how many there were."""
    with (
        transaction(engine) as session,
        TemporaryDirectory(dir=ports.scratch, prefix="lineage-") as folder,
    ):
        found = session.exec(
            select(Access, Agreement.organisation_id)
            .join(Agreement, col(Access.agreement_id) == col(Agreement.id))
            .where(col(Agreement.dataset_id) == dataset_id)
            .where(col(Access.closed_at).is_not(None), col(Access.lineage).is_(None))
            .order_by(col(Access.id))
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True, of=Access)
        ).all()
        if not found:
            return 0
        made = _written(session, found, Path(folder))
        file = stored(ports.store, Path(folder), made, dataset_id, "accesses", ports.clock())
        session.add(file)
        ids = [access.id for access, _ in found]
        session.exec(update(Access).where(col(Access.id).in_(ids)).values(lineage=file.id))
        return len(found)


def _written(session: Session, found: Sequence[tuple[Access, str]], folder: Path) -> WrittenFile:
    names = {
        caller: known_pseudonym(session, caller) or ""
        for caller in {one.caller for one, _ in found}
    }
    rows = [
        {
            "slot": slot_of(access.extract_id),
            "extract": access.extract_id,
            "part": access.part,
            "access": access.id,
            "agreement": access.agreement_id,
            "recipient": recipient,
            "actor": names[access.caller],
            "environment": access.environment_id,
            "opened": access.opened_at,
            "closed": access.closed_at,
            "ranges": access.ranges,
            "bytes": access.bytes,
        }
        for access, recipient in found
    ]
    table = pa.Table.from_pylist(rows, _SCHEMA)
    path = folder / "accesses.parquet"
    order = [("slot", "ascending"), ("extract", "ascending"), ("access", "ascending")]
    pq.write_table(table.sort_by(order), path, compression="zstd")
    sync_file(path)
    return WrittenFile(path.name, path.stat().st_size, sha256_of(path), table.num_rows)


# --- merging -----------------------------------------------------------------------------------


def _due(engine: Engine) -> list[LineageFile] | None:
    """The files of a level that has enough runs, the lowest level first."""
    place = (col(LineageFile.dataset_id), col(LineageFile.kind), col(LineageFile.level))
    full = (
        select(*place)
        .where(col(LineageFile.merged_at).is_(None))
        .group_by(*place)
        .having(func.count(func.distinct(LineageFile.run)) >= FAN)
        .order_by(col(LineageFile.level))
        .limit(1)
    )
    with reading(engine) as session:
        found = session.exec(full).one_or_none()
        if found is None:
            return None
        dataset_id, kind, level = found
        due = select(LineageFile).where(
            col(LineageFile.dataset_id) == dataset_id,
            col(LineageFile.kind) == kind,
            col(LineageFile.level) == level,
            col(LineageFile.merged_at).is_(None),
        )
        files = list(session.exec(due))
        session.expunge_all()
        return files


def _merge(engine: Engine, ports: Ports, files: Sequence[LineageFile]) -> None:
    """Write the files of a level anew as one run of the next, which counts in their place."""
    rows = sum(file.rows for file in files)
    count = max(1, -(-rows // FILE_ROWS))
    bounds = [LARGEST_SLOT * at // count for at in range(count + 1)]
    run = [
        made
        for at in range(count)
        if (made := _range(ports, files, bounds[at] + (at > 0), bounds[at + 1])) is not None
    ]
    for one in run:
        one.run, one.level = run[0].id, files[0].level + 1
    try:
        _replace(engine, files, run, ports.clock())
    except _MergedElsewhereError:
        for one in run:
            ports.store.delete(one.key)


class _MergedElsewhereError(Exception):
    """Another process of the service merged these files meanwhile."""


def _replace(
    engine: Engine, files: Sequence[LineageFile], run: Sequence[LineageFile], at: datetime
) -> None:
    with transaction(engine) as session:
        ids = [file.id for file in files]
        mine = session.exec(
            update(LineageFile)
            .where(col(LineageFile.id).in_(ids), col(LineageFile.merged_at).is_(None))
            .values(merged_at=at)
        )
        if mine.rowcount != len(ids):
            raise _MergedElsewhereError
        session.add_all(run)


def _range(ports: Ports, files: Sequence[LineageFile], low: int, high: int) -> LineageFile | None:
    first = files[0]
    near = [source_of(ports.store, one) for one in files if one.low <= high and one.high >= low]
    if not near:
        return None
    plan = SelectPlan(
        _MERGED.format(_ORDER[first.kind]),
        {"files": tuple(near)},
        {"low": low, "high": high},
        memory_mb=ports.settings.extract_memory_mb,
        seconds=ports.settings.extract_seconds,
    )
    with TemporaryDirectory(dir=ports.scratch, prefix="lineage-") as folder:
        made = ports.selector.write(plan, Path(folder))
        file = stored(ports.store, Path(folder), made, first.dataset_id, first.kind, ports.clock())
    file.low, file.high = low, high
    return file


def _remove(engine: Engine, ports: Ports) -> None:
    """Remove files that were merged a while ago; what an extract holds stays as evidence."""
    old = select(LineageFile).where(
        col(LineageFile.merged_at) < ports.clock() - GRACE, col(LineageFile.extract_id).is_(None)
    )
    with transaction(engine) as session:
        files = session.exec(old).all()
        for file in files:
            session.delete(file)
    for file in files:
        ports.store.delete(file.key)
