"""Erasing a person (GDPR article 17): what points to them goes, what proves the acts stays."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Credential, IdempotencyKey, OutboxMail, Seat
from registry.audit.acts import Act
from registry.audit.log import erase
from registry.services.noting import note
from registry.services.wording import missing

KEPT = "erased"


def erase_person(session: Session, actor: Actor | None, seat_id: str, *, at: datetime) -> Seat:
    """Erase a person for good; the operator's act. Erasing them twice is no error.

    Gone are name, address, mails, kept answers, and the key of the pseudonym in the log. Kept is
    the emptied seat, for agreements and decisions that name its random id, and every entry: its
    bytes hold a pseudonym that nobody can make again, so that all proofs still verify.

    :param actor: ``None`` for the operator at the machine itself.
    """
    if actor is not None:
        require(actor, Scope.OPERATE)
    seat = session.get(Seat, seat_id)
    if seat is None:
        raise missing("plaats", "seat", seat_id)
    if seat.name == KEPT and not seat.active:
        return seat
    ids = {"seat": seat.id, "organisation": seat.organisation_id}
    facts = {"reason": "on-request"}
    note(session, Act.ACTOR_ERASED, at=at, actor=actor, archive=None, ids=ids, facts=facts)
    seat.name, seat.email, seat.active = KEPT, f"{seat.id}@erased.invalid", False
    session.add(seat)
    for credential in session.exec(select(Credential).where(col(Credential.seat_id) == seat.id)):
        credential.revoked_at, credential.name = credential.revoked_at or at, ""
        session.add(credential)
    session.flush()
    session.execute(delete(OutboxMail).where(col(OutboxMail.seat_id) == seat.id))
    session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.caller) == seat.id))
    erase(session, seat.id)
    return seat
