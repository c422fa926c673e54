"""Nothing that the ledger has closed since an extract was cut leaves with it any more.

Rights fix when an extract is cut, and the ledger applies again at every read. The first read after
a new moment looks whether the extract holds one of the items closed since; if so it is stopped for
good, and a successor without them is ordered under the same agreement. Whoever comes first does
it, a reader or the background round: nobody waits for a job, and nothing is closed in vain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.parquet import ParquetFile
from sqlmodel import Session, col, select

from catalog.ledger_tables import LedgerMoment, RightsLine
from catalog.terms import AMSTERDAM
from connectors.ports import ObjectStore
from registry.access.tables import Agreement, Extract, Part
from registry.audit.acts import Act
from registry.errors import Gone, Text
from registry.ids import new_id
from registry.recent import Recent
from registry.services.extracts import note_extract
from registry.services.locking import locked
from registry.services.snapshots import newest_moment, stands_of

WITHDRAWN = "extract-withdrawn"
"""Code of the refusal to give out an extract that holds what was closed since."""
_AT_ONCE = 500
_clean: Recent[tuple[str, int], None] = Recent(4096)
"""Extracts that this process looked through for a moment of their ledger, and found nothing."""


@dataclass(frozen=True)
class Held:
    """An extract, whose it is, and the newest moment of its dataset's ledger."""

    extract: Extract
    agreement: Agreement
    country: str
    newest: int


def is_withdrawn(
    session: Session, held: Held, store: ObjectStore, origin: str, at: datetime
) -> Gone | None:
    """Why a ready extract is not given out any more; ``None`` while nothing in it is closed.

    Only reads: a refusal is carried out by :func:`stop`.
    """
    extract = held.extract
    if extract.stopped_at is not None:
        return gone(extract, origin)
    key = (extract.id, held.newest)
    if extract.checked_moment >= held.newest or key in _clean:
        return None
    closed = _closed_since(session, held, at)
    if (
        closed
        and next(held_items(session, extract, pa.array(closed, pa.string()), store), None)
        is not None
    ):
        return gone(extract, origin)
    _clean[key] = None
    return None


def _closed_since(session: Session, held: Held, at: datetime) -> list[str]:
    """Items that lines entered since then close to this recipient, as all lines stand now."""
    dataset_id, newest = held.agreement.dataset_id, held.newest
    touched = session.exec(
        select(RightsLine.item)
        .where(
            col(RightsLine.dataset_id) == dataset_id,
            col(RightsLine.moment) > held.extract.checked_moment,
            col(RightsLine.moment) <= newest,
        )
        .distinct()
    ).all()
    moment = session.get_one(LedgerMoment, (dataset_id, newest))
    today = at.astimezone(AMSTERDAM).date()
    return [
        one.item
        for start in range(0, len(touched), _AT_ONCE)
        for one in stands_of(session, moment, touched[start : start + _AT_ONCE])
        if one.opt_out
        or one.closes(held.country)
        or (one.embargo_until is not None and one.embargo_until > today)
    ]


def held_items(
    session: Session, extract: Extract, wanted: pa.Array, store: ObjectStore
) -> Iterator[pa.Array]:
    """Those of these items that the extract's files hold, file by file."""
    parts = select(Part).where(col(Part.extract_id) == extract.id).order_by(col(Part.number))
    for part in session.exec(parts).all():
        with ParquetFile(store.path(part.key)) as file:
            for batch in file.iter_batches(columns=["_item"], batch_size=1 << 17):
                ids = batch.column(0)
                found = ids.filter(pc.is_in(ids, wanted))
                if len(found):
                    yield found


def stop(session: Session, extract: Extract, agreement: Agreement, at: datetime) -> None:
    """Give the extract out no more, and order its successor; once only."""
    if locked(session, extract).stopped_at is not None:
        return
    extract.stopped_at = at
    successor = Extract(
        id=new_id("ext", at),
        agreement_id=extract.agreement_id,
        edition_id=extract.edition_id,
        organisation_id=extract.organisation_id,
        columns=extract.columns,
        snapshot=extract.snapshot,
        identity=extract.identity,
        ordered_by=extract.ordered_by,
        ordered_at=at,
    )
    session.add(successor)
    session.flush()
    extract.successor_id = successor.id
    session.add(extract)
    moment = newest_moment(session, agreement.dataset_id)
    facts = {"reason": "ledger-closed", "ledger_moment": moment}
    note_extract(session, None, Act.EXTRACT_STOPPED, extract, agreement, at, facts)
    note_extract(session, None, Act.EXTRACT_ORDERED, successor, agreement, at, previous=extract.id)


def gone(extract: Extract, origin: str) -> Gone:
    """The refusal, with the address of the successor once it is known."""
    successor = f"{origin}/v1/extracts/{extract.successor_id}"
    return Gone(
        WITHDRAWN,
        Text(
            "Dit extract bevat items die zijn ingetrokken of gesloten.",
            "This extract holds items that were withdrawn or closed.",
        ),
        Text(
            f"Verwijder het. Zonder die items staat het op {successor}.",
            f"Remove it. Without those items it is at {successor}.",
        ),
        headers={"Link": f'<{successor}>; rel="successor-version"'},
    )
