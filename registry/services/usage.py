"""What was read: accesses and bytes, by agreement, organisation, person or client, and place.

An access counts on the day it was opened, and its bytes all at once. What goes on counts as far as
it is on record: never less than what left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Select, func
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select

from catalog.tables import Dataset
from registry.access.tables import Access, AccessRange, Agreement
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Client, Environment, Organisation, Seat
from registry.audit.log import known_pseudonym
from registry.services.accounts import Command
from registry.services.mandates import reach_of, stream_of
from registry.services.periods import Period, period_of

By = Literal["agreement", "dataset", "organisation", "actor", "environment", "address"]
BY: tuple[By, ...] = get_args(By)
MOST = 1_000
"""Lines that an answer gives, the most bytes first; the totals are of all."""


class UsageQuestion(Command):
    """What to add up by, and over which days in Europe/Amsterdam, first and last included.

    :param archive: for who may read all: only of this archive's datasets (id).
    """

    by: By = "agreement"
    since: date
    until: date
    archive: str | None = None


@dataclass(frozen=True)
class UsageLine:
    """What one agreement, organisation, person, place or address came to.

    :param name: what people call it; for who may not know a person, the log's pseudonym.
    """

    key: str
    name: str
    accesses: int
    ranges: int
    bytes: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Usage:
    """Lines and totals of a period."""

    by: By
    period: Period
    lines: list[UsageLine]
    accesses: int
    bytes: int


_COLUMNS: dict[By, Any] = {
    "agreement": col(Access.agreement_id),
    "dataset": col(Agreement.dataset_id),
    "organisation": col(Agreement.organisation_id),
    "actor": col(Access.caller),
    "environment": col(Access.environment_id),
    "address": func.coalesce(col(Access.address), ""),
}


def usage_of(session: Session, actor: Actor, question: UsageQuestion, *, at: datetime) -> Usage:
    """Accesses and bytes that the actor may know of: an archive's of its own datasets, a user's
    its own, and who reads the log those of its archives.
    """
    period = period_of(question.since, question.until, at)
    key = _COLUMNS[question.by]
    added: dict[str, list[Any]] = {}
    for rows in (_closed(key), _open(key)):
        chosen = _visible(session, rows, actor, question.archive, at).where(
            col(Access.opened_at) >= period.start, col(Access.opened_at) < period.stop
        )
        for name, *facts in session.execute(chosen.group_by(key)):
            added[name] = _together(added.get(name), facts)
    most = sorted(added, key=lambda name: (-added[name][2], name))[:MOST]
    names = _names(session, actor, question.by, most)
    return Usage(
        by=question.by,
        period=period,
        lines=[UsageLine(*names[one], *added[one]) for one in most],
        accesses=sum(facts[0] for facts in added.values()),
        bytes=sum(facts[2] for facts in added.values()),
    )


def _closed(key: ColumnElement[Any]) -> Select[Any]:
    """What closed accesses came to."""
    return _joined(
        key, func.count(), func.sum(col(Access.ranges)), func.sum(col(Access.bytes))
    ).where(col(Access.closed_at).is_not(None))


def _open(key: ColumnElement[Any]) -> Select[Any]:
    """What stands on record of accesses that go on."""
    sent = func.coalesce(col(AccessRange.sent), col(AccessRange.stop) - col(AccessRange.start))
    counted = (
        func.count(func.distinct(col(Access.id))),
        func.count(col(AccessRange.id)),
        func.sum(sent),
    )
    return (
        _joined(key, *counted)
        .outerjoin(AccessRange, col(AccessRange.access_id) == col(Access.id))
        .where(col(Access.closed_at).is_(None))
    )


def _joined(key: ColumnElement[Any], *counted: ColumnElement[Any]) -> Select[Any]:
    ends = (func.min(col(Access.opened_at)), func.max(col(Access.opened_at)))
    return (
        rows_of(key, *counted, *ends)
        .select_from(Access)
        .join(Agreement, col(Agreement.id) == col(Access.agreement_id))
    )


def _together(one: list[Any] | None, other: Iterable[Any]) -> list[Any]:
    accesses, ranges, sent, first, last = other
    facts = [accesses, int(ranges or 0), int(sent or 0), first, last]
    if one is None:
        return facts
    counts = [before + now for before, now in zip(one[:3], facts[:3], strict=True)]
    return [*counts, min(one[3], first), max(one[4], last)]


def _visible(
    session: Session, rows: Select[Any], actor: Actor, archive: str | None, at: datetime
) -> Select[Any]:
    if actor.role == "user":
        require(actor, Scope.EXTRACTS)
        return rows.where(col(Agreement.organisation_id) == actor.organisation_id)
    archives = reach_of(session, actor, at).archives
    if archive is not None:
        archives = frozenset({stream_of(session, actor, archive, at=at) or archive})
    return rows if archives is None else rows.where(col(Agreement.archive_id).in_(archives))


def _names(session: Session, actor: Actor, by: By, keys: list[str]) -> dict[str, tuple[str, str]]:
    """Key and name of each line."""
    if by == "actor":
        return {key: _person(session, actor, key) for key in keys}
    tables: dict[str, Any] = {"organisation": Organisation, "environment": Environment}
    if by in tables:
        table = tables[by]
        found = session.exec(select(table).where(col(table.id).in_(keys)))
        return {one.id: (one.id, one.name) for one in found}
    if by == "dataset":
        datasets = session.exec(select(Dataset).where(col(Dataset.id).in_(keys)))
        return {one.id: (one.id, one.slug) for one in datasets}
    return {key: (key, key) for key in keys}


def _person(session: Session, actor: Actor, caller: str) -> tuple[str, str]:
    """Its own people an organisation knows by name; others see the pseudonym that the log has."""
    pseudonym = known_pseudonym(session, caller) or ""
    found = session.get(Seat, caller) or session.get(Client, caller)
    if found is not None and found.organisation_id == actor.organisation_id:
        return pseudonym, found.name
    return pseudonym, pseudonym[:16]
