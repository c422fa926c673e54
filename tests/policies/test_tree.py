"""An answer on one item, told rule by rule."""

from dataclasses import replace

from policies import (
    Conflict,
    Constraint,
    Duty,
    Effect,
    Kind,
    Logical,
    Moment,
    Operator,
    Place,
    Policy,
    Request,
    Rule,
    evaluate,
    explain,
)
from policies.policy import Connective

TARGET = "archive/films@3"
SECURE = Constraint("vg:secureEnvironment", Operator.EQ, (True,))
EMBARGO = Constraint("vg:embargoUntil", Operator.GT, (Moment.USE,))
RESEARCH = Constraint("vg:userClass", Operator.EQ, ("research",))
PRICE = Constraint("odrl:payAmount", Operator.EQ, (), reference="https://example.org/price")
POLICY = Policy(
    Kind.SET,
    "https://example.org/p",
    (
        Rule(
            Effect.PERMISSION,
            "inside",
            "vg:any",
            TARGET,
            constraints=(SECURE,),
            duties=(Duty("odrl:attribute"),),
        ),
        Rule(
            Effect.PERMISSION,
            "asked",
            "vg:any",
            TARGET,
            constraints=(Logical(Connective.OR, (RESEARCH, SECURE)), PRICE),
            duties=(Duty("odrl:obtainConsent"),),
        ),
        Rule(Effect.PROHIBITION, "embargo", "odrl:use", TARGET, constraints=(EMBARGO,)),
    ),
    conflict=Conflict.PROHIBIT,
)


def test_every_rule_and_part_is_told(request_: Request, item: dict[str, object]) -> None:
    """Outcome, reasons, rules with their parts, and duties before or after."""
    asked = replace(request_, place=Place("NL", "NL", secure=True))
    assert explain(evaluate(POLICY, asked), item).splitlines() == [
        "Permitted (in a secure environment only)",
        "  The terms permit this use. Your duty: credit the maker and the archive.",
        "permission inside: applies",
        "  the use that is asked: yes",
        "  the edition that is asked: yes",
        "  the secure environment (eq: yes): yes",
        "  duty: credit the maker and the archive",
        "permission asked: does not apply",
        "  the use that is asked: yes",
        "  the edition that is asked: yes",
        "  the kind of user: yes",
        "  ‘payAmount’: unknown",
        "  duty first: obtain the archive's consent first",
        "prohibition embargo: does not apply",
        "  the use that is asked: yes",
        "  the edition that is asked: yes",
        "  the embargo (gt: the moment of use): no",
    ]


def test_it_is_told_in_dutch_too(request_: Request, item: dict[str, object]) -> None:
    """The same, for who reads Dutch."""
    asked = replace(request_, place=Place("NL", "NL", secure=True))
    told = explain(evaluate(POLICY, asked), {**item, "embargo_until": None}, "nl").splitlines()
    assert told[:3] == [
        "Niet toegestaan",
        "  Niet bekend: het embargo. Wat onbekend is, blijft gesloten.",
        "toestemming inside: geldt",
    ]
    assert told[-1] == "  het embargo (gt: het moment van gebruik): onbekend"
