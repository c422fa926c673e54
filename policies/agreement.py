"""From an offer and a request to the agreement both sides sign."""

from dataclasses import replace
from datetime import datetime

from policies.errors import PolicyError
from policies.policy import Collection, Condition, Constraint, Duty, Kind, Named, Policy, Rule
from policies.request import Request
from policies.residual import Residual, residual
from policies.rowfilter import FALSE
from policies.verdict import Outcome
from policies.vocabulary import Effect, Operator, purpose_term

CONSENT = "odrl:obtainConsent"


def agree(
    offer: Policy,
    request: Request,
    outcomes: frozenset[Outcome],
    *,
    uid: str,
    assigner: str,
    assignee: str,
    agreed_at: datetime,
    until: datetime,
    rights: frozenset[str] | None = None,
) -> Policy:
    """An ODRL Agreement, frozen for this assignee, use, purpose, place, edition and period.

    It holds the offer's permissions that fit the request: with ``PERMIT`` those that need no
    prior consent, with ``REVIEW`` those that do, whose consent duty is done and left out (the
    archive said yes). Prohibitions are copied whole. ``rights`` narrows it to those statements.

    :raises PolicyError: if no permission of the offer fits, or the period is empty.
    """
    if until <= agreed_at:
        raise PolicyError("until", "the agreement would end before it begins")
    left = tuple(residual(rule, request) for rule in offer.rules)
    frame = _frame(request, agreed_at, until, rights)
    permissions = tuple(
        _permission(r, request, frame)
        for r in left
        if r.rule.effect is Effect.PERMISSION and r.filter != FALSE and _outcome(r) in outcomes
    )
    if not permissions:
        raise PolicyError("offer", "no permission of the offer fits the request")
    kept = tuple(r.rule for r in left if r.rule.effect is not Effect.PERMISSION)
    return Policy(
        kind=Kind.AGREEMENT,
        uid=uid,
        rules=(
            *(replace(rule, assigner=assigner, assignee=assignee) for rule in permissions),
            *(
                replace(rule, assigner=assigner, assignee=rule.assignee or assignee)
                for rule in kept
            ),
        ),
        profiles=offer.profiles,
        conflict=offer.conflict,
        assigner=assigner,
        assignee=assignee,
    )


def _outcome(of: Residual) -> Outcome:
    return Outcome.REVIEW if of.pending else Outcome.PERMIT


def _frame(
    request: Request, agreed_at: datetime, until: datetime, rights: frozenset[str] | None
) -> tuple[Condition, ...]:
    """The conditions that hold the agreement to what was asked."""
    conditions = [
        Constraint("odrl:dateTime", Operator.GTEQ, (agreed_at,)),
        Constraint("odrl:dateTime", Operator.LT, (until,)),
        Constraint("vg:userClass", Operator.EQ, (request.user_class,)),
    ]
    if request.purpose is not None:
        purpose = purpose_term(request.purpose) or request.purpose
        conditions.append(Constraint("odrl:purpose", Operator.EQ, (purpose,)))
    for left, where in (
        ("vg:processedIn", request.place.country),
        ("vg:operatorJurisdiction", request.place.operator_country),
        ("vg:storedIn", request.place.stored_country),
        ("vg:place", request.place.name),
    ):
        if where is not None:
            conditions.append(Constraint(left, Operator.EQ, (where,)))
    if rights is not None:
        conditions.append(Constraint("vg:rights", Operator.IS_ANY_OF, tuple(sorted(rights))))
    return tuple(conditions)


def _permission(of: Residual, request: Request, frame: tuple[Condition, ...]) -> Rule:
    rule = of.rule
    own = tuple(c for c in rule.constraints if c not in frame)
    return replace(
        rule,
        action=request.action,
        target=_narrowed(rule.target, request),
        constraints=(*own, *frame),
        duties=tuple(duty for duty in rule.duties if not _is_consent(duty)),
    )


def _narrowed(target: Named | None, request: Request) -> Named:
    """The asked edition, refined as the offer's rule is; the dataset where that is named whole."""
    if isinstance(target, Collection) and target.source == request.dataset:
        return target
    refinements = target.refinements if isinstance(target, Collection) else ()
    return Collection(request.target, refinements) if refinements else request.target


def _is_consent(duty: Duty) -> bool:
    return duty.action == CONSENT
