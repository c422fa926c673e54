"""Erasing a person (GDPR article 17): what points to them goes, what proves the acts stays.

Persons stand beside the log: their seat, their words, where they read from, their claims. All of it
is emptied here, and the key of their pseudonym destroyed. What proves an act holds no person.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, update
from sqlmodel import Session, SQLModel, col, or_, select

from catalog.ledger_tables import RightsLine
from registry.access.tables import Access, AccessRequest, DecisionRow, Extract
from registry.access.withdrawal_tables import Dispute, Notice
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.blocks import Block
from registry.accounts.erasures import Erasure
from registry.accounts.invitations import Invitation
from registry.accounts.sign_ins import Identity
from registry.accounts.tables import Credential, IdempotencyKey, OutboxMail, Seat
from registry.accounts.verifications import Verification
from registry.audit.acts import Act
from registry.audit.log import erase
from registry.ids import new_id
from registry.services.noting import note
from registry.services.wording import conflict, missing

KEPT = "erased"
ON_REQUEST = "on-request"
RETENTION = "retention"

_WORDS: tuple[tuple[type[SQLModel], Any, Any], ...] = (
    (AccessRequest, AccessRequest.note, AccessRequest.filed_by),
    (DecisionRow, DecisionRow.answer, DecisionRow.reviewed_by),
    (Notice, Notice.remark, Notice.received_by),
    (Block, Block.reason, Block.blocked_by),
    (Verification, Verification.signatory, Verification.applied_by),
    (Verification, Verification.evidence, Verification.applied_by),
    (Verification, Verification.reason, Verification.decided_by),
)
"""What a person wrote in their own words, and who that was."""


def erase_person(
    session: Session, actor: Actor | None, seat_id: str, *, at: datetime, reason: str = ON_REQUEST
) -> Seat:
    """Erase the person of a seat for good; the operator's act. Twice is no error.

    Kept is the emptied seat, for agreements and decisions that name its random id, and every entry:
    its bytes hold a pseudonym that nobody can make again, so that all proofs still verify.

    :param actor: ``None`` for the operator at the machine itself.
    """
    _operator(actor)
    seat = session.get(Seat, seat_id)
    if seat is None:
        raise missing("plaats", "seat", seat_id)
    if not is_erased(seat):
        _erase(session, actor, seat, seat.left_email or seat.email, reason, at)
    return seat


def erase_address(session: Session, actor: Actor | None, email: str, *, at: datetime) -> Erasure:
    """Erase whoever has this e-mail address: their seat, and claims that were made from it.

    :raises Conflict: a claim of theirs waits for a decision, which needs the address.
    """
    _operator(actor)
    email = email.strip().lower()
    own = or_(col(Seat.email) == email, col(Seat.left_email) == email)
    seats = session.exec(select(Seat).where(own).order_by(col(Seat.id))).all()
    kept = select(Invitation.id).where(col(Invitation.email) == email)
    if not seats and not _claims(session, email) and session.exec(kept).first() is None:
        raise missing("persoon met e-mailadres", "person with e-mail address", email)
    for earlier in seats[:-1]:
        _erase(session, actor, earlier, email, ON_REQUEST, at)
    return _erase(session, actor, seats[-1] if seats else None, email, ON_REQUEST, at)


def list_erasures(session: Session, actor: Actor | None, limit: int = 20) -> Sequence[Erasure]:
    """What was erased, newest first; for the operator."""
    _operator(actor)
    return session.exec(select(Erasure).order_by(col(Erasure.id).desc()).limit(limit)).all()


def is_erased(seat: Seat) -> bool:
    """Whether nothing of the person is left in it."""
    return seat.name == KEPT and not seat.active


def _operator(actor: Actor | None) -> None:
    if actor is not None:
        require(actor, Scope.OPERATE)


def _erase(
    session: Session, actor: Actor | None, seat: Seat | None, email: str, reason: str, at: datetime
) -> Erasure:
    found = _claims(session, email)
    claims = [one for one in found if one.decided_at is not None]
    if claims != list(found) and reason == ON_REQUEST:
        raise conflict(
            "claim-undecided",
            "Een aanspraak van dit adres wacht nog op een beslissing.",
            "A claim of this address still waits for a decision.",
            "Laat het archief eerst beslissen; tot dan is het adres daarvoor nodig.",
            "Let the archive decide first; until then the address is needed for it.",
        )
    kept = delete(Invitation).where(col(Invitation.email) == email)
    invited = count_of(session.execute(kept))
    removed = {"claims": len(claims), "people": invited}
    for claim in claims:
        empty_claim(session, claim)
    _forget_answers(session, seat, email)
    ids: dict[str, str] = {}
    if seat is not None:
        ids = {"seat": seat.id, "organisation": seat.organisation_id}
        removed |= {"people": invited + 1, **_empty_seat(session, seat, at)}
    done = recorded(session, actor, Act.ACTOR_ERASED, ids, reason, removed, at)
    if seat is not None:
        erase(session, seat.id)  # last: the entry names them by it
    return done


def recorded(
    session: Session,
    actor: Actor | None,
    act: Act,
    ids: dict[str, str],
    reason: str,
    removed: dict[str, int],
    at: datetime,
) -> Erasure:
    """Write down what was emptied: its one audit entry, and the row that the operator sees."""
    removed = {profile: count for profile, count in sorted(removed.items()) if count}
    facts = {"reason": reason, "removed": removed}
    entry = note(session, act, at=at, actor=actor, archive=None, ids=ids, facts=facts)
    done = Erasure(id=new_id("era", at), reason=reason, removed=removed, entry_id=entry, at=at)
    session.add(done)
    session.flush()
    return done


def _empty_seat(session: Session, seat: Seat, at: datetime) -> dict[str, int]:
    for table, words, author in _WORDS:
        for row in session.exec(select(table).where(author == seat.id, words != "")):
            setattr(row, words.key, _without(getattr(row, words.key), seat))
            session.add(row)
    seat.name, seat.email, seat.active = KEPT, f"{seat.id}@erased.invalid", False
    seat.left_email = None
    session.add(seat)
    for credential in session.exec(select(Credential).where(col(Credential.seat_id) == seat.id)):
        credential.revoked_at, credential.name = credential.revoked_at or at, ""
        session.add(credential)
    session.flush()
    own = select(Extract.id).where(col(Extract.organisation_id) == seat.organisation_id)
    read = update(Access).where(col(Access.extract_id).in_(own), col(Access.caller) == seat.id)
    addresses = session.execute(read.where(col(Access.address).is_not(None)).values(address=None))
    session.execute(delete(Identity).where(col(Identity.seat_id) == seat.id))
    mails = session.execute(delete(OutboxMail).where(col(OutboxMail.seat_id) == seat.id))
    return {"addresses": count_of(addresses), "messages": count_of(mails)}


def count_of(result: object) -> int:
    """How many rows a statement changed."""
    return cast("CursorResult[Any]", result).rowcount


def _without(words: str, seat: Seat) -> str:
    """Words of a person, without their name and address in them."""
    named = "|".join(re.escape(one) for one in (seat.email, seat.left_email, seat.name) if one)
    return re.sub(named, KEPT, words, flags=re.IGNORECASE)


def _forget_answers(session: Session, seat: Seat | None, email: str) -> None:
    """Answers kept for repetition that are the person's, or in which they stand."""
    named = [email, *((seat.id, seat.name) if seat else ())]
    needles = [json.dumps(one, ensure_ascii=False).encode() for one in named]
    kept = session.exec(select(IdempotencyKey).execution_options(yield_per=500))
    for answer in kept:
        own = seat is not None and answer.caller == seat.id
        if own or any(needle in answer.body for needle in needles):
            session.delete(answer)


def _claims(session: Session, email: str) -> Sequence[Dispute]:
    return session.exec(select(Dispute).where(col(Dispute.contact) == email)).all()


def empty_claim(session: Session, claim: Dispute) -> None:
    """Forget who made a decided claim, and what they said.

    An upheld claim's line stays in the rights ledger: it is why the item is closed.
    """
    claim.contact = claim.source = claim.key_hash = ""
    claim.claims = [
        {**one, "rightsholder": "", "statement": "", "evidence": ""} for one in claim.claims
    ]
    session.add(claim)
    if claim.state == "rejected" and claim.line_id is not None:
        lines = or_(col(RightsLine.id) == claim.line_id, col(RightsLine.ends) == claim.line_id)
        session.execute(update(RightsLine).where(lines).values(rightsholder=""))
        own = update(RightsLine).where(col(RightsLine.id) == claim.line_id)
        session.execute(own.values(evidence=""))
