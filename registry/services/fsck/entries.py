"""Acts and entries: each row that says something happened has the entry that proves it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from catalog.tables import Dataset, Delivery, Edition, Offer
from registry.access.tables import Access, Agreement, DecisionRow, Extract
from registry.audit.acts import Act
from registry.audit.entry import Entry, MalformedEntry
from registry.audit.tables import AuditEntry
from registry.digests import digest
from registry.errors import Text
from registry.services.fsck.findings import Finding, Promise

ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class Line:
    """One entry: where it stands in the order of writing and in the tree, and its facts."""

    position: int
    facts: dict[str, Any]
    index: int | None = None


Recorded = dict[Act, dict[str, list[Line]]]
"""Per act, per id of the thing it is about: its entries, oldest first."""


def _always(_row: Any) -> bool:
    return True


@dataclass(frozen=True)
class Rule:
    """The rows in which an act shows, and the entry that each must have.

    :param name: name of the row's id in the entry.
    :param shows: whether the row says that the act was done.
    :param once: whether the act can be done to one row only once.
    :param proves: fact of the entry that must equal what the row holds, and how to read it there.
    """

    act: Act
    model: type[SQLModel]
    name: str
    shows: Callable[[Any], bool] = _always
    once: bool = True
    proves: tuple[str, Callable[[Any], Any]] | None = None


def _in(*states: str) -> Callable[[Any], bool]:
    return lambda row: row.state in states


RULES = (
    Rule(Act.DATASET_REGISTERED, Dataset, "dataset"),
    Rule(
        Act.DELIVERY_RECEIVED,
        Delivery,
        "delivery",
        proves=("sha256", lambda row: f"sha256:{row.sha256}"),
    ),
    Rule(Act.DELIVERY_CHECKED, Delivery, "delivery", _in("checked", "published"), once=False),
    Rule(
        Act.EDITION_PUBLISHED,
        Edition,
        "edition",
        proves=("sha256", lambda row: f"sha256:{row.sha256}"),
    ),
    Rule(Act.OFFER_PUBLISHED, Offer, "offer", proves=("offer_digest", lambda row: row.digest)),
    Rule(Act.REQUEST_DECIDED, DecisionRow, "decision", once=False),
    Rule(
        Act.AGREEMENT_ACCEPTED,
        Agreement,
        "agreement",
        lambda row: row.accepted_at is not None,
        proves=("agreement_digest", lambda row: digest(row.document)),
    ),
    Rule(Act.AGREEMENT_REVOKED, Agreement, "agreement", _in("revoked")),
    Rule(Act.EXTRACT_ORDERED, Extract, "extract"),
    Rule(
        Act.EXTRACT_MADE,
        Extract,
        "extract",
        lambda row: bool(row.manifest),
        proves=("manifest_digest", lambda row: digest(row.manifest)),
    ),
    Rule(Act.EXTRACT_FAILED, Extract, "extract", _in("failed"), once=False),
    Rule(Act.ACCESS_OPENED, Access, "access"),
    Rule(Act.ACCESS_CLOSED, Access, "access", lambda row: row.closed_at is not None),
)
_WATCHED = {rule.act: rule.name for rule in RULES}


def read_entries(session: Session) -> Recorded:
    """The entries of the acts that show in rows; what is no entry shows in the log's own check.

    Rows of acts that a restore lost are in no database: the log names those entries, and they are
    left out here.
    """
    found: Recorded = {act: defaultdict(list) for act in _WATCHED}
    lost: list[range] = []
    columns = select(AuditEntry.position, AuditEntry.tree_index, AuditEntry.body)
    stored = columns.order_by(col(AuditEntry.position)).execution_options(yield_per=ROWS_AT_ONCE)
    for position, index, body in session.exec(stored):
        with suppress(MalformedEntry):
            entry = Entry.from_bytes(body)
            if entry.act in _WATCHED:
                act = Act(entry.act)
                line = Line(position or 0, entry.facts, index)
                found[act][entry.ids[_WATCHED[act]]].append(line)
            elif entry.act == Act.LOG_RECOVERED:
                first = int(str(entry.facts["tree_size"]))
                lost.append(range(first, first + int(str(entry.facts.get("taken_in", 0)))))
    return _without(found, lost) if any(lost) else found


def _without(found: Recorded, lost: list[range]) -> Recorded:
    kept: Recorded = {act: defaultdict(list) for act in found}
    for act, subjects in found.items():
        for subject, lines in subjects.items():
            left = [line for line in lines if not any(line.index in one for one in lost)]
            if left:
                kept[act][subject] = left
    return kept


def check_entries(
    session: Session, recorded: Recorded, checked: Counter[Promise]
) -> Iterator[Finding]:
    """Hold every row to its entries, and every entry to its row."""
    for rule in RULES:
        lines = recorded[rule.act]
        unseen = set(lines)
        rows = select(rule.model).execution_options(yield_per=ROWS_AT_ONCE)
        for row in session.exec(rows):
            shows, subject = rule.shows(row), row.id  # type: ignore[attr-defined]  # each has one
            unseen.discard(subject)
            checked[Promise.RECORDED] += shows
            yield from _held(rule, row, subject, lines.get(subject, []) if shows else None, lines)
        for subject in sorted(unseen):
            yield _wrong(rule, subject, "heeft een regel, maar bestaat niet", "is in the log only")


def _held(
    rule: Rule,
    row: Any,
    subject: str,
    own: list[Line] | None,
    lines: dict[str, list[Line]],
) -> Iterator[Finding]:
    if own is None:
        if rule.once and subject in lines:
            yield _wrong(
                rule,
                subject,
                "is volgens het logboek gebeurd, maar de rij weet het niet",
                "happened by the log, but the row does not know",
            )
    elif not own or (rule.once and len(own) > 1):
        yield _wrong(
            rule,
            subject,
            f"staat {len(own)} keer in het logboek, dat moet 1 zijn",
            f"stands in the log {len(own)} times, which must be 1",
        )
    elif rule.proves is not None:
        fact, read = rule.proves
        if own[-1].facts[fact] != read(row):
            yield _wrong(
                rule,
                subject,
                f"`{fact}` in het logboek is anders dan in de rij",
                f"`{fact}` in the log differs from the row's",
            )


def _wrong(rule: Rule, subject: str, nl: str, en: str) -> Finding:
    return Finding(Promise.RECORDED, subject, Text(f"`{rule.act}`: {nl}.", f"`{rule.act}`: {en}."))
