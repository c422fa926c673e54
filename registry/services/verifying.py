"""The library card of an organisation: told once, verified for a time, and taken back at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from sqlmodel import Session, col, select

from registry.accounts.actors import Actor, Scope, require
from registry.accounts.company_numbers import plain_number
from registry.accounts.tables import Organisation
from registry.accounts.verifications import Verification, lapse_of
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.errors import NotAllowed, Text
from registry.ids import new_id
from registry.services.accounts import Command, Country, Line
from registry.services.countries import known_country
from registry.services.locking import locked
from registry.services.mailing import mail
from registry.services.noting import note
from registry.services.wording import conflict, invalid, missing

BEFORE = timedelta(days=30)
"""How long before its end an organisation is reminded of it."""
MONTHS = 24
"""How long a verification holds, where the operator says nothing else."""


class Apply(Command):
    """Who the organisation is, and where that can be seen."""

    legal_name: Line
    number_kind: Literal["kvk", "vat"] = "kvk"
    number: Line
    country: Country = "NL"
    signatory: Line
    signatory_role: Line
    evidence: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)
    ]


class Decide(Command):
    """What the operator found: ``withdrawn`` ends one that was verified."""

    verification_id: str
    state: Literal["verified", "refused", "withdrawn"]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""
    months: Annotated[int, Field(ge=1, le=60)] = MONTHS


def apply(session: Session, actor: Actor, command: Apply, *, at: datetime) -> Verification:
    """Say who the organisation is; a newer application replaces one that still waits.

    What was verified before stands until its end.
    """
    _require_member(actor)
    known_country("country", command.country)
    number = plain_number(command.number_kind, command.number)
    if number is None:
        raise invalid(
            "number",
            "Dit nummer klopt niet: het heeft een andere vorm of een fout cijfer.",
            "This number is wrong: it has another form, or a wrong digit.",
            "KvK: 8 cijfers. Btw: met landcode vooraan, zoals NL123456782B90.",
            "KvK: 8 digits. VAT: with the country in front, as in NL123456782B90.",
        )
    for older in _cards(session, actor.organisation_id, "applied"):
        session.delete(older)
    card = Verification(
        id=new_id("vrf", at),
        organisation_id=actor.organisation_id,
        applied_by=actor.id,
        applied_at=at,
        **command.model_dump(exclude={"number"}),
        number=number,
    )
    session.add(card)
    session.flush()
    _note(session, actor, card, at)
    return card


def _require_member(actor: Actor) -> None:
    require(actor, Scope.ACCOUNT)
    if actor.role not in {"archive", "user"}:
        raise NotAllowed(
            "not-verified-here",
            Text(
                "Alleen archieven en gebruikers van data laten zich controleren.",
                "Only archives and users of data have themselves verified.",
            ),
        )


def _cards(session: Session, organisation_id: str, *states: str) -> list[Verification]:
    own = select(Verification).where(
        col(Verification.organisation_id) == organisation_id, col(Verification.state).in_(states)
    )
    return list(session.exec(own.order_by(col(Verification.id).desc())))


_BEFORE_IT = {"verified": "applied", "refused": "applied", "withdrawn": "verified"}


def decide(session: Session, actor: Actor | None, command: Decide, *, at: datetime) -> Verification:
    """Verify, refuse or withdraw; what ends is ended from the next request on, in streams too.

    :param actor: the operator; ``None`` for the operator at the machine.
    """
    if actor is not None:
        require(actor, Scope.OPERATE)
    card = session.get(Verification, command.verification_id)
    if card is None:
        raise missing("controle", "verification", command.verification_id)
    if locked(session, card).state != _BEFORE_IT[command.state]:
        raise conflict(
            "verification-state",
            f"Dat kan niet: deze controle is `{card.state}`.",
            f"That is not possible: this verification is `{card.state}`.",
        )
    if command.state != "verified" and not command.reason:
        raise invalid(
            "reason", "Schrijf waarom; de organisatie leest het.", "Write why; they will read it."
        )
    card.state, card.reason = command.state, command.reason
    card.decided_by, card.decided_at = actor.id if actor else None, at
    organisation = locked(session, session.get_one(Organisation, card.organisation_id))
    if command.state == "verified":
        _replace(session, card)
        card.expires_at = at + timedelta(days=command.months * 365 // 12)
        organisation.verification, organisation.verified_until = "verified", card.expires_at
        if organisation.state == "unverified":
            organisation.state = "active"
    elif command.state == "withdrawn":
        organisation.verification = "withdrawn"
    session.add_all((card, organisation))
    _note(session, actor, card, at)
    mail(session, card.organisation_id, _SUBJECTS[card.state], _told(card), at)
    return card


def _replace(session: Session, card: Verification) -> None:
    """Only the newest verification of an organisation can end it or be withdrawn."""
    for older in _cards(session, card.organisation_id, "verified"):
        if older.id != card.id:
            older.state, older.reason = "withdrawn", f"-> {card.id}"
            session.add(older)


_SUBJECTS: Mapping[str, Text] = {
    "verified": Text("Uw organisatie is gecontroleerd", "Your organisation is verified"),
    "refused": Text("Uw organisatie is niet goedgekeurd", "Your organisation was not verified"),
    "withdrawn": Text(
        "De controle van uw organisatie is ingetrokken",
        "The verification of your organisation was withdrawn",
    ),
}


def _told(card: Verification) -> Text:
    if card.expires_at is not None and card.state == "verified":
        day = card.expires_at.date().isoformat()
        return Text(
            f"{card.legal_name} is gecontroleerd. Dat geldt tot {day}.\n{card.reason}".rstrip(),
            f"{card.legal_name} is verified. That holds until {day}.\n{card.reason}".rstrip(),
        )
    stops = Text("", "")
    if card.state == "withdrawn":
        stops = Text(
            "\nAanvragen, overeenkomsten en downloads staan vanaf nu stil.",
            "\nRequests, agreements and downloads stop from now on.",
        )
    return Text(f"Reden: {card.reason}{stops.nl}", f"Reason: {card.reason}{stops.en}")


def list_own(session: Session, actor: Actor) -> list[Verification]:
    """What the actor's organisation told of itself, newest first."""
    require(actor, Scope.ACCOUNT)
    return _cards(session, actor.organisation_id, "applied", "verified", "refused", "withdrawn")


def list_all(session: Session, actor: Actor | None) -> list[tuple[Verification, Organisation]]:
    """Every verification that waits or stands, newest first, with its organisation."""
    if actor is not None:
        require(actor, Scope.OPERATE)
    standing = select(Verification, Organisation).where(
        col(Verification.organisation_id) == col(Organisation.id),
        col(Verification.state).in_(("applied", "verified")),
    )
    return list(session.exec(standing.order_by(col(Verification.id).desc())))


def require_standing(session: Session, actor: Actor, at: datetime) -> None:
    """Pass, or raise why the actor's organisation may ask for and agree on nothing now."""
    lapse = lapse_of(session.get_one(Organisation, actor.organisation_id), at)
    if lapse is not None:
        raise lapse


def remind_of_ends(session: Session, *, at: datetime) -> None:
    """Tell organisations once, a month before, that their verification ends."""
    ending = select(Verification).where(
        col(Verification.state) == "verified",
        col(Verification.reminded_at).is_(None),
        col(Verification.expires_at) <= at + BEFORE,
    )
    for card in session.exec(ending.with_for_update()).all():
        card.reminded_at = at
        session.add(card)
        day = card.expires_at.date().isoformat() if card.expires_at else ""
        text = Text(
            f"De controle van {card.legal_name} loopt op {day} af. Daarna staan aanvragen,"
            " overeenkomsten en downloads stil. Vraag op tijd een nieuwe aan.",
            f"The verification of {card.legal_name} ends on {day}. Requests, agreements and"
            " downloads stop then. Apply for a new one in time.",
        )
        mail(session, card.organisation_id, _ENDS, text, at)


_ENDS = Text(
    "De controle van uw organisatie loopt af", "The verification of your organisation ends"
)


def _note(session: Session, actor: Actor | None, card: Verification, at: datetime) -> None:
    facts: dict[str, object] = {"state": card.state, "reason": "verification"}
    if card.state == "verified" and card.expires_at is not None:
        facts["until"] = moment(card.expires_at)
    note(
        session,
        Act.ORGANISATION_CHANGED,
        at=at,
        actor=actor,
        archive=None,
        ids={"organisation": card.organisation_id},
        facts=facts,
    )
