"""What follows from an act on a ledger, done beside the requests: to be called every second or two.

Each step finds its work in rows, so that any process may do it, after a crash too. A reader that
comes before it does the one thing that cannot wait by itself (:mod:`registry.services.stopping`).
"""

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from catalog.ledger_tables import LedgerMoment
from registry.access.tables import Agreement, Extract
from registry.accounts.tables import Environment
from registry.db import reading, transaction
from registry.services.calling import call_webhooks
from registry.services.describing import keep_statistics
from registry.services.notifying import tell_recipients
from registry.services.ports import Ports
from registry.services.snapshots import behind, bring_up
from registry.services.stopping import Held, is_withdrawn, stop

_AT_ONCE = 200
"""Extracts looked at in one round."""


def catch_up(engine: Engine, ports: Ports) -> None:
    """Stop what holds items that were closed, and make the snapshots and counts that are behind."""
    tell_recipients(engine, ports)
    check_extracts(engine, ports)
    with reading(engine) as session:
        datasets = behind(session)
    for dataset_id in datasets:
        bring_up(engine, ports, dataset_id)
    call_webhooks(engine, ports)
    keep_statistics(engine, ports)


def check_extracts(engine: Engine, ports: Ports) -> None:
    """Look at the extracts that were last looked at before their ledger's newest moment."""
    with reading(engine) as session:
        waiting = _behind_their_ledger(session)
    for held in waiting:
        _check(engine, ports, held)


def _behind_their_ledger(session: Session) -> list[Held]:
    newest = (
        select(col(LedgerMoment.dataset_id), func.max(LedgerMoment.number).label("number"))
        .group_by(col(LedgerMoment.dataset_id))
        .subquery()
    )
    found = session.exec(
        select(Extract, Agreement, Environment.country, newest.c.number)
        .join(Agreement, col(Agreement.id) == col(Extract.agreement_id))
        .join(Environment, col(Environment.id) == col(Agreement.environment_id))
        .join(newest, newest.c.dataset_id == col(Agreement.dataset_id))
        .where(col(Extract.state) == "ready", col(Extract.stopped_at).is_(None))
        .where(col(Extract.checked_moment) < newest.c.number)
        .limit(_AT_ONCE)
    )
    return [Held(*row) for row in found]


def _check(engine: Engine, ports: Ports, held: Held) -> None:
    """Stop the extract, or note that it holds nothing that was closed."""
    at, origin = ports.clock(), ports.settings.origin
    with reading(engine) as session:
        refusal = is_withdrawn(session, held, ports.store, origin, at)
    with transaction(engine) as session:
        extract = session.get_one(Extract, held.extract.id)
        if refusal is not None:
            stop(session, extract, session.get_one(Agreement, extract.agreement_id), at)
            return
        extract.checked_moment = max(extract.checked_moment, held.newest)
        session.add(extract)
