"""An answer as a FORCE Compliance Report."""

import json
from dataclasses import replace

import pytest

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
from tests.support.shared import shared

MODEL = "conformance/odrl-test-suite/compliance-report-model/ComplianceReportModel.ttl"
NAMESPACE = "https://w3id.org/force/compliance-report#"

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


def test_consequences_and_remedies_say_whose_they_are(request_: Request) -> None:
    """Beside the rules, with a name where they have one (S7)."""
    fine = Duty("odrl:compensate", uid="fine")
    pay = Duty("odrl:compensate", uid="pay", consequences=(fine,))
    unnamed = Duty("odrl:inform", consequences=(Duty("odrl:delete"),))
    rules = (
        Rule(Effect.PERMISSION, "yes", "vg:any", "archive/films@3", duties=(pay, unnamed)),
        Rule(Effect.PROHIBITION, "no", "odrl:sell", remedies=(Duty("odrl:delete", uid="wipe"),)),
        Rule(Effect.OBLIGATION, "tell", "odrl:inform", consequences=(fine,)),
    )
    report = compliance_report(evaluate(replace(POLICY, rules=rules), request_))
    assert [found.get("report:rule") for found in report["report:ruleReport"]] == [
        {"@id": "yes"},
        {"@id": "fine", "@reverse": {"odrl:consequence": {"@id": "pay"}}},
        None,
        {"@id": "no"},
        {"@id": "wipe", "@reverse": {"odrl:remedy": {"@id": "no"}}},
        {"@id": "tell"},
        {"@id": "fine", "@reverse": {"odrl:consequence": {"@id": "tell"}}},
    ]


# rdflib's own JSON-LD reader still uses its deprecated class.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
def test_a_report_keeps_to_its_vocabulary(request_: Request) -> None:
    """Every property stands between things of the classes that the model gives it (S7)."""
    rdflib = pytest.importorskip("rdflib")
    model = rdflib.Graph().parse(shared(MODEL), format="turtle")
    rdf, rdfs = rdflib.RDF, rdflib.RDFS
    late = Duty("odrl:compensate", "pay", consequences=(Duty("odrl:delete", "fine"),))
    wipe = Duty("odrl:delete", "wipe", constraints=(EITHER,))
    rules = (
        replace(POLICY.rules[0], duties=(late,)),
        replace(POLICY.rules[1], remedies=(wipe,)),
        Rule(Effect.OBLIGATION, "tell", "odrl:inform", constraints=(OPT_OUT,)),
    )
    world = World(duties={"pay": DutyState.LATE}, infringed=frozenset({"no"}))
    report = compliance_report(evaluate(replace(POLICY, rules=rules), request_, world))
    base = "https://example.org/p"
    graph = rdflib.Graph().parse(data=json.dumps(report), format="json-ld", base=base)

    def within(node: object, classes: set[object]) -> bool:
        kinds = {*graph.objects(node, rdf.type), node}
        wider = {w for kind in kinds for w in model.transitive_objects(kind, rdfs.subClassOf)}
        return bool(wider & classes)

    said = [triple for triple in graph if str(triple[1]).startswith(NAMESPACE)]
    assert {str(p).removeprefix(NAMESPACE) for _, p, _ in said} >= {
        *("ruleReport", "conditionReport", "premiseReport", "constraint"),
        *("activationState", "performanceState", "deonticState", "attemptState"),
    }
    for subject, name, value in said:
        assert within(subject, set(model.objects(name, rdfs.domain))), (subject, name)
        ranges = set(model.objects(name, rdfs.range))
        assert ranges
        if any(str(each).startswith(NAMESPACE) for each in ranges):
            assert within(value, ranges), (name, value)
    odrl = rdflib.Namespace("http://www.w3.org/ns/odrl/2/")
    whose = [(str(s), str(o)) for s, o in graph.subject_objects(odrl.remedy)]
    assert whose == [("https://example.org/no", "https://example.org/wipe")]
