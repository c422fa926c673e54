"""Agreements: proposed on a decision, accepted as they were read, in force until they end."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import StringConstraints
from sqlalchemy import or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from catalog.tables import Offer
from policies import Outcome, PolicyError, Request, agree, dump_policy
from registry.access.tables import AccessRequest, Agreement, DecisionRow
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Organisation
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.digests import digest
from registry.errors import Conflict, Gone, RegistryError, Text
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.asking import policy_of
from registry.services.blocking import require_unblocked
from registry.services.locking import locked
from registry.services.noting import note
from registry.services.verifying import require_standing
from registry.services.wording import conflict, invalid, missing


class Revoke(Command):
    """End an agreement, with the reason that its other side will read."""

    agreement_id: str
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


def party(origin: str, organisation: Organisation) -> str:
    """The IRI under which policies name an organisation."""
    return f"{origin}/organisations/{organisation.slug}"


def propose(
    session: Session,
    decision: DecisionRow,
    request: AccessRequest,
    question: Request,
    *,
    origin: str,
    at: datetime,
    rights: frozenset[str] | None = None,
) -> Agreement:
    """Freeze the agreement that a decided part leads to; it holds once the organisation accepts."""
    require_unblocked(session, request.organisation_id, decision.archive_id)
    offer = session.get_one(Offer, decision.offer_id)
    if not _open(offer, at):
        raise _nothing_to_agree()
    agreement_id = new_id("agr", at)
    until = at + timedelta(days=offer.agreement_days)
    try:
        policy = agree(
            policy_of(offer),
            question,
            frozenset({Outcome(decision.part)}),
            uid=f"{origin}/v1/agreements/{agreement_id}",
            assigner=party(origin, session.get_one(Organisation, decision.archive_id)),
            assignee=party(origin, session.get_one(Organisation, request.organisation_id)),
            agreed_at=at,
            until=until,
            rights=rights,
        )
    except PolicyError as wrong:
        raise _nothing_to_agree() from wrong
    document = dump_policy(policy)
    agreement = Agreement(
        id=agreement_id,
        decision_id=decision.id,
        organisation_id=request.organisation_id,
        archive_id=decision.archive_id,
        dataset_id=decision.dataset_id,
        edition_id=decision.edition_id,
        environment_id=request.environment_id,
        document=document,
        digest=digest(document),
        valid_from=at,
        valid_until=until,
    )
    session.add(agreement)
    session.flush()
    _note(
        session,
        None,
        Act.AGREEMENT_PROPOSED,
        agreement,
        at,
        {"agreement_digest": agreement.digest, "until": moment(until), "items": decision.items},
        {"decision": decision.id, "request": request.id, "offer": offer.id},
    )
    return agreement


def _open(offer: Offer, at: datetime) -> bool:
    """Whether new agreements may be made on it: neither withdrawn nor past its last day."""
    lapses = policy_of(offer).valid_until
    return offer.state == "in_force" and (lapses is None or at < lapses)


def _nothing_to_agree() -> Conflict:
    return conflict(
        "nothing-to-agree",
        "Het aanbod laat dit gebruik nu niet meer toe.",
        "The offer does not permit this use any more.",
        "Dien de aanvraag opnieuw in.",
        "File the request again.",
    )


def find_agreement(session: Session, actor: Actor, agreement_id: str) -> Agreement:
    """An agreement that the actor's organisation is a side of."""
    found = session.exec(_sided(actor).where(col(Agreement.id) == agreement_id)).one_or_none()
    if found is None:
        raise missing("overeenkomst", "agreement", agreement_id)
    _require_side(actor)
    return found


def _sided(actor: Actor) -> SelectOfScalar[Agreement]:
    return select(Agreement).where(
        or_(
            col(Agreement.organisation_id) == actor.organisation_id,
            col(Agreement.archive_id) == actor.organisation_id,
        )
    )


def _require_side(actor: Actor) -> None:
    require(actor, Scope.ARCHIVE_READ if actor.role == "archive" else Scope.REQUESTS)


def list_agreements(
    session: Session, actor: Actor, *, after: str | None = None, limit: int = 50
) -> list[Agreement]:
    """Agreements that the actor's organisation is a side of, newest first."""
    _require_side(actor)
    own = _sided(actor)
    if after is not None:
        own = own.where(col(Agreement.id) < after)
    return list(session.exec(own.order_by(col(Agreement.id).desc()).limit(limit)))


def accept(
    session: Session, actor: Actor, agreement_id: str, seen_digest: str, *, at: datetime
) -> Agreement:
    """Accept an agreement as it was read; accepting it twice is no error.

    :param seen_digest: digest of the document that the person saw.
    """
    agreement = _own_proposal(session, actor, agreement_id)
    if agreement.state == "in_force":
        return agreement
    require_standing(session, actor, at)
    require_unblocked(session, agreement.organisation_id, agreement.archive_id)
    if seen_digest != agreement.digest:
        raise invalid(
            "digest",
            "Dit is niet de vingerafdruk van deze overeenkomst.",
            "This is not the digest of this agreement.",
            "Lees de overeenkomst opnieuw en neem de vingerafdruk over.",
            "Read the agreement again and give its digest.",
        )
    _still_open(session, agreement, at)
    agreement.state = "in_force"
    agreement.accepted_by, agreement.accepted_at = actor.id, at
    session.add(agreement)
    facts = {"agreement_digest": agreement.digest, "until": moment(agreement.valid_until)}
    _note(session, actor, Act.AGREEMENT_ACCEPTED, agreement, at, facts)
    return agreement


def decline(session: Session, actor: Actor, agreement_id: str, *, at: datetime) -> Agreement:
    """Leave a proposed agreement; declining it twice is no error."""
    agreement = _own_proposal(session, actor, agreement_id)
    if agreement.state == "declined":
        return agreement
    if agreement.state != "proposed":
        raise _wrong_state(agreement)
    _end(session, actor, agreement, "declined", "", at)
    return agreement


def revoke(session: Session, actor: Actor, command: Revoke, *, at: datetime) -> Agreement:
    """The archive ends an agreement: the next request for its data is refused."""
    require(actor, Scope.ARCHIVE_WRITE)
    agreement = find_agreement(session, actor, command.agreement_id)
    if agreement.archive_id != actor.organisation_id:
        raise missing("overeenkomst", "agreement", command.agreement_id)
    if locked(session, agreement).state == "revoked":
        return agreement
    if agreement.state == "declined":
        raise _wrong_state(agreement)
    _end(session, actor, agreement, "revoked", command.reason, at)
    return agreement


def standing(agreement: Agreement, at: datetime) -> RegistryError | None:
    """Why the agreement gives nothing now; ``None`` while it is in force."""
    if agreement.state == "in_force" and agreement.valid_from <= at < agreement.valid_until:
        return None
    if agreement.state == "proposed":
        return Conflict(
            "agreement-not-accepted",
            Text(
                "Deze overeenkomst is nog niet geaccepteerd.",
                "This agreement has not been accepted yet.",
            ),
            Text("Lees haar en accepteer haar eerst.", "Read it and accept it first."),
        )
    ended = {
        "declined": ("door u afgewezen", "was declined by you"),
        "revoked": ("ingetrokken door het archief", "was revoked by the archive"),
    }
    nl, en = ended.get(agreement.state, ("verlopen", "has lapsed"))
    return Gone(
        f"agreement-{agreement.state if agreement.state in ended else 'lapsed'}",
        Text(f"Deze overeenkomst is {nl}.", f"This agreement {en}."),
        Text("Dien een nieuwe aanvraag in.", "File a new request."),
    )


def _own_proposal(session: Session, actor: Actor, agreement_id: str) -> Agreement:
    require(actor, Scope.REQUESTS)
    agreement = find_agreement(session, actor, agreement_id)
    if agreement.organisation_id != actor.organisation_id:
        raise missing("overeenkomst", "agreement", agreement_id)
    return locked(session, agreement)


def _still_open(session: Session, agreement: Agreement, at: datetime) -> None:
    if agreement.state != "proposed":
        raise _wrong_state(agreement)
    decision = session.get_one(DecisionRow, agreement.decision_id)
    if not _open(session.get_one(Offer, decision.offer_id), at):
        raise conflict(
            "offer-withdrawn",
            "Dit aanbod is ingetrokken of verlopen.",
            "This offer was withdrawn or has lapsed.",
            "Kijk of er een nieuw aanbod is en vraag opnieuw.",
            "See whether there is a new offer, and ask again.",
        )
    if agreement.valid_until <= at:
        raise conflict(
            "agreement-lapsed",
            "De tijd van deze overeenkomst is voorbij.",
            "The time of this agreement is over.",
            "Dien een nieuwe aanvraag in.",
            "File a new request.",
        )


def _wrong_state(agreement: Agreement) -> Conflict:
    return conflict(
        "agreement-state",
        f"Dat kan niet meer: deze overeenkomst is `{agreement.state}`.",
        f"That is not possible any more: this agreement is `{agreement.state}`.",
    )


def _end(
    session: Session, actor: Actor, agreement: Agreement, state: str, reason: str, at: datetime
) -> None:
    agreement.state, agreement.ended_at, agreement.ended_reason = state, at, reason
    session.add(agreement)
    act = Act.AGREEMENT_REVOKED if state == "revoked" else Act.AGREEMENT_DECLINED
    _note(session, actor, act, agreement, at, {"agreement_digest": agreement.digest})


def _note(
    session: Session,
    actor: Actor | None,
    act: Act,
    agreement: Agreement,
    at: datetime,
    facts: Mapping[str, object],
    ids: Mapping[str, str] | None = None,
) -> None:
    note(
        session,
        act,
        at=at,
        actor=actor,
        archive=agreement.archive_id,
        ids={
            "agreement": agreement.id,
            "decision": agreement.decision_id,
            "dataset": agreement.dataset_id,
            "edition": agreement.edition_id,
            **(ids or {}),
        },
        facts=facts,
    )
