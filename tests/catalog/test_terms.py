"""An owner's terms become an offer: only what is confirmed, and nothing lifts what always holds."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from catalog.terms import (
    DECLARED_KINDS,
    ResidencyRule,
    TermLine,
    Terms,
    offer_for,
    suggest,
    undeclared,
)
from policies import (
    Outcome,
    Place,
    Policy,
    PolicyError,
    Prospect,
    Request,
    dump_policy,
    match,
    parse_policy,
    summarise,
)
from tests.support.shared import shared

CC = "https://creativecommons.org"
PDM = f"{CC}/publicdomain/mark/1.0/"
BY = f"{CC}/licenses/by/4.0/"
BY_SA = f"{CC}/licenses/by-sa/4.0/"
BY_NC = f"{CC}/licenses/by-nc/4.0/"
EDITION = "beeldengeluid/open-beelden@1"
ITEM: dict[str, object] = {
    "rights": PDM,
    "rightsholder": "Polygoon",
    "embargo_until": date.min,
    "opt_out": False,
    "personal_data": "none",
}
ASKED = Request(
    use="train.gen",
    user_class="commercial",
    purpose=None,
    assignee=None,
    target=EDITION,
    place=Place("NL", "NL"),
    at=datetime(2026, 11, 23, 12, tzinfo=UTC),
)
IN_EU = ResidencyRule(process=("EU",))
STORED = ResidencyRule(process=("EU",), store=("EU",))
IN_ROOM = ResidencyRule(process=("EU",), places=("room 3",))


def _confirmed(*statements: str, **more: Any) -> Terms:
    terms = suggest(statements)
    lines = tuple(replace(line, confirmed=True) for line in terms.lines)
    return replace(terms, lines=lines, **more)


def _offer(terms: Terms, residency: ResidencyRule = IN_EU) -> Policy:
    return offer_for(
        terms,
        residency,
        uid="https://example.org/offers/1",
        archive="https://example.org/archive",
        edition=EDITION,
        columns={},
    )


def _prospect(terms: Terms, residency: ResidencyRule = IN_EU, **changed: Any) -> Prospect:
    return match(_offer(terms, residency), replace(ASKED, **changed))


def test_the_open_beelden_file_gives_the_settled_counts() -> None:
    """All suggestions confirmed: 421 permit, 1 with credit, 571 review, 7 deny."""
    records = json.loads(shared("data/open-beelden/items-1k.json").read_text())
    rights = Counter(str(record["_source"]["@graph"]["cc:license"]) for record in records)
    classes = [({**ITEM, "rights": iri}, count) for iri, count in rights.items()]
    summary = summarise(_prospect(_confirmed(*rights)), classes)
    assert summary.counts == {Outcome.PERMIT: 422, Outcome.REVIEW: 571, Outcome.DENY: 7}
    assert [(line.outcome, line.count, line.en.count("credit")) for line in summary.lines] == [
        (Outcome.PERMIT, 421, 0),
        (Outcome.PERMIT, 1, 1),
        (Outcome.REVIEW, 571, 1),
        (Outcome.DENY, 6, 0),
        (Outcome.DENY, 1, 0),
    ]
    assert {line.code for line in summary.lines[3:]} == {"prohibited:rights"}


def test_a_suggestion_permits_nothing() -> None:
    """Until a line is confirmed its items stay closed."""
    verdict = _prospect(suggest([PDM])).verdict(ITEM)
    assert verdict.outcome is Outcome.DENY
    assert [reason.code for reason in verdict.reasons] == ["no-permission"]


def test_user_classes_treated_alike_share_a_line() -> None:
    """One line per statement and suggestion, every class in exactly one of them."""
    lines = suggest([BY_SA, BY_SA, PDM]).lines
    assert [line.statement for line in lines] == [BY_SA, BY_SA, PDM]
    for statement in (BY_SA, PDM):
        classes = [c for line in lines if line.statement == statement for c in line.user_classes]
        assert sorted(classes) == ["commercial", "education", "government", "heritage", "research"]
    assert not any(line.confirmed for line in lines)


@pytest.mark.parametrize(
    ("fact", "value", "code"),
    [
        ("opt_out", True, "prohibited:optOut"),
        ("opt_out", None, "unknown:optOut"),
        ("embargo_until", date(2026, 11, 24), "prohibited:embargoUntil"),
        ("embargo_until", None, "unknown:embargoUntil"),
        ("personal_data", "ordinary", "prohibited:personalData"),
        ("personal_data", "special", "prohibited:personalData"),
        ("personal_data", None, "unknown:personalData"),
    ],
)
def test_what_always_holds_is_in_every_offer(fact: str, value: object, code: str) -> None:
    """Opt-outs, embargoes and personal data close an item, also when unknown."""
    verdict = _prospect(_confirmed(PDM)).verdict({**ITEM, fact: value})
    assert verdict.outcome is Outcome.DENY
    assert [reason.code for reason in verdict.reasons] == [code]


def test_an_embargo_is_over_on_its_day() -> None:
    """On the day itself the item is open."""
    verdict = _prospect(_confirmed(PDM)).verdict({**ITEM, "embargo_until": date(2026, 11, 23)})
    assert verdict.outcome is Outcome.PERMIT


@pytest.mark.parametrize(
    ("personal_data", "statement", "outcome", "code"),
    [
        ("deny", BY, "deny", "prohibited:personalData"),
        ("review", BY, "review", "consent-needed"),
        ("permit", BY, "permit", "permitted"),
        ("permit", BY_SA, "review", "consent-needed"),
        ("review", BY_SA, "review", "consent-needed"),
        ("review", BY_NC, "deny", "prohibited:rights"),
    ],
)
def test_items_with_ordinary_personal_data(
    personal_data: str, statement: str, outcome: str, code: str
) -> None:
    """They get what the owner said, and never more than their statement gives."""
    terms = _confirmed(BY, BY_SA, BY_NC, personal_data=personal_data)
    item = {**ITEM, "rights": statement, "personal_data": "ordinary"}
    verdict = _prospect(terms).verdict(item)
    assert verdict.outcome == outcome
    assert verdict.reasons[0].code == code
    without = _prospect(terms).verdict({**item, "personal_data": "none"}).outcome
    assert list(Outcome).index(verdict.outcome) >= list(Outcome).index(without)
    assert _prospect(terms).verdict({**item, "personal_data": "special"}).outcome is Outcome.DENY


@pytest.mark.parametrize(
    ("residency", "place", "code"),
    [
        (ResidencyRule(("EU",)), Place("BE", "US"), "permitted"),
        (ResidencyRule(("NL",)), Place("BE", "BE"), "prohibited:processedIn"),
        (ResidencyRule(("EEA", "adequate")), Place("JP", "JP"), "permitted"),
        (ResidencyRule(("EEA", "adequate")), Place("US", "NL"), "prohibited:processedIn"),
        (ResidencyRule(("EU",)), Place(None, "NL"), "unknown:processedIn"),
        (ResidencyRule(("EU",), ("EU",)), Place("NL", "US"), "prohibited:operatorJurisdiction"),
        (ResidencyRule(("EU",), ("EU",)), Place("NL", None), "unknown:operatorJurisdiction"),
        (
            ResidencyRule(("EU",), secure_only=True),
            Place("NL", "NL"),
            "no-permission:secureEnvironment",
        ),
        (ResidencyRule(("EU",), secure_only=True), Place("NL", "NL", secure=True), "permitted"),
        (STORED, Place("NL", "NL", stored_country="BE"), "permitted"),
        (STORED, Place("NL", "NL", stored_country="US"), "prohibited:storedIn"),
        (STORED, Place("NL", "NL"), "unknown:storedIn"),
        (IN_ROOM, Place("NL", "NL", name="room 3"), "permitted"),
        (IN_ROOM, Place("NL", "NL", name="room 4"), "prohibited:place"),
        (IN_ROOM, Place("NL", "NL"), "unknown:place"),
        (IN_ROOM, Place("US", "NL", name="room 3"), "prohibited:processedIn"),
    ],
)
def test_residency_rules(residency: ResidencyRule, place: Place, code: str) -> None:
    """Where it is processed, who controls the processor, and whether it may leave."""
    verdict = _prospect(_confirmed(PDM), residency, place=place).verdict(ITEM)
    assert verdict.reasons[0].code == code
    assert verdict.secure_only == (code == "permitted" and residency.secure_only)


def test_purposes_that_are_accepted() -> None:
    """Without a purpose, or with another, nothing is permitted."""
    terms = _confirmed(PDM, purposes=("ScientificResearch", "dpv:PublicBenefit"))
    for purpose, outcome in (
        ("dpv:ScientificResearch", Outcome.PERMIT),
        ("PublicBenefit", Outcome.PERMIT),
        ("CommercialPurpose", Outcome.DENY),
        (None, Outcome.DENY),
    ):
        assert _prospect(terms, purpose=purpose).verdict(ITEM).outcome is outcome


def test_an_offer_lasts_through_its_last_day() -> None:
    """Until midnight in Amsterdam."""
    terms = _confirmed(PDM, valid_until=date(2026, 11, 23))
    last, after = datetime(2026, 11, 23, 22, 59, tzinfo=UTC), datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert _prospect(terms, at=last).verdict(ITEM).outcome is Outcome.PERMIT
    assert [r.code for r in _prospect(terms, at=after).reasons] == ["void:lapsed"]


def test_a_line_for_one_use_leaves_others_closed() -> None:
    """A confirmed line covers its use and what lies within it."""
    line = TermLine(PDM, ("commercial",), "search", "permit", confirmed=True)
    terms = Terms(lines=(line,))
    assert _prospect(terms, use="index").verdict(ITEM).outcome is Outcome.PERMIT
    assert _prospect(terms).verdict(ITEM).outcome is Outcome.DENY


def test_an_offer_is_a_document() -> None:
    """Written as ODRL and read back it is the same offer."""
    terms = _confirmed(PDM, BY, BY_SA, BY_NC, personal_data="review", valid_until=date(2027, 1, 1))
    offer = _offer(terms, ResidencyRule(("EU", "NO"), ("EU",), secure_only=True))
    assert parse_policy(json.dumps(dump_policy(offer))) == offer


LINE = TermLine(PDM, ("commercial",), "any", "permit")


@pytest.mark.parametrize(
    ("terms", "residency", "path"),
    [
        (Terms((replace(LINE, use="fly"),)), IN_EU, "terms.lines.0.use"),
        (Terms((LINE, replace(LINE, outcome="yes"))), IN_EU, "terms.lines.1.outcome"),
        (Terms((replace(LINE, user_classes=()),)), IN_EU, "terms.lines.0.user_classes"),
        (Terms((replace(LINE, user_classes=("king",)),)), IN_EU, "terms.lines.0.user_classes"),
        (Terms((replace(LINE, duties=("dance",)),)), IN_EU, "terms.lines.0.duties"),
        (Terms((), personal_data="yes"), IN_EU, "terms.personal_data"),
        (Terms((), purposes=()), IN_EU, "terms.purposes"),
        (Terms((), purposes=("fun",)), IN_EU, "terms.purposes.0"),
        (Terms(()), ResidencyRule(()), "residency.process"),
        (Terms(()), ResidencyRule(("Europe",)), "residency.process"),
        (Terms(()), ResidencyRule(("EU",), ()), "residency.operator"),
        (Terms(()), ResidencyRule(("EU",), store=("Europe",)), "residency.store"),
        (Terms(()), ResidencyRule(("EU",), places=()), "residency.places"),
        (Terms(()), ResidencyRule(("EU",), places=(" ",)), "residency.places.0"),
    ],
)
def test_unknown_words_are_refused_with_their_field(
    terms: Terms, residency: ResidencyRule, path: str
) -> None:
    """An offer with a word nobody knows is never made."""
    with pytest.raises(PolicyError) as caught:
        _offer(terms, residency)
    assert caught.value.path == path


def test_what_is_undeclared_blocks() -> None:
    """Every kind, the terms and the residency rule; unconfirmed statements only stay closed."""
    gaps = undeclared([], None, None, [PDM, PDM])
    assert [gap.subject for gap in gaps if gap.blocks] == [*DECLARED_KINDS, "terms", "residency"]
    assert [gap.subject for gap in gaps if not gap.blocks] == [PDM]
    assert all(gap.nl and gap.en for gap in gaps)


def test_once_all_is_said_there_are_no_gaps() -> None:
    """Declared, with terms, residency and every statement confirmed."""
    assert undeclared(DECLARED_KINDS, _confirmed(PDM), IN_EU, [PDM]) == ()
    assert len(undeclared(DECLARED_KINDS, suggest([PDM]), IN_EU, [PDM])) == 1
