"""Reading an approved extract: every request is checked again, and what leaves is written down.

``access:opened`` commits before the first byte; ranges of the next five minutes from the same
caller and place belong to the same access; ``access:closed`` commits what they came to.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from registry.access.tables import Access, AccessRange, Agreement, Extract, Part
from registry.accounts.actors import Actor
from registry.accounts.tables import Environment
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.digests import digest
from registry.errors import Conflict, Gone, NotAllowed, RegistryError, Text
from registry.ids import new_id
from registry.services.agreeing import standing
from registry.services.extracts import clears_any, decide, find_extract
from registry.services.noting import note
from registry.services.refusal import Refused
from registry.services.wording import missing

WINDOW = timedelta(minutes=5)
"""Ranges this close together are one access."""
ABANDONED = timedelta(hours=1)
"""A range that has not ended by then never will: its reader or this process is gone."""


@dataclass(frozen=True)
class Readable:
    """A part that this caller may read now."""

    extract: Extract
    part: Part
    agreement: Agreement
    environment: Environment


def check_part(
    session: Session,
    actor: Actor,
    extract_id: str,
    number: int,
    *,
    address: str,
    origin: str,
    at: datetime,
) -> Readable | Refused:
    """Whether the caller may read a part from this address now; a refusal is written down."""
    extract = find_extract(session, actor, extract_id)
    _ready(extract)
    part = session.get(Part, (extract.id, number))
    if part is None:
        raise missing("deel", "part", str(number))
    agreement = session.get_one(Agreement, extract.agreement_id)
    environment = session.get_one(Environment, agreement.environment_id)
    readable = Readable(extract, part, agreement, environment)
    refusal = (
        standing(agreement, at)
        or _wrong_environment(actor, environment, address)
        or _no_longer_permitted(session, agreement, origin, at)
    )
    if refusal is None:
        return readable
    note(
        session,
        Act.ACCESS_REFUSED,
        at=at,
        actor=actor,
        archive=agreement.archive_id,
        ids={"extract": extract.id, "agreement": agreement.id, "dataset": agreement.dataset_id},
        facts={"part": number, "reasons": [refusal.code]},
    )
    return Refused(refusal)


def _ready(extract: Extract) -> None:
    if extract.state in {"ordered", "running"}:
        raise Conflict(
            "extract-not-ready",
            Text("Dit extract wordt nog gemaakt.", "This extract is still being made."),
            Text("Probeer het zo weer.", "Try again in a moment."),
            headers={"Retry-After": "2"},
        )
    if extract.state != "ready":
        raise Gone(
            f"extract-{extract.state}",
            Text(f"Dit extract is er niet: {extract.state}.", f"This extract is {extract.state}."),
            Text("Bestel een nieuw extract.", "Order a new extract."),
        )


def _wrong_environment(
    actor: Actor, environment: Environment, address: str
) -> RegistryError | None:
    if environment.closed_at is not None:
        return NotAllowed(
            "environment-closed",
            Text("De omgeving is gesloten.", "The environment is closed."),
            Text("Dien een aanvraag in voor een andere.", "File a request for another one."),
        )
    if actor.environment_id not in {None, environment.id}:
        return NotAllowed(
            "other-environment",
            Text(
                "Dit token hoort bij een andere omgeving dan de overeenkomst.",
                "This token belongs to another environment than the agreement.",
            ),
            Text("Maak een token voor deze omgeving.", "Make a token for this environment."),
        )
    if environment.networks and not _within(address, environment.networks):
        return NotAllowed(
            "other-network",
            Text(
                f"Het adres {address} ligt buiten de netwerken van deze omgeving.",
                f"The address {address} is outside the networks of this environment.",
            ),
            Text("Lees vanuit de opgegeven omgeving.", "Read from the environment as registered."),
        )
    return None


def _within(address: str, networks: list[str]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in ipaddress.ip_network(network) for network in networks)


def _no_longer_permitted(
    session: Session, agreement: Agreement, origin: str, at: datetime
) -> RegistryError | None:
    """What the agreement itself says now, about the environment as it is now."""
    decision = decide(session, agreement, origin, at)
    if clears_any(session, decision, agreement.edition_id):
        return None
    nl = " ".join(r.nl for r in decision.reasons) or "De overeenkomst laat dit niet meer toe."
    en = " ".join(r.en for r in decision.reasons) or "The agreement does not permit this any more."
    return NotAllowed("not-permitted", Text(nl, en))


def open_range(
    session: Session, actor: Actor, readable: Readable, start: int, stop: int, *, at: datetime
) -> int:
    """Write down that bytes ``start`` up to ``stop`` will leave; the range's number.

    To be committed before the first of them does.
    """
    access = _open_window(session, actor, readable, at) or _new_access(session, actor, readable, at)
    asked = AccessRange(access_id=access.id, start=start, stop=stop, at=at)
    session.add(asked)
    session.flush()
    if asked.id is None:
        raise AssertionError("a flushed row has its key")
    return asked.id


def _open_window(session: Session, actor: Actor, readable: Readable, at: datetime) -> Access | None:
    return session.exec(
        select(Access)
        .where(
            col(Access.extract_id) == readable.extract.id,
            col(Access.part) == readable.part.number,
            col(Access.caller) == actor.id,
            col(Access.closed_at).is_(None),
            col(Access.until) > at,
        )
        .limit(1)
    ).one_or_none()


def _new_access(session: Session, actor: Actor, readable: Readable, at: datetime) -> Access:
    access = Access(
        id=new_id("acc", at),
        extract_id=readable.extract.id,
        part=readable.part.number,
        agreement_id=readable.agreement.id,
        caller=actor.id,
        environment_id=readable.environment.id,
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


def close_range(session: Session, range_id: int, sent: int) -> None:
    """Write down how many bytes of a range left."""
    asked = session.get_one(AccessRange, range_id)
    asked.sent = sent
    session.add(asked)


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
    access.closed_at = at
    session.add(access)
    # Of a range that never ended, all that was asked for counts as sent: no byte goes uncounted.
    sent = [one.stop - one.start if one.sent is None else one.sent for one in ranges]
    facts = {
        "part": access.part,
        "ranges": len(ranges),
        "bytes": sum(sent),
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
