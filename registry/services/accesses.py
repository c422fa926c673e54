"""What is written down of reading: accesses, and the ranges that each of them took.

``access:opened`` commits before the first byte; ranges of the next five minutes from the same
caller and place belong to the same access; ``access:closed`` commits what they came to.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, delete, select

from registry.access.tables import Access, AccessRange, Agreement
from registry.accounts.actors import Actor
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.digests import digest
from registry.ids import new_id
from registry.services.noting import note
from registry.services.reading import Readable

WINDOW = timedelta(minutes=5)
"""Ranges this close together are one access."""
ABANDONED = timedelta(hours=1)
"""A range that has not ended by then never will: its reader or this process is gone."""


class Ended(NamedTuple):
    """A range that was answered: what was asked for, how many bytes of it left, and when."""

    start: int
    stop: int
    sent: int
    at: datetime


class Promised(NamedTuple):
    """Bytes on record before they leave: their access, the range that stands for them, the end."""

    access_id: str
    row: int
    until: datetime


def promise(
    session: Session, actor: Actor, readable: Readable, count: int, *, at: datetime
) -> Promised:
    """Write down that up to so many bytes will leave; to be committed before the first does.

    They stand there as one range whose end is unknown, and count as sent until :func:`settle`.
    """
    access = _open_window(session, actor, readable, at) or _new_access(session, actor, readable, at)
    asked = AccessRange(access_id=access.id, start=0, stop=count, at=at)
    session.add(asked)
    session.flush()
    if asked.id is None:
        raise AssertionError("a flushed row has its key")
    return Promised(access.id, asked.id, access.until)


def settle(session: Session, access_id: str, row: int | None, ended: Iterable[Ended]) -> None:
    """Put the ranges that were answered in the place of what was promised.

    What comes after its access was closed changes nothing: there the promise was counted whole.

    :param row: the range that stands for the promise; `None` leaves it there.
    """
    access = session.get_one(Access, access_id, with_for_update=True)
    if access.closed_at is not None:
        return
    session.add_all(AccessRange(access_id=access_id, **one._asdict()) for one in ended)
    if row is not None:
        session.exec(delete(AccessRange).where(col(AccessRange.id) == row))


def _open_window(session: Session, actor: Actor, readable: Readable, at: datetime) -> Access | None:
    return session.exec(
        select(Access)
        .where(
            col(Access.extract_id) == readable.extract.id,
            col(Access.part) == readable.part.number,
            col(Access.caller) == actor.id,
            col(Access.environment_id) == readable.environment.id,
            col(Access.address) == readable.address,
            col(Access.closed_at).is_(None),
            col(Access.until) > at,
        )
        .limit(1)
    ).first()


def _new_access(session: Session, actor: Actor, readable: Readable, at: datetime) -> Access:
    access = Access(
        id=new_id("acc", at),
        extract_id=readable.extract.id,
        part=readable.part.number,
        agreement_id=readable.agreement.id,
        caller=actor.id,
        environment_id=readable.environment.id,
        address=readable.address,
        opened_at=at,
        until=at + WINDOW,
    )
    session.add(access)
    session.flush()
    facts = {
        "part": access.part,
        "until": moment(access.until),
        "sha256": f"sha256:{readable.part.sha256}",
        "bytes": readable.part.bytes,
    }
    _note(session, actor, Act.ACCESS_OPENED, access, readable.agreement, at, facts)
    return access


def close_windows(session: Session, *, at: datetime, limit: int = 200) -> int:
    """Close accesses whose window is over and whose ranges have ended; how many there were."""
    over = session.exec(
        select(Access)
        .where(col(Access.closed_at).is_(None), col(Access.until) <= at)
        .order_by(col(Access.agreement_id), col(Access.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_close(session, access, at) for access in over)


def _close(session: Session, access: Access, at: datetime) -> bool:
    ranges = session.exec(
        select(AccessRange)
        .where(col(AccessRange.access_id) == access.id)
        .order_by(col(AccessRange.id))
    ).all()
    under_way = any(one.sent is None for one in ranges)
    if under_way and at - access.until < ABANDONED:
        return False
    # Of a range that never ended, all that was asked for counts as sent: no byte goes uncounted.
    sent = [one.stop - one.start if one.sent is None else one.sent for one in ranges]
    access.closed_at, access.ranges, access.bytes = at, len(ranges), sum(sent)
    session.add(access)
    facts = {
        "part": access.part,
        "ranges": access.ranges,
        "bytes": access.bytes,
        "ranges_digest": digest(
            [[one.start, one.stop, count] for one, count in zip(ranges, sent, strict=True)]
        ),
    }
    agreement = session.get_one(Agreement, access.agreement_id)
    _note(session, None, Act.ACCESS_CLOSED, access, agreement, at, facts)
    return True


def _note(
    session: Session,
    actor: Actor | None,
    act: Act,
    access: Access,
    agreement: Agreement,
    at: datetime,
    facts: dict[str, object],
) -> None:
    ids = {
        "access": access.id,
        "agreement": agreement.id,
        "extract": access.extract_id,
        "dataset": agreement.dataset_id,
        "environment": access.environment_id,
    }
    note(session, act, at=at, actor=actor, archive=agreement.archive_id, ids=ids, facts=facts)
