"""The pages of auditors, reviews, replays and evidence packs, for people without scripts."""

import io
import re
import time
import zipfile

import pytest
from sqlalchemy import update
from sqlmodel import col

from registry.access.tables import DecisionRow
from registry.db import transaction
from tests.registry.pages.site import Site, mailed_link
from tests.registry.pages.steps import (
    accept,
    file_request,
    publish,
    register_environment,
)
from tests.registry.pages.visitor import Visitor

BUREAU = {"organisation_name": "Bureau", "person_name": "Bo", "email": "bo@bureau.example"}


@pytest.fixture(scope="module")
def archive(site: Site) -> Visitor:
    """An archive with a published dataset that someone asked for."""
    visitor = site.invited("archive", "Beeldarchief")
    publish(visitor, rows=80, broken=0)
    return visitor


@pytest.fixture(scope="module")
def startup(site: Site, archive: Visitor) -> Visitor:
    """A start-up with an environment."""
    assert archive.language == "nl"
    visitor = site.invited("user", "Taalmeester", "en")
    register_environment(visitor)
    return visitor


@pytest.fixture(scope="module")
def decision(startup: Visitor) -> str:
    """The page of the decision on the start-up's request, reached from the request."""
    file_request(startup, "beeldarchief/journaals@1")
    startup.follow("/decisions/dec_")
    return startup.path


def take(visitor: Visitor, action: str) -> zipfile.ZipFile:
    """Press the button of a pack on the page shown; its proofs may be a second away."""
    address = visitor.form(action).attrs["action"]
    until = time.monotonic() + 30
    headers = {"origin": visitor.origin}
    while (answer := visitor.http.post(address, headers=headers)).status_code == 503:
        assert time.monotonic() < until, answer.text
        time.sleep(0.1)
    assert answer.headers["content-type"] == "application/zip", answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_an_archive_asks_an_auditor_and_ends_it(site: Site, archive: Visitor) -> None:
    """A wrong form comes back filled in; the mailed link opens this log, until it is ended."""
    operator = site.invited("operator", "Beheer")
    archive.open("/auditors")
    archive.send("/auditors", fields=BUREAU, days="0", status=422)
    form = archive.form("/auditors")
    filled = {one.attrs["name"]: one.attrs.get("value") for one in form.all("input")}
    assert {name: filled[name] for name in BUREAU} == BUREAU
    archive.send("/auditors", fields={**BUREAU, "email": "ada@beeldarchief.example"}, status=422)
    archive.send("/auditors", fields=BUREAU, days="30")
    assert "Bureau" in archive.text
    auditor = site.visitor()
    auditor.open(mailed_link(operator))
    auditor.send(auditor.path)
    auditor.open("/audit")
    archive.send("/end")
    assert [f.attrs["action"] for f in archive.page.one("main").all("form")] == ["/auditors"]
    auditor.open("/audit", 403)
    assert "Uw tijd als auditor eindigde op" in auditor.text


def test_only_who_may_ask_sees_auditors(site: Site, startup: Visitor) -> None:
    """Neither a start-up nor an auditor; the operator asks for all archives."""
    startup.open("/auditors", 403)
    site.invited("auditor", "Toezicht").open("/auditors", 403)
    operator = site.invited("operator", "Hoofdbeheer", "en")
    operator.open("/auditors")
    operator.send("/auditors", fields={**BUREAU, "email": "all@bureau.example"}, days="5")
    assert "Bureau" in operator.text


def test_an_archive_plans_looks_and_signs(site: Site) -> None:
    """From the log to the review; follow-up without a word why comes back."""
    archive = site.invited("archive", "Controlearchief")
    archive.open("/archive/datasets/new")
    archive.send("/archive/datasets/new", slug="een", title_nl="een", title_en="one")
    archive.open("/audit")
    archive.follow("/audit/review")
    archive.send("/audit/review/plan", days="0", sample_size="3", status=422)
    archive.send("/audit/review/plan", days="10", sample_size="3")
    form = archive.form("/audit/review/plan")
    planned = {one.attrs["name"]: one.attrs["value"] for one in form.all("input")}
    assert (planned["days"], planned["sample_size"]) == ("10", "3")
    archive.send("/audit/review", outcome="follow-up", status=422)
    assert "Schrijf wat er moet gebeuren." in archive.text
    archive.send("/audit/review", outcome="in-order")
    archive.open("/audit/review")
    (waiting,) = archive.page.one("main").one("table").one("tbody").all("tr")
    assert "in-order" in waiting.text, "the signature itself waits for the next review"
    archive.open("/audit")
    assert "log:reviewed" in archive.text


def test_others_look_at_a_review_and_cannot_sign(
    site: Site, archive: Visitor, startup: Visitor
) -> None:
    """An auditor chooses the archive and gets no form to sign; a start-up gets nothing."""
    auditor = site.invited("auditor", "Meelezer", "en")
    auditor.open("/audit/review")
    assert auditor.form("/audit/review").attrs["method"] == "get"
    choices = auditor.form("/audit/review").one("select").all("option")
    chosen = next(one.attrs["value"] for one in choices if one.text == "Beeldarchief")
    auditor.send("/audit/review", archive=chosen)
    assert auditor.page.one("main").all("table")
    headers = {"origin": site.origin}
    said = {"last_number": "1", "outcome": "in-order"}
    for who in (auditor, startup):
        assert who.http.post("/audit/review", data=said, headers=headers).status_code == 403
    for path in ("/audit", "/audit/review"):
        auditor.open(f"{path}?archive=org_none", 404)
    startup.open("/audit/review", 403)


def test_a_decision_is_made_again_and_asked_of_today(
    site: Site, archive: Visitor, startup: Visitor, decision: str
) -> None:
    """The same comes out, and that is recorded; today's offer answers beside it."""
    startup.open(decision)
    startup.send("/replay")
    assert not [n for n in startup.page.walk() if n.attrs.get("role") == "alert"]
    startup.send(decision)
    table = startup.page.one("main").one("table")
    for row in table.one("tbody").all("tr"):
        then, today = (cell.text for cell in row.all("td"))
        assert then == today
    assert "beeldarchief/journaals@1" in startup.text
    archive.open("/audit")
    assert "decision:replayed" in archive.text
    archive.follow(decision)
    archive.open(f"{decision}?differs=policy,onbekend<b>")
    (alarm,) = [n for n in archive.page.walk() if n.attrs.get("role") == "alert"]
    assert "onbekend<b>" in alarm.text
    rival = site.invited("archive", "Concurrent")
    assert rival.http.get(decision).status_code == 404
    headers = {"origin": site.origin}
    assert rival.http.post(f"{decision}/replay", headers=headers).status_code == 404


def test_a_decision_that_is_not_as_it_was_is_an_alarm(
    site: Site, startup: Visitor, decision: str
) -> None:
    """What was stored is no longer what the log holds: the page names it."""
    engine, name = site.app.state.runtime.engine, decision.rsplit("/", 1)[1]
    chosen = update(DecisionRow).where(col(DecisionRow.id) == name)
    with transaction(engine) as session:
        kept = session.get_one(DecisionRow, name).snapshot
        session.execute(chosen.values(snapshot={**kept, "engine": "0"}))
    startup.open(decision)
    startup.send("/replay")
    with transaction(engine) as session:
        session.execute(chosen.values(snapshot=kept))
    (alarm,) = [n for n in startup.page.walk() if n.attrs.get("role") == "alert"]
    assert len(alarm.all("li")) >= 2, alarm.text


def test_packs_are_taken_from_the_pages(
    site: Site, archive: Visitor, startup: Visitor, decision: str
) -> None:
    """Of the case and of the agreement, each by its button; a rival finds neither."""
    startup.open(decision)
    action = startup.form("/packs/" + decision.rsplit("/", 1)[1]).attrs["action"]
    case = take(startup, action)
    assert {"index.json", "index.note", "pack.html", "pack.pdf"} < set(case.namelist())
    assert b'lang="en"' in case.read("pack.html")
    file_request(startup, "beeldarchief/journaals@1")
    startup.open(accept(startup))
    agreement = re.search(r"agr_[^/]+", startup.path)
    assert agreement
    assert "agreement.json" in take(startup, f"/packs/{agreement[0]}").namelist()
    rival = site.invited("user", "Rivaal")
    headers = {"origin": site.origin}
    for address in (action, f"/packs/{agreement[0]}"):
        assert rival.http.post(address, headers=headers).status_code == 404


def test_the_log_of_processing_and_its_register(archive: Visitor, startup: Visitor) -> None:
    """Every record points at a line of the register, which anyone may read."""
    archive.open("/audit")
    form = archive.form("/audit/processing-log")
    headers = {"origin": archive.origin}
    fields = {one.attrs["name"]: one.attrs["value"] for one in form.all("input")}
    made = archive.http.post("/audit/processing-log", data=fields, headers=headers)
    assert made.headers["content-type"] == "application/jsonl", made.text
    pointed = set(re.findall(r"/processing#([a-z]+)", made.text))
    archive.follow("/processing")
    lines = {one.attrs["id"] for one in archive.page.one("main").all("dt")}
    assert pointed
    assert pointed <= lines
    refused = startup.http.post("/audit/processing-log", data=fields, headers=headers)
    assert refused.status_code == 403


def test_receipts_stand_beside_decisions(archive: Visitor, startup: Visitor, decision: str) -> None:
    """Both sides keep the proof of the decision from its page."""
    for visitor in (archive, startup):
        visitor.open(decision)
        link = next(one for one in visitor.links() if one.endswith("/receipt.txt"))
        until = time.monotonic() + 30
        while (found := visitor.http.get(link)).status_code == 503:
            assert time.monotonic() < until, found.text
            time.sleep(0.1)
        assert found.text.startswith("c2sp.org/tlog-proof@v1\n")
