"""Who has what was taken back is told: by e-mail, with a manifest and a day to answer.

Their webhooks hear it too (:mod:`registry.services.calling`).

Each step finds its work in rows, so that it goes on where a crash left it. A notice that nobody
answers is repeated before its day, and on its day brought before the archive and the operator.
"""

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from catalog.ledger_tables import RightsLine
from registry.access.tables import Agreement, Extract, Part
from registry.access.withdrawal_tables import Notice, Withdrawal
from registry.accounts.tables import Organisation
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.db import reading, transaction
from registry.digests import canonical, digest
from registry.errors import Text
from registry.ids import new_id
from registry.services.calling import call_again
from registry.services.locking import locked
from registry.services.mailing import mail
from registry.services.ports import Ports
from registry.services.stopping import stop
from registry.services.withdrawing import note_notice, recipients

log = logging.getLogger("vrijgave")

FORM = "vrijgave-removal/1"
BEFORE = timedelta(days=3)
"""How long before its day a notice is repeated."""


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
    notice.delivered_at = None
    session.add(notice)
    call_again(session, notice)
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
