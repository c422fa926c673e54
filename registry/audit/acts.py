"""The closed vocabulary of all that is recorded: acts, and the ids and facts each may carry.

An act is written ``subject:act``: a thing of the product and what became of it. Each has one line
in :data:`SHAPES` that says which ids and facts its entry must have and which it may have;
:func:`check` holds every new entry to that line, so that an entry can be read by a machine years
later. Adding an act, an id or a fact is adding a line here and one in the tables of FORMAT.md,
which a test compares. A line once released is never taken away and never changes its meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from registry.audit.values import Kind, is_code, is_of_kind


class Act(StrEnum):
    """Everything the product does that someone may later have to prove, as ``subject:act``."""

    ORGANISATION_SIGNED_UP = "organisation:signed-up"
    ORGANISATION_CHANGED = "organisation:changed"
    ORGANISATION_BLOCKED = "organisation:blocked"
    ENVIRONMENT_REGISTERED = "environment:registered"
    ENVIRONMENT_CLOSED = "environment:closed"
    ENVIRONMENT_PROOF_GIVEN = "environment:proof-given"
    ENVIRONMENT_PROOF_DECIDED = "environment:proof-decided"
    ACTOR_INVITED = "actor:invited"
    ACTOR_SIGNED_IN = "actor:signed-in"
    ACTOR_SIGNED_OUT = "actor:signed-out"
    ACTOR_JOINED = "actor:joined"
    ACTOR_CHANGED = "actor:changed"
    ACTOR_CONNECTED = "actor:connected"
    ACTOR_REMOVED = "actor:removed"
    ACTOR_ERASED = "actor:erased"
    TOKEN_ISSUED = "token:issued"  # noqa: S105  # an act about tokens, not one
    TOKEN_REVOKED = "token:revoked"  # noqa: S105  # likewise
    CLIENT_REGISTERED = "client:registered"
    CLIENT_REVOKED = "client:revoked"
    DATASET_REGISTERED = "dataset:registered"
    DATASET_CHANGED = "dataset:changed"
    DATASET_DECLARED = "dataset:declared"
    DATASET_WITHDRAWN = "dataset:withdrawn"
    TERMS_CONFIRMED = "terms:confirmed"
    DELIVERY_RECEIVED = "delivery:received"
    DELIVERY_CHECKED = "delivery:checked"
    DELIVERY_FAILED = "delivery:failed"
    EDITION_PUBLISHED = "edition:published"
    OFFER_PUBLISHED = "offer:published"
    OFFER_WITHDRAWN = "offer:withdrawn"
    REQUEST_DECIDED = "request:decided"
    REQUEST_WITHDRAWN = "request:withdrawn"
    REVIEW_APPROVED = "review:approved"
    REVIEW_REFUSED = "review:refused"
    AGREEMENT_PROPOSED = "agreement:proposed"
    AGREEMENT_ACCEPTED = "agreement:accepted"
    AGREEMENT_DECLINED = "agreement:declined"
    AGREEMENT_REVOKED = "agreement:revoked"
    EXTRACT_ORDERED = "extract:ordered"
    EXTRACT_REFUSED = "extract:refused"
    EXTRACT_MADE = "extract:made"
    EXTRACT_FAILED = "extract:failed"
    EXTRACT_CANCELLED = "extract:cancelled"
    EXTRACT_EXPIRED = "extract:expired"
    ACCESS_OPENED = "access:opened"
    ACCESS_CLOSED = "access:closed"
    ACCESS_REFUSED = "access:refused"
    EXTRACT_STOPPED = "extract:stopped"
    LEDGER_CHANGED = "ledger:changed"
    DISPUTE_OPENED = "dispute:opened"
    DISPUTE_CLAIMED = "dispute:claimed"
    DISPUTE_DECIDED = "dispute:decided"
    WITHDRAWAL_STARTED = "withdrawal:started"
    NOTICE_SENT = "notice:sent"
    NOTICE_REMINDED = "notice:reminded"
    NOTICE_ESCALATED = "notice:escalated"
    NOTICE_ACKNOWLEDGED = "notice:acknowledged"
    WEBHOOK_REGISTERED = "webhook:registered"
    WEBHOOK_CLOSED = "webhook:closed"
    AUDIT_EXPORTED = "audit:exported"
    AUDIT_LOOKED = "audit:looked"
    DECISION_REPLAYED = "decision:replayed"
    LOG_REVIEW_PLANNED = "log:review-planned"
    LOG_REVIEWED = "log:reviewed"
    RETENTION_APPLIED = "retention:applied"
    KEY_ROTATED = "key:rotated"
    BACKUP_MADE = "backup:made"
    LOG_RECOVERED = "log:recovered"


IDS: Mapping[str, str] = {
    "access": "one reading of one part, from opening to closing",
    "agreement": "an agreement",
    "cause": "the audit entry that brought this one about",
    "client": "a machine of an organisation (OAuth client)",
    "dataset": "a dataset",
    "decision": "the answer on one dataset and part of a request",
    "delivery": "a file that an archive handed in",
    "edition": "an edition of a dataset",
    "dispute": "a claim on an item that its archive must decide",
    "environment": "where a recipient processes",
    "extract": "an extract",
    "notice": "what a recipient was told of a withdrawal",
    "offer": "an offer",
    "organisation": "the organisation that the act is about, where that is not who acted",
    "previous": "the thing of the same kind that this one replaces",
    "request": "an access request",
    "seat": "a person's place in an organisation, as that person's pseudonym",
    "token": "a credential",
    "webhook": "an address where an organisation is told things",
    "withdrawal": "an act that takes items back from everyone",
}
"""Every name an id may have, with what it points to."""

PERSONS = frozenset({"seat"})
"""Ids that are a person's: entries hold them as pseudonyms, like the actor."""

FACTS: Mapping[str, tuple[Kind, str]] = {
    "address": (Kind.COMMITMENT, "the network address that the act came from"),
    "agreement_digest": (Kind.DIGEST, "canonical bytes of the agreement's document"),
    "automatic": (Kind.FLAG, "decided without a person"),
    "bytes": (Kind.COUNT, "bytes of the file, or bytes sent"),
    "columns": (Kind.COUNT, "columns of the file"),
    "country": (Kind.CODE, "country of processing or of the organisation (ISO 3166-1)"),
    "decision_digest": (Kind.DIGEST, "canonical bytes of what the decision was given and said"),
    "declarations_digest": (Kind.DIGEST, "canonical bytes of all declarations of the dataset"),
    "description_digest": (Kind.DIGEST, "canonical bytes of what is said of the dataset"),
    "details": (Kind.COMMITMENT, "a record with more about this act, kept beside the log"),
    "days": (Kind.COUNT, "days between two"),
    "due": (Kind.MOMENT, "when an answer is due"),
    "files": (Kind.COUNT, "files"),
    "findings": (Kind.COUNTS, "findings per rule"),
    "first_number": (Kind.COUNT, "number of the first entry meant"),
    "format": (Kind.CODE, "file format, or the version of an export's form"),
    "identical": (Kind.FLAG, "the same answer came out again"),
    "identity": (Kind.DIGEST, "an extract's row set and columns"),
    "items": (Kind.COUNT, "items that anyone may count: hard-blocked ones excepted"),
    "items_by_outcome": (Kind.COUNTS, "such items per outcome"),
    "items_by_rights": (Kind.COUNTS, "such items per rights statement"),
    "key": (Kind.CODE, "verifier key (C2SP vkey)"),
    "kind": (Kind.CODE, "which sort of the thing"),
    "kinds": (Kind.CODES, "kinds of sensitive column declared"),
    "last_number": (Kind.COUNT, "number of the last entry meant"),
    "ledger_digest": (Kind.DIGEST, "canonical list of the lines added to a rights ledger"),
    "ledger_moment": (Kind.COUNT, "number of an act on a dataset's rights ledger"),
    "manifest_digest": (Kind.DIGEST, "canonical bytes of the extract's manifest"),
    "mapping_digest": (Kind.DIGEST, "canonical bytes of the column mapping"),
    "method": (Kind.CODE, "by which means"),
    "number": (Kind.COUNT, "an edition's number"),
    "offer_digest": (Kind.DIGEST, "canonical bytes of the offer's document"),
    "operator_country": (Kind.CODE, "jurisdiction of the operator's ultimate parent"),
    "outcome": (Kind.CODE, "permit, review or deny"),
    "part": (Kind.COUNT, "number of a part within its extract"),
    "place": (Kind.CODE, "the place of its archive's own where the file was left"),
    "policy_digest": (Kind.DIGEST, "canonical bytes of the policy that decided"),
    "previous_key": (Kind.CODE, "verifier key that was in use before"),
    "purpose": (Kind.CODE, "the structured purpose that was stated"),
    "ranges": (Kind.COUNT, "byte ranges answered"),
    "ranges_digest": (Kind.DIGEST, "canonical list of the byte ranges answered"),
    "reason": (Kind.CODE, "why, as a code"),
    "reasons": (Kind.CODES, "why, as codes"),
    "removed": (Kind.COUNTS, "records emptied of personal fields, per retention profile"),
    "report_digest": (Kind.DIGEST, "canonical bytes of the report on a delivery"),
    "request_digest": (Kind.DIGEST, "canonical bytes of the request as it was asked"),
    "role": (Kind.CODE, "role of an organisation"),
    "root": (Kind.CODE, "root hash of a tree, base64"),
    "rows": (Kind.COUNT, "rows, in an entry of the owning archive's own making"),
    "rows_refused": (Kind.COUNT, "rows of a delivery that were refused"),
    "rule": (Kind.CODE, "the rule that decided"),
    "sample_size": (Kind.COUNT, "entries to be drawn at random"),
    "scopes": (Kind.CODES, "what a credential may be used for"),
    "secure": (Kind.FLAG, "an environment from which data cannot leave"),
    "seed": (Kind.CODE, "what a random choice was drawn with"),
    "sha256": (Kind.DIGEST, "bytes of the file"),
    "since": (Kind.MOMENT, "from when on"),
    "state": (Kind.CODE, "state that the thing is in afterwards"),
    "taken_in": (Kind.COUNT, "entries beyond a restored tree that were put back from an export"),
    "terms_digest": (Kind.DIGEST, "canonical bytes of terms and residency rule"),
    "tree_size": (Kind.COUNT, "size of a tree"),
    "until": (Kind.MOMENT, "until when it holds"),
    "use": (Kind.CODE, "the use that was asked for"),
    "user_class": (Kind.CODE, "class of user"),
    "version": (Kind.CODE, "version of the engine or the product"),
}
"""Every name a fact may have, with the kind of its value and what it says."""

EVERYWHERE_IDS = frozenset({"cause", "client", "environment", "token"})
EVERYWHERE_FACTS = frozenset({"address", "details"})
"""What the entry of any act may carry: how it came about, and commitments to side records."""


@dataclass(frozen=True)
class Shape:
    """Which ids and facts an act's entry must have, and all that it may have."""

    ids: frozenset[str]
    facts: frozenset[str]
    all_ids: frozenset[str]
    all_facts: frozenset[str]


def _shape(ids: str = "", facts: str = "", *, or_ids: str = "", or_facts: str = "") -> Shape:
    must_ids, must_facts = frozenset(ids.split()), frozenset(facts.split())
    return Shape(
        must_ids,
        must_facts,
        must_ids | EVERYWHERE_IDS.union(or_ids.split()),
        must_facts | EVERYWHERE_FACTS.union(or_facts.split()),
    )


_ASKED = "use purpose user_class country operator_country secure policy_digest offer_digest"
_COUNTED = "items items_by_outcome items_by_rights reasons rule version"

SHAPES: Mapping[Act, Shape] = {
    Act.ORGANISATION_SIGNED_UP: _shape(
        "organisation", "role", or_ids="seat", or_facts="country user_class state"
    ),
    Act.ORGANISATION_CHANGED: _shape(
        "organisation", or_facts="role country user_class state reason until"
    ),
    Act.ORGANISATION_BLOCKED: _shape("organisation", or_facts="reason state"),
    Act.ENVIRONMENT_REGISTERED: _shape(
        "environment", "country operator_country", or_facts="secure", or_ids="organisation"
    ),
    Act.ENVIRONMENT_CLOSED: _shape("environment", or_facts="reason", or_ids="organisation"),
    Act.ENVIRONMENT_PROOF_GIVEN: _shape("environment", "kind until", or_facts="state"),
    Act.ENVIRONMENT_PROOF_DECIDED: _shape("environment", "kind state until", or_facts="reason"),
    Act.ACTOR_INVITED: _shape("seat", or_ids="organisation", or_facts="role method until"),
    Act.ACTOR_SIGNED_IN: _shape("seat", or_ids="organisation", or_facts="method until"),
    Act.ACTOR_SIGNED_OUT: _shape("seat", or_ids="organisation", or_facts="method"),
    Act.ACTOR_JOINED: _shape("seat", or_ids="organisation", or_facts="state"),
    Act.ACTOR_CHANGED: _shape("seat", "state", or_ids="organisation"),
    Act.ACTOR_CONNECTED: _shape("seat", or_ids="organisation", or_facts="method"),
    Act.ACTOR_REMOVED: _shape("seat", or_ids="organisation", or_facts="reason"),
    Act.ACTOR_ERASED: _shape(or_ids="seat organisation", or_facts="reason removed"),
    Act.TOKEN_ISSUED: _shape(
        "token", "kind", or_ids="seat organisation extract agreement", or_facts="scopes until"
    ),
    Act.TOKEN_REVOKED: _shape(
        "token", or_ids="seat organisation extract agreement", or_facts="kind reason"
    ),
    Act.CLIENT_REGISTERED: _shape("client", or_ids="organisation", or_facts="scopes"),
    Act.CLIENT_REVOKED: _shape("client", or_ids="organisation", or_facts="reason"),
    Act.DATASET_REGISTERED: _shape("dataset"),
    Act.DATASET_CHANGED: _shape("dataset", or_facts="reason state description_digest"),
    Act.DATASET_DECLARED: _shape("dataset", "kinds", or_facts="declarations_digest"),
    Act.DATASET_WITHDRAWN: _shape("dataset", or_facts="reason state"),
    Act.TERMS_CONFIRMED: _shape("dataset", "terms_digest", or_facts="automatic"),
    Act.DELIVERY_RECEIVED: _shape("dataset delivery", "bytes sha256", or_facts="format place"),
    Act.DELIVERY_CHECKED: _shape(
        "dataset delivery",
        "rows rows_refused",
        or_facts="columns items items_by_rights mapping_digest report_digest sha256 bytes format",
    ),
    Act.DELIVERY_FAILED: _shape(
        "dataset delivery", "reason", or_facts="sha256 bytes format mapping_digest"
    ),
    Act.EDITION_PUBLISHED: _shape(
        "dataset edition",
        "sha256 bytes items",
        or_ids="delivery offer previous",
        or_facts="number rows columns items_by_rights declarations_digest terms_digest"
        " mapping_digest",
    ),
    Act.OFFER_PUBLISHED: _shape(
        "dataset edition offer",
        "offer_digest",
        or_ids="previous",
        or_facts="automatic terms_digest until",
    ),
    Act.OFFER_WITHDRAWN: _shape(
        "dataset offer", or_ids="edition", or_facts="reason offer_digest state"
    ),
    Act.REQUEST_DECIDED: _shape(
        "request decision dataset",
        "outcome",
        or_ids="edition offer previous agreement organisation",
        or_facts=f"{_ASKED} {_COUNTED} request_digest decision_digest automatic due state",
    ),
    Act.REQUEST_WITHDRAWN: _shape(
        "request", or_ids="decision dataset edition organisation", or_facts="reason"
    ),
    Act.REVIEW_APPROVED: _shape(
        "request decision dataset",
        or_ids="edition offer agreement organisation",
        or_facts="items items_by_rights reason agreement_digest decision_digest",
    ),
    Act.REVIEW_REFUSED: _shape(
        "request decision dataset",
        or_ids="edition offer organisation",
        or_facts="items reason decision_digest",
    ),
    Act.AGREEMENT_PROPOSED: _shape(
        "agreement decision dataset",
        "agreement_digest",
        or_ids="request edition offer organisation previous",
        or_facts="until automatic offer_digest items",
    ),
    Act.AGREEMENT_ACCEPTED: _shape(
        "agreement dataset",
        "agreement_digest",
        or_ids="request decision edition offer organisation previous",
        or_facts="until automatic offer_digest use purpose items",
    ),
    Act.AGREEMENT_DECLINED: _shape(
        "agreement dataset",
        or_ids="request decision edition offer organisation",
        or_facts="agreement_digest reason",
    ),
    Act.AGREEMENT_REVOKED: _shape(
        "agreement dataset",
        or_ids="request decision edition offer organisation",
        or_facts="agreement_digest reason",
    ),
    Act.EXTRACT_ORDERED: _shape(
        "extract agreement dataset",
        or_ids="request decision edition offer previous",
        or_facts=f"{_COUNTED} outcome agreement_digest policy_digest decision_digest columns"
        " country operator_country secure",
    ),
    Act.EXTRACT_REFUSED: _shape(
        "agreement dataset",
        "reasons",
        or_ids="extract request decision edition offer",
        or_facts="agreement_digest policy_digest decision_digest outcome rule version",
    ),
    Act.EXTRACT_MADE: _shape(
        "extract agreement dataset",
        "manifest_digest files bytes items",
        or_ids="edition previous",
        or_facts="identity items_by_rights columns agreement_digest sha256 until version",
    ),
    Act.EXTRACT_FAILED: _shape("extract agreement dataset", "reason", or_ids="edition"),
    Act.EXTRACT_CANCELLED: _shape("extract agreement dataset", or_ids="edition", or_facts="reason"),
    Act.EXTRACT_EXPIRED: _shape(
        "extract agreement dataset", or_ids="edition", or_facts="reason files bytes"
    ),
    Act.EXTRACT_STOPPED: _shape(
        "extract agreement dataset", "reason ledger_moment", or_ids="edition withdrawal"
    ),
    Act.LEDGER_CHANGED: _shape(
        "dataset",
        "ledger_moment ledger_digest items method",
        or_ids="withdrawal dispute organisation",
        or_facts="kind reason",
    ),
    Act.DISPUTE_OPENED: _shape("dispute dataset", "due method", or_facts="reason ledger_moment"),
    Act.DISPUTE_CLAIMED: _shape("dispute dataset", "number"),
    Act.DISPUTE_DECIDED: _shape("dispute dataset", "state", or_facts="reason ledger_moment"),
    Act.WITHDRAWAL_STARTED: _shape(
        "withdrawal dataset", "items due ledger_moment", or_facts="reason"
    ),
    Act.NOTICE_SENT: _shape(
        "notice withdrawal dataset",
        "manifest_digest due items",
        or_ids="organisation",
        or_facts="method files",
    ),
    Act.NOTICE_REMINDED: _shape(
        "notice withdrawal dataset", or_ids="organisation", or_facts="method number due"
    ),
    Act.NOTICE_ESCALATED: _shape(
        "notice withdrawal dataset", or_ids="organisation", or_facts="due reason"
    ),
    Act.NOTICE_ACKNOWLEDGED: _shape(
        "notice withdrawal dataset", "state", or_ids="organisation", or_facts="method"
    ),
    Act.WEBHOOK_REGISTERED: _shape("webhook", or_ids="organisation"),
    Act.WEBHOOK_CLOSED: _shape("webhook", or_ids="organisation", or_facts="reason"),
    Act.ACCESS_OPENED: _shape(
        "access agreement extract",
        "part until",
        or_ids="dataset edition seat",
        or_facts="sha256 bytes method",
    ),
    Act.ACCESS_CLOSED: _shape(
        "access agreement extract",
        "part ranges bytes ranges_digest",
        or_ids="dataset edition seat",
        or_facts="sha256 reason method",
    ),
    Act.ACCESS_REFUSED: _shape(
        "extract",
        "reasons",
        or_ids="access agreement dataset edition seat",
        or_facts="part method outcome policy_digest",
    ),
    Act.AUDIT_EXPORTED: _shape(
        or_ids="organisation agreement decision",
        or_facts="first_number last_number tree_size root format kind since until seed sample_size",
    ),
    Act.AUDIT_LOOKED: _shape(
        "",
        "kind",
        or_ids="organisation dataset decision extract agreement request withdrawal notice",
        or_facts="method",
    ),
    Act.DECISION_REPLAYED: _shape(
        "dataset",
        "identical",
        or_ids="decision extract request agreement",
        or_facts="reasons decision_digest policy_digest version",
    ),
    Act.LOG_REVIEW_PLANNED: _shape("", "days", or_facts="sample_size due"),
    Act.LOG_REVIEWED: _shape(
        "",
        "outcome report_digest first_number last_number findings",
        or_facts="since until seed sample_size due",
    ),
    Act.RETENTION_APPLIED: _shape("", "reason removed"),
    Act.KEY_ROTATED: _shape("", "key previous_key", or_facts="reason tree_size"),
    Act.BACKUP_MADE: _shape("", "format"),
    Act.LOG_RECOVERED: _shape("", "reason tree_size root", or_facts="last_number taken_in"),
}
"""One line an act: what its entry must carry, and what it may."""


class VocabularyError(ValueError):
    """A program recorded an act with the wrong ids or facts: a fault in code, not in input."""


def _problems(act: Act, ids: Mapping[str, str], facts: Mapping[str, object]) -> list[str]:
    shape = SHAPES[act]
    problems = [f"id `{name}` is missing" for name in sorted(shape.ids - ids.keys())]
    problems += [f"fact `{name}` is missing" for name in sorted(shape.facts - facts.keys())]
    for name, value in ids.items():
        if name not in shape.all_ids:
            problems.append(f"id `{name}` does not belong to it")
        elif not is_code(value):
            problems.append(f"id `{name}` is not an id: {value!r}")
    for name, fact in facts.items():
        if name not in shape.all_facts:
            problems.append(f"fact `{name}` does not belong to it")
        elif not is_of_kind(fact, FACTS[name][0]):
            problems.append(f"fact `{name}` is not a {FACTS[name][0]}: {fact!r}")
    return problems


def check(act: Act, ids: Mapping[str, str], facts: Mapping[str, object]) -> None:
    """Hold ids and facts to the act's line in :data:`SHAPES`, or raise :class:`VocabularyError`."""
    problems = _problems(act, ids, facts)
    if problems:
        raise VocabularyError(f"`{act}` cannot be recorded so: {'; '.join(problems)}")
