"""How long personal fields are kept beside the log: a period per profile, and a daily round.

The log itself holds no person and stays whole. What is past its period is emptied as for someone
who asks to be erased. A person stays while an agreement of their organisation is in force.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, text, update
from sqlmodel import Session, col, exists, func, or_, select

from registry.access.tables import Access, Agreement
from registry.access.withdrawal_tables import Dispute
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.erasures import Erasure
from registry.accounts.invitations import Invitation
from registry.accounts.tables import Credential, OutboxMail, Seat
from registry.audit.acts import Act
from registry.db import reading, transaction
from registry.ids import new_id
from registry.services.erasing import RETENTION, count_of, empty_claim, erase_person, recorded
from registry.settings import Settings

ROUND = timedelta(days=1)
_FREED = "seat, credential, outbox_mail, idempotency_key, access, audit_subject_key, dispute"


@dataclass(frozen=True)
class Profile:
    """One kind of personal field with its period.

    :param due: how many records are past it now.
    """

    name: str
    months: int
    before: datetime
    due: int


def profiles(
    session: Session, actor: Actor | None, settings: Settings, *, at: datetime
) -> list[Profile]:
    """Every profile, its period, and what the next round will empty; for the operator."""
    if actor is not None:
        require(actor, Scope.OPERATE)
    return [
        Profile(name, months, before, session.exec(_DUE[name](before, at)).one())
        for name, months, before in _periods(settings, at)
    ]


def _periods(settings: Settings, at: datetime) -> list[tuple[str, int, datetime]]:
    months: Mapping[str, int] = {
        "people": settings.retention_people_months,
        "addresses": settings.retention_addresses_months,
        "messages": settings.retention_messages_months,
        "claims": settings.retention_claims_months,
    }
    return [(name, count, _months_before(at, count)) for name, count in months.items()]


def _months_before(at: datetime, months: int) -> datetime:
    years, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return at.replace(year=years, month=month + 1, day=min(at.day, 28))


# --- what is past its period ----------------------------------------------------------------------


def _unused(before: datetime, at: datetime) -> Any:
    """Seats that nobody used since, of organisations that nothing binds any more."""
    mine = (col(Agreement.organisation_id), col(Agreement.archive_id))
    bound = exists().where(
        or_(*(one == col(Seat.organisation_id) for one in mine)),
        col(Agreement.state) == "in_force",
        col(Agreement.valid_until) > at,
    )
    lately = exists().where(
        col(Credential.seat_id) == col(Seat.id),
        or_(col(Credential.created_at) >= before, col(Credential.used_at) >= before),
    )
    here = or_(col(Seat.active), col(Seat.left_email).is_not(None))
    return (here, col(Seat.created_at) < before, ~bound, ~lately)


def _old_addresses(before: datetime) -> Any:
    return (
        col(Access.address).is_not(None),
        col(Access.closed_at).is_not(None),
        col(Access.opened_at) < before,
    )


def _old_claims(before: datetime) -> Any:
    return (col(Dispute.contact) != "", col(Dispute.decided_at) < before)


_DUE: Mapping[str, Callable[[datetime, datetime], Any]] = {
    "people": lambda before, at: select(func.count(col(Seat.id))).where(*_unused(before, at)),
    "addresses": lambda before, _: select(func.count(col(Access.id))).where(
        *_old_addresses(before)
    ),
    "messages": lambda before, _: select(func.count(col(OutboxMail.id))).where(
        col(OutboxMail.created_at) < before
    ),
    "claims": lambda before, _: select(func.count(col(Dispute.id))).where(*_old_claims(before)),
}


# --- the round ------------------------------------------------------------------------------------


def keep_periods(engine: Engine, settings: Settings, *, at: datetime) -> None:
    """The daily round, where the last one was a day ago or more; else what it could not overwrite,
    since writers or readers were in its way.
    """
    rounds = select(Erasure).where(col(Erasure.reason) == RETENTION)
    with reading(engine) as session:
        last = session.exec(rounds.order_by(col(Erasure.at).desc()).limit(1)).one_or_none()
    if last is None or last.at <= at - ROUND:
        apply_periods(engine, settings, at=at)
    elif last.overwritten_at is None:
        overwrite(engine, at=at)


def apply_periods(engine: Engine, settings: Settings, *, at: datetime) -> dict[str, int]:
    """Empty what is past its period, and overwrite what that and earlier erasures freed.

    :return: records emptied, per profile.
    """
    with transaction(engine) as session:
        removed = _apply(session, settings, at)
    overwrite(engine, at=at)
    return removed


def _apply(session: Session, settings: Settings, at: datetime) -> dict[str, int]:
    before = {name: moment for name, _, moment in _periods(settings, at)}
    addresses = update(Access).where(*_old_addresses(before["addresses"])).values(address=None)
    messages = delete(OutboxMail).where(col(OutboxMail.created_at) < before["messages"])
    over = delete(Invitation).where(col(Invitation.expires_at) <= at)
    claims = session.exec(select(Dispute).where(*_old_claims(before["claims"]))).all()
    people = session.exec(select(Seat).where(*_unused(before["people"], at))).all()
    removed = {
        "addresses": count_of(session.execute(addresses)),
        "messages": count_of(session.execute(messages)),
        "claims": len(claims),
        "people": len(people) + count_of(session.execute(over)),
    }
    for claim in claims:
        empty_claim(session, claim)
    session.flush()
    for seat in people:
        erase_person(session, None, seat.id, at=at, reason=RETENTION)
    if any(removed.values()):
        recorded(session, None, Act.RETENTION_APPLIED, {}, RETENTION, removed, at)
    else:
        session.add(Erasure(id=new_id("era", at), reason=RETENTION, at=at))
    return removed


def overwrite(engine: Engine, *, at: datetime) -> None:
    """Leave no remnant of what was erased in the database's own files, nor in its journal.

    PostgreSQL's files keep what its own vacuum leaves in them; its dumps hold rows alone.
    """
    open_ones = col(Erasure.overwritten_at).is_(None)
    with reading(engine) as session:
        waiting = session.exec(select(Erasure).where(open_ones)).all()
    if any(one.removed for one in waiting) and not _vacuumed(engine):
        return
    ids = [one.id for one in waiting]
    with transaction(engine) as session:
        session.execute(update(Erasure).where(col(Erasure.id).in_(ids)).values(overwritten_at=at))


def _vacuumed(engine: Engine) -> bool:
    """Whether the files were written anew; not where a reader still needs SQLite's old journal."""
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as raw:
            cursor = raw.cursor()  # of the driver, which begins no transaction by itself
            cursor.execute("VACUUM")
            (busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            cursor.close()
        return not busy
    plain = engine.execution_options(isolation_level="AUTOCOMMIT")
    with plain.connect() as connection:
        connection.execute(text(f"VACUUM {_FREED}"))
    return True
