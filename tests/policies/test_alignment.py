"""Our terms beside those of DPV and DUO: a translation never permits more (V1 to V4)."""

from dataclasses import replace

import pytest

from policies import (
    Effect,
    Outcome,
    Policy,
    Request,
    check_policy,
    equivalents,
    from_duo,
    match,
    request_from_duo,
    to_dpv,
)
from policies.alignment import ALIGNMENTS, Match
from policies.policy import Connective, Constraint, Logical
from policies.vocabulary import ACTIONS, Operator


def _offer(*codes: str) -> Policy:
    offer, findings = from_duo(codes, uid="u", assigner="a", target="archive/films@3")
    assert findings == ()
    assert offer is not None
    assert check_policy(offer) == ()
    return offer


def test_every_alignment_is_about_a_term_of_ours() -> None:
    """And no pair is stated twice."""
    assert {each.ours for each in ALIGNMENTS} <= set(ACTIONS)
    assert len({(each.ours, each.theirs) for each in ALIGNMENTS}) == len(ALIGNMENTS)


def test_a_match_stands_only_where_it_permits_no_more() -> None:
    """A wider term never in a permission, a narrower one never in a prohibition (V1)."""
    for found in ALIGNMENTS:
        permits = found.theirs in equivalents(found.ours, Effect.PERMISSION)
        forbids = found.theirs in equivalents(found.ours, Effect.PROHIBITION)
        assert permits is (found.match in {Match.EXACT, Match.NARROW})
        assert forbids is (found.match in {Match.EXACT, Match.BROAD})


def test_a_policy_is_told_in_their_terms_with_what_is_lost() -> None:
    """Training, purposes and returning data have words; credit and kinds of user do not (V2)."""
    offer = _offer("GRU", "NPU", "RTN")
    never = Constraint("odrl:purpose", Operator.IS_NONE_OF, ("dpv:CommercialPurpose",))
    either = Logical(
        Connective.OR, (Constraint("odrl:dateTime", Operator.LT, ()), offer.rules[0].constraints[0])
    )
    first = replace(
        offer.rules[0],
        action="vg:train",
        constraints=(*offer.rules[0].constraints, either),
        refinements=(never,),
    )
    rendered, findings = to_dpv(replace(offer, rules=(first, *offer.rules[1:])))
    assert rendered[0].actions == ("dpv-ai:ModelTraining", "dpv-ai:ModelFineTuning")
    assert len(rendered[0].purposes) == 1
    assert "dpv:ScientificResearch" in rendered[0].purposes[0]
    assert rendered[0].duties == ("duo:DUO_0000029",)
    about = " ".join(finding.en for finding in findings if finding.rule == first.uid)
    assert all(term in about for term in ("`odrl:attribute`", "`vg:userClass`", "`or`"))
    assert about.count("`odrl:purpose`") == 1
    assert rendered[1].actions == ()
    assert equivalents("dpv:ScientificResearch", Effect.PERMISSION) == ("dpv:ScientificResearch",)


@pytest.mark.parametrize(
    ("codes", "purpose", "user_class", "outcome"),
    [
        (("NRES",), None, "commercial", Outcome.PERMIT),
        (("GRU",), "dpv:ScientificResearch", "commercial", Outcome.PERMIT),
        (("GRU",), None, "research", Outcome.DENY),
        (("GRU",), "dpv:ServiceProvision", "research", Outcome.DENY),
        (("GRU", "NCU"), "dpv:NonCommercialResearch", "commercial", Outcome.PERMIT),
        (("GRU", "NCU"), "dpv:ScientificResearch", "research", Outcome.DENY),
        (("DUO:0000042", "DUO_0000018"), "dpv:NonCommercialResearch", "commercial", Outcome.DENY),
        (("GRU", "NPUNCU"), "dpv:NonCommercialResearch", "heritage", Outcome.PERMIT),
    ],
)
def test_codes_become_an_offer(
    request_: Request,
    item: dict[str, object],
    codes: tuple[str, ...],
    purpose: str | None,
    user_class: str,
    outcome: Outcome,
) -> None:
    """With their limits joined; an opt-out stays closed whatever they say."""
    asked = replace(request_, purpose=purpose, user_class=user_class)
    prospect = match(_offer(*codes), asked)
    assert prospect.outcome(item) is outcome
    assert prospect.outcome({**item, "opt_out": True}) is Outcome.DENY


@pytest.mark.parametrize("codes", [("GRU", "HMB"), ("GRU", "IRB"), ("NRES", "ABC"), ("NCU",), ()])
def test_codes_that_cannot_be_kept_make_no_offer(codes: tuple[str, ...]) -> None:
    """A limit left out would widen the rest, and limits alone permit nothing (V3)."""
    offer, findings = from_duo(codes, uid="u", assigner="a", target="t")
    assert offer is None
    assert {finding.level for finding in findings} == {"error"}


@pytest.mark.parametrize(
    ("codes", "user_class", "purpose"),
    [
        (("GRU",), "commercial", "dpv:CommercialResearch"),
        (("DUO:0000042", "NPU"), "research", "dpv:CommercialResearch"),
        (("DUO_0000042", "DUO:0000018"), "research", "dpv:NonCommercialResearch"),
        (("GRU", "NCU"), "commercial", "dpv:NonCommercialResearch"),
        (("NRES",), "commercial", None),
        (("NRES", "GRU"), "commercial", None),
        (("NRES", "NCU"), "education", "dpv:NonCommercialPurpose"),
    ],
)
def test_codes_state_what_a_request_is_for(
    request_: Request,
    item: dict[str, object],
    codes: tuple[str, ...],
    user_class: str,
    purpose: str | None,
) -> None:
    """The widest counts; an offer by the same codes meets it where a purpose is stated (V4)."""
    told = replace(request_, user_class=user_class)
    made, findings = request_from_duo(codes, told)
    assert findings == ()
    assert made == replace(told, purpose=purpose)
    same = match(_offer(*codes), made).outcome(item)
    assert same is (Outcome.PERMIT if set(codes) != {"NRES", "GRU"} else Outcome.DENY)


def test_codes_are_not_read_as_free_of_commerce_where_they_do_not_say_so(
    request_: Request, item: dict[str, object]
) -> None:
    """General research of a university meets no offer for non-commercial use (V4)."""
    told = replace(request_, user_class="research")
    for codes, outcome in (
        (("GRU",), Outcome.DENY),
        (("GRU", "NPU"), Outcome.DENY),
        (("GRU", "NPUNCU"), Outcome.PERMIT),
    ):
        made, _ = request_from_duo(codes, told)
        assert made is not None
        assert match(_offer("GRU", "NPUNCU"), made).outcome(item) is outcome


@pytest.mark.parametrize(
    ("codes", "told", "code"),
    [
        (("GRU", "HMB"), {}, "no-equivalent"),
        (("GRU", "RTN"), {}, "no-equivalent"),
        (("GRU", "DUO:0000021"), {}, "no-equivalent"),
        (("NRES", "ABC"), {}, "no-equivalent"),
        (("NPUNCU",), {"user_class": "research"}, "no-equivalent"),
        ((), {}, "no-equivalent"),
        (("GRU", "NPU"), {}, "contradiction"),
        (("NRES", "NPUNCU"), {"user_class": "education"}, "contradiction"),
        (("GRU",), {"purpose": "dpv:NonCommercialResearch"}, "contradiction"),
        (("NRES",), {"purpose": "dpv:ServiceProvision"}, "contradiction"),
    ],
)
def test_codes_that_cannot_be_held_make_no_request(
    request_: Request, codes: tuple[str, ...], told: dict[str, str], code: str
) -> None:
    """Nor do those that say something else than what is told beside them (V4)."""
    made, findings = request_from_duo(codes, replace(request_, **told))  # type: ignore[arg-type] # texts of its own fields
    assert made is None
    assert {(finding.level, finding.code) for finding in findings} == {("error", code)}
