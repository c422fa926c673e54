"""Access requests: over one or several datasets, decided at once where the terms are clear."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from sqlmodel import Session, col, select

from policies import Line, Outcome, Place, Prospect, Request, Summary
from registry.access.tables import AccessRequest, Agreement, DecisionRow
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.blocks import BLOCKED, Block, find_block, said_of
from registry.accounts.tables import Environment, Organisation
from registry.audit.acts import Act
from registry.audit.values import moment
from registry.digests import digest
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.agreeing import party, propose
from registry.services.asking import ask, offered, opens_any, prospect_of
from registry.services.catalogue import Listing, Offered, find_dataset, listing_of
from registry.services.counting import classes_of
from registry.services.locking import locked
from registry.services.machines import find_environment
from registry.services.noting import note
from registry.services.residency import unproven
from registry.services.verifying import require_standing
from registry.services.wording import conflict, invalid, missing

ANSWER_WITHIN = timedelta(days=10)
"""How long an archive may take for what the terms leave to it; both sides see the clock."""

_ORDER = [str(outcome) for outcome in Outcome]
Answer = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class NewRequest(Command):
    """What the organisation asks for."""

    datasets: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)]
    environment_id: str
    use: str
    purpose: str | None = None
    note: Answer = ""


class Review(Command):
    """The archive's own yes or no on a part that waits for it.

    ``statements`` narrows a yes to items under these rights statements.
    """

    decision_id: str
    approve: bool
    answer: Answer = ""
    statements: Annotated[tuple[str, ...], Field(min_length=1)] | None = None


@dataclass(frozen=True)
class FiledRequest:
    """A request with its decisions and the agreements proposed on them."""

    request: AccessRequest
    decisions: tuple[DecisionRow, ...]
    agreements: tuple[Agreement, ...]


def file_request(
    session: Session,
    actor: Actor,
    command: NewRequest,
    *,
    origin: str,
    at: datetime,
    regions: frozenset[str] = frozenset(),
) -> FiledRequest:
    """File a request; every dataset is decided part by part, each part an act of its own.

    Clear cases get an agreement at once where the offer's owner allows that; what the terms leave
    to the archive waits in its inbox; the rest is denied with its reasons.

    :param regions: countries of the store and of this node: what the terms give nobody there is
        denied here.
    """
    require(actor, Scope.REQUESTS)
    require_standing(session, actor, at)
    environment = _open_environment(session, actor, command.environment_id, at)
    listings = [
        offered(find_dataset(session, actor, name), f"datasets.{i}")
        for i, name in enumerate(command.datasets)
    ]
    if len({listing.edition.id for listing in listings}) < len(listings):
        raise invalid("datasets", "Een dataset staat er twee keer in.", "A dataset is named twice.")
    request = AccessRequest(
        id=new_id("req", at),
        organisation_id=actor.organisation_id,
        filed_by=actor.id,
        environment_id=environment.id,
        use=command.use,
        purpose=command.purpose,
        user_class=actor.user_class,
        note=command.note,
        filed_at=at,
    )
    # Entries of several archives are written in the order of their streams: no two requests can
    # then wait for each other.
    listings.sort(key=lambda listing: listing.archive.id)
    asked = [asked_of(session, request, listing, origin, at) for listing in listings]
    session.add(request)
    session.flush()
    decisions: list[DecisionRow] = []
    agreements: list[Agreement] = []
    for listing, question in zip(listings, asked, strict=True):
        for decision in _decide(session, actor, request, listing, question, at, regions):
            decisions.append(decision)
            if decision.state == "permitted":
                made = propose(session, decision, request, question, origin=origin, at=at)
                agreements.append(made)
    return _filed(request, decisions, agreements)


def _filed(
    request: AccessRequest, decisions: Iterable[DecisionRow], agreements: Iterable[Agreement]
) -> FiledRequest:
    return FiledRequest(
        request,
        tuple(sorted(decisions, key=lambda d: (d.snapshot["reference"], _ORDER.index(d.part)))),
        tuple(sorted(agreements, key=lambda agreement: agreement.id)),
    )


def asked_of(
    session: Session, request: AccessRequest, listing: Listing, origin: str, at: datetime
) -> Request:
    """The request as the policy engine is asked it, for one edition at one moment."""
    environment = session.get_one(Environment, request.environment_id)
    organisation = session.get_one(Organisation, request.organisation_id)
    return ask(
        use=request.use,
        user_class=request.user_class,
        purpose=request.purpose,
        assignee=party(origin, organisation),
        target=listing.reference,
        place=place_of(environment, at),
        at=at,
    )


def place_of(environment: Environment, at: datetime) -> Place:
    """Where it processes and stores, as the policy engine is told it.

    Which named place it is, is known only while somebody's acceptance of a proof holds.
    """
    proven = environment.proven_until is not None and at < environment.proven_until
    return Place(
        environment.country,
        environment.operator_country,
        environment.secure,
        environment.stored_country,
        environment.place if proven else None,
    )


def _open_environment(
    session: Session, actor: Actor, environment_id: str, at: datetime
) -> Environment:
    environment = find_environment(session, actor, environment_id)
    if environment.closed_at is not None:
        raise conflict(
            "environment-closed",
            "Deze omgeving is gesloten.",
            "This environment is closed.",
            "Kies een andere omgeving of meld een nieuwe aan.",
            "Choose another environment or register a new one.",
        )
    expired = unproven(environment, at)
    if expired is not None:
        raise expired
    return environment


def _decide(
    session: Session,
    actor: Actor,
    request: AccessRequest,
    listing: Offered,
    question: Request,
    at: datetime,
    regions: frozenset[str],
) -> list[DecisionRow]:
    """One decision a part of the dataset that has items; an empty dataset is denied."""
    prospect, summary = _prospect(session, listing, question, regions)
    block = find_block(session, request.organisation_id, listing.archive.id)
    snapshot = prospect.to_json() | {
        "reference": listing.reference,
        "ledger_moment": classes_of(session, listing.edition.id).moment,
        "counts": {str(outcome): items for outcome, items in summary.counts.items()},
        "change": asdict(summary.change) if summary.change else None,
    }
    if block is not None:  # what the terms would give stays in the snapshot, to be made again
        snapshot["block"] = {"id": block.id, "reason": block.reason}
        summary = _all_denied(summary, block)
    facts = _facts(question, snapshot)
    parts = [outcome for outcome in Outcome if summary.counts[outcome]] or [Outcome.DENY]
    decisions = [_decision(request, listing, snapshot, summary, part, at) for part in parts]
    session.add_all(decisions)
    session.flush()
    for decision in decisions:
        _note_decision(session, actor, decision, facts)
    return decisions


def _all_denied(summary: Summary, block: Block) -> Summary:
    said = said_of(block)
    line = Line(Outcome.DENY, None, BLOCKED, summary.total, said.nl, said.en, ())
    counts = {Outcome.PERMIT: 0, Outcome.REVIEW: 0, Outcome.DENY: summary.total}
    return replace(summary, counts=counts, lines=(line,), change=None)


def _prospect(
    session: Session, listing: Offered, question: Request, regions: frozenset[str]
) -> tuple[Prospect, Summary]:
    """What an agreement would give; nothing where the service itself stands in the wrong place."""
    for region in sorted(regions):
        place = replace(question.place, country=region, stored_country=region)
        here = replace(question, place=place)
        if not opens_any(session, listing, here):
            return prospect_of(session, listing, here)
    return prospect_of(session, listing, question)


def _decision(
    request: AccessRequest,
    listing: Offered,
    snapshot: dict[str, Any],
    summary: Summary,
    part: Outcome,
    at: datetime,
) -> DecisionRow:
    state = {Outcome.REVIEW: "pending", Outcome.DENY: "denied"}.get(part, "permitted")
    if part is Outcome.PERMIT and not listing.offer.automatic:
        state = "pending"
    return DecisionRow(
        id=new_id("dec", at),
        request_id=request.id,
        dataset_id=listing.dataset.id,
        archive_id=listing.archive.id,
        edition_id=listing.edition.id,
        offer_id=listing.offer.id,
        part=str(part),
        state=state,
        items=summary.counts[part],
        lines=[line_json(line) for line in summary.lines if line.outcome is part],
        snapshot=snapshot,
        decided_at=at,
        due_at=at + ANSWER_WITHIN if state == "pending" else None,
    )


def line_json(line: Line) -> dict[str, Any]:
    """A line of a summary as plain data."""
    return {**asdict(line), "outcome": str(line.outcome), "rights": list(line.rights)}


def _facts(question: Request, snapshot: dict[str, Any]) -> dict[str, Any]:
    """What the entries of all parts of one answer say of it."""
    facts = {
        "use": question.use,
        "user_class": question.user_class,
        "country": question.place.country,
        "operator_country": question.place.operator_country,
        "secure": question.place.secure,
        "policy_digest": snapshot["policy"]["digest"],
        "decision_digest": digest(snapshot),
        "request_digest": digest(question.to_json()),
        "version": snapshot["engine"],
    }
    return facts if question.purpose is None else {**facts, "purpose": question.purpose}


def _note_decision(
    session: Session, actor: Actor, decision: DecisionRow, of_all: dict[str, Any]
) -> None:
    facts = {
        **of_all,
        "outcome": decision.part,
        "state": decision.state,
        "items": decision.items,
        "reasons": sorted({line["code"] for line in decision.lines}),
    }
    if decision.due_at is not None:
        facts["due"] = moment(decision.due_at)
    note(
        session,
        Act.REQUEST_DECIDED,
        at=decision.decided_at,
        actor=actor,
        archive=decision.archive_id,
        ids=_ids(decision),
        facts=facts,
    )


def _ids(decision: DecisionRow) -> dict[str, str]:
    return {
        "request": decision.request_id,
        "decision": decision.id,
        "dataset": decision.dataset_id,
        "edition": decision.edition_id,
        "offer": decision.offer_id,
    }


def find_request(session: Session, actor: Actor, request_id: str) -> FiledRequest:
    """A request of the actor's organisation, or for an archive the parts that concern it."""
    request = session.get(AccessRequest, request_id)
    if request is None:
        raise missing("aanvraag", "request", request_id)
    decisions = _decisions(session, request, actor)
    if not decisions:
        raise missing("aanvraag", "request", request_id)
    ids = [decision.id for decision in decisions]
    agreements = session.exec(select(Agreement).where(col(Agreement.decision_id).in_(ids)))
    return _filed(request, decisions, agreements)


def _decisions(session: Session, request: AccessRequest, actor: Actor) -> list[DecisionRow]:
    own = select(DecisionRow).where(col(DecisionRow.request_id) == request.id)
    if request.organisation_id == actor.organisation_id:
        require(actor, Scope.REQUESTS)
    else:
        own = own.where(col(DecisionRow.archive_id) == actor.organisation_id)
        if Scope.ARCHIVE_READ not in actor.scopes:
            return []
    return list(session.exec(own))


def list_requests(
    session: Session, actor: Actor, *, after: str | None = None, limit: int = 50
) -> list[AccessRequest]:
    """The organisation's requests, newest first, from beyond the id ``after``."""
    require(actor, Scope.REQUESTS)
    own = select(AccessRequest).where(col(AccessRequest.organisation_id) == actor.organisation_id)
    if after is not None:
        own = own.where(col(AccessRequest.id) < after)
    return list(session.exec(own.order_by(col(AccessRequest.id).desc()).limit(limit)))


def withdraw_request(
    session: Session, actor: Actor, request_id: str, *, at: datetime
) -> FiledRequest:
    """Take a request back: what waits is not decided any more; agreements stay as they are."""
    filed = find_request(session, actor, request_id)
    if filed.request.organisation_id != actor.organisation_id:
        raise missing("aanvraag", "request", request_id)
    if locked(session, filed.request).withdrawn_at is not None:
        return filed
    filed.request.withdrawn_at = at
    session.add(filed.request)
    for decision in sorted(filed.decisions, key=lambda one: one.archive_id):
        if locked(session, decision).state == "pending":
            decision.state = "withdrawn"
            session.add(decision)
            ids = {name: _ids(decision)[name] for name in ("request", "decision", "dataset")}
            note(
                session,
                Act.REQUEST_WITHDRAWN,
                at=at,
                actor=actor,
                archive=decision.archive_id,
                ids=ids,
            )
    return filed


def inbox(
    session: Session, actor: Actor, *, after: str | None = None, limit: int = 50
) -> list[tuple[DecisionRow, AccessRequest, Organisation]]:
    """What waits for the archive, soonest due first: the part, its request and who asks."""
    require(actor, Scope.ARCHIVE_READ)
    query = select(DecisionRow, AccessRequest, Organisation).where(
        col(DecisionRow.archive_id) == actor.organisation_id,
        col(DecisionRow.state) == "pending",
        col(DecisionRow.request_id) == col(AccessRequest.id),
        col(AccessRequest.organisation_id) == col(Organisation.id),
    )
    if after is not None:
        query = query.where(col(DecisionRow.id) > after)
    # Ids sort by birth and every part has the same time to be answered in.
    return list(session.exec(query.order_by(col(DecisionRow.id)).limit(limit)))


def review(
    session: Session, actor: Actor, command: Review, *, origin: str, at: datetime
) -> DecisionRow:
    """Say yes or no to a part that waits; a yes proposes an agreement, a no gives its reason."""
    require(actor, Scope.ARCHIVE_WRITE)
    decision = session.get(DecisionRow, command.decision_id)
    if decision is None or decision.archive_id != actor.organisation_id:
        raise missing("beslissing", "decision", command.decision_id)
    if locked(session, decision).state != "pending":
        raise conflict(
            "not-pending",
            f"Dit deel wacht niet op u; het is `{decision.state}`.",
            f"This part does not wait for you; it is `{decision.state}`.",
        )
    if not command.approve and not command.answer:
        raise invalid(
            "answer",
            "Schrijf waarom niet, en wat er een ja van zou maken.",
            "Write why not, and what would make it a yes.",
        )
    decision.state = "approved" if command.approve else "refused"
    decision.answer = command.answer
    decision.reviewed_by, decision.reviewed_at = actor.id, at
    session.add(decision)
    act = Act.REVIEW_APPROVED if command.approve else Act.REVIEW_REFUSED
    note(
        session,
        act,
        at=at,
        actor=actor,
        archive=decision.archive_id,
        ids=_ids(decision),
        facts={"items": decision.items},
    )
    if command.approve:
        _agree_on(session, decision, _narrowed(decision, command), origin, at)
    return decision


def _narrowed(decision: DecisionRow, command: Review) -> frozenset[str] | None:
    if command.statements is None:
        return None
    held = {iri for line in decision.lines for iri in line["rights"]}
    unknown = [iri for iri in command.statements if iri not in held]
    if unknown:
        raise invalid(
            "statements",
            f"In dit deel staan geen items met `{unknown[0]}`.",
            f"This part has no items under `{unknown[0]}`.",
        )
    return frozenset(command.statements)


def _agree_on(
    session: Session,
    decision: DecisionRow,
    rights: frozenset[str] | None,
    origin: str,
    at: datetime,
) -> None:
    listing = listing_of(session, decision.dataset_id, decision.edition_id)
    current = offered(listing, "decision_id")
    if current.offer.id != decision.offer_id:
        raise conflict(
            "offer-replaced",
            "Het aanbod waarop is gevraagd, is vervangen.",
            "The offer that was asked on has been replaced.",
            "Laat de aanvrager opnieuw vragen op het nieuwe aanbod.",
            "Let the requester ask again on the new offer.",
        )
    request = session.get_one(AccessRequest, decision.request_id)
    question = asked_of(session, request, current, origin, at)
    propose(session, decision, request, question, origin=origin, at=at, rights=rights)
