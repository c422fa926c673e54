"""Counting an answer over classes of items, and the smallest change that would help."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import (
    Conflict,
    Constraint,
    Duty,
    Effect,
    Kind,
    Logical,
    Operator,
    Outcome,
    Place,
    Policy,
    Request,
    Rule,
    evaluate,
    match,
    summarise,
)
from policies.policy import Connective

TARGET = "archive/films@3"


def _policy(*rules: Rule) -> Policy:
    return Policy(Kind.SET, "https://example.org/p", rules, conflict=Conflict.PROHIBIT)


def _permit(*constraints: Constraint | Logical, action: str = "vg:any", **more: Any) -> Rule:
    return Rule(Effect.PERMISSION, "yes", action, TARGET, constraints=constraints, **more)


def _forbid(*constraints: Constraint, action: str = "odrl:use") -> Rule:
    return Rule(Effect.PROHIBITION, "no", action, TARGET, constraints=constraints)


def test_counts_and_lines_add_up(request_: Request, item: dict[str, object]) -> None:
    """Equal items are judged once; lines carry the statements they concern (S1)."""
    policy = _policy(
        _permit(Constraint("vg:personalData", Operator.EQ, ("none",))),
        _permit(
            Constraint("vg:personalData", Operator.EQ, ("ordinary",)),
            duties=(Duty("odrl:obtainConsent"),),
        ),
        _forbid(Constraint("vg:optOut", Operator.EQ, (True,))),
    )
    summary = summarise(
        evaluate(policy, request_),
        [
            (item, 3),
            ({**item, "rights": "https://example.org/b"}, 4),
            ({**item, "personal_data": "ordinary"}, 5),
            ({**item, "opt_out": True}, 6),
            ({**item, "opt_out": None}, 7),
        ],
    )
    assert summary.total == 25
    assert summary.counts == {Outcome.PERMIT: 7, Outcome.REVIEW: 5, Outcome.DENY: 13}
    assert summary.outcome is Outcome.PERMIT
    assert [(line.outcome, line.code, line.count) for line in summary.lines] == [
        (Outcome.PERMIT, "permitted", 7),
        (Outcome.REVIEW, "consent-needed", 5),
        (Outcome.DENY, "unknown:optOut", 7),
        (Outcome.DENY, "prohibited:optOut", 6),
    ]
    assert summary.lines[0].rights == (item["rights"], "https://example.org/b")


def test_nothing_counts_as_deny(request_: Request) -> None:
    """An edition without items permits nothing."""
    summary = summarise(match(_policy(_permit()), request_), [])
    assert (summary.total, summary.outcome, summary.lines) == (0, Outcome.DENY, ())


PURPOSE = Constraint("odrl:purpose", Operator.IS_ANY_OF, ("dpv:ScientificResearch",))
SECURE = Constraint("vg:secureEnvironment", Operator.EQ, (True,))
RESEARCH = Constraint("vg:userClass", Operator.EQ, ("research",))
NOT_EEA = Constraint("vg:processedIn", Operator.IS_NONE_OF, ("EEA",))
NOT_JAPAN = Constraint("vg:processedIn", Operator.IS_NONE_OF, ("JP",))
FOREIGN = Constraint("vg:operatorJurisdiction", Operator.IS_NONE_OF, ("EU",))
US = Place("US", "US")


@pytest.mark.parametrize(
    ("rules", "place", "fields", "words"),
    [
        ((_permit(PURPOSE),), None, {"purpose": "dpv:ScientificResearch"}, "wetenschappelijk"),
        ((_permit(SECURE),), None, {"secure": "true"}, "de beveiligde omgeving"),
        ((_permit(RESEARCH),), None, {"user_class": "research"}, "onderzoeksorganisatie"),
        ((_permit(), _forbid(NOT_EEA)), US, {"country": "EEA"}, "Economische Ruimte"),
        ((_permit(), _forbid(NOT_JAPAN)), None, {"country": "JP"}, "JP"),
        (
            (_permit(), _forbid(NOT_EEA), _forbid(FOREIGN)),
            US,
            {"country": "EEA", "operator_country": "EU"},
            "moeder",
        ),
        (
            (_permit(), _forbid(action="vg:train.gen")),
            None,
            {"use": "search"},
            "als gebruik: zoeken",
        ),
        (
            (_permit(action="vg:train.gen.finetune"),),
            None,
            {"use": "train.gen.finetune"},
            "bijtrainen",
        ),
        (
            (_permit(Logical(Connective.OR, (RESEARCH, SECURE))),),
            None,
            {"secure": "true"},
            "omgeving",
        ),
        ((_permit(PURPOSE, SECURE, RESEARCH),), None, None, ""),
        ((_permit(), _forbid()), None, None, ""),
        ((_permit(Constraint("vg:mood", Operator.EQ, ("x",))),), None, None, ""),
        ((_permit(),), None, None, ""),
    ],
)
def test_the_smallest_change_is_found(
    request_: Request,
    item: dict[str, object],
    rules: tuple[Rule, ...],
    place: Place | None,
    fields: dict[str, str] | None,
    words: str,
) -> None:
    """One field where one helps, two where two do, else none (S2)."""
    asked = replace(request_, place=place or request_.place)
    change = summarise(match(_policy(*rules), asked), [(item, 2)]).change
    assert (change and change.fields) == fields
    if change:
        assert change.outcome is Outcome.PERMIT
        assert change.counts[Outcome.PERMIT] == 2
        assert words in change.nl
        assert change.en


def test_a_change_may_lead_to_review(request_: Request, item: dict[str, object]) -> None:
    """Where nothing more can be permitted, more review is better than deny (S2)."""
    policy = _policy(_permit(RESEARCH, duties=(Duty("odrl:obtainConsent"),)))
    change = summarise(evaluate(policy, request_), [(item, 1)]).change
    assert change is not None
    assert change.outcome is Outcome.REVIEW


def test_a_void_policy_has_no_way_out(request_: Request, item: dict[str, object]) -> None:
    """No change to a request helps where the policy counts for nothing."""
    void = replace(_policy(_permit(RESEARCH)), replaced_by="https://example.org/p2")
    summary = summarise(evaluate(void, request_), [(item, 1)])
    assert summary.change is None
    assert summary.lines[0].code == "void:replaced"


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "rights": st.sampled_from(["a", "b"]),
                "opt_out": st.sampled_from([True, False, None]),
                "personal_data": st.sampled_from(["none", "ordinary", "special", None]),
            }
        ),
        max_size=30,
    )
)
@settings(max_examples=100, deadline=None)
def test_a_summary_is_the_sum_of_its_verdicts(items: list[dict[str, object]]) -> None:
    """Grouping equal items changes no count (S1)."""
    policy = _policy(
        _permit(Constraint("vg:personalData", Operator.IS_NONE_OF, ("special",))),
        _forbid(Constraint("vg:optOut", Operator.EQ, (True,))),
    )
    asked = Request(
        "train.gen", "commercial", None, None, TARGET, US, datetime(2026, 1, 1, tzinfo=UTC)
    )
    answer = evaluate(policy, asked)
    summary = summarise(answer, [(each, 1) for each in items])
    verdicts = [answer.verdict(each).outcome for each in items]
    assert summary.counts == {outcome: verdicts.count(outcome) for outcome in Outcome}
    assert sum(line.count for line in summary.lines) == summary.total == len(items)


def test_an_answer_stores_what_replaying_it_takes(request_: Request) -> None:
    """Inputs, policy digest, engine and vocabulary version, and the reasons."""
    prospect = match(_policy(_permit(RESEARCH)), request_)
    stored = prospect.to_json()
    assert stored["kind"] == "prospect"
    assert stored["policy"]["digest"] == prospect.policy_digest
    assert stored["request"] == request_.to_json()
    (reason,) = stored["reasons"]
    assert reason["code"] == "no-permission:userClass"
    assert reason["rule"] == "yes"
    assert reason["nl"] != reason["en"]
    assert stored["engine"]
    assert stored["vocabulary"]


def test_advice_is_not_sought_where_nobody_reads_it(
    request_: Request, item: dict[str, object]
) -> None:
    """Without advice the counts and lines are the same, and no change is named."""
    policy = _policy(_permit(Constraint("vg:userClass", Operator.EQ, ("research",))))
    commercial = replace(request_, user_class="commercial")
    answer = evaluate(policy, commercial)
    advised, plain = (summarise(answer, [(item, 3)], advise=advise) for advise in (True, False))
    assert advised.change is not None
    assert plain == replace(advised, change=None)
