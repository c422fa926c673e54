"""`vrijgave policy`: files in, plain lines and a stated exit status out."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from policies import dump_policy, evaluate, from_template, parse_policy, request_from_json
from registry.cli.policy import app

OFFER = from_template(
    "research-only",
    uid="https://example.org/offers/1",
    assigner="https://example.org/archive",
    target="archive/films@3",
)
REQUEST = """
use: train.gen
user_class: research
purpose: dpv:ScientificResearch
target: archive/films@3
place: {country: NL}
at: 2026-11-23T12:00:00Z
"""
ITEM = "{opt_out: false, embargo_until: 0001-01-01, personal_data: none}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An offer, a request and an item."""
    (tmp_path / "offer.json").write_text(json.dumps(dump_policy(OFFER)))
    (tmp_path / "request.yaml").write_text(REQUEST)
    (tmp_path / "item.yaml").write_text(ITEM)
    return tmp_path


def _run(folder: Path, *arguments: str) -> Result:
    """Names of files in the folder stand for their paths."""
    files = {path.name for path in folder.iterdir()}
    return CliRunner().invoke(app, [str(folder / a) if a in files else a for a in arguments])


def test_a_sound_policy_is_checked(folder: Path) -> None:
    """With its digest, and status 0."""
    found = _run(folder, "check", "offer.json")
    assert found.exit_code == 0
    assert "Offer https://example.org/offers/1: 5 rules, sha256:" in found.output


def test_a_finding_that_must_be_mended_ends_with_one(folder: Path) -> None:
    """In the reader's language."""
    document: dict[str, Any] = dump_policy(OFFER)
    document["prohibition"].append({"action": "use", "target": "archive/films@3"})
    (folder / "offer.json").write_text(json.dumps(document))
    found = _run(folder, "check", "offer.json", "--lang", "nl")
    assert found.exit_code == 1
    assert "error always-prohibited" in found.output
    assert "Deze toestemming werkt nooit" in found.output


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.json", "{", "$: this is not JSON"),
        ("p.json", '{"@context": "http://www.w3.org/ns/odrl.jsonld"}', "`uid` is missing"),
        ("p.ttl", "nonsense", "line 1: this is not Turtle"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_place(
    folder: Path, name: str, text: str, message: str
) -> None:
    """One plain line, no trace."""
    (folder / name).write_text(text)
    found = _run(folder, "check", name)
    assert found.exit_code == 1
    assert message in found.output
    assert "Traceback" not in found.output


TESTS = {
    "defaults": {
        "request": {
            "use": "search",
            "user_class": "research",
            "purpose": "ScientificResearch",
            "target": "archive/films@3",
            "at": "2026-11-23T12:00:00Z",
        },
        "item": {"opt_out": False, "embargo_until": "0001-01-01", "personal_data": "none"},
    },
    "tests": [{"name": "scholars may search", "expect": {"outcome": "permit"}}],
}


def test_a_policys_tests_are_run(folder: Path) -> None:
    """Those beside it by default; rules that no test saw apply are named."""
    assert "there are no tests here" in _run(folder, "test", "offer.json").output
    (folder / "offer.policytest.yaml").write_text(json.dumps(TESTS))
    found = _run(folder, "test", "offer.json")
    assert found.exit_code == 0
    assert "passed  scholars may search" in found.output
    assert "untested rule https://example.org/offers/1#prohibition-1" in found.output


def test_a_failing_test_ends_with_one(folder: Path) -> None:
    """And says what came instead."""
    wrong = {**TESTS, "tests": [{"name": "wrong", "expect": {"outcome": "deny"}}]}
    (folder / "other.yaml").write_text(json.dumps(wrong))
    found = _run(folder, "test", "offer.json", "--tests", "other.yaml")
    assert found.exit_code == 1
    assert "outcome: expected 'deny', got 'permit'" in found.output


def test_an_answer_is_explained(folder: Path) -> None:
    """Rule by rule, in Dutch and English."""
    asked = ("explain", "offer.json", "--request", "request.yaml", "--item", "item.yaml")
    english = _run(folder, *asked)
    assert english.exit_code == 0
    assert english.output.startswith("Permitted\n  The terms permit this use.")
    assert "permission https://example.org/offers/1#permission-1: applies" in english.output
    assert "the kind of user (isAnyOf: research organisation" in english.output
    dutch = _run(folder, *asked, "--lang", "nl")
    assert dutch.output.startswith("Toegestaan\n  De voorwaarden staan dit gebruik toe.")


def test_the_smallest_change_is_explained(folder: Path) -> None:
    """Where another request would fare better; unknown facts stay closed."""
    (folder / "request.yaml").write_text(REQUEST.replace("class: research", "class: commercial"))
    asked = ("explain", "offer.json", "--request", "request.yaml")
    found = _run(folder, *asked, "--item", "item.yaml")
    assert "It improves with the kind of user: " in found.output
    (folder / "request.yaml").write_text(REQUEST)
    assert "Not known: the opt-out" in _run(folder, *asked).output


def test_an_explanation_can_be_a_compliance_report(folder: Path) -> None:
    """As JSON-LD."""
    found = _run(folder, "explain", "offer.json", "--request", "request.yaml", "--report")
    assert json.loads(found.output)["@type"] == "report:PolicyReport"


def test_a_request_that_tells_too_little_is_refused(folder: Path) -> None:
    """With what is missing or unknown."""
    for text in ("use: search", "[1]", "{", REQUEST.replace("train.gen", "fly")):
        (folder / "request.yaml").write_text(text)
        found = _run(folder, "explain", "offer.json", "--request", "request.yaml")
        assert found.exit_code == 1
        assert found.output
        assert found.exception is None or isinstance(found.exception, SystemExit)


def test_a_policy_is_converted_there_and_back(folder: Path) -> None:
    """Turtle and JSON-LD say the same."""
    turtle = _run(folder, "convert", "offer.json", "--to", "turtle")
    (folder / "offer.ttl").write_text(turtle.output)
    back = parse_policy(_run(folder, "convert", "offer.ttl").output)
    assert sorted(rule.uid for rule in back.rules) == sorted(rule.uid for rule in OFFER.rules)
    assert back.assigner == OFFER.assigner


def test_a_stored_answer_is_replayed(folder: Path) -> None:
    """Status 1 where it is not identical."""
    stored = evaluate(OFFER, request_from_json(_stored_request())).to_json()
    (folder / "answer.json").write_text(json.dumps(stored))
    assert _run(folder, "replay", "answer.json", "offer.json").output == "identical\n"
    (folder / "answer.json").write_text(json.dumps({**stored, "reasons": []}))
    found = _run(folder, "replay", "answer.json", "offer.json")
    assert found.exit_code == 1
    assert "not identical: reasons" in found.output


def _stored_request() -> dict[str, Any]:
    return {
        "use": "train.gen",
        "user_class": "research",
        "purpose": "ScientificResearch",
        "assignee": "https://example.org/lab",
        "target": "archive/films@3",
        "place": {"country": "NL", "operator_country": "NL", "secure": False},
        "at": "2026-11-23T12:00:00+00:00",
        "facts": {},
    }


def test_what_another_policy_would_change_is_told(folder: Path) -> None:
    """Who gains, who loses, with an example."""
    closed = from_template("search-only", uid="u", assigner="a", target="archive/films@3")
    (folder / "after.json").write_text(json.dumps(dump_policy(closed)))
    (folder / "requests.json").write_text(json.dumps([_stored_request()]))
    (folder / "items.yaml").write_text("- {item: " + ITEM + ", count: 7}")
    files = ("--requests", "requests.json", "--items", "items.yaml")
    found = _run(folder, "what-if", "offer.json", "after.json", *files)
    assert "https://example.org/lab loses 7 (permit to deny)" in found.output
    assert "1 changes over 1 requests" in found.output


def test_the_impact_of_a_change_is_told(folder: Path) -> None:
    """Who loses what, where: nothing is asked of a server."""
    closed = from_template("search-only", uid="u", assigner="a", target="archive/films@3")
    (folder / "after.json").write_text(json.dumps(dump_policy(closed)))
    (folder / "items.yaml").write_text("- {item: " + ITEM + ", count: 7}")
    asked = ("--items", "items.yaml", "--at", "2026-11-23T12:00:00", "--target", "archive/films@3")
    found = _run(folder, "impact", "offer.json", "after.json", *asked)
    assert found.exit_code == 0
    assert "7 items lose (permit to deny)" in found.output
    assert "NL operator US" in found.output
    assert found.output.splitlines()[-1].endswith("questions")


def test_templates_are_listed_and_written(folder: Path) -> None:
    """In two languages; one that is not there is refused."""
    assert (
        "ask-first (version 1): Het archief beslist"
        in _run(folder, "template", "--lang", "nl").output
    )
    written = _run(folder, "template", "ask-first", "--target", "archive/films@3")
    assert parse_policy(written.output).rules[0].target == "archive/films@3"
    assert _run(folder, "template", "everything").exit_code == 1


def test_a_template_is_adjusted(folder: Path) -> None:
    """What it leaves open is listed, told with `--set`, and missed or misread with a way out."""
    listed = _run(folder, "template").output
    assert "  --set country=... [NL] the country, as an ISO 3166-1 code" in listed
    dutch = _run(folder, "template", "--lang", "nl").output
    assert "  --set opens=... het tijdstip waarop alles opengaat, met tijdzone" in dutch
    told = ("template", "open-after-date", "--set")
    written = _run(folder, *told, "opens=2027-05-01T00:00:00+02:00")
    assert "2027-04-30T22:00:00" in written.output
    assert "write it as name=value" in _run(folder, *told, "opens").output
    missing = _run(folder, "template", "open-after-date")
    assert missing.exit_code == 1
    assert "values.opens: the template needs `opens`" in missing.output


def test_the_profile_is_written(folder: Path) -> None:
    """As Turtle, for others to read."""
    assert "skos:closeMatch odrl:gen-ai" in _run(folder, "profile").output


def test_two_policies_are_compared(folder: Path) -> None:
    """Status 1 where they certainly contradict each other."""
    for name in ("open-with-credit", "mining-only"):
        offer = from_template(name, uid=f"u:{name}", assigner="a", target="archive/films@3")
        (folder / f"{name}.json").write_text(json.dumps(dump_policy(offer)))
    found = _run(folder, "compare", "open-with-credit.json", "mining-only.json")
    assert found.exit_code == 1
    contradiction = (
        "u:open-with-credit#permission-1 contradicts prohibition u:mining-only#prohibition"
    )
    assert contradiction in found.output
    assert "may contradict" in found.output
    assert found.output.endswith("conflict\n")


def test_codes_of_duo_become_an_offer_and_dpv_tells_what_it_lacks(folder: Path) -> None:
    """`--from duo` and `--to dpv`; a code that cannot be kept ends with status 1."""
    (folder / "codes.yaml").write_text("[GRU, RTN]")
    made = _run(folder, "convert", "codes.yaml", "--from", "duo")
    assert made.exit_code == 0
    assert parse_policy(json.loads(made.stdout)).uid == "urn:example:offer"
    told = _run(folder, "convert", "codes.yaml", "--from", "duo", "--to", "dpv")
    assert "duo:DUO_0000029" in told.stdout
    assert "warning no-equivalent: urn:example:offer" in told.stderr
    (folder / "codes.yaml").write_text("[GRU, HMB]")
    refused = _run(folder, "convert", "codes.yaml", "--from", "duo")
    assert refused.exit_code == 1
    assert "`HMB`" in refused.stderr


def test_a_request_may_state_its_purpose_in_codes_of_duo(folder: Path) -> None:
    """`duo` in the request; codes that cannot be held end with status 1 and no answer."""
    asked = ("explain", "offer.json", "--request", "request.yaml", "--item", "item.yaml")
    text = REQUEST.replace("purpose: dpv:ScientificResearch", "duo: [GRU, DUO:0000018]")
    (folder / "request.yaml").write_text(text)
    assert _run(folder, *asked).output.startswith("Permitted\n")
    (folder / "request.yaml").write_text(text.replace("DUO:0000018", "RTN"))
    refused = _run(folder, *asked)
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert "error no-equivalent: DUO `RTN`" in refused.stderr
    (folder / "request.yaml").write_text(text.replace("[GRU, DUO:0000018]", "7"))
    assert "this file cannot be read" in _run(folder, *asked).stderr
