"""A decision opened again: what it was given, what it said, and whether it would say so again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from catalog.tables import Dataset, Offer
from policies import (
    Outcome,
    PolicyError,
    Summary,
    match,
    parse_policy,
    replay,
    request_from_json,
    world_from_json,
)
from registry.access.tables import AccessRequest, Agreement, DecisionRow, Extract
from registry.accounts.actors import Actor, Scope
from registry.accounts.tables import Organisation
from registry.audit.acts import Act
from registry.audit.entry import Entry
from registry.audit.tables import AuditEntry
from registry.digests import digest
from registry.errors import Conflict, NotFound
from registry.services.asking import offered, policy_of
from registry.services.catalogue import Offered, find_dataset
from registry.services.counting import classes_of, judged
from registry.services.mandates import reach_of
from registry.services.noting import note
from registry.services.requesting import line_json
from registry.services.wording import missing


@dataclass(frozen=True)
class Opened:
    """A decision as it was: on a part of a request, or on an extract when it was ordered.

    :param stored: what the engine was given and said.
    :param document: the policy that decided, an ODRL Offer or Agreement.
    :param lines: reasons with their items; empty for an extract, whose manifest has them.
    :param entry: the audit entry of the decision; ``None`` where the log has none.
    """

    id: str
    archive_id: str
    organisation_id: str
    dataset_id: str
    edition_id: str
    ids: Mapping[str, str]
    decided_at: datetime
    stored: Mapping[str, Any]
    document: dict[str, Any]
    lines: tuple[dict[str, Any], ...]
    entry: Entry | None

    @property
    def reference(self) -> str:
        """The edition that was asked for, ``archive/dataset@3``."""
        return str(self.stored["request"]["target"])


@dataclass(frozen=True)
class Replayed:
    """What came out when a decision was made again.

    :param differences: codes of what is not as it was; none if it is identical. ``record`` is a
        stored decision that is not the one in the log, ``counts`` are the items per outcome
        (compared for as long as the rights ledger has not moved), ``unreadable`` is a stored
        decision that cannot be made again at all.
    :param entry_id: the audit entry of this replay.
    """

    differences: tuple[str, ...]
    entry_id: str

    @property
    def identical(self) -> bool:
        """Whether the same came out again."""
        return not self.differences


@dataclass(frozen=True)
class WhatIf:
    """The same question, answered by the policy of then and by the offer that is in force now.

    Both answer for the items of the edition of then as the rights ledger leaves them now, so that
    only the policy differs.

    :param reference: the edition whose offer answers; ``None`` where nothing is on offer now.
    """

    reference: str | None
    before: Mapping[str, int]
    after: Mapping[str, int]
    lines: tuple[dict[str, Any], ...]


def open_decision(session: Session, actor: Actor, decision_id: str, *, at: datetime) -> Opened:
    """The decision as it was, for its archive, for who asked, and for an auditor of the archive.

    :param decision_id: of a decision on a request, or of an extract.
    """
    may = _may_open(session, actor, _sides(session, decision_id), at)
    found = _find(session, decision_id) if may else None
    if found is None:
        raise missing("beslissing", "decision", decision_id)
    return found


def _sides(session: Session, decision_id: str) -> tuple[str, str]:
    """Archive and asker; empty where there is no such decision. Reads no more than that, so that
    refusing another's takes no longer than refusing none's.
    """
    of_extract = (
        select(Agreement.archive_id, Extract.organisation_id)
        .join(Agreement, col(Agreement.id) == col(Extract.agreement_id))
        .where(col(Extract.id) == decision_id)
    )
    of_request = (
        select(DecisionRow.archive_id, AccessRequest.organisation_id)
        .join(AccessRequest, col(AccessRequest.id) == col(DecisionRow.request_id))
        .where(col(DecisionRow.id) == decision_id)
    )
    query = of_extract if decision_id.startswith("ext_") else of_request
    return session.exec(query).one_or_none() or ("", "")


def _may_open(session: Session, actor: Actor, sides: tuple[str, str], at: datetime) -> bool:
    """An auditor whose time is over hears so, whether or not there is such a decision."""
    archive, asker = sides
    if actor.role == "user":
        return Scope.REQUESTS in actor.scopes and asker == actor.organisation_id
    return reach_of(session, actor, at).holds(archive)


def _find(session: Session, decision_id: str) -> Opened | None:
    if decision_id.startswith("ext_"):
        extract = session.get(Extract, decision_id)
        return None if extract is None or not extract.snapshot else _of_extract(session, extract)
    decision = session.get(DecisionRow, decision_id)
    return None if decision is None else _of_request(session, decision)


def _of_request(session: Session, decision: DecisionRow) -> Opened:
    asked = session.get_one(AccessRequest, decision.request_id)
    return Opened(
        id=decision.id,
        archive_id=decision.archive_id,
        organisation_id=asked.organisation_id,
        dataset_id=decision.dataset_id,
        edition_id=decision.edition_id,
        ids={"decision": decision.id, "request": decision.request_id},
        decided_at=decision.decided_at,
        stored=decision.snapshot,
        document=session.get_one(Offer, decision.offer_id).document,
        lines=tuple(decision.lines),
        entry=_entry(session, decision.archive_id, decision.decided_at, "decision", decision.id),
    )


def _of_extract(session: Session, extract: Extract) -> Opened:
    agreement = session.get_one(Agreement, extract.agreement_id)
    return Opened(
        id=extract.id,
        archive_id=agreement.archive_id,
        organisation_id=extract.organisation_id,
        dataset_id=agreement.dataset_id,
        edition_id=extract.edition_id,
        ids={"extract": extract.id, "agreement": agreement.id},
        decided_at=extract.ordered_at,
        stored=extract.snapshot,
        document=agreement.document,
        lines=(),
        entry=_entry(session, agreement.archive_id, extract.ordered_at, "extract", extract.id),
    )


def _entry(session: Session, stream: str, at: datetime, name: str, value: str) -> Entry | None:
    decided = (Act.REQUEST_DECIDED, Act.EXTRACT_ORDERED)
    return entry_near(session, stream, at, timedelta(milliseconds=1), decided, (name, value))


def entry_near(
    session: Session,
    stream: str,
    at: datetime,
    within: timedelta,
    acts: tuple[Act, ...],
    named: tuple[str, str],
) -> Entry | None:
    """The entry of one of these acts that names this id, written from then on within so long.

    Entry ids begin with their millisecond, so few are looked at.
    """
    first, stop = (str(UUID(int=int(one.timestamp() * 1000) << 80)) for one in (at, at + within))
    near = select(AuditEntry).where(
        col(AuditEntry.id) >= first, col(AuditEntry.id) < stop, col(AuditEntry.stream) == stream
    )
    name, value = named
    entries = (Entry.from_bytes(row.body) for row in session.exec(near))
    fitting = (one for one in entries if one.act in acts and one.ids.get(name) == value)
    return next(fitting, None)


def replay_decision(session: Session, actor: Actor, decision_id: str, *, at: datetime) -> Replayed:
    """Make the decision again on the policy of then; what came out is an act of its own."""
    opened = open_decision(session, actor, decision_id, at=at)
    differences = tuple(_differences(session, opened))
    entry_id = note(
        session,
        Act.DECISION_REPLAYED,
        at=at,
        actor=actor,
        archive=opened.archive_id,
        ids={**opened.ids, "dataset": opened.dataset_id},
        facts={
            "identical": not differences,
            "reasons": list(differences),
            "decision_digest": digest(dict(opened.stored)),
            "policy_digest": digest(opened.document),
        },
    )
    return Replayed(differences, entry_id)


def _differences(session: Session, opened: Opened) -> list[str]:
    """What is not as it was, most telling first."""
    differences = []
    recorded = opened.entry.facts.get("decision_digest") if opened.entry else None
    if recorded != digest(dict(opened.stored)):
        differences.append("record")
    try:
        again = replay(opened.stored, parse_policy(opened.document))
    except (PolicyError, KeyError, TypeError, ValueError):
        return [*differences, "unreadable"]  # what was stored no longer says what was decided
    differences += again.differences
    classes = classes_of(session, opened.edition_id)
    now = _counts(judged(again.answer, classes, advise=False))
    then = _counted_then(opened) if classes.moment == _moment(opened) else {}
    if any(now[outcome] != items for outcome, items in then.items()):
        differences.append("counts")
    return differences


def _counts(summary: Summary) -> dict[str, int]:
    return {str(outcome): summary.counts[outcome] for outcome in Outcome}


def _moment(opened: Opened) -> int:
    """The moment of the rights ledger that the decision's counts are of; of an extract they are
    compared while the ledger is empty.
    """
    return int(opened.stored.get("ledger_moment", 0))


def _counted_then(opened: Opened) -> dict[str, Any]:
    """Items per outcome as they were counted; of an extract the log tells the permitted ones."""
    if "counts" in opened.stored:
        return dict(opened.stored["counts"])
    return {"permit": opened.entry.facts["items"]} if opened.entry else {}


def what_if_now(session: Session, actor: Actor, decision_id: str, *, at: datetime) -> WhatIf:
    """How the same question on the same items would fare on the offer in force now. No act."""
    opened = open_decision(session, actor, decision_id, at=at)
    classes = classes_of(session, opened.edition_id)
    policy = parse_policy(opened.document)
    question = request_from_json(opened.stored["request"])
    world = world_from_json(opened.stored["world"])
    before = judged(replay(opened.stored, policy).answer, classes, advise=False)
    today = _offered_now(session, opened)
    if today is None:
        return WhatIf(None, _counts(before), {"permit": 0, "review": 0, "deny": before.total}, ())
    asked = replace(question, target=today.reference, at=at)
    after = judged(match(policy_of(today.offer), asked, world), classes, advise=False)
    lines = tuple(line_json(line) for line in after.lines)
    return WhatIf(today.reference, _counts(before), _counts(after), lines)


def _offered_now(session: Session, opened: Opened) -> Offered | None:
    dataset = session.get_one(Dataset, opened.dataset_id)
    archive = session.get_one(Organisation, opened.archive_id)
    try:
        listing = find_dataset(session, None, f"{archive.slug}/{dataset.slug}")
        return offered(listing, "decision_id")
    except (NotFound, Conflict):  # withdrawn, or without an offer in force
        return None
