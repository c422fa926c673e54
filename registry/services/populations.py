"""Taking a population out of the log: rows to sample from, with the proof that none is missing."""

import secrets
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Annotated, Any, BinaryIO, Literal, cast, get_args
from uuid import UUID

import pyarrow as pa
from pyarrow.parquet import ParquetWriter
from pydantic import Field
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from registry.accounts.actors import Actor
from registry.audit import store
from registry.audit.acts import Act
from registry.audit.checkpoint import VerifierKey, encode
from registry.audit.entry import Entry
from registry.audit.exporting import export
from registry.audit.populations import (
    ACTS,
    COUNTED,
    FORM,
    HEADER,
    LARGEST_SAMPLE,
    PROOF,
    REPORT,
    ROWS,
    TABLE,
    Report,
    Sample,
    csv_line,
    row_of,
)
from registry.audit.tables import AuditCheckpoint, AuditEntry
from registry.audit.values import Json, moment
from registry.errors import Text, Unavailable
from registry.services.accounts import Command
from registry.services.mandates import stream_of
from registry.services.noting import note
from registry.services.periods import Period, period_of
from registry.services.wording import invalid, missing

Kind = Literal["requests", "decisions", "agreements", "accesses", "withdrawals"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_BATCH = 4096
_SCHEMA = pa.schema(
    [(name, pa.int64() if name in COUNTED else pa.string()) for name in HEADER],
)
_WALK = text(
    "SELECT number, tree_index, body FROM audit_entry"
    " WHERE stream = :stream AND number >= :first AND number <= :last"
    " ORDER BY number LIMIT :limit"
)


class PopulationOrder(Command):
    """Which population to take out, and what to draw from it.

    :param archive: id of the archive; an archive gets its own whatever it asks.
    :param since: first day, and ``until`` the last, in Europe/Amsterdam.
    :param sample: how many to draw; none by default.
    :param seed: what to draw with; made where none is given.
    """

    kind: Kind
    since: date
    until: date
    archive: str | None = None
    sample: Annotated[int, Field(ge=0, le=LARGEST_SAMPLE)] = 0
    seed: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9._-]*$")] = ""


def record_population(
    session: Session, actor: Actor | None, order: PopulationOrder, *, at: datetime
) -> Report:
    """Write down that a population is taken; its report, to be filled by writing it.

    :param actor: ``None`` for the operator at the machine, who may take any archive's.
    """
    stream = order.archive if actor is None else stream_of(session, actor, order.archive, at=at)
    if stream is None:
        raise invalid(
            "archive",
            "Kies van welk archief; een populatie is van één archief.",
            "Choose which archive's; a population is of one archive.",
        )
    own = actor is not None and actor.organisation_id == stream
    if not (own or store.has_stream(session, stream)):
        raise missing("archief met auditregels", "archive with audit entries", stream)
    period = period_of(order.since, order.until, at)
    seed = order.seed or secrets.token_hex(16)
    facts = {
        "format": FORM,
        "kind": order.kind,
        "since": moment(period.start),
        "until": moment(period.stop),
        "seed": seed,
        "sample_size": order.sample,
    }
    record = note(
        session, Act.AUDIT_EXPORTED, at=at, actor=actor, archive=stream, ids={}, facts=facts
    )
    return _empty(order, stream, period, record, seed)


def _empty(order: PopulationOrder, stream: str, period: Period, record: str, seed: str) -> Report:
    return Report(
        archive=stream,
        kind=order.kind,
        acts=list(ACTS[order.kind]),
        since=order.since.isoformat(),
        until=order.until.isoformat(),
        start=moment(period.start),
        stop=moment(period.stop),
        record=record,
        seed=seed,
        sample_size=order.sample,
    )


def write_population(
    session: Session, out: BinaryIO, key: VerifierKey, report: Report, scratch: Path
) -> None:
    """Write what :func:`record_population` recorded as a ZIP file; memory stays flat.

    :param report: filled with what was found.
    :raises Unavailable: the last entry that the proof needs is not in the tree yet.
    """
    low, high = _shown(session, report)
    first, last = _index(session, report, low), _index(session, report, high)
    with TemporaryDirectory(dir=scratch, prefix="population-") as folder:
        table = Path(folder) / TABLE
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
            with made.open(ROWS, "w", force_zip64=True) as rows, _parquet(table) as add:
                _write_rows(_entries(session, report, low, high), report, rows, add)
            made.write(table, TABLE, zipfile.ZIP_STORED)
            with made.open(PROOF, "w", force_zip64=True) as file:
                proof = cast("BinaryIO", file)
                done = export(session, proof, key, archive=report.archive, first=first, beyond=last)
            report.tree_size, report.root = done.size, _root(session, done.size)
            made.writestr(REPORT, report.to_bytes())


def _shown(session: Session, report: Report) -> tuple[int, int]:
    """The first and last number that the proof shows: the period's, and one beyond each end.

    Ids begin with the millisecond of their entry, so that the index on them finds the period.
    Nothing counts that was recorded after the record of this population.
    """
    record = session.exec(select(AuditEntry).where(col(AuditEntry.id) == report.record)).one()
    own = select(func.min(AuditEntry.number), func.max(AuditEntry.number)).where(
        col(AuditEntry.stream) == report.archive, col(AuditEntry.number) <= record.number
    )
    start, stop = _first_id(report.start), _first_id(report.stop)
    within: Any = own.where(col(AuditEntry.id) >= start, col(AuditEntry.id) < stop)
    low, high = session.exec(within).one()
    if low is None:
        low, _ = session.exec(own.where(col(AuditEntry.id) >= stop)).one()
        high = low - 1
    return max(low - 1, 1), min(high + 1, record.number)


def _first_id(time: str) -> str:
    """The smallest id that an entry of this moment can have (RFC 9562 section 5.7)."""
    milliseconds = round(datetime.fromisoformat(time).timestamp() * 1000)
    return str(UUID(int=milliseconds << 80))


def _index(session: Session, report: Report, number: int) -> int:
    """Where the archive's entry of this number stands in the tree."""
    entry = session.exec(
        select(AuditEntry).where(
            col(AuditEntry.stream) == report.archive, col(AuditEntry.number) == number
        )
    ).one()
    last = store.published(session, "")
    if entry.tree_index is None or last is None or last.size <= entry.tree_index:
        raise Unavailable(
            "not-integrated-yet",
            Text(
                "De laatste regel staat nog niet in de boom.", "The last entry is not in the tree."
            ),
            Text("Probeer het over een seconde weer.", "Try again in a second."),
            headers={"retry-after": "1"},
        )
    return entry.tree_index


def _root(session: Session, size: int) -> str:
    """The root of the checkpoint of this size, which has just been written."""
    root = select(AuditCheckpoint.root).where(col(AuditCheckpoint.size) == size)
    return encode(session.exec(root).one())


def _entries(session: Session, report: Report, low: int, high: int) -> Iterator[tuple[int, Entry]]:
    """The entries from number ``low`` to ``high`` that belong, each with its place in the tree."""
    selection = report.selection
    # The canonical form begins with the act: whatever is of another is passed over unread.
    fronts = tuple(f'{{"act":"{act}"'.encode() for act in report.acts)
    bounds = {"stream": report.archive, "last": high, "limit": _BATCH}
    while rows := session.execute(_WALK, {**bounds, "first": low}).all():
        low = rows[-1].number + 1
        for row in rows:
            if row.body.startswith(fronts):
                entry = Entry.from_bytes(row.body)
                if selection.holds(entry):
                    yield row.tree_index, entry


_Add = Callable[[dict[str, Json]], None]


def _write_rows(
    entries: Iterator[tuple[int, Entry]], report: Report, rows: IO[bytes], add: _Add
) -> None:
    sample = Sample(report.seed, report.sample_size)
    rows.write(csv_line(HEADER))
    for index, entry in entries:
        row = row_of(index, entry)
        rows.write(csv_line(tuple(row.values())))
        add(row)
        sample.offer(entry.number, entry.id)
        report.count += 1
        report.first, report.last = report.first or entry.number, entry.number
    report.sample = sample.numbers


@contextmanager
def _parquet(path: Path) -> Iterator[_Add]:
    """Write rows to a Parquet file, some thousands at a time."""
    waiting: list[dict[str, Json]] = []
    with ParquetWriter(path, _SCHEMA, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, _SCHEMA))
            waiting.clear()

        def add(row: dict[str, Json]) -> None:
            waiting.append(row)
            if len(waiting) >= _BATCH:
                flush()

        yield add
        flush()
