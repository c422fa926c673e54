"""From offer to agreement: frozen to what was asked, and never wider than the offer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from policies import (
    PROFILE,
    Conflict,
    Constraint,
    Duty,
    Effect,
    Kind,
    Operator,
    Outcome,
    Place,
    Policy,
    PolicyError,
    Request,
    Rule,
    agree,
    dump_policy,
    evaluate,
    match,
    parse_policy,
)

BOTH = frozenset({Outcome.PERMIT, Outcome.REVIEW})


def _rule(
    effect: Effect, uid: str, *constraints: Constraint, duties: tuple[Duty, ...] = ()
) -> Rule:
    return Rule(
        effect,
        uid,
        "vg:any",
        target="archive/films@3",
        assigner="https://example.org/archive",
        constraints=constraints,
        duties=duties,
    )


PERSONAL = "vg:personalData"
OFFER = Policy(
    kind=Kind.OFFER,
    uid="https://example.org/offers/1",
    rules=(
        _rule(Effect.PERMISSION, "open", Constraint(PERSONAL, Operator.EQ, ("none",))),
        _rule(
            Effect.PERMISSION,
            "ask",
            Constraint(PERSONAL, Operator.EQ, ("ordinary",)),
            duties=(Duty("odrl:obtainConsent"), Duty("odrl:attribute")),
        ),
        _rule(
            Effect.PERMISSION,
            "research",
            Constraint("vg:userClass", Operator.EQ, ("research",)),
        ),
        _rule(Effect.PROHIBITION, "opt-out", Constraint("vg:optOut", Operator.EQ, (True,))),
    ),
    conflict=Conflict.PROHIBIT,
    assigner="https://example.org/archive",
)


def _agree(
    request: Request, outcomes: frozenset[Outcome] = BOTH, rights: frozenset[str] | None = None
) -> Policy:
    return agree(
        OFFER,
        request,
        outcomes,
        uid="https://example.org/agreements/1",
        assigner="https://example.org/archive",
        assignee="https://example.org/startup",
        agreed_at=request.at,
        until=request.at + timedelta(days=30),
        rights=rights,
    )


@pytest.fixture
def asked(request_: Request) -> Request:
    """A request with a purpose."""
    return replace(request_, purpose="dpv:ServiceProvision")


def test_an_agreement_permits_what_was_permitted_and_reviewed(
    asked: Request, item: dict[str, object]
) -> None:
    """With review among the outcomes the consent duty is done; other duties stay (G1, G2)."""
    decision = evaluate(_agree(asked), asked)
    assert decision.verdict(item).outcome is Outcome.PERMIT
    reviewed = decision.verdict({**item, "personal_data": "ordinary"})
    assert reviewed.outcome is Outcome.PERMIT
    assert [duty.action for duty in reviewed.duties] == ["odrl:attribute"]


def test_without_review_the_reviewed_items_stay_out(
    asked: Request, item: dict[str, object]
) -> None:
    """An agreement on the clear cases alone denies the others (G1)."""
    decision = evaluate(_agree(asked, frozenset({Outcome.PERMIT})), asked)
    assert decision.verdict(item).outcome is Outcome.PERMIT
    assert decision.verdict({**item, "personal_data": "ordinary"}).outcome is Outcome.DENY


def test_prohibitions_are_copied_whole(asked: Request, item: dict[str, object]) -> None:
    """An item that opts out later is denied by the agreement too (G1)."""
    verdict = evaluate(_agree(asked), asked).verdict({**item, "opt_out": True})
    assert (verdict.outcome, verdict.rule) == (Outcome.DENY, "opt-out")


@pytest.mark.parametrize(
    "changed",
    [
        {"assignee": "https://example.org/other"},
        {"assignee": None},
        {"use": "search"},
        {"use": "train"},
        {"purpose": "dpv:CommercialPurpose"},
        {"purpose": None},
        {"user_class": "research"},
        {"target": "archive/films@4"},
        {"place": Place("BE", "NL")},
        {"place": Place("NL", "US")},
        {"place": Place(None, "NL")},
    ],
    ids=str,
)
def test_anything_else_than_was_asked_is_denied(
    asked: Request, item: dict[str, object], changed: dict[str, Any]
) -> None:
    """Assignee, use, purpose, user class, edition and place are frozen (G1)."""
    other = replace(asked, **changed)
    assert evaluate(_agree(asked), other).verdict(item).outcome is Outcome.DENY


@pytest.mark.parametrize(
    ("days", "outcome"), [(-1, "deny"), (0, "permit"), (29, "permit"), (30, "deny")]
)
def test_the_period_is_half_open(
    asked: Request, item: dict[str, object], days: int, outcome: str
) -> None:
    """It holds from the moment of agreement until just before its end (G1)."""
    later = replace(asked, at=asked.at + timedelta(days=days))
    assert evaluate(_agree(asked), later).verdict(item).outcome == outcome


def test_it_may_be_narrowed_to_some_statements(asked: Request, item: dict[str, object]) -> None:
    """Items under another statement are denied (G4)."""
    mine = frozenset({str(item["rights"])})
    decision = evaluate(_agree(asked, rights=mine), asked)
    assert decision.verdict(item).outcome is Outcome.PERMIT
    assert decision.verdict({**item, "rights": "https://example.org/x"}).outcome is Outcome.DENY


def test_it_is_never_wider_than_the_offer(asked: Request, item: dict[str, object]) -> None:
    """What the offer denies, the agreement denies (G3)."""
    prospect, decision = match(OFFER, asked), evaluate(_agree(asked), asked)
    for opt_out in (True, False, None):
        for level in ("none", "ordinary", "special", None):
            each = {**item, "opt_out": opt_out, "personal_data": level}
            if prospect.verdict(each).outcome is Outcome.DENY:
                assert decision.verdict(each).outcome is Outcome.DENY


def test_an_anonymous_place_and_purpose_are_not_frozen(
    request_: Request, item: dict[str, object]
) -> None:
    """What the request did not tell is no condition of the agreement (G1)."""
    anywhere = replace(request_, place=Place(None, None))
    decision = evaluate(_agree(anywhere), request_)
    assert decision.verdict(item).outcome is Outcome.PERMIT


def test_an_agreement_survives_its_document(asked: Request) -> None:
    """Written and read back it is the same agreement (D7)."""
    agreement = _agree(asked)
    assert agreement.kind is Kind.AGREEMENT
    assert parse_policy(dump_policy(agreement)) == agreement


def test_where_nothing_fits_there_is_no_agreement(asked: Request) -> None:
    """A request that the offer does not cover cannot be agreed on."""
    with pytest.raises(PolicyError, match="no permission") as caught:
        _agree(replace(asked, target="archive/films@4"))
    assert caught.value.path == "offer"


def test_a_period_ends_after_it_begins(asked: Request) -> None:
    """An agreement cannot end before it begins."""
    with pytest.raises(PolicyError, match=r"^until: .* before it begins"):
        agree(
            OFFER,
            asked,
            BOTH,
            uid="a",
            assigner="b",
            assignee="c",
            agreed_at=asked.at,
            until=asked.at,
        )


def test_an_agreement_is_between_its_two_parties(asked: Request) -> None:
    """Whatever the offer's rules named, under the offer's profile and conflict strategy (G1)."""
    offer = replace(
        OFFER,
        profiles=(PROFILE,),
        rules=tuple(replace(rule, target=None) for rule in OFFER.rules),
    )
    agreement = agree(
        offer,
        asked,
        BOTH,
        uid="https://example.org/agreements/2",
        assigner="https://example.org/successor",
        assignee="https://example.org/startup",
        agreed_at=asked.at,
        until=asked.at + timedelta(days=1),
    )
    parties = {(rule.assigner, rule.assignee) for rule in agreement.rules}
    assert parties == {("https://example.org/successor", "https://example.org/startup")}
    assert parties == {(agreement.assigner, agreement.assignee)}
    assert agreement.profiles == (PROFILE,)
    assert agreement.conflict is OFFER.conflict
    permissions = [rule for rule in agreement.rules if rule.effect is Effect.PERMISSION]
    assert {rule.target for rule in permissions} == {"archive/films@3"}


def test_a_purpose_is_agreed_on_however_it_is_written(
    asked: Request, item: dict[str, object]
) -> None:
    """IRI, term and bare name are one purpose (G1)."""
    written = replace(asked, purpose="https://w3id.org/dpv#ServiceProvision")
    agreement = _agree(written)
    assert agreement == _agree(asked)
    for purpose in ("ServiceProvision", "dpv:ServiceProvision", written.purpose):
        decision = evaluate(agreement, replace(asked, purpose=purpose))
        assert decision.verdict(item).outcome is Outcome.PERMIT


def test_a_prohibition_for_another_stays_one_for_another(
    asked: Request, item: dict[str, object]
) -> None:
    """Copied whole, it does not turn against the assignee (G1)."""
    blocked = replace(
        OFFER.rules[-1], uid="other", assignee="https://example.org/x", constraints=()
    )
    offer = replace(OFFER, rules=(*OFFER.rules, blocked))
    agreement = agree(
        offer,
        asked,
        BOTH,
        uid="https://example.org/agreements/3",
        assigner="https://example.org/archive",
        assignee="https://example.org/startup",
        agreed_at=asked.at,
        until=asked.at + timedelta(days=1),
    )
    assert agreement.rules[-1].assignee == "https://example.org/x"
    assert evaluate(agreement, asked).verdict(item).outcome is Outcome.PERMIT
