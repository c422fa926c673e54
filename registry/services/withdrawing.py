"""Taking items back from everyone: one act, and all that is known of what became of it.

The act adds lines to the ledger that end never. From its commit on the next request for an extract
that holds one of the items is refused; a background round stops every such extract, makes the
removal manifests and tells the recipients (:mod:`registry.services.notifying`). What a recipient
did with the items, models trained on them included, is declared by them and enforced by nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import pyarrow as pa
from pydantic import Field, StringConstraints
from sqlmodel import Session, col, select

from catalog.ingest import item_id
from catalog.ledger import LineKind
from catalog.tables import Dataset, Edition
from connectors.errors import NoSuchObject
from connectors.ports import Laid, ObjectStore
from registry.access.tables import Agreement, Extract
from registry.access.withdrawal_tables import Notice, NoticeCall, Withdrawal
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Organisation
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.errors import NotAllowed, Text
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.calling import calls_of
from registry.services.ledger import MOST_LINES, Short, add_moment
from registry.services.locking import locked
from registry.services.mandates import reach_of
from registry.services.noting import note
from registry.services.ports import Ports
from registry.services.registration import own_dataset
from registry.services.snapshots import source_of
from registry.services.stopping import held_items
from registry.services.wording import invalid, missing

Identifiers = Annotated[tuple[Short, ...], Field(max_length=MOST_LINES)]
ItemIds = Annotated[
    tuple[Annotated[str, StringConstraints(pattern="^[a-z2-7]{26}$")], ...],
    Field(max_length=MOST_LINES),
]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class Withdraw(Command):
    """What to take back: items by the archive's identifiers or by id, or all of a rightsholder.

    ``days`` is how long recipients get to remove what they have.
    """

    dataset_id: str
    identifiers: Identifiers = ()
    items: ItemIds = ()
    rightsholder: Short = ""
    reason: Reason
    days: Annotated[int, Field(ge=1, le=90)] = 14


@dataclass(frozen=True)
class Told:
    """A withdrawal with what each recipient was told and answered."""

    withdrawal: Withdrawal
    notices: tuple[tuple[Notice, Organisation], ...]
    calls: Mapping[str, Sequence[NoticeCall]]
    """How far each notice is at its recipient's webhooks, by the notice's id."""


def withdraw(
    session: Session, actor: Actor, command: Withdraw, *, ports: Ports, at: datetime
) -> Withdrawal:
    """Block the items in every edition, extract, stream and token at once, also ones to come."""
    require(actor, Scope.ARCHIVE_WRITE)
    dataset = own_dataset(session, actor, command.dataset_id)
    items = _items(session, dataset, command, ports)
    locked(session, dataset)
    rows = [
        {
            "item": item,
            "kind": LineKind.WITHDRAWAL.value,
            "rightsholder": command.rightsholder,
            "share": 100,
            "territory": "*",
            "dated": "",
            "until": None,
            "evidence": command.reason,
            "ends": None,
        }
        for item in items
    ]
    withdrawal = Withdrawal(
        id=new_id("wd", at),
        archive_id=dataset.archive_id,
        dataset_id=dataset.id,
        moment=0,
        reason=command.reason,
        items=len(items),
        decided_by=actor.id,
        at=at,
        due_at=at + timedelta(days=command.days),
    )
    ids = {"withdrawal": withdrawal.id}
    made = add_moment(session, dataset, rows, actor=actor, method="withdrawal", at=at, ids=ids)
    withdrawal.moment = made.number
    session.add(withdrawal)
    session.flush()
    facts = {
        "items": withdrawal.items,
        "due": moment(withdrawal.due_at),
        "ledger_moment": withdrawal.moment,
    }
    note(
        session,
        Act.WITHDRAWAL_STARTED,
        at=at,
        actor=actor,
        archive=dataset.archive_id,
        ids={**ids, "dataset": dataset.id},
        facts=facts,
    )
    return withdrawal


def _items(session: Session, dataset: Dataset, command: Withdraw, ports: Ports) -> list[str]:
    """The opaque ids meant, each once."""
    named = {item_id(dataset.item_key, one) for one in command.identifiers if one}
    named.update(command.items)
    if command.rightsholder:
        named.update(_held_by(session, dataset, command.rightsholder, ports))
    if not named:
        raise invalid(
            "identifiers",
            "Noem de items, of een rechthebbende van wie hier items zijn.",
            "Name the items, or a rightsholder of whom there are items here.",
        )
    return sorted(named)


def _held_by(session: Session, dataset: Dataset, name: str, ports: Ports) -> Iterator[str]:
    """Items of a rightsholder in any edition, hard-blocked ones too."""
    editions = select(Edition).where(col(Edition.dataset_id) == dataset.id)
    for edition in session.exec(editions).all():
        source = (source_of(ports.store, edition),)
        yield from ports.inquirer.keys(
            Laid(source, "_rightsholder = $name", {"name": name}), "_item"
        )


def recipients(
    session: Session, store: ObjectStore, withdrawal: Withdrawal, items: Sequence[str]
) -> pa.Table:
    """Every recipient × item: who holds which of the items, in which extract."""
    wanted = pa.array(items, pa.string())
    found = []
    for extract, organisation in _extracts(session, withdrawal):
        for ids in _held(session, extract, wanted, store):
            told = [pa.scalar(organisation), pa.scalar(extract.id)]
            found.append([*(pa.repeat(one, len(ids)) for one in told), ids])
    names = ("organisation", "extract", "item")
    batches = [pa.RecordBatch.from_arrays(one, names=list(names)) for one in found]
    return pa.Table.from_batches(batches, pa.schema([(name, pa.string()) for name in names]))


def _held(
    session: Session, extract: Extract, wanted: pa.Array, store: ObjectStore
) -> Iterator[pa.Array]:
    """Those items that it holds; one whose files are gone may have held them all."""
    try:
        yield from held_items(session, extract, wanted, store)
    except NoSuchObject:
        yield wanted


def _extracts(session: Session, withdrawal: Withdrawal) -> list[tuple[Extract, str]]:
    """Extracts of the dataset made before the items were taken back, and whose they are."""
    own = (
        select(Extract, Extract.organisation_id)
        .join(Agreement, col(Agreement.id) == col(Extract.agreement_id))
        .where(
            col(Agreement.dataset_id) == withdrawal.dataset_id,
            col(Extract.state).in_(("ready", "expired")),
            col(Extract.ledger_moment) < withdrawal.moment,
        )
        .order_by(col(Extract.id))
    )
    return [(extract, whose) for extract, whose in session.exec(own)]


def find_withdrawal(session: Session, actor: Actor, withdrawal_id: str, *, at: datetime) -> Told:
    """For the archive that took the items back, and for its auditors."""
    found = session.get(Withdrawal, withdrawal_id)
    own = found is not None and found.archive_id == actor.organisation_id
    audits = not own and _audits(session, actor, found.archive_id if found else "", at)
    if found is None or not (own or audits):
        raise missing("intrekking", "withdrawal", withdrawal_id)
    require(actor, Scope.ARCHIVE_READ if own else Scope.AUDIT)
    rows = session.exec(
        select(Notice, Organisation)
        .where(col(Notice.withdrawal_id) == found.id)
        .where(col(Organisation.id) == col(Notice.organisation_id))
        .order_by(col(Notice.id))
    )
    notices = tuple((notice, who) for notice, who in rows)
    return Told(found, notices, calls_of(session, [notice for notice, _ in notices]))


def _audits(session: Session, actor: Actor, archive: str, at: datetime) -> bool:
    """Whether an auditor may look; one whose time is over hears so, whatever was asked for."""
    return actor.role == "auditor" and reach_of(session, actor, at).holds(archive)


def list_withdrawals(
    session: Session, actor: Actor, *, at: datetime, after: str | None = None, limit: int = 50
) -> list[Withdrawal]:
    """The archive's own, or for an auditor those of the archives it may look at, newest first."""
    query = select(Withdrawal)
    if actor.role == "auditor":
        archives = reach_of(session, actor, at).archives
        query = query if archives is None else query.where(col(Withdrawal.archive_id).in_(archives))
    else:
        require(actor, Scope.ARCHIVE_READ)
        query = query.where(col(Withdrawal.archive_id) == actor.organisation_id)
    if after is not None:
        query = query.where(col(Withdrawal.id) < after)
    return list(session.exec(query.order_by(col(Withdrawal.id).desc()).limit(limit)))


class Acknowledge(Command):
    """What a recipient declares about a notice; what it says of trained models is a declaration."""

    notice_id: str
    receipt: Annotated[str, StringConstraints(pattern="^(removed|not_held|removed_but_trained)$")]
    remark: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""


def acknowledge(session: Session, actor: Actor, command: Acknowledge, *, at: datetime) -> Notice:
    """Take a recipient's receipt down; a second one replaces the first."""
    notice = locked(session, find_notice(session, actor, command.notice_id))
    if command.receipt == "removed_but_trained" and not command.remark:
        raise invalid(
            "remark", "Noem de modellen waarom het gaat.", "Name the models that it is about."
        )
    notice.receipt, notice.remark = command.receipt, command.remark
    notice.received_by, notice.received_at = actor.id, at
    session.add(notice)
    note_notice(session, Act.NOTICE_ACKNOWLEDGED, notice, at, actor, {"state": notice.receipt})
    return notice


def find_notice(session: Session, actor: Actor, notice_id: str) -> Notice:
    """A notice to the actor's own organisation."""
    require(actor, Scope.REQUESTS)
    notice = session.get(Notice, notice_id)
    if notice is None or notice.organisation_id != actor.organisation_id:
        raise missing("bericht", "notice", notice_id)
    return notice


def list_notices(
    session: Session, actor: Actor, *, after: str | None = None, limit: int = 50
) -> list[tuple[Notice, Withdrawal]]:
    """Notices to the actor's organisation with what was withdrawn, newest first."""
    require(actor, Scope.REQUESTS)
    own = select(Notice, Withdrawal).where(
        col(Notice.organisation_id) == actor.organisation_id,
        col(Withdrawal.id) == col(Notice.withdrawal_id),
    )
    if after is not None:
        own = own.where(col(Notice.id) < after)
    rows = session.exec(own.order_by(col(Notice.id).desc()).limit(limit))
    return [(notice, withdrawal) for notice, withdrawal in rows]


def removal_manifest(
    session: Session, actor: Actor, notice_id: str, store: ObjectStore, *, at: datetime
) -> bytes:
    """The canonical bytes of a notice's removal manifest, for the two sides and auditors."""
    notice = session.get(Notice, notice_id)
    withdrawal = session.get(Withdrawal, notice.withdrawal_id) if notice else None
    sides = {notice.organisation_id, withdrawal.archive_id} if notice and withdrawal else set()
    archive = withdrawal.archive_id if withdrawal else ""
    own = actor.organisation_id in sides
    audits = not own and _audits(session, actor, archive, at)
    if notice is None or not (own or audits):
        raise missing("bericht", "notice", notice_id)
    if actor.scopes.isdisjoint({Scope.REQUESTS, Scope.ARCHIVE_READ, Scope.AUDIT}):
        raise NotAllowed(
            "scope-missing",
            Text("Dit token mag dit niet lezen.", "This token may not read this."),
        )
    with store.open(notice.manifest_key) as file:
        return file.read(0, file.size)


def note_notice(
    session: Session,
    act: Act,
    notice: Notice,
    at: datetime,
    actor: Actor | None,
    facts: dict[str, object],
) -> None:
    """Write an act on a notice down in its archive's stream."""
    withdrawal = session.get_one(Withdrawal, notice.withdrawal_id)
    ids = {
        "notice": notice.id,
        "withdrawal": withdrawal.id,
        "dataset": withdrawal.dataset_id,
        "organisation": notice.organisation_id,
    }
    note(session, act, at=at, actor=actor, archive=withdrawal.archive_id, ids=ids, facts=facts)
