"""The ledger as of a moment, as a file that an extract is cut against, and the counts it gives.

A snapshot is made by a job soon after the act that it follows, named by the hash of its content
and never changed. What was entered since the last one stands in the database alone; reads look
there (:mod:`registry.services.stopping`), so that nothing waits for a job to be closed.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Engine
from sqlmodel import Session, col, func, or_, select

from catalog.ingest import FACTS
from catalog.ledger import ADDED, CLOSED_IN, COLUMNS, Said, Standing, snapshot, standing
from catalog.ledger_tables import EditionCount, LedgerMoment, RightsLine
from catalog.tables import Edition, Offer
from connectors.ports import Group, Laid, ObjectStore, Overlay, SourceFile
from registry.access.tables import Agreement, Extract
from registry.db import reading, transaction
from registry.services.catalogue import listing_changed
from registry.services.locking import locked
from registry.services.ports import Ports

AS_LEFT = "NOT _blocked AND NOT _withdrawn"
"""Items that stand in totals, once a ledger is laid over an edition."""
_AT_ONCE = 500
"""Items whose lines are read by one query."""
_FEW = 20_000
"""Up to so many changed items, the last snapshot is mended rather than made anew."""
_SCHEMA = pa.schema(
    [
        ("_item", pa.string()),
        ("_opt_out", pa.bool_()),
        ("_embargo_until", pa.date32()),
        (CLOSED_IN, pa.string()),
        ("_withdrawn", pa.bool_()),
        ("_cleared", pa.bool_()),
    ]
)


def newest_moment(session: Session, dataset_id: str) -> int:
    """The number of the last act on the dataset's ledger; 0 before the first."""
    numbers = select(func.max(LedgerMoment.number)).where(
        col(LedgerMoment.dataset_id) == dataset_id
    )
    return session.exec(numbers).one() or 0


def overlay_of(store: ObjectStore, moment: LedgerMoment) -> Overlay:
    """The ledger as of a moment, to be laid over an edition."""
    file = SourceFile(store.path(moment.key), moment.sha256, moment.bytes)
    return Overlay(file, "_item", COLUMNS, ADDED)


def laid(store: ObjectStore, edition: Edition, moment: LedgerMoment | None) -> Laid:
    """The edition's items that stand in totals, as the ledger leaves them."""
    source = (source_of(store, edition),)
    if moment is None:
        return Laid(source, "NOT _blocked")
    return Laid(source, AS_LEFT, overlay=overlay_of(store, moment))


def source_of(store: ObjectStore, edition: Edition) -> SourceFile:
    """The edition's file, with the hash it was registered with."""
    return SourceFile(store.path(edition.key), edition.sha256, edition.bytes)


def bring_up(engine: Engine, ports: Ports, dataset_id: str, edition_id: str | None = None) -> None:
    """Make the newest moment's snapshot and counts, where they are not there yet.

    :param edition_id: an edition to count in any case; else those that are offered or agreed on.
    """
    with reading(engine) as session:
        number = newest_moment(session, dataset_id)
        moment = session.get(LedgerMoment, (dataset_id, number))
        if moment is None:
            return
        if not moment.key:
            table = _table(session, ports.store, moment)
            moment = _keep(engine, ports, moment, table)
        editions = _uncounted(session, moment, edition_id)
    for edition in editions:
        _count(engine, ports, edition, moment)


def behind(session: Session) -> list[str]:
    """Datasets whose ledger has a moment without snapshot, or an edition not counted at it."""
    newest = (
        select(col(LedgerMoment.dataset_id), func.max(LedgerMoment.number).label("number"))
        .group_by(col(LedgerMoment.dataset_id))
        .subquery()
    )
    found = session.exec(select(newest.c.dataset_id, newest.c.number)).all()
    moments = [session.get_one(LedgerMoment, (one[0], one[1])) for one in found]
    return [m.dataset_id for m in moments if not m.key or _uncounted(session, m, None)]


def _uncounted(session: Session, moment: LedgerMoment, edition_id: str | None) -> list[Edition]:
    """Editions in use whose counts are of an older moment."""
    offered = select(Offer.edition_id).where(col(Offer.state) == "in_force")
    agreed = select(Agreement.edition_id).where(col(Agreement.state) == "in_force")
    cut = select(Extract.edition_id).where(col(Extract.state).in_(("ordered", "running", "ready")))
    in_use = or_(
        col(Edition.id).in_(offered),
        col(Edition.id).in_(agreed),
        col(Edition.id).in_(cut),
        col(Edition.id) == edition_id,
    )
    counted = select(EditionCount.edition_id).where(col(EditionCount.moment) >= moment.number)
    return list(
        session.exec(
            select(Edition)
            .where(col(Edition.dataset_id) == moment.dataset_id, in_use)
            .where(col(Edition.id).not_in(counted))
        )
    )


def _table(session: Session, store: ObjectStore, moment: LedgerMoment) -> pa.Table:
    """What stands for every item then; mended from the last snapshot where that is quick."""
    last = session.exec(
        select(LedgerMoment)
        .where(col(LedgerMoment.dataset_id) == moment.dataset_id, col(LedgerMoment.key) != "")
        .order_by(col(LedgerMoment.number).desc())
        .limit(1)
    ).one_or_none()
    own = _lines(moment)
    if last is not None:
        since = own.where(col(RightsLine.moment) > last.number)
        changed = sorted({str(row.item) for row in session.execute(since)})
        if len(changed) <= _FEW:
            return _mended(session, store, moment, last, changed)
    return _as_table(snapshot(_said(session.execute(own.order_by(*_ORDER)))))


_ORDER = (col(RightsLine.moment), col(RightsLine.id))


def _lines(moment: LedgerMoment) -> Any:
    """The query of all lines as of a moment."""
    names = ("id", "item", "kind", "rightsholder", "share", "territory", "until", "ends")
    return select(*(getattr(RightsLine, name) for name in names)).where(
        col(RightsLine.dataset_id) == moment.dataset_id,
        col(RightsLine.moment) <= moment.number,
    )


def _said(rows: Iterable[Any]) -> Iterable[Said]:
    return (Said(*row) for row in rows)


def _mended(
    session: Session,
    store: ObjectStore,
    moment: LedgerMoment,
    last: LedgerMoment,
    changed: Sequence[str],
) -> pa.Table:
    before = pq.read_table(store.path(last.key))
    kept = before.filter(pc.invert(pc.is_in(before["_item"], pa.array(changed, pa.string()))))
    found: list[Standing] = []
    for start in range(0, len(changed), _AT_ONCE):
        found += stands_of(session, moment, changed[start : start + _AT_ONCE])
    return pa.concat_tables([kept, _as_table(found)]).sort_by("_item")


def stands_of(session: Session, moment: LedgerMoment, items: Sequence[str]) -> list[Standing]:
    """What stands at the moment for each of these items of which anything still does."""
    own = _lines(moment).where(col(RightsLine.item).in_(items))
    by_item: dict[str, list[Said]] = {}
    for line in _said(session.execute(own.order_by(*_ORDER))):
        by_item.setdefault(line.item, []).append(line)
    stands = (standing(item, lines) for item, lines in sorted(by_item.items()))
    return [one for one in stands if not one.says_nothing]


def _as_table(stands: Sequence[Standing]) -> pa.Table:
    return pa.table(
        {
            "_item": [one.item for one in stands],
            "_opt_out": [one.opt_out for one in stands],
            "_embargo_until": [one.embargo_until for one in stands],
            CLOSED_IN: [one.closed_in or None for one in stands],
            "_withdrawn": [one.withdrawn for one in stands],
            "_cleared": [one.cleared for one in stands],
        },
        schema=_SCHEMA,
    )


def _keep(engine: Engine, ports: Ports, moment: LedgerMoment, table: pa.Table) -> LedgerMoment:
    """Store the snapshot and name it in its moment."""
    with TemporaryDirectory(dir=ports.scratch, prefix="ledger-") as place:
        file = Path(place) / "snapshot.parquet"
        pq.write_table(table, file, compression="zstd", row_group_size=100_000)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        stored = ports.store.put(f"ledgers/{sha256}.parquet", file)
    with transaction(engine) as session:
        row = locked(session, session.get_one(LedgerMoment, (moment.dataset_id, moment.number)))
        row.key, row.sha256, row.bytes = stored.key, stored.sha256, stored.bytes
        row.items = table.num_rows
        session.add(row)
    return row


def _count(engine: Engine, ports: Ports, edition: Edition, moment: LedgerMoment) -> None:
    found = ports.inquirer.count(laid(ports.store, edition, moment), (*FACTS, CLOSED_IN))
    with transaction(engine) as session:
        row = session.get(EditionCount, edition.id) or EditionCount(edition_id=edition.id, moment=0)
        if row.moment < moment.number:
            row.moment, row.classes = moment.number, [_class(group) for group in found]
            session.add(row)
            listing_changed(session, edition.dataset_id, ports.clock())


def _class(group: Group) -> dict[str, Any]:
    *facts, closed_in = group.values
    named = dict(zip((name.removeprefix("_") for name in FACTS), facts, strict=True))
    embargo = cast("date | None", named["embargo_until"])
    named["embargo_until"] = embargo.isoformat() if embargo is not None else None
    return {"facts": named, "closed_in": closed_in or "", "items": group.rows}
