"""Extracts: ordered under an agreement, cut by a job, published whole or not at all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from catalog.ledger_tables import LedgerMoment
from catalog.tables import Edition, Offer
from policies import (
    Decision,
    Outcome,
    Reason,
    Selection,
    evaluate,
    request_from_json,
)
from registry.access.tables import AccessRequest, Agreement, DecisionRow, Extract, Part
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.blocks import blocked, find_block
from registry.accounts.tables import Environment, Organisation
from registry.audit.acts import Act
from registry.digests import digest
from registry.errors import NotAllowed, RegistryError, Text
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.agreeing import standing
from registry.services.asking import policy_of
from registry.services.catalogue import listing_of
from registry.services.counting import Facts, classes_of, judged
from registry.services.covering import columns_in, edition_asked, is_covered, not_covered
from registry.services.locking import locked
from registry.services.manifests import Cut
from registry.services.masking import asked_before, masks_for, select_cleared, stored_masks
from registry.services.noting import note
from registry.services.refusal import Refused
from registry.services.requesting import asked_of
from registry.services.residency import outside
from registry.services.verifying import require_standing
from registry.services.wording import conflict, invalid, missing

ALWAYS = ("_item", "_rights")
"""Columns that every extract has: the item's opaque id and its rights statement."""
UNDER_WAY = ("ordered", "running")


class NewExtract(Command):
    """Which agreement to cut, of which edition, and which content columns.

    By default it is the edition that the agreement names, and all columns.
    """

    agreement_id: str
    columns: tuple[str, ...] | None = None
    edition: int | None = None


def order_extract(
    session: Session,
    actor: Actor,
    command: NewExtract,
    *,
    origin: str,
    at: datetime,
    regions: frozenset[str] = frozenset(),
) -> Extract | Refused:
    """Order an extract: the agreement is evaluated anew, and the row's job is still to be queued.

    A refusal is an act too: its entry commits.

    :param regions: countries of the store and of this node, which must satisfy the terms as well.
    """
    require(actor, Scope.EXTRACTS)
    agreement = session.get(Agreement, command.agreement_id)
    if agreement is None or agreement.organisation_id != actor.organisation_id:
        raise missing("overeenkomst", "agreement", command.agreement_id)
    require_standing(session, actor, at)
    ended = standing(locked(session, agreement), at)
    if ended is not None:
        raise ended
    block = find_block(session, agreement.organisation_id, agreement.archive_id)
    if block is not None:
        return _refuse(session, actor, agreement, blocked(block), (), at)
    edition = edition_asked(session, agreement, command.edition)
    columns = _columns(columns_in(session, agreement, edition), command.columns)
    decision = decide(session, agreement, edition.id, origin, at)
    if not is_covered(decision):
        uncovered = not_covered(session, agreement, edition)
        return _refuse(session, actor, agreement, uncovered, decision.reasons, at)
    summary = judged(decision, classes_of(session, edition.id), advise=False)
    if not summary.counts[Outcome.PERMIT]:
        return _refuse(session, actor, agreement, _no_items(decision), decision.reasons, at)
    elsewhere = outside(decision, regions)
    if elsewhere is not None:
        return _refuse(session, actor, agreement, elsewhere, (), at)
    before = asked_before(session, agreement)
    masks = masks_for(decision, _offer_of(session, agreement), edition, columns, before)
    selection = select_cleared(decision, masks)
    extract = Extract(
        id=new_id("ext", at),
        agreement_id=agreement.id,
        edition_id=edition.id,
        organisation_id=actor.organisation_id,
        columns=columns,
        snapshot=decision.to_json()
        | {
            "agreement_digest": agreement.digest,
            "asked_before": before,
            "masks": stored_masks(masks, selection),
        },
        identity=identity_of(edition, selection, columns, None),
        ordered_by=actor.id,
        ordered_at=at,
    )
    session.add(extract)
    session.flush()
    facts = {
        "outcome": "permit",
        "items": summary.counts[Outcome.PERMIT],
        "columns": len(columns),
        "agreement_digest": agreement.digest,
        "decision_digest": digest(extract.snapshot),
    }
    note_extract(session, actor, Act.EXTRACT_ORDERED, extract, agreement, at, facts)
    return extract


def decide(
    session: Session, agreement: Agreement, edition_id: str, origin: str, at: datetime
) -> Decision:
    """What the agreement gives of an edition now, with its recipient's environment as it is now."""
    decision = session.get_one(DecisionRow, agreement.decision_id)
    request = session.get_one(AccessRequest, decision.request_id)
    listing = listing_of(session, agreement.dataset_id, edition_id)
    return evaluate(policy_of(agreement), asked_of(session, request, listing, origin, at))


def clears_any(session: Session, decision: Decision, edition_id: str) -> bool:
    """Whether the decision clears at least one item of the edition."""
    classes = open_classes(session, decision, edition_id)
    return any(decision.verdict(facts).outcome is Outcome.PERMIT for facts, _items in classes)


def open_classes(session: Session, decision: Decision, edition_id: str) -> list[tuple[Facts, int]]:
    """The edition's rights classes that the ledger leaves open where the decision is about."""
    return classes_of(session, edition_id).open_in(decision.request.place.country)


def _columns(known: list[str], chosen: tuple[str, ...] | None) -> list[str]:
    if chosen is None:
        return known
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        wrong = unknown[0] if unknown else "…"
        raise invalid(
            "columns",
            f"De editie heeft geen kolom `{wrong}`, of een kolom staat er twee keer in.",
            f"The edition has no column `{wrong}`, or a column is named twice.",
            f"Kies uit: {', '.join(known)}.",
            f"Choose from: {', '.join(known)}.",
        )
    return list(chosen)


def identity_of(
    edition: Edition, selection: Selection, columns: list[str], ledger: LedgerMoment | None
) -> str:
    """Equal for equal rows and cells; what is masked is left out where nothing is."""
    values = {name: repr(value) for name, value in selection.params.items()}
    rows = {"where": selection.where, "values": values}
    masked = {name: shown for name, shown in selection.shown.items() if shown != "TRUE"}
    what = {"edition": edition.sha256, "rows": rows, "columns": columns}
    said = {"ledger": ledger.sha256} if ledger else {}
    return digest(what | ({"masked": masked} if masked else {}) | said)


def _refuse(
    session: Session,
    actor: Actor,
    agreement: Agreement,
    error: RegistryError,
    reasons: Sequence[Reason],
    at: datetime,
) -> Refused:
    note(
        session,
        Act.EXTRACT_REFUSED,
        at=at,
        actor=actor,
        archive=agreement.archive_id,
        ids={"agreement": agreement.id, "dataset": agreement.dataset_id},
        facts={"reasons": [reason.code for reason in reasons] or [error.code]},
    )
    return Refused(error)


def _no_items(decision: Decision) -> RegistryError:
    reasons = decision.reasons
    nl = " ".join(r.nl for r in reasons) or "Er zijn nu geen items die u mag hebben."
    en = " ".join(r.en for r in reasons) or "There are no items now that you may have."
    return NotAllowed("extract-refused" if reasons else "no-items", Text(nl, en))


def note_extract(
    session: Session,
    actor: Actor | None,
    act: Act,
    extract: Extract,
    agreement: Agreement,
    at: datetime,
    facts: dict[str, Any] | None = None,
    *,
    previous: str | None = None,
) -> None:
    """Write an act on an extract down in its archive's stream.

    :param previous: the extract that this one takes the place of.
    """
    ids = {} if previous is None else {"previous": previous}
    ids |= {
        "extract": extract.id,
        "agreement": agreement.id,
        "dataset": agreement.dataset_id,
        "edition": extract.edition_id,
    }
    note(session, act, at=at, actor=actor, archive=agreement.archive_id, ids=ids, facts=facts)


def find_extract(session: Session, actor: Actor, extract_id: str) -> Extract:
    """An extract of the actor's own organisation; another's is not even read, which takes time."""
    require(actor, Scope.EXTRACTS)
    own = select(Extract).where(
        col(Extract.id) == extract_id, col(Extract.organisation_id) == actor.organisation_id
    )
    extract = session.exec(own).one_or_none()
    if extract is None:
        raise missing("extract", "extract", extract_id)
    return extract


def list_extracts(
    session: Session, actor: Actor, *, after: str | None = None, limit: int = 50
) -> list[Extract]:
    """The organisation's extracts, newest first, from beyond the id ``after``."""
    require(actor, Scope.EXTRACTS)
    own = select(Extract).where(col(Extract.organisation_id) == actor.organisation_id)
    if after is not None:
        own = own.where(col(Extract.id) < after)
    return list(session.exec(own.order_by(col(Extract.id).desc()).limit(limit)))


def parts_of(session: Session, extract: Extract) -> list[Part]:
    """The extract's files, in order; none until it is ready."""
    own = select(Part).where(col(Part.extract_id) == extract.id)
    return list(session.exec(own.order_by(col(Part.number))))


def cancel_extract(session: Session, actor: Actor, extract_id: str, *, at: datetime) -> Extract:
    """Stop an extract that is under way; the job notices within a second."""
    extract = locked(session, find_extract(session, actor, extract_id))
    if extract.state == "cancelled":
        return extract
    if extract.state not in UNDER_WAY:
        raise conflict(
            "extract-finished",
            f"Dit extract is `{extract.state}` en kan niet meer worden gestopt.",
            f"This extract is `{extract.state}` and cannot be stopped any more.",
        )
    extract.state, extract.finished_at = "cancelled", at
    session.add(extract)
    agreement = session.get_one(Agreement, extract.agreement_id)
    note_extract(session, actor, Act.EXTRACT_CANCELLED, extract, agreement, at)
    return extract


def cut_of(session: Session, extract: Extract) -> Cut:
    """The extract with all that its job and its manifest need; the decision as at the order."""
    agreement = session.get_one(Agreement, extract.agreement_id)
    offer = _offer_of(session, agreement)
    listing = listing_of(session, agreement.dataset_id, extract.edition_id)
    asked = request_from_json(extract.snapshot["request"])
    decision = evaluate(policy_of(agreement), asked)
    edition = session.get_one(Edition, extract.edition_id)
    before = extract.snapshot.get("asked_before", [])
    return Cut(
        extract=extract,
        agreement=agreement,
        listing=listing,
        offer=offer,
        recipient=session.get_one(Organisation, extract.organisation_id),
        environment=session.get_one(Environment, agreement.environment_id),
        decision=decision,
        summary=judged(decision, classes_of(session, edition.id), advise=False),
        masks=masks_for(decision, offer, edition, extract.columns, before),
        ledger=session.get(LedgerMoment, (agreement.dataset_id, extract.ledger_moment)),
    )


def _offer_of(session: Session, agreement: Agreement) -> Offer:
    offer_id = session.get_one(DecisionRow, agreement.decision_id).offer_id
    return session.get_one(Offer, offer_id)
