"""A compiled policy decides what the evaluation decides."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import (
    Collection,
    Compiled,
    Conflict,
    Constraint,
    Duty,
    Effect,
    Kind,
    Logical,
    Moment,
    Operator,
    Outcome,
    Place,
    Policy,
    PolicyError,
    PolicyIndex,
    Request,
    Rule,
    evaluate,
)
from policies.policy import Connective
from tests.policies.test_filters_agree import POLICIES, REQUESTS, ROWS

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@given(POLICIES, REQUESTS, ROWS)
@settings(max_examples=200, deadline=None)
def test_compiled_and_evaluated_agree(
    policy: Policy, request_: Request, rows: list[dict[str, Any]]
) -> None:
    """Outcome and trace, for random policies, requests and items."""
    compiled = Compiled(policy)
    answer = evaluate(policy, request_)
    for row in rows:
        assert compiled.outcome(request_, row) is answer.outcome(row)
        assert compiled.trace(request_, row).outcome is answer.outcome(row)


TARGET = "archive/films@3"
OPEN = Rule(Effect.PERMISSION, "yes", "vg:any", TARGET)
SET = Policy(Kind.SET, "https://example.org/p", (OPEN,), conflict=Conflict.PROHIBIT)


def _only(left: str, operator: Operator, *right: Any) -> Policy:
    return replace(SET, rules=(replace(OPEN, constraints=(Constraint(left, operator, right),)),))


@pytest.mark.parametrize(
    "policy",
    [
        replace(SET, kind=Kind.OFFER),
        replace(SET, replaced_by="https://example.org/q"),
        replace(SET, inherits=("https://example.org/q",)),
        replace(SET, valid_until=AT),
        replace(SET, profiles=("https://example.org/profile",)),
        replace(SET, conflict=Conflict.INVALID),
        replace(SET, rules=(replace(OPEN, target="archive/films@4"),)),
        replace(SET, rules=(replace(OPEN, target=None),)),
        replace(SET, rules=(replace(OPEN, action=None),)),
        replace(SET, rules=(replace(OPEN, target=Collection(TARGET)),)),
        replace(SET, rules=(OPEN, replace(OPEN, target="archive/films@4", uid="other"))),
        replace(SET, rules=(replace(OPEN, target="archive/films@4"), OPEN)),
        replace(SET, rules=(replace(OPEN, assignee="https://example.org/startup"),)),
        replace(SET, rules=(replace(OPEN, assignee="https://example.org/other"),)),
        replace(SET, rules=(replace(OPEN, duties=(Duty("odrl:obtainConsent"),)),)),
        _only("vg:userClass", Operator.EQ, "commercial"),
        _only("vg:userClass", Operator.EQ, 5),
        _only("vg:operatorJurisdiction", Operator.IS_ANY_OF, "EEA"),
        _only("vg:secureEnvironment", Operator.EQ, True),
        _only("odrl:purpose", Operator.IS_A, "dpv:ServiceProvision"),
        _only("odrl:dateTime", Operator.LT, AT),
        _only("odrl:dateTime", Operator.LT, "tomorrow"),
        _only("odrl:dateTime", Operator.IS_ANY_OF, AT),
        _only("odrl:count", Operator.EQ, 1),
        _only("vg:mood", Operator.EQ, 1),
    ],
)
@pytest.mark.parametrize("place", [Place("NL", "NL"), Place(None, "US", secure=True)])
def test_every_form_of_policy_agrees(
    request_: Request, item: dict[str, object], policy: Policy, place: Place
) -> None:
    """Also those without a quick form."""
    asked = replace(request_, place=place, purpose="TechnicalServiceProvision")
    expected = evaluate(policy, asked).outcome(item)
    assert Compiled(policy).outcome(asked, item) is expected
    assert Compiled(policy).trace(asked, item).outcome is expected


NL, US = Place("NL", "NL", False, "NL", "Delft"), Place("US", "US", True, "US", "Reno")
LATER = AT + timedelta(days=1)
DAY, LAST = date(2026, 11, 23), date.max


@pytest.mark.parametrize(
    ("constraint", "held", "missed"),
    [
        (("vg:userClass", "eq", "research"), {"user_class": "research"}, {}),
        (("odrl:purpose", "isA", "dpv:ServiceProvision"), {"purpose": "ServiceProvision"}, {}),
        (("vg:processedIn", "isAnyOf", "NL"), {"place": NL}, {"place": US}),
        (("vg:processedIn", "isAnyOf", "EU"), {"place": NL}, {"place": US}),
        (("vg:processedIn", "neq", "US"), {"place": NL}, {"place": US}),
        (("vg:operatorJurisdiction", "eq", "NL"), {"place": NL}, {"place": US}),
        (("vg:storedIn", "eq", "NL"), {"place": NL}, {"place": US}),
        (("vg:place", "eq", "Delft"), {"place": NL}, {"place": US}),
        (("vg:secureEnvironment", "eq", True), {"place": US}, {"place": NL}),
        (("odrl:dateTime", "lt", LATER), {"at": AT}, {"at": LATER}),
        (("odrl:dateTime", "gteq", LATER), {"at": LATER}, {"at": AT}),
        (("odrl:dateTime", "lteq", Moment.USE), {"at": AT}, None),
        (("vg:optOut", "eq", True), {"opt_out": True}, {"opt_out": False}),
        (("vg:rights", "isNoneOf", "urn:a"), {"rights": "urn:b"}, {"rights": "urn:a"}),
        (
            ("vg:embargoUntil", "gt", Moment.USE),
            {"embargo_until": date.max},
            {"embargo_until": DAY},
        ),
        (("vg:embargoUntil", "eq", DAY), {"embargo_until": DAY}, {"embargo_until": LAST}),
    ],
    ids=str,
)
def test_a_condition_says_how_far_a_rule_reaches(
    request_: Request,
    constraint: tuple[str, str, Any],
    held: dict[str, Any],
    missed: dict[str, Any] | None,
) -> None:
    """A permission as far as it is held, a prohibition as far; and beyond what is not known."""
    left, operator, right = constraint
    permitting = _only(left, Operator(operator), right)
    (rule,) = permitting.rules
    forbidding = replace(SET, rules=(OPEN, replace(rule, effect=Effect.PROHIBITION, uid="no")))
    purposeful = replace(request_, purpose="AcademicResearch", place=NL)

    def outcome(policy: Policy, facts: dict[str, Any]) -> Outcome:
        own = {name: value for name, value in facts.items() if hasattr(purposeful, name)}
        item = {name: value for name, value in facts.items() if name not in own}
        asked, compiled = replace(purposeful, **own), Compiled(policy)
        assert compiled.trace(asked, item).outcome is evaluate(policy, asked).outcome(item)
        return compiled.outcome(asked, item)

    assert outcome(permitting, held) is Outcome.PERMIT
    assert outcome(forbidding, held) is Outcome.DENY
    if missed is not None:
        assert outcome(permitting, missed) is Outcome.DENY
        assert outcome(forbidding, missed) is Outcome.PERMIT
    if not hasattr(purposeful, next(iter(held))):
        assert outcome(permitting, {}) is Outcome.DENY
        assert outcome(forbidding, {}) is Outcome.DENY


@pytest.mark.parametrize(
    ("rules", "use", "outcome"),
    [
        ([("permission", "vg:train", ())], "train.gen", Outcome.PERMIT),
        ([("permission", "vg:train.gen", ())], "train", Outcome.DENY),
        (
            [("permission", "vg:any", ()), ("prohibition", "vg:train.gen", ())],
            "train",
            Outcome.DENY,
        ),
        (
            [("permission", "vg:any", ()), ("prohibition", "vg:train.gen", ())],
            "search",
            Outcome.PERMIT,
        ),
        (
            [
                ("permission", "vg:any", ("odrl:obtainConsent",)),
                ("permission", "vg:any", ("odrl:attribute", "odrl:inform")),
            ],
            "search",
            Outcome.PERMIT,
        ),
    ],
)
def test_rules_meet_as_they_do_in_evaluation(
    request_: Request, rules: list[tuple[str, str, tuple[str, ...]]], use: str, outcome: Outcome
) -> None:
    """What an action covers, and that a permission which waits for nobody goes first."""
    made = (
        Rule(Effect(effect), f"r{n}", action, TARGET, duties=tuple(map(Duty, duties)))
        for n, (effect, action, duties) in enumerate(rules)
    )
    policy, asked = replace(SET, rules=tuple(made)), replace(request_, use=use)
    assert Compiled(policy).outcome(asked) is outcome
    assert Compiled(policy).trace(asked).outcome is outcome
    assert evaluate(policy, asked).outcome({}) is outcome


def test_a_policy_that_its_conflict_voids_gives_nothing(request_: Request) -> None:
    """Not even the items that its prohibition leaves alone."""
    opted_out = Constraint("vg:optOut", Operator.EQ, (True,))
    no = replace(OPEN, effect=Effect.PROHIBITION, uid="no", constraints=(opted_out,))
    policy = replace(SET, rules=(OPEN, no), conflict=Conflict.INVALID)
    assert Compiled(policy).outcome(request_, {"opt_out": False}) is Outcome.DENY


def test_what_a_reference_stands_for_is_asked_of_the_request(request_: Request) -> None:
    """A right operand by reference is never read as if its values stood there."""
    told = Constraint("vg:userClass", Operator.EQ, ("commercial",), reference="urn:whom")
    policy = replace(SET, rules=(replace(OPEN, constraints=(told,)),))
    assert Compiled(policy).outcome(request_) is Outcome.DENY
    named = replace(request_, facts={"urn:whom": "commercial"})
    assert Compiled(policy).outcome(named) is Outcome.PERMIT


def test_a_trace_has_every_rule_and_condition(request_: Request) -> None:
    """Prohibitions first, then permissions, each with the states of its conditions."""
    policy = replace(
        SET,
        rules=(
            replace(OPEN, constraints=(Constraint("vg:userClass", Operator.EQ, ("research",)),)),
            Rule(Effect.PROHIBITION, "no", "vg:search", TARGET),
            Rule(
                Effect.PROHIBITION,
                "unknown",
                "vg:any",
                TARGET,
                constraints=(Constraint("vg:optOut", Operator.EQ, (True,)),),
            ),
        ),
    )
    trace = Compiled(policy).trace(request_)
    assert trace.outcome is Outcome.DENY
    assert trace.rules == [
        ("no", False, [False]),
        ("unknown", True, [True, None]),
        ("yes", False, [True, False]),
    ]
    assert Compiled(policy).trace(replace(request_, target="archive/films@4")).rules == []


@given(st.integers(0, 50))
@settings(max_examples=5, deadline=None)
def test_rules_that_are_alike_share_their_functions(number: int) -> None:
    """However many policies have them: an archive's thousand editions cost one compilation."""
    elsewhere = replace(OPEN, target=f"archive/films@{number}", uid=f"rule-{number}")
    first, second = (Compiled(replace(SET, rules=(rule,))) for rule in (OPEN, elsewhere))
    assert first._shared is second._shared


def test_deep_nesting_is_decided_quickly(request_: Request, item: dict[str, object]) -> None:
    """Alternating connectives to the depth that documents may have do not multiply the work."""
    inner: Constraint | Logical = Constraint("vg:optOut", Operator.EQ, (False,))
    for level in range(31):
        also = Constraint("vg:personalData", Operator.NEQ, (f"level {level}",))
        connective = Connective.OR if level % 2 else Connective.AND
        inner = Logical(connective, (inner, also))
    deep = replace(SET, rules=(replace(OPEN, constraints=(inner,)),))
    begun = time.process_time()
    assert evaluate(deep, request_).outcome(item) is Outcome.PERMIT
    denied = replace(deep.rules[0], effect=Effect.PROHIBITION, uid="no")
    prohibited = replace(deep, rules=(OPEN, denied))
    assert evaluate(prohibited, request_).outcome(item) is Outcome.DENY
    assert time.process_time() - begun < 1


def test_an_index_answers_as_each_of_its_policies(request_: Request) -> None:
    """By edition, with and without a quick form; an edition it does not have is denied."""
    elsewhere = replace(OPEN, target="archive/news@1")
    lapsed = replace(SET, rules=(elsewhere,), valid_until=request_.at)
    columns = Constraint("vg:column", Operator.EQ, ("title",))
    part = replace(OPEN, target=Collection("archive/titles@1", (columns,)))
    index = PolicyIndex([SET, lapsed, replace(SET, rules=(part,))])
    assert len(index) == 3
    for target, outcome in (
        (request_.target, Compiled(SET).outcome(request_)),
        ("archive/news@1", Outcome.DENY),
        ("archive/titles@1", Outcome.PERMIT),
        ("archive/none@1", Outcome.DENY),
    ):
        assert index.outcome(replace(request_, target=target)) is outcome
    opted_out = _only("vg:optOut", Operator.EQ, True)
    assert PolicyIndex([opted_out]).outcome(request_, {"opt_out": True}) is Outcome.PERMIT
    assert PolicyIndex([opted_out]).outcome(request_, {"opt_out": False}) is Outcome.DENY


@pytest.mark.parametrize("target", ["archive/news@1", None, "archive/films@3"])
def test_an_index_has_one_policy_for_an_edition(target: str | None) -> None:
    """One about several editions or none, or a second about the same, is refused."""
    index = PolicyIndex([SET])
    with pytest.raises(PolicyError) as caught:
        index.add(replace(SET, uid="urn:b", rules=(OPEN, replace(OPEN, target=target))))
    assert caught.value.path == "target"
    assert "`urn:b`" in caught.value.problem
    assert "`urn:b`" in caught.value.probleem
    assert caught.value.remedy != caught.value.uitweg
    assert len(index) == 1


def test_a_trace_without_a_quick_form_has_every_rule(request_: Request) -> None:
    """The evaluation's own: each rule with whether it applies and the state of its conditions."""
    slow = replace(_only("vg:optOut", Operator.EQ, True), valid_until=request_.at)
    assert Compiled(slow).trace(request_, {"opt_out": True}).rules == [
        ("yes", True, [True, True, True])
    ]
