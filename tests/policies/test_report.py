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
from policies.world import world_from_json

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


LATER = Duty("odrl:inform", uid="c1", constraints=(OPT_OUT,))
LIFE = Policy(
    Kind.SET,
    "https://example.org/life",
    (
        Rule(
            Effect.OBLIGATION, "o1", "odrl:delete", constraints=(PERSONAL,), consequences=(LATER,)
        ),
        Rule(
            Effect.PERMISSION,
            "yes",
            "vg:any",
            "archive/films@3",
            duties=(Duty("odrl:attribute", uid="d1", consequences=(Duty("odrl:compensate"),)),),
        ),
        Rule(
            Effect.PROHIBITION,
            "no",
            "odrl:sell",
            "archive/films@3",
            remedies=(Duty("odrl:compensate", uid="r1"), Duty("odrl:delete", uid="r2")),
        ),
    ),
    conflict=Conflict.PROHIBIT,
)
FIRST_DUTY = 2
"""Reports before it: of the permission and of the prohibition."""


def states(world: World, request: Request, item: dict[str, object]) -> dict[str, tuple[str, ...]]:
    """Per duty of :data:`LIFE`: active or not, performed or not, and how it stands."""
    found = compliance_report(evaluate(LIFE, request, world), item)["report:ruleReport"]
    assert {one["@type"] for one in found[FIRST_DUTY:]} == {"report:DutyReport"}
    kinds = ("activationState", "performanceState", "deonticState")
    return {
        one.get("report:rule", {"@id": "unnamed"})["@id"]: tuple(
            one[f"report:{kind}"]["@id"].removeprefix("report:") for kind in kinds
        )
        for one in found[FIRST_DUTY:]
    }


def test_obligations_consequences_and_remedies_are_told(
    request_: Request, item: dict[str, object]
) -> None:
    """Before anything is known: only the obligation is active, and nothing is set (S7)."""
    idle = ("Inactive", "Unknown", "NonSet")
    assert states(World(), request_, item) == {
        "o1": ("Active", "Unknown", "NonSet"),
        "c1": idle,
        "unnamed": idle,
        "r1": idle,
        "r2": idle,
    }


def test_what_was_not_done_in_time_calls_for_its_consequences(
    request_: Request, item: dict[str, object]
) -> None:
    """An obligation done late is violated until its consequences are fulfilled (S7, A11)."""
    opted_out = {**item, "opt_out": True}
    late = World(duties={"o1": DutyState.LATE})
    found = states(late, request_, opted_out)
    assert found["o1"] == ("Active", "Performed", "Violated")
    assert found["c1"] == ("Active", "Unknown", "NonSet")
    assert states(late, request_, item)["c1"][0] == "Inactive"
    made_good = replace(late, duties={**late.duties, "c1": DutyState.FULFILLED})
    found = states(made_good, request_, opted_out)
    assert found["o1"] == ("Active", "Performed", "Fulfilled")
    assert found["c1"] == ("Active", "Performed", "Fulfilled")
    never = states(World(duties={"d1": DutyState.VIOLATED}), request_, item)
    assert never["unnamed"][0] == "Active"


def test_an_infringed_prohibition_is_made_good_by_all_its_remedies(
    request_: Request, item: dict[str, object]
) -> None:
    """And never before; without remedies it stays violated, and it forbids as before (S7, A13)."""
    infringed = World(infringed=frozenset({"no"}))
    half = replace(infringed, duties={"r1": DutyState.FULFILLED})
    whole = replace(infringed, duties=dict.fromkeys(("r1", "r2"), DutyState.FULFILLED))
    for world, state in ((infringed, "Violated"), (half, "Violated"), (whole, "Fulfilled")):
        answer = evaluate(LIFE, request_, world)
        prohibition = compliance_report(answer, item)["report:ruleReport"][1]
        assert prohibition["report:performanceState"] == {"@id": "report:Performed"}
        assert prohibition["report:deonticState"] == {"@id": f"report:{state}"}
        assert states(world, request_, item)["r2"][0] == "Active"
        assert world_from_json(world.to_json()) == world
    forbids = next(rule for rule in LIFE.rules if rule.uid == "no")
    bare = replace(LIFE, rules=(replace(forbids, remedies=()),))
    (alone,) = compliance_report(evaluate(bare, request_, whole), item)["report:ruleReport"]
    assert alone["report:deonticState"] == {"@id": "report:Violated"}
    (kept,) = compliance_report(evaluate(bare, request_), item)["report:ruleReport"]
    assert "report:deonticState" not in kept
