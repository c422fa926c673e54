"""Before publishing: who gains, who loses, and whether an offer meets a request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from policies import (
    Agreeing,
    Collection,
    Conflict,
    Constraint,
    Duty,
    Effect,
    Kind,
    Operator,
    Outcome,
    Place,
    Policy,
    Request,
    Rule,
    agree,
    evaluate,
    impact,
    match,
    meeting,
)

TARGET = "archive/films@3"
OPEN = Rule(Effect.PERMISSION, "#yes", action="vg:any", target=TARGET)
OFFER = Policy(Kind.OFFER, "urn:offer", (OPEN,), conflict=Conflict.PROHIBIT)
FREE = "https://creativecommons.org/publicdomain/mark/1.0/"
CLASSES: list[tuple[dict[str, object], int]] = [
    ({"rights": FREE, "opt_out": False}, 70),
    ({"rights": FREE, "opt_out": True}, 30),
]


def _forbid(*constraints: Constraint, action: str = "odrl:use") -> Rule:
    return Rule(Effect.PROHIBITION, "#no", action=action, target=TARGET, constraints=constraints)


def _with(*rules: Rule) -> Policy:
    return replace(OFFER, rules=(*OFFER.rules, *rules))


def test_nothing_changes_for_anyone(request_: Request) -> None:
    """A policy in its own place: every question is put, and none is answered otherwise (S6)."""
    same = impact(OFFER, OFFER, CLASSES, target=TARGET, at=request_.at, requests=[request_])
    assert (same.groups, same.recorded) == ((), ())
    assert same.asked > 500


def test_who_loses_by_use_place_and_items(request_: Request) -> None:
    """A rule against opted-out items in generative training, and one for the Union alone."""
    opted = _forbid(Constraint("vg:optOut", Operator.EQ, (True,)), action="vg:train.gen")
    union = _forbid(Constraint("vg:processedIn", Operator.IS_NONE_OF, ("EU",)))
    found = impact(OFFER, _with(opted, union), CLASSES, target=TARGET, at=request_.at)
    assert not any(group.gains for group in found.groups)
    inside, outside = sorted(found.groups, key=lambda group: group.count)
    assert (inside.count, inside.example["opt_out"]) == (30, True)
    assert set(inside.uses) == {"any", "train", "train.gen", *PARTS}
    assert {place.country for place in inside.places} == {"NL", "AT"}
    assert (outside.count, len(outside.user_classes)) == (100, 5)
    assert {place.country for place in outside.places} == {"NO", "JP", "US", None}


PARTS = {"train.gen.pretrain", "train.gen.finetune"}


def test_who_gains_and_what_was_asked_before(request_: Request) -> None:
    """The other way round everyone gains; requests on record are told by name."""
    rooms = _forbid(Constraint("vg:place", Operator.IS_NONE_OF, ("room 3",)))
    purpose = _forbid(Constraint("odrl:purpose", Operator.EQ, ("dpv:CommercialPurpose",)))
    before = _with(rooms, purpose)
    found = impact(before, OFFER, CLASSES, target=TARGET, at=request_.at, requests=[request_])
    assert all(group.gains for group in found.groups)
    asked = [(p.name, q) for g in found.groups for p in g.places for q in g.purposes]
    assert ("room 3", "dpv:CommercialPurpose") in asked
    assert (None, None) in asked
    assert [(shift.request.assignee, shift.count) for shift in found.recorded] == [
        (request_.assignee, 100)
    ]


def test_an_operand_that_is_not_known_is_no_question(request_: Request) -> None:
    """It cannot be asked about; the prohibition that it feeds is told all the same."""
    odd = _forbid(Constraint("urn:odd", Operator.EQ, ("x",)))
    found = impact(OFFER, _with(odd), CLASSES, target=TARGET, at=request_.at)
    assert sum(group.count for group in found.groups) == 100


CONSTRAINTS = st.sampled_from(
    [
        Constraint("vg:processedIn", Operator.IS_NONE_OF, ("EU",)),
        Constraint("vg:processedIn", Operator.IS_ANY_OF, ("adequate", "EEA")),
        Constraint("vg:storedIn", Operator.EQ, ("NL",)),
        Constraint("odrl:purpose", Operator.IS_A, ("dpv:ResearchAndDevelopment",)),
        Constraint("vg:userClass", Operator.EQ, ("commercial",)),
        Constraint("vg:optOut", Operator.EQ, (True,)),
        Constraint("vg:optOut", Operator.EQ, (False,)),
        Constraint("odrl:payAmount", Operator.GT, (5,)),
        Constraint("vg:rights", Operator.EQ, (FREE,)),
    ]
)
RULES = st.builds(
    Rule,
    effect=st.sampled_from([Effect.PERMISSION, Effect.PROHIBITION]),
    uid=st.uuids().map(str),
    action=st.sampled_from(["vg:any", "vg:train", "vg:train.gen", "vg:search"]),
    target=st.sampled_from([TARGET, "archive/other@1", Collection("urn:all")]),
    constraints=st.lists(CONSTRAINTS, max_size=2).map(tuple),
    duties=st.sampled_from([(), (Duty("odrl:obtainConsent"),)]),
)
OFFERS = st.builds(
    lambda rules, conflict: replace(OFFER, rules=tuple(rules), conflict=conflict),
    st.lists(RULES, min_size=1, max_size=5),
    st.sampled_from([Conflict.PROHIBIT, Conflict.PERM, Conflict.INVALID]),
)
COUNTRIES = ["NL", "JP", "US"]
ASKED = Request(
    use="train.gen",
    user_class="commercial",
    purpose=None,
    assignee="https://example.org/startup",
    target=TARGET,
    place=Place("NL", "NL"),
    at=datetime(2026, 11, 23, 12, tzinfo=UTC),
)
PLACES = st.builds(
    Place,
    st.sampled_from([None, *COUNTRIES]),
    st.sampled_from(["NL", "US"]),
    st.just(False),
    st.sampled_from([None, *COUNTRIES]),
)
PURPOSES = ["dpv:ScientificResearch", "dpv:CommercialPurpose"]


def _gives(answer: Outcome) -> bool:
    return answer is not Outcome.DENY


@given(OFFERS, PLACES, st.sampled_from([None, *PURPOSES]), st.data())
def test_never_compatible_where_there_is_a_conflict(
    offer: Policy, place: Place, purpose: str | None, data: st.DataObject
) -> None:
    """Compatible: the agreement that is made gives something. Conflict: whatever was left out
    and is told later gives nothing still.
    """
    asked = replace(ASKED, place=place, purpose=purpose)
    answer = meeting(match(offer, asked), [facts for facts, _ in CLASSES])
    if answer is Agreeing.COMPATIBLE:
        agreement = _agreed(offer, asked)
        found = [evaluate(agreement, asked).outcome(facts) for facts, _ in CLASSES]
        assert any(map(_gives, found))
    elif answer is Agreeing.CONFLICT:
        told = _told(asked, data)
        assert not any(_gives(match(offer, told).outcome(facts)) for facts, _ in CLASSES)


def _agreed(offer: Policy, asked: Request) -> Policy:
    return agree(
        offer,
        asked,
        frozenset({Outcome.PERMIT, Outcome.REVIEW}),
        uid="urn:agreement",
        assigner="urn:archive",
        assignee=asked.assignee or "",
        agreed_at=asked.at,
        until=asked.at + timedelta(days=1),
    )


def _told(asked: Request, data: st.DataObject) -> Request:
    """The request with everything filled in that it left out."""
    draw = data.draw
    countries, purposes = st.sampled_from(COUNTRIES), st.sampled_from(PURPOSES)
    place = replace(
        asked.place,
        country=asked.place.country or draw(countries),
        stored_country=asked.place.stored_country or draw(countries),
    )
    paid = {"odrl:payAmount": draw(st.integers(0, 10))}
    return replace(asked, place=place, purpose=asked.purpose or draw(purposes), facts=paid)


def test_three_answers(request_: Request) -> None:
    """Something given, nothing given for sure, and nothing given for want of a fact (S5)."""
    union = _with(_forbid(Constraint("vg:processedIn", Operator.IS_NONE_OF, ("EU",))))
    items = [facts for facts, _ in CLASSES]
    for country, answer in (
        ("NL", Agreeing.COMPATIBLE),
        ("US", Agreeing.CONFLICT),
        (None, Agreeing.UNKNOWN),
    ):
        asked = replace(request_, place=Place(country, "NL"))
        assert meeting(match(union, asked), items) is answer
    lapsed = replace(OFFER, replaced_by="urn:next")
    assert meeting(match(lapsed, request_), items) is Agreeing.CONFLICT
