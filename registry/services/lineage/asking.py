"""Asking for lineage: who received an item, and what an extract holds and who decided that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy
from sqlalchemy import ColumnElement
from sqlalchemy.orm import defer
from sqlmodel import Session, col, func, select

from catalog.ingest import item_id
from catalog.ledger import LineKind
from catalog.ledger_tables import LedgerMoment, RightsLine
from catalog.tables import Dataset, Edition
from connectors.ports import Bound, SourceFile
from connectors.selecting import SelectPlan
from registry.access.lineage_tables import LineageFile
from registry.access.tables import Access, Agreement, DecisionRow, Extract
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Organisation
from registry.audit.log import known_pseudonym
from registry.services.catalogue import listing_of
from registry.services.lineage.files import (
    holding,
    slot_of,
    source_of,
    without_lineage,
)
from registry.services.mandates import reach_of
from registry.services.ports import Ports
from registry.services.wording import conflict, missing

MOST = 1_000
"""Receipts of one item that an answer gives, the newest; and items of an extract at once."""

_VISIBLE = """
AND NOT EXISTS (
    SELECT 1 FROM read_parquet($edition_file, hive_partitioning = false) AS newest
    WHERE newest._item = held.item AND newest._blocked
)
"""
_RECEIVED = """
SELECT held.extract, held.part, held.rights
FROM read_parquet($items, hive_partitioning = false) AS held
WHERE held.slot = $slot AND held.item = $item AND $recipient IN ('', held.recipient) {}
ORDER BY held.extract DESC
"""
_HELD = """
SELECT held.item, held.part, held.rights
FROM read_parquet($items, hive_partitioning = false) AS held
WHERE (held.slot, held.item) > ($slot, $after) {}
ORDER BY held.slot, held.item
"""
_READ = """
SELECT extract, part, actor, environment,
    count(*), sum(bytes)::BIGINT, epoch_ms(min(opened)), epoch_ms(max(opened))
FROM read_parquet($accesses, hive_partitioning = false)
WHERE extract IN $extracts
GROUP BY ALL
"""


@dataclass(frozen=True)
class Reads:
    """What one person or client read of one part from one environment.

    :param actor: pseudonym, as in the log.
    """

    part: int
    actor: str
    environment_id: str
    accesses: int
    bytes: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Received:
    """One extract that holds an item: under which rights, on whose decision, read by whom.

    :param stopped_at: since when it is not given out, for an item of it was closed.
    :param withdrawn_at: since when the archive has taken this very item back from everyone.
    """

    extract_id: str
    part: int
    rights: str
    made_at: datetime | None
    edition: str
    agreement_id: str
    decision_id: str
    decided: str
    recipient_id: str
    recipient: str
    environment_id: str
    state: str
    stopped_at: datetime | None
    withdrawn_at: datetime | None = None
    reads: list[Reads] = field(default_factory=list)


@dataclass(frozen=True)
class HeldItem:
    """One item of an extract: in which part it stands, under which rights statement at the order,
    and since when the archive has taken it back from everyone.
    """

    item: str
    part: int
    rights: str
    withdrawn_at: datetime | None = None


@dataclass(frozen=True)
class ExtractLineage:
    """What an extract holds: some of its items, and where they came from."""

    dataset_id: str
    received: Received
    rows_per_statement: Mapping[str, int]
    items: list[HeldItem]


def item_lineage(
    session: Session,
    ports: Ports,
    actor: Actor,
    dataset_id: str,
    *,
    at: datetime,
    item: str = "",
    identifier: str = "",
) -> list[Received]:
    """Every extract that holds an item, newest first.

    :param item: the item's opaque id; its owner may give its own `identifier` instead.
    """
    dataset = _dataset(session, actor, dataset_id, at)
    owns = dataset.archive_id == actor.organisation_id
    if identifier and owns:
        item = item_id(dataset.item_key, identifier)
    _refuse_unfinished(session, col(Agreement.dataset_id) == dataset.id)
    files = holding(session, dataset.id, "items", [slot_of(item)])
    if not files:
        return []
    recipient = actor.organisation_id if actor.role == "user" else ""
    params: dict[str, Bound] = {"slot": slot_of(item), "item": item, "recipient": recipient}
    found = _selected(session, ports, dataset.id, owns, _RECEIVED, files, params)
    places = [(str(one[0]), cast("int", one[1]), str(one[2])) for one in found]
    extracts = {extract for extract, _, _ in places}
    reads, origins = _reads(session, ports, dataset.id, extracts), _origins(session, extracts)
    withdrawn_at = _withdrawn(session, dataset.id, [item]).get(item)
    return [
        Received(
            part=part,
            rights=rights,
            withdrawn_at=withdrawn_at,
            reads=[one for one in reads.get(extract, ()) if one.part == part],
            **origins[extract],
        )
        for extract, part, rights in places
    ]


def extract_lineage(
    session: Session,
    ports: Ports,
    actor: Actor,
    extract_id: str,
    *,
    at: datetime,
    after: str = "",
    limit: int,
) -> ExtractLineage:
    """Items of an extract, from beyond the item `after`, with who decided and who read."""
    extract = session.get(Extract, extract_id)
    if extract is None:
        raise missing("extract", "extract", extract_id)
    agreement = session.get_one(Agreement, extract.agreement_id)
    dataset = _dataset(session, actor, agreement.dataset_id, at, extract_id)
    if actor.role == "user" and extract.organisation_id != actor.organisation_id:
        raise missing("extract", "extract", extract_id)
    _refuse_unfinished(session, col(Agreement.id) == agreement.id)
    own = select(LineageFile).where(col(LineageFile.extract_id) == extract.id)
    files = session.exec(own).all()
    if not files:
        raise missing("herkomst van extract", "lineage of extract", extract_id)
    owns = dataset.archive_id == actor.organisation_id
    params: dict[str, Bound] = {"slot": slot_of(after) if after else -1, "after": after}
    found = _selected(session, ports, dataset.id, owns, _HELD, files, params, limit)
    reads = _reads(session, ports, dataset.id, {extract.id})
    origin = _origins(session, {extract.id})[extract.id]
    return ExtractLineage(
        dataset.id,
        Received(part=0, rights="", reads=reads.get(extract.id, []), **origin),
        extract.manifest.get("rows_per_statement", {}),
        _with_withdrawals(session, dataset.id, found),
    )


def _with_withdrawals(
    session: Session, dataset_id: str, found: Sequence[tuple[Bound, ...]]
) -> list[HeldItem]:
    rows = [cast("tuple[str, int, str]", row) for row in found]
    withdrawn = _withdrawn(session, dataset_id, [row[0] for row in rows])
    return [HeldItem(*row, withdrawn.get(row[0])) for row in rows]


def _withdrawn(session: Session, dataset_id: str, items: Sequence[str]) -> dict[str, datetime]:
    """Since when each of these items that was taken back has been."""
    moment = (col(LedgerMoment.dataset_id) == col(RightsLine.dataset_id)) & (
        col(LedgerMoment.number) == col(RightsLine.moment)
    )
    lines = (
        select(RightsLine.item, func.min(LedgerMoment.at))
        .join(LedgerMoment, moment)
        .where(
            col(RightsLine.dataset_id) == dataset_id,
            col(RightsLine.item).in_(items),
            col(RightsLine.kind) == LineKind.WITHDRAWAL.value,
        )
        .group_by(col(RightsLine.item))
    )
    return dict(session.exec(lines).all())


def _dataset(
    session: Session, actor: Actor, dataset_id: str, at: datetime, name: str = ""
) -> Dataset:
    """The dataset, where the actor may ask about it; else there is none of that name.

    Its owner may, and who reads its archive's log; a user of data only of what it received.
    """
    dataset = session.get(Dataset, dataset_id)
    if dataset is not None:
        if actor.role == "user":
            require(actor, Scope.EXTRACTS)
            has = select(Agreement.id).where(
                col(Agreement.dataset_id) == dataset.id,
                col(Agreement.organisation_id) == actor.organisation_id,
            )
            if session.exec(has.limit(1)).one_or_none() is not None:
                return dataset
        elif reach_of(session, actor, at).holds(dataset.archive_id):
            return dataset
    else:
        require(actor, Scope.EXTRACTS if actor.role == "user" else Scope.AUDIT)
    if name:
        raise missing("extract", "extract", name)
    raise missing("dataset", "dataset", dataset_id)


def _refuse_unfinished(session: Session, which: ColumnElement[bool]) -> None:
    """An answer that leaves out what was given out a moment ago would be a wrong one."""
    agreed = col(Extract.agreement_id).in_(select(Agreement.id).where(which))
    if without_lineage(session, agreed):
        raise conflict(
            "lineage-unfinished",
            "Een extract van zojuist wordt nog in de herkomst opgeschreven.",
            "An extract made just now is still being written into the lineage.",
            "Probeer het over een halve minuut nog eens.",
            "Try again in half a minute.",
        )


def _selected(
    session: Session,
    ports: Ports,
    dataset_id: str,
    owns: bool,
    text: str,
    files: Sequence[LineageFile],
    params: Mapping[str, Bound],
    most: int = MOST,
) -> list[tuple[Bound, ...]]:
    """Rows of lineage; items that are hard-blocked now are there for their owner alone."""
    sources = {"items": tuple(source_of(ports.store, file) for file in files)}
    if not owns:
        sources["edition_file"] = (_newest(session, ports, dataset_id),)
    plan = SelectPlan(text.format("" if owns else _VISIBLE), sources, params)
    return ports.selector.rows(plan, most=most)


def _newest(session: Session, ports: Ports, dataset_id: str) -> SourceFile:
    """The newest edition's file, which says what is hard-blocked now."""
    newest = select(Edition).where(col(Edition.dataset_id) == dataset_id)
    edition = session.exec(newest.order_by(col(Edition.number).desc()).limit(1)).one()
    return SourceFile(ports.store.path(edition.key), edition.sha256, edition.bytes)


def _reads(
    session: Session, ports: Ports, dataset_id: str, extracts: set[str]
) -> dict[str, list[Reads]]:
    """Who read what of these extracts: from files, and from the rows that stand in none yet."""
    slots = {slot_of(extract) for extract in extracts}
    files = holding(session, dataset_id, "accesses", slots) if extracts else []
    rows: list[tuple[Any, ...]] = []
    if files:
        plan = SelectPlan(
            _READ,
            {"accesses": tuple(source_of(ports.store, file) for file in files)},
            {"extracts": sorted(extracts)},
        )
        found = ports.selector.rows(plan, most=10 * MOST)
        rows = [(*row[:6], _moment(row[6]), _moment(row[7])) for row in found]
    reads: dict[str, list[Reads]] = {}
    for extract, *facts in [*rows, *_unfiled(session, extracts)]:
        reads.setdefault(str(extract), []).append(Reads(*facts))
    return reads


def _moment(milliseconds: Bound) -> datetime:
    return datetime.fromtimestamp(cast("int", milliseconds) / 1000, UTC)


def _unfiled(session: Session, extracts: set[str]) -> list[tuple[Any, ...]]:
    """Accesses that go on, or were closed a short while ago; bytes count once closed."""
    counted = (
        sqlalchemy.select(
            col(Access.extract_id),
            col(Access.part),
            col(Access.caller),
            col(Access.environment_id),
            func.count(),
            func.coalesce(func.sum(col(Access.bytes)), 0),
            func.min(Access.opened_at),
            func.max(Access.opened_at),
        )
        .where(col(Access.lineage).is_(None), col(Access.extract_id).in_(extracts))
        .group_by(
            col(Access.extract_id), col(Access.part), col(Access.caller), col(Access.environment_id)
        )
    )
    return [
        (
            row[0],
            row[1],
            known_pseudonym(session, row[2]) or "",
            row[3],
            row[4],
            int(row[5]),
            row[6],
            row[7],
        )
        for row in session.execute(counted)
    ]


def _origins(session: Session, extracts: set[str]) -> dict[str, dict[str, Any]]:
    """Of each extract: agreement, decision and who took it, edition, recipient and place."""
    found = session.exec(
        select(Extract, Agreement, DecisionRow, Organisation)
        .join(Agreement, col(Agreement.id) == col(Extract.agreement_id))
        .join(DecisionRow, col(DecisionRow.id) == col(Agreement.decision_id))
        .join(Organisation, col(Organisation.id) == col(Extract.organisation_id))
        .where(col(Extract.id).in_(extracts))
        .options(
            defer(Extract.manifest),  # type: ignore[arg-type] # a column, which SQLModel types by value
            defer(Extract.snapshot),  # type: ignore[arg-type] # as above
            defer(Agreement.document),  # type: ignore[arg-type] # as above
            defer(DecisionRow.snapshot),  # type: ignore[arg-type] # as above
        )
    ).all()
    editions = {
        extract.edition_id: listing_of(session, one.dataset_id, extract.edition_id).reference
        for extract, one, _, _ in found
    }
    deciders = {one.reviewed_by for _, _, one, _ in found if one.reviewed_by}
    names = {one: known_pseudonym(session, one) or "" for one in deciders}
    return {
        extract.id: {
            "extract_id": extract.id,
            "made_at": extract.finished_at,
            "state": extract.state,
            "stopped_at": extract.stopped_at,
            "edition": editions[extract.edition_id],
            "agreement_id": agreement.id,
            "decision_id": decision.id,
            "decided": names.get(decision.reviewed_by or "", ""),
            "recipient_id": recipient.id,
            "recipient": recipient.name,
            "environment_id": agreement.environment_id,
        }
        for extract, agreement, decision, recipient in found
    }
