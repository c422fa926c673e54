"""ODRL JSON-LD in and out: strict, offline, with the place in every error."""

import contextlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import (
    PROFILE,
    Collection,
    Conflict,
    Constraint,
    DocumentError,
    Duty,
    Effect,
    Kind,
    Logical,
    Moment,
    Operator,
    Policy,
    Rule,
    dump_policy,
    parse_policy,
    policy_digest,
)
from policies.policy import Condition, Connective

ODRL = "http://www.w3.org/ns/odrl.jsonld"
RULE: dict[str, Any] = {"action": "use", "target": "archive/films@3"}
BASE: dict[str, Any] = {"@context": ODRL, "uid": "https://example.org/p", "permission": [RULE]}


def _rule(**more: object) -> dict[str, Any]:
    return {**BASE, "permission": [{**RULE, **more}]}


def _constraint(left: str, operator: str, right: object, **more: object) -> dict[str, Any]:
    return _rule(
        constraint=[{"leftOperand": left, "operator": operator, "rightOperand": right, **more}]
    )


def _deep(levels: int) -> dict[str, Any]:
    constraint: dict[str, Any] = {"leftOperand": "count", "operator": "eq", "rightOperand": 1}
    for _ in range(levels):
        constraint = {"and": [constraint]}
    return _rule(constraint=constraint)


REFUSED = [
    # document, path, part of the message
    ("{", "$", "not JSON"),
    ("[" * 200_000, "$", "not JSON"),
    ([], "$", "object"),
    ({"uid": "x"}, "$", "`@context` is missing"),
    ({"@context": ODRL}, "$", "`uid` is missing"),
    ({**BASE, "uid": ""}, "$.uid", "text"),
    ({**BASE, "uid": 7}, "$.uid", "text"),
    ({**BASE, "@id": "https://example.org/p"}, "$.@id", "given twice"),
    ({**BASE, "licence": "x"}, "$.licence", "`licence` is not known"),
    ({**BASE, "permission": []}, "$.permission", "empty list"),
    ({k: v for k, v in BASE.items() if k != "permission"}, "$", "no rule"),
    ({**BASE, "@context": "https://evil.example/context"}, "$.@context", "ODRL context is missing"),
    ({**BASE, "@context": [ODRL, "https://evil.example/c"]}, "$.@context[1]", "never fetched"),
    ({**BASE, "@context": [ODRL, {"vg": "x:y"}]}, "$.@context[1].vg", "prefix `vg`"),
    ({**BASE, "@context": [ODRL, {"zz": "x:y"}]}, "$.@context[1].zz", "prefix `zz`"),
    ({**BASE, "@type": "Ticket"}, "$.@type", "`Ticket`"),
    ({**BASE, "@type": "Offer"}, "$", "no assigner"),
    ({**BASE, "@type": "Agreement", "assigner": "a"}, "$", "no assignee"),
    ({**BASE, "profile": "https://example.org/profile"}, "$.profile", "profile"),
    ({**BASE, "conflict": "maybe"}, "$.conflict", "`maybe`"),
    ({**BASE, "dct:valid": "tomorrow"}, "$.dct:valid", "moment"),
    ({**BASE, "permission": "use"}, "$.permission", "object"),
    ({**BASE, "permission": [{"target": "x"}]}, "$.permission[0]", "no action"),
    ({**BASE, "permission": [{"action": "use"}]}, "$.permission[0]", "no target"),
    ({**BASE, "prohibition": [{"action": "use"}]}, "$.prohibition[0]", "no target"),
    (_rule(remedy=[{"action": "delete"}]), "$.permission[0].remedy", "`remedy`"),
    (_rule(action="fly"), "$.permission[0].action", "`fly`"),
    (_rule(action="vg:fly"), "$.permission[0].action", "`vg:fly`"),
    (_rule(action=[{"refinement": []}]), "$.permission[0].action[0]", "`rdf:value`"),
    (_rule(**{"@type": "Prohibition"}), "$.permission[0].@type", "`Prohibition`"),
    (_rule(target={"refinement": []}), "$.permission[0].target", "source"),
    (_rule(target={"@type": "Asset"}), "$.permission[0].target", "source"),
    (
        _rule(target={"source": "a", "uid": "b", "refinement": []}),
        "$.permission[0].target",
        "no `uid`",
    ),
    (_rule(target={"@type": "Party", "source": "a", "x": 1}), "$.permission[0].target.x", "`x`"),
    (_rule(target={"@type": "Duty", "uid": "a"}), "$.permission[0].target.@type", "asset"),
    (_rule(duty=[{"uid": "d"}]), "$.permission[0].duty[0]", "no action"),
    (
        _rule(duty=[{"action": ["delete", "inform"]}]),
        "$.permission[0].duty[0].action",
        "one action",
    ),
    (
        _rule(
            duty=[{"action": "inform", "consequence": [{"action": "delete", "consequence": []}]}]
        ),
        "$.permission[0].duty[0].consequence[0].consequence",
        "`consequence`",
    ),
    (_rule(constraint=[{"operator": "eq"}]), "$.permission[0].constraint[0]", "`leftOperand`"),
    (_rule(constraint=[{"leftOperand": "count"}]), "$.permission[0].constraint[0]", "`operator`"),
    (
        _rule(constraint=[{"leftOperand": "count", "operator": "eq"}]),
        "$.permission[0].constraint[0]",
        "either",
    ),
    (
        _constraint("count", "eq", 1, rightOperandReference="x:y"),
        "$.permission[0].constraint[0]",
        "either",
    ),
    (_constraint("mood", "eq", 1), "$.permission[0].constraint[0].leftOperand", "`odrl:mood`"),
    (_constraint("count", "like", 1), "$.permission[0].constraint[0].operator", "`like`"),
    (_constraint("count", "eq", [1, 2]), "$.permission[0].constraint[0].rightOperand", "one value"),
    (_constraint("count", "eq", None), "$.permission[0].constraint[0].rightOperand", "text"),
    (_constraint("vg:optOut", "lt", True), "$.permission[0].constraint[0].operator", "order"),
    (
        _constraint("vg:optOut", "eq", "yes"),
        "$.permission[0].constraint[0].rightOperand",
        "true nor",
    ),
    (
        _constraint("vg:processedIn", "isPartOf", "Europe"),
        "$.permission[0].constraint[0].rightOperand",
        "region",
    ),
    (
        _constraint("vg:userClass", "eq", "king"),
        "$.permission[0].constraint[0].rightOperand",
        "king",
    ),
    (_constraint("vg:userClass", "eq", 1), "$.permission[0].constraint[0].rightOperand", "a text"),
    (_constraint("purpose", "isA", "dpv:Fun"), "$.permission[0].constraint[0].rightOperand", "Fun"),
    (_constraint("purpose", "isA", 1), "$.permission[0].constraint[0].rightOperand", "IRI"),
    (
        _constraint("vg:embargoUntil", "gt", "2026-01-01"),
        "$.permission[0].constraint[0].rightOperand",
        "not a date",
    ),
    (
        _constraint("dateTime", "lt", "2026-01-01"),
        "$.permission[0].constraint[0].rightOperand",
        "not a moment",
    ),
    (
        _constraint("dateTime", "lt", {"@value": "2026-01-01T00:00:00", "@type": "xsd:dateTime"}),
        "$.permission[0].constraint[0].rightOperand",
        "no time zone",
    ),
    (
        _constraint("count", "eq", {"@value": "many", "@type": "xsd:integer"}),
        "$.permission[0].constraint[0].rightOperand",
        "not a valid",
    ),
    (
        _constraint("count", "eq", {"@value": "NaN or not", "@type": "xsd:decimal"}),
        "$.permission[0].constraint[0].rightOperand",
        "not a valid",
    ),
    (
        _constraint("count", "neq", {"@value": "sNaN", "@type": "xsd:decimal"}),
        "$.permission[0].constraint[0].rightOperand",
        "not a finite number",
    ),
    (
        _constraint("count", "neq", float("nan")),
        "$.permission[0].constraint[0].rightOperand",
        "not a finite number",
    ),
    (
        _constraint("count", "eq", {"@value": "x", "@type": "xsd:gYear"}),
        "$.permission[0].constraint[0].rightOperand",
        "data type",
    ),
    (
        _rule(constraint=[{"and": [], "or": []}]),
        "$.permission[0].constraint[0]",
        "one connective",
    ),
    (_rule(constraint=[{"and": []}]), "$.permission[0].constraint[0].and", "empty list"),
    ({**BASE, "target": ["t"] * 101, "action": ["use"] * 101, "permission": [{}]}, "$", "10000"),
]


@pytest.mark.parametrize(("document", "path", "message"), REFUSED)
def test_a_wrong_document_is_refused_with_its_place(
    document: dict[str, Any] | str, path: str, message: str
) -> None:
    """The error has the JSON path and says what is wrong (D1, D2, D3, D4, D5, D6)."""
    with pytest.raises(DocumentError) as caught:
        parse_policy(document)
    assert caught.value.path.startswith(path)
    assert message in caught.value.problem
    assert caught.value.probleem
    assert str(caught.value).startswith(caught.value.path)


def test_ten_thousand_nested_constraints_are_a_finding() -> None:
    """Depth ends in an error with a path, never in a crash."""
    with pytest.raises(DocumentError, match="nested more than"):
        parse_policy(_deep(10_000))
    assert parse_policy(_deep(5)).rules


def test_a_compact_document_becomes_atomic_rules() -> None:
    """Every combination of action, target and party, with what the policy shares (D4)."""
    policy = parse_policy(
        {
            "@context": [ODRL, {"vg": "https://w3id.org/vrijgave/ns#"}],
            "@type": "Policy",
            "uid": "https://example.org/p",
            "profile": [PROFILE],
            "assigner": "https://example.org/archive",
            "target": ["a", "b"],
            "action": "vg:train",
            "permission": [{"uid": "both", "action": ["use", {"@id": "odrl:print"}]}, {}],
            "prohibition": {"target": "c", "assignee": {"@id": "https://example.org/x"}},
        }
    )
    found = [(r.effect.value, r.uid, r.action, r.target) for r in policy.rules]
    assert policy.kind is Kind.SET
    assert found == [
        ("permission", "both-1", "odrl:use", "a"),
        ("permission", "both-2", "odrl:use", "b"),
        ("permission", "both-3", "odrl:print", "a"),
        ("permission", "both-4", "odrl:print", "b"),
        ("permission", "https://example.org/p#permission-2-1", "vg:train", "a"),
        ("permission", "https://example.org/p#permission-2-2", "vg:train", "b"),
        ("prohibition", "https://example.org/p#prohibition-1", "vg:train", "c"),
    ]
    assert {r.assigner for r in policy.rules} == {"https://example.org/archive"}
    assert policy.rules[-1].assignee == "https://example.org/x"


def test_every_way_of_writing_a_value_is_read() -> None:
    """Plain, typed and IRI values; full IRIs become prefixed terms."""
    values = parse_policy(
        _constraint(
            "http://www.w3.org/ns/odrl/2/count",
            "odrl:isAnyOf",
            [
                1,
                2.5,
                True,
                "x",
                {"@id": "https://w3id.org/dpv#Purpose"},
                {"@value": "3", "@type": "xsd:integer"},
                {"@value": "3.0", "@type": "http://www.w3.org/2001/XMLSchema#double"},
                {"@value": "1", "@type": "xsd:boolean"},
                {"@value": "a", "@type": "xsd:string"},
                {"@value": "https://w3id.org/dpv#Purpose", "@type": "xsd:anyURI"},
                {"@value": "2026-01-02", "@type": "xsd:date"},
                {"@value": "2026-01-02T01:00:00+01:00", "@type": "xsd:dateTime"},
            ],
            unit="https://example.org/unit",
            dataType="xsd:integer",
            status=2,
        )
    )
    (constraint,) = values.rules[0].constraints
    assert constraint == Constraint(
        "odrl:count",
        Operator.IS_ANY_OF,
        (
            *(1, Decimal("2.5"), True, "x", "https://w3id.org/dpv#Purpose"),
            *(3, Decimal("3.0"), True, "a", "dpv:Purpose", date(2026, 1, 2)),
            datetime(2026, 1, 2, tzinfo=UTC),
        ),
        unit="https://example.org/unit",
        data_type="xsd:integer",
        status=2,
    )


CONSTRAINTS: st.SearchStrategy[Condition] = st.sampled_from(
    [
        Constraint(
            "vg:rights", Operator.IS_ANY_OF, ("https://example.org/a", "https://example.org/b")
        ),
        Constraint("odrl:purpose", Operator.IS_A, ("dpv:ServiceProvision",), uid="c1"),
        Constraint("vg:embargoUntil", Operator.GT, (Moment.USE,)),
        Constraint("vg:embargoUntil", Operator.LTEQ, (date(2026, 1, 1),)),
        Constraint("odrl:dateTime", Operator.LT, (datetime(2026, 1, 1, 3, tzinfo=UTC),)),
        Constraint(
            "odrl:payAmount", Operator.EQ, (Decimal("5.00"),), unit="https://example.org/EUR"
        ),
        Constraint("odrl:count", Operator.LTEQ, (3,), status=1, data_type="xsd:integer"),
        Constraint("odrl:count", Operator.LTEQ, (), reference="https://example.org/most"),
        Constraint("vg:optOut", Operator.EQ, (True,)),
    ]
)
CONDITIONS = st.recursive(
    CONSTRAINTS,
    lambda inner: st.builds(
        Logical,
        st.sampled_from(list(Connective)),
        st.lists(inner, min_size=1, max_size=3).map(tuple),
        st.none() | st.just("l1"),
    ),
    max_leaves=4,
)
SEVERAL = st.lists(CONDITIONS, max_size=2).map(tuple)
NAMED = st.one_of(
    st.sampled_from(["archive/films@3", "https://example.org/x"]),
    st.just(Collection("https://example.org/all", uid="https://example.org/members")),
    st.just(Collection(None, uid="https://example.org/members")),
    st.builds(Collection, st.just("https://example.org/all"), SEVERAL),
)
LAST_DUTIES = st.builds(
    Duty, st.sampled_from(["odrl:delete", "vg:returnData"]), constraints=SEVERAL
)
DUTIES = st.builds(
    Duty,
    st.sampled_from(["odrl:obtainConsent", "odrl:attribute"]),
    uid=st.none() | st.just("d1"),
    target=st.none() | NAMED,
    parties=st.just((("consentingParty", "https://example.org/x"),)),
    refinements=SEVERAL,
    consequences=st.lists(LAST_DUTIES, max_size=1).map(tuple),
)


@st.composite
def _rules(draw: st.DrawFn) -> Rule:
    effect = draw(st.sampled_from(list(Effect)))
    lists = {
        Effect.PERMISSION: ("duties", DUTIES),
        Effect.PROHIBITION: ("remedies", LAST_DUTIES),
        Effect.OBLIGATION: ("consequences", LAST_DUTIES),
    }
    name, duties = lists[effect]
    more: dict[str, Any] = {name: tuple(draw(st.lists(duties, max_size=2)))}
    return Rule(
        effect=effect,
        uid=f"rule-{draw(st.integers(0, 9))}",
        action=draw(st.sampled_from(["odrl:use", "vg:train.gen", "cc:Sharing"])),
        target=draw(NAMED),
        assigner=draw(NAMED),
        assignee=draw(NAMED),
        constraints=draw(SEVERAL),
        refinements=draw(SEVERAL),
        parties=draw(st.sampled_from([(), (("trackingParty", "https://example.org/x"),)])),
        **more,
    )


POLICIES = st.builds(
    Policy,
    st.sampled_from(list(Kind)),
    st.just("https://example.org/p"),
    st.lists(_rules(), min_size=1, max_size=3).map(tuple),
    profiles=st.sampled_from([(), (PROFILE,)]),
    conflict=st.sampled_from(list(Conflict)),
    inherits=st.sampled_from([(), ("https://example.org/q",)]),
    replaced_by=st.none() | st.just("https://example.org/r"),
    valid_until=st.none() | st.just(datetime(2027, 1, 1, tzinfo=UTC)),
    assigner=st.none() | NAMED,
    assignee=st.none(),
)


@given(POLICIES)
@settings(max_examples=200, deadline=None)
def test_writing_and_reading_back_gives_the_same_policy(policy: Policy) -> None:
    """As values and as text; and with the same digest (D7)."""
    document = dump_policy(policy)
    assert parse_policy(document) == policy
    assert parse_policy(json.dumps(document)) == policy
    assert policy_digest(parse_policy(document)) == policy_digest(policy)


def test_a_digest_is_the_bytes_of_today() -> None:
    """Agreements are signed over digests: one that changes without cause breaks them all."""
    assert policy_digest(parse_policy(BASE)) == (
        "sha256:ffb7d8740e9f968fd94a8ba4a50f17002ee1a3fbfaad2b75edb8bfd69dd90a3e"
    )


KEYS = [*BASE, *RULE, "constraint", "duty", "@list", "@id", "@value", "@type", "and"]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*KEYS, "leftOperand", "operator", "rightOperand"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(ANY_JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_is_a_policy_or_a_document_error(document: Any) -> None:
    """Never another error, whatever the shape."""
    with contextlib.suppress(DocumentError):
        assert parse_policy({**BASE, "prohibition": document}).rules
