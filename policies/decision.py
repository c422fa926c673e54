"""Answers as values: what a policy leaves for each item of the asked edition, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, final

from policies.dumping import policy_digest
from policies.explanation import consent_needed, not_permitted, permitted, prohibited
from policies.policy import Conflict, Policy
from policies.request import Request
from policies.residual import Residual
from policies.rowfilter import FALSE, TRUE, RowFilter, all_of, any_of, negate
from policies.signature import Signature, Signatures
from policies.sql import compile_filter
from policies.verdict import ItemVerdict, Outcome, Reason
from policies.vocabulary import ENGINE_VERSION, ITEM_FACTS, VOCABULARY_VERSION, Effect
from policies.world import World


@dataclass(frozen=True)
class Answer:
    """What Prospect and Decision share.

    :param void: reasons for which the policy denies everything, whatever it says.
    :param world: what was known of collections and duties.
    :param residuals: the permissions and prohibitions, with the request filled in.
    """

    policy: Policy
    request: Request
    world: World
    residuals: tuple[Residual, ...]
    void: tuple[Reason, ...] = ()

    @cached_property
    def prohibitions(self) -> tuple[Residual, ...]:
        """The prohibitions that count, those about columns among them."""
        if self.policy.conflict is Conflict.PERM:
            return ()
        return tuple(r for r in self.residuals if r.rule.effect is Effect.PROHIBITION)

    @cached_property
    def _prohibitions(self) -> tuple[Residual, ...]:
        """Those about whole items; the others mask columns and take no item away."""
        return tuple(r for r in self.prohibitions if r.columns is None)

    @cached_property
    def permissions(self) -> tuple[Residual, ...]:
        """Those that ask least first, so that no item carries a duty it need not."""
        permissions = (r for r in self.residuals if r.rule.effect is Effect.PERMISSION)
        return tuple(sorted(permissions, key=lambda r: (r.secure_only, len(r.rule.duties))))

    @cached_property
    def permit(self) -> RowFilter:
        """Items that a permission without prior duty covers."""
        return (
            FALSE if self.void else any_of(*(r.filter for r in self.permissions if not r.pending))
        )

    @cached_property
    def review(self) -> RowFilter:
        """Items that a permission covers once the archive has said yes."""
        return FALSE if self.void else any_of(*(r.filter for r in self.permissions if r.pending))

    @cached_property
    def deny(self) -> RowFilter:
        """Items that a prohibition takes away, those with unknown facts among them."""
        return TRUE if self.void else any_of(*(r.filter for r in self._prohibitions))

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """Why every item is denied, where the request alone decides that; else none."""
        if self.void:
            return self.void
        whole = next((r for r in self._prohibitions if r.filter == TRUE), None)
        if whole is not None:
            return (prohibited(whole, None),)
        if self.permit == FALSE and self.review == FALSE:
            return not_permitted(self.permissions, None)
        return ()

    @property
    def policy_digest(self) -> str:
        """``sha256:<hex>`` of the policy's canonical JSON."""
        return policy_digest(self.policy)

    @cached_property
    def signature(self) -> Callable[[Mapping[str, object]], Signature]:
        """How an item looks to this policy, whatever the request: equal ones, equal verdicts."""
        parts = (part for left in self.residuals for part in left.parts)
        return Signatures(atom for part in parts for atom in part.filter.atoms()).of

    @cached_property
    def _verdicts(self) -> dict[Signature, ItemVerdict]:
        return {}

    def verdict(self, item: Mapping[str, object]) -> ItemVerdict:
        """The answer for one item, by its facts (``rights``, ``embargo_until``, ...)."""
        signature = self.signature(item)
        if signature not in self._verdicts:
            self._verdicts[signature] = self._judge(item)
        return self._verdicts[signature]

    def outcome(self, item: Mapping[str, object]) -> Outcome:
        """The answer for one item without its reasons."""
        if self.deny.matches(item):
            return Outcome.DENY
        if self.permit.matches(item):
            return Outcome.PERMIT
        return Outcome.REVIEW if self.review.matches(item) else Outcome.DENY

    def _judge(self, item: Mapping[str, object]) -> ItemVerdict:
        if self.reasons:
            return ItemVerdict(Outcome.DENY, self.reasons[0].rule, reasons=self.reasons)
        hits = tuple(r for r in self._prohibitions if r.filter.matches(item))
        if hits:
            reasons = tuple(prohibited(hit, item) for hit in hits)
            return ItemVerdict(Outcome.DENY, hits[0].rule.uid, reasons=reasons)
        fitting = [r for r in self.permissions if r.filter.matches(item)]
        for outcome, found, why in (
            (Outcome.PERMIT, [r for r in fitting if not r.pending], permitted),
            (Outcome.REVIEW, fitting, consent_needed),
        ):
            if found:
                return _opened(outcome, found, why)
        reasons = not_permitted(self.permissions, item)
        return ItemVerdict(Outcome.DENY, None, reasons=reasons)

    def to_json(self) -> dict[str, Any]:
        """What was asked and answered, and all that :func:`policies.replay` needs to ask again.

        ``filters`` has, for each outcome, the rows it takes as SQL over the facts' names.
        """
        return {
            "kind": type(self).__name__.lower(),
            "engine": ENGINE_VERSION,
            "vocabulary": VOCABULARY_VERSION,
            "policy": {"uid": self.policy.uid, "digest": self.policy_digest},
            "request": self.request.to_json(),
            "world": self.world.to_json(),
            "filters": {outcome.value: _stored(cleared(self, outcome)) for outcome in Outcome},
            "reasons": [
                {"code": r.code, "rule": r.rule, "nl": r.nl, "en": r.en} for r in self.reasons
            ],
        }


def _opened(
    outcome: Outcome, fitting: list[Residual], why: Callable[[Residual], Reason]
) -> ItemVerdict:
    """The first permission decides; if it is about some columns only, the others add theirs."""
    first = fitting[0]
    all_ = fitting if first.columns else [first]
    duties = tuple(dict.fromkeys(duty for each in all_ for duty in each.rule.duties))
    secure = any(each.secure_only for each in all_)
    return ItemVerdict(outcome, first.rule.uid, duties, (why(first),), secure)


def _stored(row_filter: RowFilter) -> dict[str, Any]:
    sql = compile_filter(row_filter, {fact: fact for fact in ITEM_FACTS})
    shown = {n: v.isoformat() if isinstance(v, date) else v for n, v in sql.params.items()}
    return {"sql": sql.text, "params": shown}


@final
class Prospect(Answer):
    """What an agreement on this offer would give. It gives no access."""


@final
class Decision(Answer):
    """What an agreement (or a set) gives."""


def cleared(answer: Answer, outcome: Outcome) -> RowFilter:
    """The rows whose verdict is exactly this outcome."""
    open_ = negate(answer.deny)
    if outcome is Outcome.PERMIT:
        return all_of(answer.permit, open_)
    if outcome is Outcome.REVIEW:
        return all_of(answer.review, negate(answer.permit), open_)
    return any_of(answer.deny, all_of(negate(answer.permit), negate(answer.review)))
