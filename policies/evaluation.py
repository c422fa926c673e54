"""Deciding: a policy and a request in, an answer per item out. Pure, and the whole of it.

An offer is *matched*: what would an agreement give? An agreement is *evaluated*: what does it
give? A set does for both. A policy of the wrong kind denies, with the reason.
"""

from policies.decision import Decision, Prospect
from policies.explanation import void
from policies.policy import Conflict, Kind, Policy
from policies.request import Request
from policies.residual import Residual, residual
from policies.rowfilter import FALSE
from policies.verdict import Reason
from policies.vocabulary import CORE_PROFILE, PROFILE, Effect
from policies.world import NOTHING_KNOWN, World


def match(offer: Policy, request: Request, world: World = NOTHING_KNOWN) -> Prospect:
    """What an agreement on this offer would give for the request; never access itself."""
    residuals = _residuals(offer, request, world)
    reasons = _void(offer, request, residuals)
    if offer.kind is Kind.AGREEMENT:
        reasons = (void("not-an-offer"),)
    return Prospect(offer, request, world, residuals, reasons)


def evaluate(agreement: Policy, request: Request, world: World = NOTHING_KNOWN) -> Decision:
    """What the agreement (or set) gives for the request."""
    residuals = _residuals(agreement, request, world)
    reasons = _void(agreement, request, residuals)
    if agreement.kind is Kind.OFFER:
        reasons = (void("offer-never-grants"),)
    return Decision(agreement, request, world, residuals, reasons)


def asked_otherwise(
    answer: Prospect | Decision, request: Request, residuals: tuple[Residual, ...]
) -> Prospect | Decision:
    """The answer of the same policy in the same world to another request, from its residuals."""
    reasons = _void(answer.policy, request, residuals)
    return type(answer)(answer.policy, request, answer.world, residuals, reasons)


def _residuals(policy: Policy, request: Request, world: World) -> tuple[Residual, ...]:
    deciding = (rule for rule in policy.rules if rule.effect is not Effect.OBLIGATION)
    return tuple(residual(rule, request, world) for rule in deciding)


def _void(policy: Policy, request: Request, residuals: tuple[Residual, ...]) -> tuple[Reason, ...]:
    """Why the policy counts for nothing, if it does (IM 2.2, sections 2.1, 2.8 to 2.10, 3)."""
    if policy.replaced_by is not None:
        return (void("replaced"),)
    if policy.valid_until is not None and request.at >= policy.valid_until:
        return (void("lapsed"),)
    if policy.inherits:
        return (void("inheritance"),)
    if not set(policy.profiles) <= {PROFILE, CORE_PROFILE}:
        return (void("profile"),)
    live = {r.rule.effect for r in residuals if r.filter != FALSE}
    if policy.conflict is Conflict.INVALID and live == {Effect.PERMISSION, Effect.PROHIBITION}:
        return (void("conflict"),)
    return ()
