"""The columns of a permitted row: which are shown, why others are not, and what is refused."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import yaml

from policies import (
    Collection,
    Constraint,
    DocumentError,
    Effect,
    FilterError,
    Logical,
    Operator,
    Outcome,
    Policy,
    Request,
    Rule,
    agree,
    check_policy,
    column_masks,
    compile_selection,
    dump_policy,
    evaluate,
    match,
    parse_policy,
)
from policies.interchange.turtle import dump_turtle, parse_turtle
from policies.policy import Condition, Connective, Kind
from tests.policies.test_evaluation import CASES, COMMON, _filled, _request, _world

KNOWN = ("title", "persons", "place", "media_url")
COLUMNS = yaml.safe_load((CASES / "columns.yaml").read_text())
EDITION = "archive/films@3"


@pytest.mark.parametrize("case", COLUMNS, ids=[case["case"] for case in COLUMNS])
def test_a_case_shows_the_columns_it_says(case: dict[str, Any]) -> None:
    """Row by row, the columns shown and the reasons for the others are those of the case (M7)."""
    policy = parse_policy(_filled(COMMON["policy"], case["policy"]))
    answer = evaluate(policy, _request(case.get("request", {})), _world({}))
    masks = column_masks(answer, KNOWN, case.get("asked", KNOWN))
    for expected in case["items"]:
        item = {**COMMON["item"], **expected["item"]}
        permitted = answer.outcome(item) is Outcome.PERMIT
        shown = [mask.column for mask in masks if permitted and mask.shown.matches(item)]
        assert shown == expected["shown"]
    reasons = {mask.column: mask.reasons for mask in masks if mask.reasons}
    if "masked" in case:
        codes = {column: [reason.code for reason in why] for column, why in reasons.items()}
        assert codes == case["masked"]
    assert all(r.nl != r.en for why in reasons.values() for r in why)
    assert all(
        f"`{column}`" in text
        for column, why in reasons.items()
        for r in why
        for text in (r.nl, r.en)
        if r.code.startswith("masked:")
    )


def _policy(*rules: Rule, kind: Kind = Kind.SET) -> Policy:
    whole = parse_policy({**COMMON["policy"], "permission": [{"action": "use"}]})
    return replace(whole, kind=kind, rules=(*whole.rules, *rules))


def _about(*refinements: Condition, effect: Effect = Effect.PROHIBITION, **more: Any) -> Rule:
    target = Collection(EDITION, refinements)
    return Rule(effect, "rule", "odrl:use", target=target, **more)


def _named(operator: Operator, *names: str, **more: Any) -> Constraint:
    return Constraint("vg:column", operator, names, **more)


NO_PERSONS = _about(_named(Operator.EQ, "persons"))


def test_the_reasons_say_which_rule_and_where() -> None:
    """A mask that hangs on items says on which; one for all rows does not (M7)."""
    holder = Constraint("vg:rightsholder", Operator.EQ, ("Polygoon",))
    some = _about(_named(Operator.EQ, "persons"), constraints=(holder,))
    apart = replace(
        _about(_named(Operator.IS_ALL_OF, "media_url", "title"), constraints=(holder,)), uid="apart"
    )
    answer = evaluate(_policy(some, apart, replace(NO_PERSONS, uid="all")), _request({}))
    title, persons, place, media = column_masks(answer, KNOWN, KNOWN)
    assert not title.reasons
    assert not place.reasons
    where, always = persons.reasons
    assert (where.rule, always.rule) == ("rule", "all")
    assert where.en == (
        "The column `persons` stays empty where this holds or is unknown: "
        "the rightsholder (eq: Polygoon): the terms prohibit this use of it."
    )
    assert where.nl == (
        "De kolom `persons` blijft leeg waar dit geldt of onbekend is: "
        "de rechthebbende (eq: Polygoon): de voorwaarden verbieden dit gebruik ervan."
    )
    assert always.en == "The column `persons` stays empty: the terms prohibit this use of it."
    assert always.nl == (
        "De kolom `persons` blijft leeg: de voorwaarden verbieden dit gebruik ervan."
    )
    (beside,) = media.reasons
    assert beside.rule == "apart"
    assert beside.en.endswith(
        "beside `title`: together they are prohibited, and this column was asked last."
    )
    assert beside.nl.endswith(
        "naast `title`: samen zijn ze verboden, en deze kolom is het laatst gevraagd."
    )
    assert [mask.in_some for mask in (title, persons, media)] == [False, False, True]


def test_a_column_permitted_in_some_rows_says_so() -> None:
    """A permission of a column that hangs on items leaves it empty in the others (M4)."""
    holder = Constraint("vg:rightsholder", Operator.EQ, ("Polygoon",))
    place = _named(Operator.EQ, "place")
    some = _about(place, effect=Effect.PERMISSION, constraints=(holder,))
    title = replace(_about(_named(Operator.EQ, "title"), effect=Effect.PERMISSION), uid="title")
    policy = replace(_policy(), rules=(some, title))
    shown, other, lacking = column_masks(
        evaluate(policy, _request({})), KNOWN, ("title", "place", "persons")
    )
    assert shown.shown.matches({"rightsholder": "x"})
    assert "bij een deel van de items" in other.reasons[0].nl
    assert "in some items" in other.reasons[0].en
    assert other.in_some
    assert "items" not in lacking.reasons[0].en
    assert lacking.reasons[0].rule is None


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        (NO_PERSONS, ("title",)),
        (_about(_named(Operator.IS_NONE_OF, "persons")), ("title",)),
        (_about(_named(Operator.IS_ALL_OF, "title", "persons")), ("title",)),
        (replace(NO_PERSONS, action="odrl:sell"), ("title",)),
        (_about(_named(Operator.EQ, "title")), ("title", "nothing")),
    ],
)
def test_a_column_that_is_not_there_is_refused(rule: Rule, asked: tuple[str, ...]) -> None:
    """Named by a rule, whether it applies or not, or asked for (M8)."""
    answer = evaluate(_policy(rule), _request({}))
    with pytest.raises(FilterError) as caught:
        column_masks(answer, ("title", "place"), asked)
    assert caught.value.path == ("columns" if "nothing" in asked else "rule")
    assert "there is no column `" in caught.value.problem
    assert "er is hier geen kolom `" in caught.value.probleem
    assert caught.value.remedy == "use one of: place, title"
    assert caught.value.uitweg == "gebruik een van: place, title"
    assert caught.value.probleem != caught.value.problem
    assert caught.value.uitweg != caught.value.remedy


@pytest.mark.parametrize(
    "refinements",
    [
        (_named(Operator.EQ, "title"), _named(Operator.EQ, "place")),
        (_named(Operator.HAS_PART, "title"),),
        (_named(Operator.EQ, "title", reference="https://example.org/columns"),),
        (Constraint("vg:column", Operator.EQ, (True,)),),
        (Constraint("vg:column", Operator.IS_ANY_OF, ("title", 7)),),
        (Logical(Connective.OR, (_named(Operator.EQ, "title"),)),),
    ],
)
def test_what_is_not_supported_is_unknown_and_a_finding(refinements: tuple[Condition, ...]) -> None:
    """It never permits and always forbids, and is found before it is published (M3)."""
    forbidding = _policy(_about(*refinements))
    permitting = replace(_policy(), rules=(_about(*refinements, effect=Effect.PERMISSION),))
    for policy in (forbidding, permitting):
        facts = {"vg:column": "title", "https://example.org/columns": "title"}
        answer = evaluate(policy, _request({"facts": facts}))
        assert answer.outcome(COMMON["item"]) is Outcome.DENY
        (found,) = [f for f in check_policy(policy) if f.code == "columns-not-supported"]
        assert (found.level, found.rule) == ("error", "rule")
        assert found.nl != found.en


def test_supported_columns_are_no_finding() -> None:
    """A rule about columns in a supported form passes the check (M3)."""
    policy = _policy(_about(_named(Operator.IS_ALL_OF, "title", "place")), NO_PERSONS)
    assert [finding.code for finding in check_policy(replace(policy, rules=policy.rules[:2]))] == []


DOCUMENT: dict[str, Any] = {
    **COMMON["policy"],
    "permission": [{"action": "use"}],
    "prohibition": [
        {
            "action": "use",
            "target": {
                "source": EDITION,
                "refinement": [
                    {"leftOperand": "vg:column", "operator": "isAllOf", "rightOperand": ["b", "a"]}
                ],
            },
        }
    ],
}


def _changed(path: list[str | int], value: object) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


REFINEMENT: list[str | int] = ["prohibition", 0, "target", "refinement", 0]
ELSEWHERE = {"leftOperand": "vg:column", "operator": "eq", "rightOperand": "title"}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (
            _changed([*REFINEMENT, "operator"], "isA"),
            "$.prohibition[0].target.refinement[0].operator",
        ),
        (
            _changed(REFINEMENT, {**ELSEWHERE, "operator": "lt"}),
            "$.prohibition[0].target.refinement[0].operator",
        ),
        (
            _changed(REFINEMENT, {**ELSEWHERE, "rightOperand": 7}),
            "$.prohibition[0].target.refinement[0].rightOperand",
        ),
        (
            _changed(
                REFINEMENT,
                {
                    "leftOperand": "vg:column",
                    "operator": "eq",
                    "rightOperandReference": "https://example.org/columns",
                },
            ),
            "$.prohibition[0].target.refinement[0].rightOperandReference",
        ),
        (
            _changed(["permission", 0, "constraint"], [ELSEWHERE]),
            "$.permission[0].constraint[0].leftOperand",
        ),
        (
            _changed(["permission", 0, "assignee"], {"source": "urn:a", "refinement": ELSEWHERE}),
            "$.permission[0].assignee.refinement.leftOperand",
        ),
        (
            _changed(REFINEMENT, {"or": {"@list": [ELSEWHERE, ELSEWHERE]}}),
            "$.prohibition[0].target.refinement[0].or.@list[0].leftOperand",
        ),
    ],
)
def test_a_document_that_speaks_of_columns_otherwise_is_refused(
    document: dict[str, Any], path: str
) -> None:
    """With the path of what is wrong (M3)."""
    with pytest.raises(DocumentError) as caught:
        parse_policy(document)
    assert caught.value.path == path


def test_columns_survive_json_ld_and_turtle() -> None:
    """Written and read back, the policy masks the same (M1)."""
    policy = parse_policy(DOCUMENT)
    assert parse_policy(dump_policy(policy)) == policy
    again = parse_turtle(dump_turtle(policy))
    for read in (policy, again):
        a, b = column_masks(evaluate(read, _request({})), ("a", "b"), ("b", "a"))
        assert (a.column, bool(a.reasons), bool(b.reasons)) == ("b", False, True)


def test_an_agreement_keeps_what_the_offer_says_of_its_target(request_: Request) -> None:
    """Columns and items that a target is refined to stay so, in permission and prohibition (G5)."""
    holder = Constraint("vg:rightsholder", Operator.EQ, ("Polygoon",))
    some = _about(_named(Operator.NEQ, "place"), holder, effect=Effect.PERMISSION)
    offer = replace(_policy(), kind=Kind.OFFER, rules=(some, replace(NO_PERSONS, uid="no")))
    frozen = agree(
        offer,
        request_,
        frozenset({Outcome.PERMIT}),
        uid="https://example.org/agreements/1",
        assigner="https://example.org/archive",
        assignee=request_.assignee or "",
        agreed_at=request_.at,
        until=request_.at.replace(year=2027),
    )
    given, agreed = match(offer, request_), evaluate(frozen, request_)
    for answer in (given, agreed):
        assert answer.outcome(COMMON["item"]) is Outcome.PERMIT
        assert answer.outcome({**COMMON["item"], "rightsholder": "Nobody"}) is Outcome.DENY
        masks = column_masks(answer, KNOWN, KNOWN)
        assert [mask.column for mask in masks if not mask.reasons] == ["title", "media_url"]


def test_filter_and_masks_share_their_parameters() -> None:
    """One statement binds each value once, and constants are told apart (M9)."""
    holder = Constraint("vg:rightsholder", Operator.EQ, ("Polygoon",))
    some = _about(_named(Operator.EQ, "place"), constraints=(holder,))
    closed = replace(_about(constraints=(holder,)), uid="closed", target=EDITION)
    answer = evaluate(_policy(some, closed, replace(NO_PERSONS, uid="no")), _request({}))
    masks = column_masks(answer, KNOWN, KNOWN)
    shown = {mask.column: mask.shown for mask in masks}
    selection = compile_selection(answer.permit, shown, {"rightsholder": "h"})
    assert selection.where == "TRUE"
    assert selection.shown == {
        "title": "TRUE",
        "persons": "FALSE",
        "place": '"h" <> $v0',
        "media_url": "TRUE",
    }
    assert selection.params == {"v0": "Polygoon"}
    with pytest.raises(FilterError):
        compile_selection(answer.permit, shown, {})
