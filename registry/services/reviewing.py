"""Reviewing the log: planned by the archive, a sample and what stands out, signed as an act."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from sqlmodel import Session, col, func, select

from registry.access.reviews import LogReview, ReviewPlan
from registry.access.tables import Access, Agreement
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Environment
from registry.audit.acts import Act
from registry.audit.entry import Entry
from registry.audit.populations import Sample
from registry.audit.tables import AuditEntry
from registry.audit.values import moment
from registry.digests import digest
from registry.errors import Text
from registry.evidence.anomalies import Finding, Looked, Thresholds, find, network_of
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.locking import locked
from registry.services.mailing import mail
from registry.services.mandates import stream_of
from registry.services.noting import note
from registry.services.wording import invalid

FORM = "vrijgave/log-review@v1"
BASELINE = timedelta(days=180)
"""How far before a period its baseline begins."""
REMIND_EVERY = timedelta(days=7)
MOST_ENTRIES = 200_000
"""Entries of one review, baseline included; what is more waits for the next."""


class PlanReview(Command):
    """How often the archive looks at its log."""

    days: Annotated[int, Field(ge=1, le=366)] = 30
    sample_size: Annotated[int, Field(ge=1, le=500)] = 25


class SignReview(Command):
    """What a person says of the entries up to this number, after looking at them."""

    last_number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    outcome: Literal["in-order", "follow-up"]
    remark: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""


@dataclass(frozen=True)
class Queue:
    """What waits to be looked at.

    :param first: number of the first entry; there is nothing where it is beyond ``last``.
    :param seed: what the sample was drawn with: the leaf hash of the last entry.
    """

    archive_id: str
    first: int
    last: int
    seed: str
    sample: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    thresholds: Thresholds

    @property
    def empty(self) -> bool:
        """Whether nothing happened since the last review."""
        return self.last < self.first


@dataclass(frozen=True)
class Planned:
    """One review that was due: ``held``, ``late``, ``missed`` or still ``due``."""

    due_at: datetime
    state: str
    review: LogReview | None


@dataclass(frozen=True)
class Held:
    """Reviews held against planned; the unplanned ones apart."""

    plan: ReviewPlan | None
    planned: tuple[Planned, ...]
    unplanned: tuple[LogReview, ...]


def plan_review(session: Session, actor: Actor, command: PlanReview, *, at: datetime) -> ReviewPlan:
    """Plan the archive's reviews from now on; what was due before stays in the report."""
    require(actor, Scope.ARCHIVE_WRITE)
    plan = session.get(ReviewPlan, actor.organisation_id)
    due = at + timedelta(days=command.days)
    if plan is None:
        plan = ReviewPlan(
            archive_id=actor.organisation_id, days=0, sample_size=0, since=at, due_at=due
        )
    if plan.days:
        gone = [one.isoformat() for one in _grid(plan, at) if one <= at]
        plan.passed = sorted({*plan.passed, *gone})
    plan.days, plan.sample_size = command.days, command.sample_size
    plan.since, plan.due_at, plan.reminded_at = at, due, None
    session.add(plan)
    note(
        session,
        Act.LOG_REVIEW_PLANNED,
        at=at,
        actor=actor,
        archive=actor.organisation_id,
        ids={},
        facts={"days": plan.days, "sample_size": plan.sample_size, "due": moment(due)},
    )
    return plan


def open_queue(
    session: Session, actor: Actor, *, at: datetime, archive: str | None = None
) -> Queue:
    """Everything since the last review: what stands out, and a random sample of it."""
    return _queue(session, _stream(session, actor, archive, at), None)


def _stream(session: Session, actor: Actor, archive: str | None, at: datetime) -> str:
    """The one archive whose reviews are asked: whoever may read all must name it."""
    stream = stream_of(session, actor, archive, at=at)
    if stream is None:
        raise invalid("archive", "Kies van welk archief.", "Choose which archive's.")
    return stream


def _queue(session: Session, archive: str, upto: int | None) -> Queue:
    done = select(func.max(LogReview.last_number)).where(col(LogReview.archive_id) == archive)
    first = (session.exec(done).one() or 0) + 1
    own = select(AuditEntry).where(col(AuditEntry.stream) == archive)
    within = own.where(col(AuditEntry.number) >= first).order_by(col(AuditEntry.number))
    if upto is not None:
        within = within.where(col(AuditEntry.number) <= upto)
    rows = session.exec(within.limit(MOST_ENTRIES)).all()
    plan = session.get(ReviewPlan, archive)
    limits = Thresholds()
    if not rows:
        return Queue(archive, first, first - 1, "", (), (), limits)
    period = [Entry.from_bytes(row.body) for row in rows]
    before = _before(session, archive, period[0])
    looked = Looked(
        before,
        period,
        limits,
        _countries(session, before, period),
        _networks(session, archive, before, period),
    )
    seed = rows[-1].leaf_hash.hex()
    sample = _sample(period, seed, plan.sample_size if plan else PlanReview().sample_size)
    return Queue(archive, first, period[-1].number, seed, sample, tuple(find(looked)), limits)


def _before(session: Session, archive: str, first: Entry) -> list[Entry]:
    """The baseline, oldest first."""
    since = moment(datetime.fromisoformat(first.time) - BASELINE)
    rows = session.exec(
        select(AuditEntry)
        .where(col(AuditEntry.stream) == archive, col(AuditEntry.number) < first.number)
        .order_by(col(AuditEntry.number).desc())
        .limit(MOST_ENTRIES)
    )
    entries = [Entry.from_bytes(row.body) for row in rows]
    return [one for one in reversed(entries) if one.time >= since]


def _countries(session: Session, *parts: Sequence[Entry]) -> dict[str, str]:
    ids = {one.ids["environment"] for part in parts for one in part if "environment" in one.ids}
    rows = session.exec(select(Environment).where(col(Environment.id).in_(ids)))
    return {row.id: row.country for row in rows}


def _networks(session: Session, archive: str, *parts: Sequence[Entry]) -> dict[str, str]:
    """The network that each access came from, as far as its address is still kept."""
    ids = [one.ids["access"] for part in parts for one in part if one.act == Act.ACCESS_OPENED]
    if not ids:
        return {}
    rows = session.exec(
        select(Access.id, Access.address)
        .join(Agreement, col(Agreement.id) == col(Access.agreement_id))
        .where(col(Agreement.archive_id) == archive, col(Access.address).is_not(None))
        .where(col(Access.id) >= min(ids), col(Access.id) <= max(ids))
    )
    return {access: network_of(address or "") for access, address in rows}


def _sample(period: Sequence[Entry], seed: str, size: int) -> tuple[Entry, ...]:
    sample = Sample(seed, size)
    for entry in period:
        sample.offer(entry.number, entry.id)
    drawn = set(sample.numbers)
    return tuple(one for one in period if one.number in drawn)


def sign_review(session: Session, actor: Actor, command: SignReview, *, at: datetime) -> LogReview:
    """Sign that the archive looked at its log; sample and findings are worked out anew and kept.

    :raises InvalidInput: nothing waits up to that number, or follow-up is asked without saying why.
    """
    require(actor, Scope.ARCHIVE_WRITE)
    queue = _queue(session, actor.organisation_id, command.last_number)
    if queue.empty or queue.last != command.last_number:
        raise invalid(
            "last_number",
            "Tot dit nummer wacht er niets.",
            "Nothing waits up to this number.",
            "Open de controle opnieuw.",
            "Open the review again.",
        )
    if command.outcome == "follow-up" and not command.remark:
        raise invalid("remark", "Schrijf wat er moet gebeuren.", "Write what must be done.")
    plan = session.get(ReviewPlan, actor.organisation_id)
    report = report_of(queue, command)
    due = locked(session, plan).due_at if plan else None
    review = LogReview(
        id=new_id("rev", at),
        archive_id=actor.organisation_id,
        due_at=due,
        first_number=queue.first,
        last_number=queue.last,
        report=report,
        outcome=command.outcome,
        signed_by=actor.id,
        signed_at=at,
        entry_id=_note_signed(session, actor, queue, command, report, due, at),
    )
    session.add(review)
    if plan is not None:
        plan.due_at, plan.reminded_at = _following(plan, at), None
        session.add(plan)
    return review


def report_of(queue: Queue, command: SignReview) -> dict[str, Any]:
    """The review as a document; its digest stands in the log."""
    return {
        "form": FORM,
        "archive": queue.archive_id,
        "first_number": queue.first,
        "last_number": queue.last,
        "seed": queue.seed,
        "sample": [one.id for one in queue.sample],
        "thresholds": asdict(queue.thresholds),
        "findings": [{**asdict(one), "evidence": list(one.evidence)} for one in queue.findings],
        "outcome": command.outcome,
        "remark": command.remark,
    }


def _note_signed(
    session: Session,
    actor: Actor,
    queue: Queue,
    command: SignReview,
    report: Mapping[str, Any],
    due: datetime | None,
    at: datetime,
) -> str:
    facts = {
        "outcome": command.outcome,
        "report_digest": digest(report),
        "first_number": queue.first,
        "last_number": queue.last,
        "findings": dict(Counter(one.rule for one in queue.findings)),
        "seed": queue.seed,
        "sample_size": len(queue.sample),
    }
    if due is not None:
        facts["due"] = moment(due)
    archive = queue.archive_id
    return note(session, Act.LOG_REVIEWED, at=at, actor=actor, archive=archive, ids={}, facts=facts)


def _following(plan: ReviewPlan, at: datetime) -> datetime:
    """The first planned moment after the one that was due, and after now."""
    due, step = plan.due_at + timedelta(days=plan.days), timedelta(days=plan.days)
    return due if due > at else due + step * ((at - due) // step + 1)


def reviews_held(
    session: Session, actor: Actor, *, at: datetime, archive: str | None = None
) -> Held:
    """Each review that was planned, with whether it was held; for the archive and its auditors."""
    stream = _stream(session, actor, archive, at)
    own = select(LogReview).where(col(LogReview.archive_id) == stream)
    reviews = session.exec(own.order_by(col(LogReview.id))).all()
    plan = session.get(ReviewPlan, stream)
    by_due = {one.due_at: one for one in reviews if one.due_at is not None}
    dues = sorted({*by_due, *(_dues(plan, at) if plan else ())})
    planned = tuple(Planned(due, _state(by_due.get(due), due, at), by_due.get(due)) for due in dues)
    return Held(plan, planned, tuple(one for one in reviews if one.due_at is None))


def _dues(plan: ReviewPlan, at: datetime) -> list[datetime]:
    return [*map(datetime.fromisoformat, plan.passed), *_grid(plan, at)]


def _grid(plan: ReviewPlan, at: datetime) -> list[datetime]:
    """Every moment the plan set, up to the one that is due next."""
    step = timedelta(days=plan.days)
    last = max(plan.due_at, at)
    return [plan.since + step * n for n in range(1, (last - plan.since) // step + 1)]


def _state(review: LogReview | None, due: datetime, at: datetime) -> str:
    if review is not None:
        return "held" if review.signed_at <= due else "late"
    return "missed" if due < at else "due"


def remind_reviewers(session: Session, *, at: datetime) -> int:
    """Mail archives whose review is due, weekly until it is signed; how many were reminded."""
    due = select(ReviewPlan).where(col(ReviewPlan.due_at) <= at).with_for_update(skip_locked=True)
    reminded = 0
    for plan in session.exec(due).all():
        if plan.reminded_at is None or at - plan.reminded_at >= REMIND_EVERY:
            mail(session, plan.archive_id, _SUBJECT, _TEXT, at)
            plan.reminded_at = at
            session.add(plan)
            reminded += 1
    return reminded


_SUBJECT = Text("Controleer het logboek van uw archief", "Review your archive's log")
_TEXT = Text(
    "De controle van uw logboek is aan de beurt. Open in Vrijgave *Logboek*, *Controle*, kijk wat"
    " opvalt en naar de steekproef, en teken af.\n",
    "The review of your log is due. Open *Log*, *Review* in Vrijgave, look at what stands out and"
    " at the sample, and sign it off.\n",
)
