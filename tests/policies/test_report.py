"""An answer as a FORCE Compliance Report."""

from dataclasses import replace

from policies import (
    Conflict,
    Constraint,
    Duty,
    DutyState,
    Effect,
    Kind,
    Logical,
    Operator,
    Policy,
    Request,
    Rule,
    World,
    compliance_report,
    evaluate,
)
from policies.policy import Connective

OPT_OUT = Constraint("vg:optOut", Operator.EQ, (True,), uid="c1")
PERSONAL = Constraint("vg:personalData", Operator.EQ, ("none",))
EITHER = Logical(Connective.OR, (OPT_OUT, PERSONAL), uid="l1")
POLICY = Policy(
    Kind.SET,
    "https://example.org/p",
    (
        Rule(
            Effect.PERMISSION,
            "yes",
            "vg:any",
            "archive/films@3",
            constraints=(EITHER,),
            duties=(Duty("odrl:obtainConsent", uid="d1"), Duty("odrl:attribute")),
        ),
        Rule(Effect.PROHIBITION, "no", "odrl:use", "archive/films@3", constraints=(OPT_OUT,)),
    ),
    conflict=Conflict.PROHIBIT,
)


def test_a_report_tells_the_state_of_every_rule_and_premise(
    request_: Request, item: dict[str, object]
) -> None:
    """Rules, premises down to operands of a logical constraint, and duties (S3)."""
    world = World(duties={"d1": DutyState.FULFILLED})
    report = compliance_report(evaluate(POLICY, request_, world), item)
    permission, prohibition = report["report:ruleReport"]
    assert permission["@type"] == "report:PermissionReport"
    assert permission["report:activationState"] == {"@id": "report:Active"}
    use, target, either = permission["report:premiseReport"]
    assert (use["@type"], target["@type"]) == ("report:ActionReport", "report:TargetReport")
    assert either["report:constraint"] == {"@id": "l1"}
    states = [inner["report:satisfactionState"]["@id"] for inner in either["report:premiseReport"]]
    assert states == ["report:Unsatisfied", "report:Satisfied"]
    consent, credit = permission["report:conditionReport"]
    assert consent["report:rule"] == {"@id": "d1"}
    assert consent["report:deonticState"] == {"@id": "report:Fulfilled"}
    assert credit["report:deonticState"] == {"@id": "report:NonSet"}
    assert prohibition["report:activationState"] == {"@id": "report:Inactive"}


def test_a_permission_that_waits_for_a_duty_is_not_active(
    request_: Request, item: dict[str, object]
) -> None:
    """And a violated duty is a state of the duty, no premise (S3)."""
    for state in (DutyState.NOT_SET, DutyState.VIOLATED):
        answer = evaluate(POLICY, request_, World(duties={"d1": state}))
        permission = compliance_report(answer, item)["report:ruleReport"][0]
        assert permission["report:activationState"] == {"@id": "report:Inactive"}
        assert len(permission["report:premiseReport"]) == 3


def test_without_an_item_unknown_facts_are_not_satisfied(request_: Request) -> None:
    """The prohibition might apply and is active; a void policy has no active permission (S3)."""
    permission, prohibition = compliance_report(evaluate(POLICY, request_))["report:ruleReport"]
    assert permission["report:activationState"] == {"@id": "report:Inactive"}
    assert prohibition["report:activationState"] == {"@id": "report:Active"}
    open_ = replace(POLICY, rules=(Rule(Effect.PERMISSION, "yes", "vg:any", "archive/films@3"),))
    gone = replace(open_, replaced_by="https://example.org/p2")
    for policy, state in ((open_, "Active"), (gone, "Inactive")):
        (rule,) = compliance_report(evaluate(policy, request_))["report:ruleReport"]
        assert rule["report:activationState"] == {"@id": f"report:{state}"}
