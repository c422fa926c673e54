"""Who has what was taken back is told: by e-mail and webhook, with a manifest and a day to answer.

Each step finds its work in rows, so that it goes on where a crash left it. A notice that nobody
answers is repeated before its day, and on its day brought before the archive and the operator.
"""

import json
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from catalog.ledger_tables import RightsLine
from connectors import webhooks
from registry.access.tables import Agreement, Extract, Part
from registry.access.withdrawal_tables import Notice, Webhook, Withdrawal
from registry.accounts.tables import Organisation, OutboxMail, Seat
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.db import reading, transaction
from registry.digests import canonical, digest
from registry.errors import Text
from registry.ids import new_id
from registry.services.locking import locked
from registry.services.noting import note
from registry.services.ports import Ports
from registry.services.stopping import stop
from registry.services.withdrawing import note_notice, recipients

log = logging.getLogger("vrijgave")

FORM = "vrijgave-removal/1"
BEFORE = timedelta(days=3)
"""How long before its day a notice is repeated."""
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""After each failed try at a webhook, as the specification advises; then the mail alone counts."""
_GONE = 410
_HOOKS_AT_ONCE, _EACH = 8, 5
"""Webhooks that are called side by side, and notices that one of them gets in a round."""


def tell_recipients(engine: Engine, ports: Ports) -> None:
    """Stop and tell for each withdrawal of which that was not yet done."""
    with reading(engine) as session:
        waiting = session.exec(
            select(Withdrawal)
            .where(col(Withdrawal.stopped_at).is_(None))
            .order_by(col(Withdrawal.id))
        ).all()
    for withdrawal in waiting:
        _tell(engine, ports, withdrawal)


def _tell(engine: Engine, ports: Ports, withdrawal: Withdrawal) -> None:
    with reading(engine) as session:
        items = session.exec(
            select(RightsLine.item).where(
                col(RightsLine.dataset_id) == withdrawal.dataset_id,
                col(RightsLine.moment) == withdrawal.moment,
            )
        ).all()
        held = recipients(session, ports.store, withdrawal, items)
    _stop_all(engine, ports, held)
    whose = sorted(pc.unique(held["organisation"]).to_pylist())
    with reading(engine) as session:
        made = [
            _prepared(
                session, ports, withdrawal, one, held.filter(pc.equal(held["organisation"], one))
            )
            for one in whose
        ]
    with transaction(engine) as session:
        row = locked(session, session.get_one(Withdrawal, withdrawal.id))
        if row.stopped_at is not None:
            return
        row.stopped_at = ports.clock()
        session.add(row)
        for notice in made:
            session.add(notice)
            session.flush()
            _mail_notice(session, ports, row, notice)


def _stop_all(engine: Engine, ports: Ports, held: pa.Table) -> None:
    for extract_id in sorted(pc.unique(held["extract"]).to_pylist()):
        with transaction(engine) as session:
            extract = session.get_one(Extract, extract_id)
            if extract.state == "ready":
                agreement = session.get_one(Agreement, extract.agreement_id)
                stop(session, extract, agreement, ports.clock())


def _prepared(
    session: Session, ports: Ports, withdrawal: Withdrawal, whose: str, held: pa.Table
) -> Notice:
    """The notice for one recipient, its removal manifest stored and signed."""
    extracts = sorted(pc.unique(held["extract"]).to_pylist())
    items = sorted(pc.unique(held["item"]).to_pylist())
    document = _manifest(session, ports, withdrawal, whose, extracts, items)
    key = _stored(ports, canonical(document))
    named = digest(document)
    at = ports.clock()
    notice_id = new_id("ntc", at)
    signature = ports.signer.sign(f"{ports.signer.name}\n{withdrawal.id}\n{named}\n")
    return Notice(
        id=notice_id,
        withdrawal_id=withdrawal.id,
        organisation_id=whose,
        extracts=extracts,
        items=len(items),
        manifest_key=key,
        manifest_digest=named,
        signature=signature,
        made_at=at,
        next_try_at=at,
    )


def _manifest(
    session: Session,
    ports: Ports,
    withdrawal: Withdrawal,
    whose: str,
    extracts: Sequence[str],
    items: Sequence[str],
) -> dict[str, Any]:
    """What to remove: ids of items, and the hashes of the files that hold them."""
    origin = ports.settings.origin
    parts = select(Part).where(col(Part.extract_id).in_(extracts))
    ordered = parts.order_by(col(Part.extract_id), col(Part.number))
    rows = session.exec(select(Extract).where(col(Extract.id).in_(extracts)))
    successors = {one.id: one.successor_id for one in rows}
    return {
        "form": FORM,
        "withdrawal": withdrawal.id,
        "archive": session.get_one(Organisation, withdrawal.archive_id).name,
        "recipient": whose,
        "dataset": withdrawal.dataset_id,
        "reason": withdrawal.reason,
        "at": withdrawal.at.isoformat(timespec="seconds"),
        "due": withdrawal.due_at.isoformat(timespec="seconds"),
        "items": list(items),
        "files": [
            {"extract": part.extract_id, "part": part.number, "sha256": part.sha256}
            for part in session.exec(ordered)
        ],
        "successors": {
            old: f"{origin}/v1/extracts/{new}" for old, new in successors.items() if new
        },
        "trained": "declared, not enforced",
    }


def _stored(ports: Ports, content: bytes) -> str:
    with TemporaryDirectory(dir=ports.scratch, prefix="removal-") as place:
        file = Path(place) / "manifest.json"
        file.write_bytes(content)
        return ports.store.put(f"removals/{digest(json.loads(content))[7:]}.json", file).key


def _mail_notice(session: Session, ports: Ports, withdrawal: Withdrawal, notice: Notice) -> None:
    at = ports.clock()
    notice.mailed_at = at
    session.add(notice)
    address = f"{ports.settings.origin}/notices/{notice.id}"
    mail(session, notice.organisation_id, _SUBJECT, _text(withdrawal, notice, address), at)
    facts = {
        "manifest_digest": notice.manifest_digest,
        "due": moment(withdrawal.due_at),
        "items": notice.items,
        "method": "mail",
    }
    note_notice(session, Act.NOTICE_SENT, notice, at, None, facts)


_SUBJECT = Text("Items zijn ingetrokken: verwijder ze", "Items were withdrawn: remove them")


def _text(withdrawal: Withdrawal, notice: Notice, address: str) -> Text:
    day = withdrawal.due_at.date().isoformat()
    return Text(
        f"Een archief heeft {notice.items} items ingetrokken die u hebt.\n"
        f"Reden: {withdrawal.reason}\n\n"
        f"Verwijder ze uiterlijk {day} en laat weten wat u deed:\n{address}\n\n"
        "Daar staat ook de lijst. Wat u verklaart over getrainde modellen is uw verklaring.",
        f"An archive withdrew {notice.items} items that you have.\n"
        f"Reason: {withdrawal.reason}\n\n"
        f"Remove them by {day} and say what you did:\n{address}\n\n"
        "The list is there too. What you declare of trained models is your declaration.",
    )


def mail(session: Session, organisation_id: str, subject: Text, text: Text, at: datetime) -> None:
    """A message to every seat of an organisation, each in its own language."""
    seats = select(Seat).where(col(Seat.organisation_id) == organisation_id, col(Seat.active))
    for seat in session.exec(seats).all():
        session.add(
            OutboxMail(
                id=new_id("mail", at),
                seat_id=seat.id,
                subject=subject.in_language(seat.language),
                body=text.in_language(seat.language),
                created_at=at,
            )
        )


def call_webhooks(engine: Engine, ports: Ports) -> None:
    """Post the notices whose next try has come to where their recipients listen.

    Each webhook has its own turn, so that one that is slow or has much to hear delays no other.
    """
    at = ports.clock()
    due = (
        select(Notice.id, Webhook.id)
        .join(Webhook, col(Webhook.organisation_id) == col(Notice.organisation_id))
        .where(col(Notice.next_try_at) <= at, col(Notice.delivered_at).is_(None))
        .where(col(Webhook.closed_at).is_(None))
        .order_by(col(Notice.id))
    )
    waiting: dict[str, list[str]] = {}
    with reading(engine) as session:
        for notice_id, webhook_id in session.exec(due):
            waiting.setdefault(webhook_id, []).append(notice_id)
    with ThreadPoolExecutor(_HOOKS_AT_ONCE) as pool:
        for turn in [pool.submit(_turn, engine, ports, *one) for one in waiting.items()]:
            turn.result()


def _turn(engine: Engine, ports: Ports, webhook_id: str, notices: Sequence[str]) -> None:
    """One webhook's round, which ends where it does not answer or is gone."""
    for notice_id in notices[:_EACH]:
        if _call(engine, ports, notice_id, webhook_id) in {None, _GONE}:
            return


def _call(engine: Engine, ports: Ports, notice_id: str, webhook_id: str) -> int | None:
    """The status that came back; `None` where no answer did."""
    at = ports.clock()
    with reading(engine) as session:
        notice = session.get_one(Notice, notice_id)
        webhook = session.get_one(Webhook, webhook_id)
        body = _payload(session, ports, notice)
    sent = webhooks.headers(webhook.secret, notice.id, at, body)
    loopback = ports.settings.on_loopback
    status, problem = webhooks.post(webhook.address, body, sent, loopback=loopback)
    with transaction(engine) as session:
        row = locked(session, session.get_one(Notice, notice_id))
        row.problem, row.tries = problem, row.tries + 1
        row.next_try_at = None
        if not problem:
            row.delivered_at = ports.clock()
        elif status != _GONE and row.tries <= len(PAUSES):
            row.next_try_at = ports.clock() + PAUSES[row.tries - 1]
        session.add(row)
        if status == _GONE:
            webhook = session.get_one(Webhook, webhook_id)
            webhook.closed_at = ports.clock()
            session.add(webhook)
            note(
                session,
                Act.WEBHOOK_CLOSED,
                at=ports.clock(),
                actor=None,
                archive=None,
                ids={"webhook": webhook.id, "organisation": webhook.organisation_id},
                facts={"reason": "gone"},
            )
    return status


def _payload(session: Session, ports: Ports, notice: Notice) -> bytes:
    withdrawal = session.get_one(Withdrawal, notice.withdrawal_id)
    address = f"{ports.settings.origin}/v1/notices/{notice.id}"
    return canonical(
        {
            "type": "withdrawal.notice",
            "timestamp": moment(notice.made_at),
            "data": {
                "notice": address,
                "manifest": f"{address}/manifest",
                "manifest_digest": notice.manifest_digest,
                "signature": notice.signature,
                "withdrawal": withdrawal.id,
                "extracts": notice.extracts,
                "items": notice.items,
                "due": moment(withdrawal.due_at),
                "reminder": notice.reminders,
            },
        }
    )


def remind(session: Session, *, at: datetime, origin: str) -> None:
    """Repeat notices without a receipt before their day; on it, tell archive and operator."""
    open_ = (
        select(Notice, Withdrawal)
        .where(col(Withdrawal.id) == col(Notice.withdrawal_id), col(Notice.receipt) == "")
        .where(col(Notice.escalated_at).is_(None), col(Withdrawal.due_at) <= at + BEFORE)
        .order_by(col(Withdrawal.archive_id), col(Notice.id))
    )
    for notice, withdrawal in session.exec(open_).all():
        if withdrawal.due_at <= at:
            _escalate(session, notice, withdrawal, at, origin)
        elif not notice.reminders and notice.made_at <= withdrawal.due_at - BEFORE:
            _repeat(session, notice, withdrawal, at, origin)


def _repeat(
    session: Session, notice: Notice, withdrawal: Withdrawal, at: datetime, origin: str
) -> None:
    notice.reminders, notice.reminded_at = notice.reminders + 1, at
    notice.delivered_at, notice.next_try_at, notice.tries = None, at, 0
    session.add(notice)
    text = _text(withdrawal, notice, f"{origin}/notices/{notice.id}")
    mail(session, notice.organisation_id, _AGAIN, text, at)
    facts: dict[str, object] = {"number": notice.reminders, "due": moment(withdrawal.due_at)}
    note_notice(session, Act.NOTICE_REMINDED, notice, at, None, facts)


_AGAIN = Text(
    "Herinnering: verwijder ingetrokken items", "Reminder: remove items that were withdrawn"
)


def _escalate(
    session: Session, notice: Notice, withdrawal: Withdrawal, at: datetime, origin: str
) -> None:
    notice.escalated_at = at
    session.add(notice)
    who = session.get_one(Organisation, notice.organisation_id)
    address = f"{origin}/withdrawals/{withdrawal.id}"
    subject = Text("Geen ontvangstbewijs van een intrekking", "No receipt for a withdrawal")
    text = Text(
        f"{who.name} heeft niet laten weten dat ingetrokken items zijn verwijderd.\n{address}",
        f"{who.name} has not said that withdrawn items were removed.\n{address}",
    )
    operators = select(Organisation.id).where(col(Organisation.role) == "operator")
    for told in (withdrawal.archive_id, *session.exec(operators).all()):
        mail(session, told, subject, text, at)
    facts: dict[str, object] = {"due": moment(withdrawal.due_at), "reason": "no-receipt"}
    note_notice(session, Act.NOTICE_ESCALATED, notice, at, None, facts)
