"""May I use this? Pre-checks before sign-in, from published offers only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlmodel import Session

from catalog.licences import statement
from catalog.tables import Offer
from policies import (
    Change,
    Line,
    Outcome,
    Place,
    Policy,
    Prospect,
    Request,
    RequestError,
    Summary,
    label,
    match,
    parse_policy,
)
from registry.access.tables import Agreement
from registry.accounts.actors import Actor
from registry.accounts.blocks import BLOCKED, Block, find_block, said_of
from registry.errors import Text
from registry.recent import Recent
from registry.services.accounts import Command
from registry.services.catalogue import Listing, Offered, find_dataset
from registry.services.counting import classes_of, judged
from registry.services.wording import conflict, invalid

FEWEST = 10
"""Smaller groups of items are not shown apart to someone who is not signed in."""
_KEPT = 256
"""Offers and agreements whose parsed form is kept; they never change."""
_policies: Recent[str, Policy] = Recent(_KEPT)
_advice: Recent[tuple[object, ...], Change | None] = Recent(_KEPT)


class Use(Command):
    """What someone wants to do, where."""

    use: str
    user_class: str = "commercial"
    purpose: str | None = None
    country: str | None = None
    operator_country: str | None = None
    secure: bool = False
    stored_country: str | None = None
    place: str | None = None

    def on(self, target: str, at: datetime) -> Request:
        """The same as a request to the policy engine about this edition."""
        place = Place(
            self.country, self.operator_country, self.secure, self.stored_country, self.place
        )
        return ask(
            use=self.use,
            user_class=self.user_class,
            purpose=self.purpose,
            assignee=None,
            target=target,
            place=place,
            at=at,
        )


class Question(Use):
    """What someone wants to do, with which datasets, where."""

    datasets: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)]


@dataclass(frozen=True)
class Shares:
    """Whole per cents of the items; ``None`` where the dataset is too small to say."""

    permit: int
    review: int
    deny: int


@dataclass(frozen=True)
class PrecheckReason:
    """Why a part of the items fares so."""

    outcome: str
    code: str
    rule: str | None
    share: int
    text: Text


@dataclass(frozen=True)
class PrecheckChange:
    """The smallest change of the question that would give a better answer."""

    fields: dict[str, str]
    outcome: str
    text: Text


@dataclass(frozen=True)
class DatasetAnswer:
    """The answer on one dataset: what an agreement would give.

    ``outcome`` is ``permit``, ``permit_with_duties``, ``review`` or ``deny``: the best that a part
    of the items gets.
    """

    dataset: str
    outcome: str
    shares: Shares | None
    duties: tuple[tuple[str, Text], ...]
    secure_only: bool
    rule: str | None
    reasons: tuple[PrecheckReason, ...]
    change: PrecheckChange | None


@dataclass(frozen=True)
class PrecheckAnswer:
    """The answers per dataset, and the best of them."""

    outcome: str
    datasets: tuple[DatasetAnswer, ...]


def precheck(
    session: Session, caller: Actor | None, question: Question, *, at: datetime
) -> PrecheckAnswer:
    """Match the question against the offers in force. No act, no audit entry, no access."""
    answers = tuple(
        _answer(session, caller, question, name, f"datasets.{i}", at)
        for i, name in enumerate(question.datasets)
    )
    order = ("permit", "permit_with_duties", "review", "deny")
    return PrecheckAnswer(min((a.outcome for a in answers), key=order.index), answers)


def _answer(
    session: Session,
    caller: Actor | None,
    question: Question,
    name: str,
    path: str,
    at: datetime,
) -> DatasetAnswer:
    listing = offered(find_dataset(session, caller, name), path)
    block = find_block(session, caller.organisation_id, listing.archive.id) if caller else None
    if block is not None:
        return _blocked_answer(listing, block)
    asked = question.on(listing.reference, at)
    prospect, summary = prospect_of(session, listing, asked)
    permits = [line for line in summary.lines if line.outcome is Outcome.PERMIT]
    duties = _duties(prospect, [line.rule for line in permits])
    return DatasetAnswer(
        dataset=listing.reference,
        outcome=_outcome(prospect, summary),
        shares=_shares(summary),
        duties=duties,
        secure_only=bool(permits) and all(line.secure_only for line in permits),
        rule=summary.lines[0].rule if summary.lines else None,
        reasons=_reasons(summary),
        change=_change(summary),
    )


def _blocked_answer(listing: Offered, block: Block) -> DatasetAnswer:
    """No, for all of it, whatever the terms say."""
    return DatasetAnswer(
        dataset=listing.reference,
        outcome="deny",
        shares=Shares(permit=0, review=0, deny=100),
        duties=(),
        secure_only=False,
        rule=None,
        reasons=(PrecheckReason("deny", BLOCKED, None, 100, said_of(block)),),
        change=None,
    )


def ask(**facts: object) -> Request:
    """A request to the policy engine; a word it does not know is ``InvalidInput``."""
    try:
        return Request(**facts)  # type: ignore[arg-type]  # checked by Request itself
    except RequestError as wrong:
        path = wrong.path.removeprefix("place.")
        raise invalid(
            path,
            f"{wrong.probleem[0].upper()}{wrong.probleem[1:]}.",
            f"{wrong.problem[0].upper()}{wrong.problem[1:]}.",
            f"{wrong.uitweg[0].upper()}{wrong.uitweg[1:]}.",
            f"{wrong.remedy[0].upper()}{wrong.remedy[1:]}.",
        ) from wrong


def offered(listing: Listing, path: str) -> Offered:
    """The listing, where it has an edition and an offer in force."""
    if listing.edition is None or listing.offer is None:
        raise conflict(
            "not-offered",
            f"Op `{listing.name}` is nu geen aanbod (`{path}`).",
            f"There is no offer on `{listing.name}` now (`{path}`).",
            "Vraag het archief of er een nieuw aanbod komt.",
            "Ask the archive whether a new offer will come.",
        )
    return Offered(listing.dataset, listing.archive, listing.edition, listing.offer)


def prospect_of(session: Session, listing: Offered, asked: Request) -> tuple[Prospect, Summary]:
    """What the listing's offer would give, over the stored counts."""
    prospect = match(policy_of(listing.offer), asked)
    classes = classes_of(session, listing.edition.id)
    # The answer is worked out each time. The advice beside it, which costs as much again, is the
    # same all day for the same question on the same offer.
    facts = {**asked.to_json(), "at": asked.at.date(), "place": asked.place, "facts": None}
    key = (listing.offer.digest, classes.moment, prospect.void, *facts.values())
    known = key in _advice
    summary = judged(prospect, classes, advise=not known)
    if known:
        return prospect, replace(summary, change=_advice[key])
    _advice[key] = summary.change
    return prospect, summary


def opens_any(session: Session, listing: Offered, asked: Request) -> bool:
    """Whether the listing's offer would open any item at once or after the archive's yes."""
    prospect = match(policy_of(listing.offer), asked)
    classes = classes_of(session, listing.edition.id).open_in(asked.place.country)
    return any(prospect.outcome(facts) is not Outcome.DENY for facts, items in classes if items)


def outcome_of(session: Session, listing: Offered, asked: Request) -> str:
    """The outcome that a pre-check of this request would have, alone."""
    prospect = match(policy_of(listing.offer), asked)
    classes = classes_of(session, listing.edition.id)
    return _outcome(prospect, judged(prospect, classes, advise=False))


def _outcome(prospect: Prospect, summary: Summary) -> str:
    permits = [line for line in summary.lines if line.outcome is Outcome.PERMIT]
    if permits and all(_has_duty(prospect, line.rule) for line in permits):
        return "permit_with_duties"
    return str(summary.outcome)


def policy_of(frozen: Offer | Agreement) -> Policy:
    """The policy of an offer or agreement; parsed once, since it never changes."""
    policy = _policies.get(frozen.digest)
    if policy is None:
        policy = _policies[frozen.digest] = parse_policy(frozen.document)
    return policy


def _has_duty(prospect: Prospect, rule: str | None) -> bool:
    return any(found.uid == rule and found.duties for found in prospect.policy.rules)


def _duties(prospect: Prospect, rules: Sequence[str | None]) -> tuple[tuple[str, Text], ...]:
    found = {
        duty.action: Text(label(duty.action, "nl"), label(duty.action, "en"))
        for rule in prospect.policy.rules
        if rule.uid in rules
        for duty in rule.duties
    }
    return tuple(found.items())


def percent(part: int, whole: int) -> int:
    """A share in whole per cents, rounded half up."""
    return (200 * part + whole) // (2 * whole) if whole else 0


def _shares(summary: Summary) -> Shares | None:
    if summary.total < FEWEST:
        return None
    permit, deny = (
        percent(summary.counts[outcome], summary.total)
        for outcome in (Outcome.PERMIT, Outcome.DENY)
    )
    return Shares(permit, max(0, 100 - permit - deny), deny)


def _reasons(summary: Summary) -> tuple[PrecheckReason, ...]:
    """One reason a line, equal ones told once; groups too small to show are told as one."""
    alike: dict[tuple[Outcome, str, str], list[Line]] = {}
    for line in summary.lines:
        alike.setdefault((line.outcome, line.code, line.nl), []).append(line)
    counted = [(lines, sum(line.count for line in lines)) for lines in alike.values()]
    shown = sorted((group for group in counted if group[1] >= FEWEST), key=lambda g: -g[1])
    small = sum(count for _, count in counted if count < FEWEST)
    reasons = [_reason(lines, percent(count, summary.total)) for lines, count in shown]
    if small:
        reasons.append(
            PrecheckReason("mixed", "few-items", None, percent(small, summary.total), _FEW)
        )
    return tuple(reasons)


def _reason(lines: Sequence[Line], share: int) -> PrecheckReason:
    """Why these lines fare so; where the statement decides, which ones they are."""
    first = lines[0]
    named = ""
    if first.code.endswith(":rights") or first.outcome is not Outcome.DENY:
        held = sorted({code for line in lines for code in map(_statement_code, line.rights)})
        named = f" ({', '.join(held)})"
    text = Text(f"{first.nl}{named}", f"{first.en}{named}")
    return PrecheckReason(str(first.outcome), first.code, first.rule, share, text)


def _statement_code(iri: str) -> str:
    known = statement(iri)
    return known.code if known else iri


_FEW = Text(
    "Voor een klein aantal items geldt iets anders; dat ziet u na aanmelden in uw aanvraag.",
    "Something else holds for a small number of items; your request shows it after signing in.",
)


def _change(summary: Summary) -> PrecheckChange | None:
    change = summary.change
    if change is None:
        return None
    return PrecheckChange(change.fields, str(change.outcome), Text(change.nl, change.en))
