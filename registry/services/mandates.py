"""The auditor's seat: invited by an archive for its own stream or by the operator, for a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlmodel import Session, col, select

from registry.accounts.actors import Actor, Scope, require
from registry.accounts.mandates import Mandate, mandates_of
from registry.accounts.tables import Organisation, Seat
from registry.audit.acts import Act
from registry.audit.entry import OPERATOR
from registry.errors import NotAllowed, Text
from registry.services.accounts import (
    AUDIT_DAYS,
    Command,
    Country,
    Email,
    Language,
    Line,
    SignUp,
    add_seat_of,
    give_mandate,
)
from registry.services.noting import note
from registry.services.wording import invalid, missing

LONGEST_DAYS = 400
"""A yearly audit with time to spare; longer takes a new invitation."""
_AMSTERDAM = ZoneInfo("Europe/Amsterdam")


class InviteAuditor(Command):
    """Who is to look, and for how long; the person gets a place if there is none yet."""

    organisation_name: Line
    person_name: Line
    email: Email
    country: Country = "NL"
    language: Language = "nl"
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = AUDIT_DAYS


@dataclass(frozen=True)
class Reach:
    """Whose streams an actor may read now.

    :param archives: ids; ``None`` for all, the operator's own included.
    :param ended: what an auditor could read before, with when that ended; ``None`` for all.
    """

    archives: frozenset[str] | None
    ended: Mapping[str | None, datetime] = field(default_factory=dict)

    def holds(self, stream: str) -> bool:
        """Whether this stream may be read."""
        return self.archives is None or stream in self.archives


def reach_of(session: Session, actor: Actor, at: datetime) -> Reach:
    """What the actor may read of the log.

    :raises NotAllowed: it may not read the log, or its time as an auditor has ended.
    """
    require(actor, Scope.AUDIT)
    if actor.role == "archive":
        return Reach(frozenset({actor.organisation_id}))
    if actor.role == "operator":
        return Reach(None)
    found = mandates_of(session, actor.organisation_id)
    live = {one.archive_id for one in found if at < one.end}
    ended = {one.archive_id: one.end for one in reversed(found) if one.end <= at}
    if not live:
        raise _time_over(max(ended.values(), default=None))
    return Reach(None if None in live else frozenset(one for one in live if one), ended)


def stream_of(
    session: Session, actor: Actor, archive: str | None = None, *, at: datetime
) -> str | None:
    """The one stream the actor may read, or the one asked for; ``None`` is all of them.

    Whoever may read all may ask for one archive's; an archive gets its own whatever it asks. An
    auditor of some archives who names none gets the first.
    """
    reach = reach_of(session, actor, at)
    if reach.archives is None:
        if archive not in {None, OPERATOR} and session.get(Organisation, archive) is None:
            raise missing("archief", "archive", str(archive))  # a look would begin its stream
        return archive
    if actor.role == "archive" or archive is None:
        return min(reach.archives)
    if archive in reach.archives:
        return archive
    if archive in reach.ended:
        raise _time_over(reach.ended[archive])
    raise missing("archief", "archive", archive)


def _time_over(ended: datetime | None) -> NotAllowed:
    if ended is None:
        text = Text(
            "U bent nog door geen archief gevraagd om mee te kijken.",
            "No archive has asked you to look yet.",
        )
    else:
        day = ended.astimezone(_AMSTERDAM)
        text = Text(
            f"Uw tijd als auditor eindigde op {day:%d-%m-%Y om %H:%M}.",
            f"Your time as auditor ended on {day:%Y-%m-%d at %H:%M} (Amsterdam time).",
        )
    help_ = Text(
        "Vraag het archief of de beheerder om een nieuwe uitnodiging.",
        "Ask the archive or the operator for a new invitation.",
    )
    return NotAllowed("auditor-time-over", text, help_)


def invite_auditor(
    session: Session,
    actor: Actor | None,
    command: InviteAuditor,
    *,
    at: datetime,
    archive: str | None = None,
) -> tuple[Mandate, Seat]:
    """Let someone look at the archive's stream or, for the operator, at all; an act of its own.

    ``actor`` is ``None`` for the operator at the machine itself, who may name an archive.
    """
    if actor is not None:
        archive = _asking(actor)
    elif archive is not None and session.get(Organisation, archive) is None:
        raise missing("archief", "archive", archive)
    seat = session.exec(select(Seat).where(col(Seat.email) == command.email)).one_or_none()
    if seat is None:
        said = command.model_dump(exclude={"days"})
        sign_up = SignUp(**said, role="auditor", user_class="government")
        seat = add_seat_of(session, actor, sign_up, at=at).seat
    elif session.get_one(Organisation, seat.organisation_id).role != "auditor":
        raise invalid(
            "email",
            "Dit adres is hier van iemand die geen auditor is.",
            "This address is here of someone who is no auditor.",
            "Gebruik een ander adres voor het werk als auditor.",
            "Use another address for work as an auditor.",
        )
    until = at + timedelta(days=command.days)
    return give_mandate(session, actor, seat, archive, until, at=at), seat


def _asking(actor: Actor) -> str | None:
    """The archive that asks; ``None`` for the operator."""
    if actor.role == "archive":
        require(actor, Scope.ACCOUNT)
        return actor.organisation_id
    require(actor, Scope.OPERATE)
    return None


def list_mandates(session: Session, actor: Actor) -> list[tuple[Mandate, Organisation]]:
    """Whom this archive, or the operator, asked to look; newest first."""
    query = select(Mandate, Organisation).where(
        col(Mandate.organisation_id) == col(Organisation.id),
        col(Mandate.archive_id) == _asking(actor),
    )
    return list(session.exec(query.order_by(col(Mandate.id).desc())))


def own_mandates(session: Session, actor: Actor) -> list[tuple[Mandate, str]]:
    """What an auditor was asked, each with the archive's name; empty for all archives."""
    require(actor, Scope.AUDIT)
    found = mandates_of(session, actor.organisation_id)
    return [(one, _name(session, one.archive_id)) for one in found]


def _name(session: Session, archive: str | None) -> str:
    return session.get_one(Organisation, archive).name if archive else ""


def end_mandate(session: Session, actor: Actor, mandate_id: str, *, at: datetime) -> Mandate:
    """End an auditor's time from the next request on; ending it twice is no error."""
    archive = _asking(actor)
    mandate = session.get(Mandate, mandate_id)
    if mandate is None or mandate.archive_id != archive:
        raise missing("uitnodiging", "mandate", mandate_id)
    if at < mandate.end:
        mandate.ended_at = at
        session.add(mandate)
        seat = session.exec(
            select(Seat).where(col(Seat.organisation_id) == mandate.organisation_id)
        ).first()
        note(
            session,
            Act.ACTOR_REMOVED,
            at=at,
            actor=actor,
            archive=mandate.archive_id,
            ids={"seat": seat.id if seat else OPERATOR, "organisation": mandate.organisation_id},
            facts={"reason": "mandate-ended"},
        )
    return mandate


def note_look(
    session: Session,
    actor: Actor,
    kind: str,
    archive: str | None,
    *,
    at: datetime,
    ids: Mapping[str, str],
) -> None:
    """Write down what an auditor looks at, in the stream of the archive whose it is."""
    stream = stream_of(session, actor, archive, at=at)
    note(
        session,
        Act.AUDIT_LOOKED,
        at=at,
        actor=actor,
        archive=stream,
        ids=ids,
        facts={"kind": kind},
    )


def note_look_at_all(session: Session, actor: Actor, kind: str, *, at: datetime) -> None:
    """Write down a look at what all archives together hold that an auditor may look at.

    One entry in each archive's stream; one in the operator's for who may look at all there are.
    """
    reach = reach_of(session, actor, at)
    for archive in (None,) if reach.archives is None else sorted(reach.archives):
        note_look(session, actor, kind, archive, at=at, ids={})
