"""Claims on an item that its archive must decide, also from people who have no account here.

A claim closes its item first and is judged after: the archive confirms or rejects it, with its
reasons, within a week that both sides see. What one outsider can close is bounded: a few claims a
day from one network address, and beyond so many undecided ones of a dataset a claim waits for the
archive before it closes anything. Every side reads the same page, by the key in its address.
"""

import hmac
import ipaddress
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from sqlmodel import Session, col, func, select

from catalog.ingest import item_id
from catalog.ledger import EVERYWHERE, LineKind
from catalog.ledger_tables import RightsLine
from catalog.tables import Dataset
from policies.regions import is_region, members
from registry.access.withdrawal_tables import Dispute
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.credentials import hash_secret
from registry.accounts.tables import Organisation
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.errors import Text, TooManyRequests
from registry.ids import new_id
from registry.services.accounts import Command, Email, Line
from registry.services.catalogue import find_dataset
from registry.services.ledger import Evidence, add_moment
from registry.services.locking import locked
from registry.services.mailing import mail
from registry.services.noting import note
from registry.services.wording import conflict, invalid, missing

DECIDE_WITHIN = timedelta(days=7)
"""How long an archive may take; both sides see the clock."""
A_DAY = timedelta(days=1)
PER_SOURCE = 5
"""Claims a day from one network address."""
UNDECIDED = 50
"""Claims of outsiders on one dataset that close their item before the archive has looked."""

Region = Annotated[str, StringConstraints(to_upper=True, strip_whitespace=True, max_length=20)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class Claim(Command):
    """Who claims which share of the rights, where, and on what ground."""

    rightsholder: Line
    share: Annotated[int, Field(ge=1, le=100)] = 100
    territory: Annotated[tuple[Region, ...], Field(max_length=300)] = ()
    statement: Words
    evidence: Evidence = ""


class Complaint(Claim):
    """A claim on one item of a dataset, by whoever it concerns."""

    dataset: str
    identifier: Line
    email: Email


class Decide(Command):
    """The archive's decision on a claim, with the reasons that every side reads."""

    dispute_id: str
    uphold: bool
    answer: Words


@dataclass(frozen=True)
class Opened:
    """A dispute and the key of its page, which is shown this once."""

    dispute: Dispute
    key: str


def complain(
    session: Session, command: Complaint, *, address: str, origin: str, at: datetime
) -> Opened:
    """Take a claim; its item is closed from the commit on, unless too many wait already."""
    listing = find_dataset(session, None, command.dataset)
    dataset = locked(session, listing.dataset)
    source = hmac.digest(dataset.item_key, _network(address).encode(), "sha256").hex()
    _bounded(session, source, at)
    item = item_id(dataset.item_key, command.identifier)
    claim = _claim(command, at)
    key = secrets.token_urlsafe(24)
    dispute = Dispute(
        id=new_id("dsp", at),
        archive_id=dataset.archive_id,
        dataset_id=dataset.id,
        item=item,
        identifier=command.identifier,
        state="waiting" if _undecided(session, dataset) >= UNDECIDED else "open",
        claims=[claim],
        contact=command.email,
        key_hash=hash_secret(key),
        source=source,
        opened_at=at,
        due_at=at + DECIDE_WITHIN,
    )
    session.add(dispute)
    session.flush()
    if dispute.state == "open":
        _close_item(session, dispute, dataset, None, "complaint", at)
    facts = {"due": moment(dispute.due_at), "method": "complaint"}
    _note(session, None, Act.DISPUTE_OPENED, dispute, at, facts)
    text = Text(
        f"Iemand maakt aanspraak op een item van {listing.name}. Beslis voor de klok afloopt:\n"
        f"{origin}/disputes/{dispute.id}",
        f"Someone claims an item of {listing.name}. Decide before the clock runs out:\n"
        f"{origin}/disputes/{dispute.id}",
    )
    mail(session, dispute.archive_id, _SUBJECT, text, at)
    return Opened(dispute, key)


_SUBJECT = Text("Een aanspraak op een item wacht op u", "A claim on an item waits for you")


def _network(address: str) -> str:
    """What one outsider has: an address, or in IPv6 a network of them (RFC 6177)."""
    if ":" not in address:
        return address
    return str(ipaddress.IPv6Network((address.partition("%")[0], 64), strict=False))


def _bounded(session: Session, source: str, at: datetime) -> None:
    recent = select(func.count(col(Dispute.id))).where(
        col(Dispute.source) == source, col(Dispute.opened_at) > at - A_DAY
    )
    if session.exec(recent).one() >= PER_SOURCE:
        raise TooManyRequests(
            "too-many-claims",
            Text(
                f"Van dit netwerkadres kwamen vandaag al {PER_SOURCE} aanspraken.",
                f"There were {PER_SOURCE} claims from this network address today.",
            ),
            Text(
                "Probeer het morgen, of schrijf het archief.",
                "Try tomorrow, or write to the archive.",
            ),
            headers={"Retry-After": "86400"},
        )


def _undecided(session: Session, dataset: Dataset) -> int:
    waiting = select(func.count(col(Dispute.id))).where(
        col(Dispute.dataset_id) == dataset.id, col(Dispute.state).in_(("open", "waiting"))
    )
    return session.exec(waiting).one()


def _claim(command: Claim, at: datetime) -> dict[str, Any]:
    unknown = [one for one in command.territory if not is_region(one)]
    if unknown:
        raise invalid(
            "territory",
            f"`{unknown[0][:20]}` is geen land of gebied dat wij kennen.",
            f"`{unknown[0][:20]}` is no country or region that we know.",
            "Gebruik codes van twee letters, of EU, EEA.",
            "Use two-letter codes, or EU, EEA.",
        )
    return {
        "rightsholder": command.rightsholder,
        "share": command.share,
        "territory": list(command.territory),
        "statement": command.statement,
        "evidence": command.evidence,
        "at": moment(at),
    }


def _close_item(
    session: Session,
    dispute: Dispute,
    dataset: Dataset,
    actor: Actor | None,
    how: str,
    at: datetime,
) -> None:
    """The line that denies the contested share until the claim is decided."""
    claim = dispute.claims[0]
    codes = {code for one in claim["territory"] for code in members(one)}
    row = {
        "id": new_id("line", at),
        "item": dispute.item,
        "kind": LineKind.DISPUTE.value,
        "rightsholder": claim["rightsholder"],
        "share": claim["share"],
        "territory": " ".join(sorted(codes)) or EVERYWHERE,
        "dated": "",
        "until": None,
        "evidence": claim["evidence"],
        "ends": None,
    }
    ids = {"dispute": dispute.id}
    add_moment(session, dataset, [row], actor=actor, method=how, at=at, ids=ids)
    dispute.line_id = str(row["id"])
    session.add(dispute)


def find_dispute(
    session: Session, actor: Actor | None, dispute_id: str, key: str | None
) -> Dispute:
    """For its archive, and for anyone with the key of its page; both read the same."""
    dispute = session.get(Dispute, dispute_id)
    if dispute is not None:
        if key and hmac.compare_digest(dispute.key_hash, hash_secret(key)):
            return dispute
        if actor is not None and actor.organisation_id == dispute.archive_id:
            require(actor, Scope.ARCHIVE_READ)
            return dispute
    raise missing("aanspraak", "claim", dispute_id)


def add_claim(
    session: Session, dispute_id: str, key: str, claim: Claim, *, at: datetime
) -> Dispute:
    """Another rightsholder's side of the same item, while it is undecided."""
    dispute = locked(session, find_dispute(session, None, dispute_id, key))
    _undecided_only(dispute)
    if len(dispute.claims) >= 20:
        raise conflict(
            "too-many-claims", "Hier staan al genoeg aanspraken.", "Enough was said here."
        )
    dispute.claims = [*dispute.claims, _claim(claim, at)]
    session.add(dispute)
    _note(session, None, Act.DISPUTE_CLAIMED, dispute, at, {"number": len(dispute.claims)})
    return dispute


def decide(session: Session, actor: Actor, command: Decide, *, at: datetime) -> Dispute:
    """Confirm the claim, so that the item stays closed, or reject it, so that the line ends."""
    require(actor, Scope.ARCHIVE_WRITE)
    found = find_dispute(session, actor, command.dispute_id, None)
    dataset = locked(session, session.get_one(Dataset, found.dataset_id))
    dispute = locked(session, found)
    _undecided_only(dispute)
    if command.uphold and dispute.line_id is None:
        _close_item(session, dispute, dataset, actor, "settlement", at)
    if not command.uphold and dispute.line_id is not None:
        _end_line(session, dispute, dataset, actor, command.answer, at)
    dispute.state = "upheld" if command.uphold else "rejected"
    dispute.answer, dispute.decided_at = command.answer, at
    session.add(dispute)
    _note(session, actor, Act.DISPUTE_DECIDED, dispute, at, {"state": dispute.state})
    return dispute


def _undecided_only(dispute: Dispute) -> None:
    if dispute.state not in {"open", "waiting"}:
        raise conflict(
            "dispute-decided",
            "Over deze aanspraak is al beslist.",
            "This claim was decided already.",
        )


def _end_line(
    session: Session, dispute: Dispute, dataset: Dataset, actor: Actor, answer: str, at: datetime
) -> None:
    line = session.get_one(RightsLine, dispute.line_id)
    row = {
        "item": line.item,
        "kind": LineKind.CLEARANCE.value,
        "rightsholder": line.rightsholder,
        "share": line.share,
        "territory": EVERYWHERE,
        "dated": "",
        "until": None,
        "evidence": answer,
        "ends": line.id,
    }
    ids = {"dispute": dispute.id}
    add_moment(session, dataset, [row], actor=actor, method="settlement", at=at, ids=ids)


def list_disputes(
    session: Session, actor: Actor, *, after: str | None = None, limit: int = 50
) -> Sequence[Dispute]:
    """What the archive must decide or decided, newest first."""
    require(actor, Scope.ARCHIVE_READ)
    own = select(Dispute).where(col(Dispute.archive_id) == actor.organisation_id)
    if after is not None:
        own = own.where(col(Dispute.id) < after)
    return session.exec(own.order_by(col(Dispute.id).desc()).limit(limit)).all()


def archive_of(session: Session, dispute: Dispute) -> Organisation:
    """Whose decision it is."""
    return session.get_one(Organisation, dispute.archive_id)


def _note(
    session: Session,
    actor: Actor | None,
    act: Act,
    dispute: Dispute,
    at: datetime,
    facts: Mapping[str, object],
) -> None:
    ids = {"dispute": dispute.id, "dataset": dispute.dataset_id}
    note(session, act, at=at, actor=actor, archive=dispute.archive_id, ids=ids, facts=facts)
