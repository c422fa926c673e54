"""The job that cuts an extract. The extract's row is the truth; this may run any number of times.

Rows and parts are staged in a folder of the job's own, compared with the counts stored at
publication (two interpreters of one filter must agree), put into the store under the hash of their
content, and named in one transaction with the audit entry. A kill before that transaction leaves
nothing that anyone can see; a run after it finds the work done. An extract that was cut before, for
whomever, is not cut again: its files are named (:mod:`registry.services.reusing`).
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from pyarrow.parquet import ParquetFile
from sqlalchemy import Engine
from sqlmodel import Session, col, select, update

from catalog.tables import Dataset, Delivery, Edition
from connectors.errors import ConnectorError, JobCancelled, JobDied, StoreUnavailable
from connectors.ports import Bound, ExtractPlan, ExtractResult, OutColumn, ShouldStop, SourceFile
from policies import Selection
from registry.access.tables import Agreement, Extract, Part
from registry.audit.acts import Act
from registry.db import reading, transaction
from registry.digests import digest
from registry.errors import RegistryError, Text
from registry.services.counting import classes_of, permitted_rows
from registry.services.extracts import ALWAYS, UNDER_WAY, cut_of, identity_of, note_extract
from registry.services.laying import content_of
from registry.services.lineage.keeping import file_items
from registry.services.manifests import (
    Cut,
    manifest,
    part_metadata,
    sign,
)
from registry.services.masking import select_cleared, shown_cells
from registry.services.places import country_of
from registry.services.ports import Ports
from registry.services.residency import outside
from registry.services.reusing import cut_before, still_readable
from registry.services.snapshots import bring_up, overlay_of, source_of
from registry.services.wording import why_failed

PROGRESS_EVERY = 0.5
"""Seconds between writing the progress down and looking whether the job was cancelled."""


def run_extract(engine: Engine, ports: Ports, extract_id: str) -> None:
    """Cut the extract and publish it, unless that was done or it was cancelled.

    It is cut against the rights ledger as it stands when the job begins; the manifest says which.
    Its lineage is written once it can be read, so that nobody waits for that.
    """
    with reading(engine) as session:
        extract = session.get_one(Extract, extract_id)
        agreement = session.get_one(Agreement, extract.agreement_id)
        if extract.state not in UNDER_WAY:
            return
    bring_up(engine, ports, agreement.dataset_id, extract.edition_id)
    with transaction(engine) as session:
        extract = session.get_one(Extract, extract_id)
        if extract.state not in UNDER_WAY:
            return
        cut, rows, cells = _pinned(session, extract)
    work = ports.scratch / f"extract-{extract_id}"
    folder = work / "parts"
    shutil.rmtree(work, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        if not _reused(engine, ports, cut, rows):
            result = _cut(engine, ports, cut, rows, cells, folder)
            _publish(engine, ports, cut, rows, _stored(ports, cut, result, folder))
    except JobCancelled:
        return
    except (StoreUnavailable, JobDied):
        raise  # later may help: the job is tried again
    except (ConnectorError, RegistryError) as wrong:
        _fail(engine, ports, cut, wrong)
    else:
        file_items(engine, ports, extract_id)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _pinned(session: Session, extract: Extract) -> tuple[Cut, dict[str, int], dict[str, int]]:
    """What is to be cut, at the ledger's moment that was counted last; its rows and cells."""
    classes = classes_of(session, extract.edition_id)
    extract.state, extract.progress = "running", 0
    extract.ledger_moment = extract.checked_moment = classes.moment
    cut = cut_of(session, extract)
    if cut.ledger is not None:
        edition = session.get_one(Edition, extract.edition_id)
        selection = select_cleared(cut.decision, cut.masks, cut.ledger)
        extract.identity = identity_of(edition, selection, extract.columns, cut.ledger)
    session.add(extract)
    there = classes.open_in(cut.decision.request.place.country)
    cells = shown_cells(cut.decision, cut.masks, there)
    return cut, permitted_rows(cut.decision, classes), cells


def _disagreement(nl: str, en: str) -> RegistryError:
    """DuckDB wrote another number of rows than the policy engine counted: nothing may leave."""
    return RegistryError("rows-disagree", Text(nl, en))


def _cut(
    engine: Engine,
    ports: Ports,
    cut: Cut,
    rows: Mapping[str, int],
    cells: Mapping[str, int],
    folder: Path,
) -> ExtractResult:
    progress = _Progress(engine, cut.extract.id)
    result = ports.extractor.extract(
        _plan(engine, ports, cut, folder, progress.cancelled),
        on_progress=progress.note,
        should_stop=progress.cancelled,
    )
    expected, written = sum(rows.values()), _written(result, folder)
    if written != rows or result.rows != expected:
        raise _disagreement(
            f"Er zijn {result.rows} regels geschreven die niet kloppen met de {expected} die waren"
            " vrijgegeven. Er is niets afgegeven; de beheerder moet dit onderzoeken.",
            f"{result.rows} rows were written that do not match the {expected} that were cleared."
            " Nothing was given out; the operator must look into this.",
        )
    for column, filled in _filled(result, folder, cells).items():
        if filled > cells[column]:
            raise _disagreement(
                f"De kolom `{column}` heeft {filled} waarden waar er hoogstens {cells[column]}"
                " waren vrijgegeven. Er is niets afgegeven; de beheerder moet dit onderzoeken.",
                f"The column `{column}` has {filled} values where at most {cells[column]} were"
                " cleared. Nothing was given out; the operator must look into this.",
            )
    return result


def _written(result: ExtractResult, folder: Path) -> dict[str, int]:
    """Rows per rights statement, counted in the files as they stand."""
    rows: Counter[str] = Counter()
    for file in result.files:
        with ParquetFile(folder / file.name) as part:
            for batch in part.iter_batches(columns=["_rights"]):
                for count in batch.column(0).value_counts().to_pylist():
                    rows[str(count["values"])] += count["counts"]
    return dict(rows)


def _filled(result: ExtractResult, folder: Path, columns: Iterable[str]) -> dict[str, int]:
    """Values that are not NULL, per masked column, counted in the files as they stand."""
    filled = dict.fromkeys(columns, 0)
    for file in result.files:
        with ParquetFile(folder / file.name) as part:
            for batch in part.iter_batches(columns=list(filled)) if filled else ():
                for name in filled:
                    filled[name] += batch.num_rows - batch.column(name).null_count
    return filled


def _plan(
    engine: Engine, ports: Ports, cut: Cut, folder: Path, cancelled: ShouldStop
) -> ExtractPlan:
    edition = cut.listing.edition
    if edition is None:
        raise AssertionError("an agreement always names an edition")
    selection = select_cleared(cut.decision, cut.masks, cut.ledger)
    return ExtractPlan(
        sources=(_source(engine, ports, cut, edition, folder, cancelled),),
        overlay=overlay_of(ports.store, cut.ledger) if cut.ledger else None,
        columns=_out_columns(edition, selection),
        where=selection.where,
        params=cast("Mapping[str, Bound | Sequence[Bound]]", selection.params),
        metadata=part_metadata(cut, ports.settings.origin),
        out_dir=folder,
        memory_mb=ports.settings.extract_memory_mb,
        seconds=ports.settings.extract_seconds,
    )


def _source(
    engine: Engine,
    ports: Ports,
    cut: Cut,
    edition: Edition,
    folder: Path,
    cancelled: ShouldStop,
) -> SourceFile:
    """The edition's items with their content, wherever that stands."""
    with reading(engine) as session:
        delivery = session.get_one(Delivery, edition.delivery_id)
        dataset = session.get_one(Dataset, edition.dataset_id)
    if not delivery.place:
        return source_of(ports.store, edition)
    country = country_of(ports.settings, delivery)
    refusal = outside(cut.decision, {*ports.settings.regions, country})
    if refusal is not None:
        raise refusal
    apart = folder.with_name("source")
    apart.mkdir()
    return content_of(ports, dataset, delivery, apart, cancelled)


def _out_columns(edition: Edition, selection: Selection) -> tuple[OutColumn, ...]:
    types = {column["name"]: column["type"] for column in edition.columns}
    always = (OutColumn(name, name, "VARCHAR") for name in ALWAYS)
    chosen = (
        OutColumn(
            name,
            None if shown == "FALSE" else name,
            types[name],
            None if shown in ("TRUE", "FALSE") else shown,
        )
        for name, shown in selection.shown.items()
    )
    return (*always, *chosen)


class _Progress:
    """Writes the progress down now and then, and reads whether someone cancelled."""

    def __init__(self, engine: Engine, extract_id: str) -> None:
        self._engine, self._id = engine, extract_id
        self._noted = self._read = 0.0
        self._stop = False

    def note(self, share: float) -> None:
        """The share done, 0.0 to 1.0."""
        if time.monotonic() - self._noted < PROGRESS_EVERY:
            return
        self._noted = time.monotonic()
        with transaction(self._engine) as session:
            session.exec(
                update(Extract)
                .where(col(Extract.id) == self._id, col(Extract.state) == "running")
                .values(progress=min(99, int(share * 100)))
            )

    def cancelled(self) -> bool:
        """Whether the extract's row says that it is not wanted any more."""
        if not self._stop and time.monotonic() - self._read >= PROGRESS_EVERY:
            self._read = time.monotonic()
            with reading(self._engine) as session:
                state = select(Extract.state).where(col(Extract.id) == self._id)
                self._stop = session.exec(state).one() != "running"
        return self._stop


def _reused(engine: Engine, ports: Ports, cut: Cut, rows: Mapping[str, int]) -> bool:
    """Publish it with the files of an equal extract, where one can be read; whether that was so."""
    wanted = manifest(cut, (), rows, ports.settings.origin, ports.clock())
    with reading(engine) as session:
        found = cut_before(session, ports.store, cut.extract, wanted)
    return found is not None and _publish(engine, ports, cut, rows, found[1], found[0])


def _stored(ports: Ports, cut: Cut, result: ExtractResult, folder: Path) -> list[Part]:
    """What was cut as parts, their files in the store."""
    parts = []
    for number, file in enumerate(result.files, start=1):
        key = f"parts/{file.sha256}.parquet"
        ports.store.take(key, folder / file.name)
        parts.append(
            Part(
                extract_id=cut.extract.id,
                number=number,
                key=key,
                sha256=file.sha256,
                bytes=file.bytes,
                rows=file.rows,
            )
        )
    return parts


def _publish(
    engine: Engine,
    ports: Ports,
    cut: Cut,
    rows: Mapping[str, int],
    parts: Sequence[Part],
    example: Extract | None = None,
) -> bool:
    """Name the parts; false where they are an example's that cannot be read any more."""
    at = ports.clock()
    document = manifest(cut, parts, rows, ports.settings.origin, at)
    signature = sign(document, ports.signer)
    with transaction(engine) as session:
        if example is not None and not still_readable(session, example):
            return False
        extract = _running(session, cut.extract.id)
        if extract is None:
            return True
        extract.state, extract.progress, extract.finished_at = "ready", 100, at
        extract.rows, extract.bytes = document["rows"], sum(part.bytes for part in parts)
        extract.manifest, extract.signature = document, signature
        session.add(extract)
        session.add_all(parts)
        session.flush()
        facts = {
            "manifest_digest": digest(document),
            "files": len(parts),
            "bytes": extract.bytes,
            "items": extract.rows,
            "identity": extract.identity,
        }
        _note(session, Act.EXTRACT_MADE, extract, cut.agreement, ports, facts)
    return True


def _running(session: Session, extract_id: str) -> Extract | None:
    """The extract under its row lock, unless another run finished it or it was cancelled."""
    wanted = select(Extract).where(col(Extract.id) == extract_id).with_for_update()
    extract = session.exec(wanted).one()
    return extract if extract.state == "running" else None


def _fail(engine: Engine, ports: Ports, cut: Cut, wrong: ConnectorError | RegistryError) -> None:
    with transaction(engine) as session:
        extract = _running(session, cut.extract.id)
        if extract is None:
            return
        extract.state, extract.finished_at = "failed", ports.clock()
        extract.problem = why_failed(wrong)
        session.add(extract)
        _note(session, Act.EXTRACT_FAILED, extract, cut.agreement, ports, {"reason": wrong.code})


def _note(
    session: Session,
    act: Act,
    extract: Extract,
    agreement: Agreement,
    ports: Ports,
    facts: dict[str, object],
) -> None:
    note_extract(session, None, act, extract, agreement, ports.clock(), facts)
