"""What was ended after a backup is ended again: by the entries of a later export.

Only what restricts is repeated. Rights fall by it and never rise, so that an entry about a thing
that the backup does not know can be passed over.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, SQLModel, col, delete, select, update

from catalog.ledger import LineKind
from catalog.tables import Dataset, Offer
from registry.access.links import SignedLink
from registry.access.tables import Agreement
from registry.access.withdrawal_tables import Webhook
from registry.accounts.invitations import Invitation
from registry.accounts.mandates import Mandate
from registry.accounts.tables import Client, Credential, Environment, Organisation, Seat
from registry.audit.acts import PERSONS, SHAPES, Act
from registry.audit.entry import OPERATOR, Entry
from registry.audit.log import known_pseudonym
from registry.services.erasing import RETENTION, erase_person
from registry.services.noting import note
from registry.services.seating import DUTIES, close_seat

REASON = "restored"


@dataclass(frozen=True)
class _Ends:
    """Which row an act ends, by its id in the entry, and how."""

    name: str
    models: tuple[type[SQLModel], ...]
    values: Callable[[datetime], dict[str, Any]]


def _revoked(at: datetime) -> dict[str, Any]:
    return {"revoked_at": at}


def _closed(at: datetime) -> dict[str, Any]:
    return {"closed_at": at}


ENDS: Mapping[Act, _Ends] = {
    Act.AGREEMENT_REVOKED: _Ends(
        "agreement",
        (Agreement,),
        lambda at: {"state": "revoked", "ended_at": at, "ended_reason": REASON},
    ),
    Act.OFFER_WITHDRAWN: _Ends("offer", (Offer,), lambda _at: {"state": "withdrawn"}),
    Act.TOKEN_REVOKED: _Ends("token", (Credential, SignedLink), _revoked),
    Act.CLIENT_REVOKED: _Ends("client", (Client,), _revoked),
    Act.ENVIRONMENT_CLOSED: _Ends("environment", (Environment,), _closed),
    Act.WEBHOOK_CLOSED: _Ends("webhook", (Webhook,), _closed),
    Act.ORGANISATION_CHANGED: _Ends(
        "organisation", (Organisation,), lambda _at: {"verification": "withdrawn"}
    ),
}
"""Acts that end one row."""

CLOSING = frozenset({Act.LEDGER_CHANGED, Act.WITHDRAWAL_STARTED, Act.DISPUTE_OPENED})
"""Acts that close items: the log counts them and does not name them."""


def repeat(session: Session, entries: Iterable[Entry], *, at: datetime) -> int:
    """End what these entries say was ended; how many acts there were to repeat."""
    done = 0
    for entry in entries:
        act = Act(entry.act)
        if act in ENDS:
            done += _end(session, entry, ENDS[act], at)
        elif act in _PERSONS:
            done += _PERSONS[act](session, entry, at)
    return done


def closing(session: Session, entries: Iterable[Entry]) -> set[str]:
    """The datasets known here of which items were closed by what these entries say."""
    found = {
        entry.ids["dataset"]
        for entry in entries
        if entry.act in CLOSING and entry.facts.get("kind") != LineKind.CLEARANCE
    }
    return set(session.exec(select(Dataset.id).where(col(Dataset.id).in_(found))))


def end_sessions(session: Session, at: datetime) -> None:
    """End all that lets a person in: whether it was used up or ended by now is not known."""
    open_ones = update(Credential).where(
        col(Credential.kind).in_(("session", "link")), col(Credential.revoked_at).is_(None)
    )
    session.execute(open_ones.values(revoked_at=at))
    session.execute(delete(Invitation))


def _end(session: Session, entry: Entry, ends: _Ends, at: datetime) -> bool:
    if entry.act == Act.ORGANISATION_CHANGED and entry.facts.get("state") != "withdrawn":
        return False
    for model in ends.models:
        row = session.get(model, entry.ids[ends.name])
        if row is not None:
            row.sqlmodel_update(ends.values(at))
            session.add(row)
            _note(session, entry, at)
            return True
    return False


def _remove(session: Session, entry: Entry, at: datetime) -> bool:
    if entry.facts.get("reason") == "mandate-ended":
        return _end_mandates(session, entry, at)
    seat = _seat(session, entry)
    if seat is None or not seat.active:
        return False
    close_seat(session, seat, at)
    _note(session, entry, at, seat=seat.id)
    return True


def _demote(session: Session, entry: Entry, at: datetime) -> bool:
    seat = _seat(session, entry)
    if seat is None or not seat.admin or entry.facts["state"] == DUTIES[True]:
        return False
    seat.admin = False
    session.add(seat)
    _note(session, entry, at, seat=seat.id)
    return True


def _end_mandates(session: Session, entry: Entry, at: datetime) -> bool:
    archive = None if entry.archive == OPERATOR else entry.archive
    own = select(Mandate).where(
        col(Mandate.organisation_id) == entry.ids.get("organisation"),
        col(Mandate.archive_id) == archive,
        col(Mandate.ended_at).is_(None),
    )
    mandates = session.exec(own).all()
    for mandate in mandates:
        mandate.ended_at = at
        session.add(mandate)
    if mandates:
        seat = _seat(session, entry)
        _note(session, entry, at, seat=seat.id if seat else OPERATOR)
    return bool(mandates)


def _erase(session: Session, entry: Entry, at: datetime) -> bool:
    seat = _seat(session, entry)
    if seat is not None:
        # On request it would refuse while a claim of theirs waits; by now none does.
        erase_person(session, None, seat.id, at=at, reason=RETENTION)
    return seat is not None


_PERSONS = {Act.ACTOR_REMOVED: _remove, Act.ACTOR_CHANGED: _demote, Act.ACTOR_ERASED: _erase}
ACTS = frozenset({*ENDS, *CLOSING, *_PERSONS})
"""All that is looked for in what came after a backup."""


def _seat(session: Session, entry: Entry) -> Seat | None:
    """The person whose pseudonym the entry has: their key stands in the restored rows."""
    named = entry.ids.get("seat")
    seats = session.exec(select(Seat)).all() if named else ()
    return next((one for one in seats if known_pseudonym(session, one.id) == named), None)


def _note(session: Session, entry: Entry, at: datetime, **more: str) -> None:
    ids = {name: value for name, value in entry.ids.items() if name not in PERSONS}
    stated = {"reason": REASON, "state": entry.facts.get("state")}
    may = SHAPES[Act(entry.act)].all_facts
    facts = {name: fact for name, fact in stated.items() if fact is not None and name in may}
    note(
        session,
        Act(entry.act),
        at=at,
        actor=None,
        archive=None if entry.archive == OPERATOR else entry.archive,
        ids={**ids, **more, "cause": entry.id},
        facts=facts,
    )
