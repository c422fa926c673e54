"""Auditors, reviews, replays, evidence packs and erasure over HTTP, each for who may only."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from registry.audit.verifying import verify_file
from registry.db import transaction
from registry.services.accounts import link_for, seat_of
from tests.registry.api.world import Caller, World

BUREAU = {"organisation_name": "Bureau", "person_name": "Bo", "email": "bo@bureau.example"}
DECISION = "/decisions/{decision_id}"


@pytest.fixture(scope="module")
def agreed(world: World) -> World:
    """A service in which a start-up holds an agreement."""
    world.agree(world.publish(), world.environment())
    return world


@contextmanager
def signed_in(world: World, email: str) -> Iterator[Caller]:
    """The person with this address, by a sign-in link."""
    runtime = world.app.state.runtime
    with transaction(runtime.engine) as session:
        link = link_for(session, seat_of(session, email), at=runtime.clock())
    caller = Caller(world.origin, world.anyone.post("/sessions", {"link": link})["access_token"])
    yield caller
    caller.http.close()


@pytest.fixture
def bureau(world: World) -> Iterator[Caller]:
    """An auditor whom the archive asked."""
    world.archive.post("/auditors", BUREAU)
    with signed_in(world, BUREAU["email"]) as caller:
        yield caller


def refused(answer: httpx2.Response) -> str:
    """The code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["code"])


def test_an_archive_lets_an_auditor_in_and_out(agreed: World, bureau: Caller) -> None:
    """Listed on both sides; its look is on record; ended, it is told why it sees nothing."""
    archive = agreed.archive
    (one,) = archive.get("/auditors")
    assert (one["name"], one["mandate"]["ended_at"]) == ("Bureau", None)
    (own,) = bureau.get("/audit/mandates")
    assert own["mandate"]["archive_id"] == one["mandate"]["archive_id"]
    assert own["name"] == "Beeldarchief"
    assert bureau.get("/audit/entries")["items"]
    assert archive.get("/audit/entries")["items"][0]["act"] == "audit:looked"
    path = f"/auditors/{one['mandate']['id']}"
    assert agreed.other_archive.http.delete(path).status_code == 404
    for _ in range(2):
        assert archive.http.delete(path).json()["ended_at"]
    assert refused(bureau.http.get("/audit/entries")) == "auditor-time-over"


def test_bad_invitations_are_refused(agreed: World) -> None:
    """No address, too long a time, someone with another role; and who may not ask at all."""
    for caller, wrong, status in (
        (agreed.archive, {"email": "geen adres"}, 422),
        (agreed.archive, {"days": 401}, 422),
        (agreed.archive, {"email": "ada@taalmeester.example"}, 422),
        (agreed.startup, {}, 403),
        (agreed.auditor, {}, 403),
        (agreed.anyone, {}, 401),
    ):
        answer = caller.http.post("/auditors", json={**BUREAU, **wrong})
        assert (answer.status_code, bool(refused(answer))) == (status, True), answer.text


def test_a_review_is_planned_looked_at_and_signed(agreed: World) -> None:
    """What was shown is what is signed; a second signature over it is refused."""
    archive = agreed.archive
    plan = archive.put("/audit/review-plan", {"days": 10, "sample_size": 2})
    waits = archive.get("/audit/review")
    assert (plan["archive_id"], len(waits["sample"])) == (waits["archive_id"], 2)
    said = {"last_number": waits["last"], "outcome": "in-order"}
    done = archive.post("/audit/reviews", said)
    assert done["report"]["sample"] == [one["id"] for one in waits["sample"]]
    assert done["report"]["findings"] == waits["findings"]
    assert archive.get("/audit/review")["first"] == waits["last"] + 1
    asked = {"archive": waits["archive_id"]}
    held = agreed.auditor.get("/audit/reviews", params=asked)
    assert [one["state"] for one in held["planned"]] == ["held", "due"]
    assert agreed.auditor.get("/audit/review", params=asked)["first"] == waits["last"] + 1
    for caller, wrong, status in (
        (archive, {}, 422),
        (archive, {"outcome": "fine"}, 422),
        (agreed.auditor, {}, 403),
        (agreed.startup, {}, 403),
    ):
        answer = caller.http.post("/audit/reviews", json={**said, **wrong})
        assert (answer.status_code, bool(refused(answer))) == (status, True), answer.text


def test_an_archive_that_is_not_there_is_told(agreed: World) -> None:
    """Whoever may look at all archives begins no stream of a made-up one by looking at it."""
    for path in ("/audit/entries", "/audit/review", "/audit/reviews"):
        answer = agreed.auditor.http.get(path, params={"archive": "org_none"})
        assert (answer.status_code, bool(refused(answer))) == (404, True), path
    answer = agreed.auditor.http.post("/audit/exports", json={"archive": "org_none"})
    assert answer.status_code == 404, answer.text
    assert agreed.auditor.get("/audit/entries", params={"archive": "operator"})["items"]


def test_a_decision_is_opened_made_again_and_asked_of_today(agreed: World) -> None:
    """By both sides and an auditor; the replay is an act; a rival finds nothing."""
    path = DECISION.format_map(agreed.things)
    for caller in (agreed.startup, agreed.archive, agreed.auditor):
        record = caller.get(f"{path}/record")
        assert record["edition"] == "beeldarchief/journaals@1"
        assert record["stored"]["request"]["target"] == record["edition"]
        again = caller.post(f"{path}/replays")
        assert (again["identical"], again["differences"]) == (True, [])
        assert agreed.archive.get("/audit/entries")["items"][0]["id"] == again["entry_id"]
        today = caller.get(f"{path}/what-if")
        assert today["before"] == today["after"]
        assert today["before"]["permit"] > 0
    for rival in (agreed.other_archive, agreed.other_startup):
        for what in ("record", "what-if"):
            assert rival.http.get(f"{path}/{what}").status_code == 404
        assert rival.http.post(f"{path}/replays").status_code == 404


def test_a_pack_is_taken_and_checked_offline(agreed: World, tmp_path: Path) -> None:
    """With the published keys and nothing else; a rival and an extract have none."""
    path = f"/audit/packs/{agreed.things['agreement_id']}"
    until = time.monotonic() + 30
    while (answer := agreed.startup.http.post(path, params={"lang": "nl"})).status_code == 503:
        assert time.monotonic() < until, answer.text
        time.sleep(0.1)
    assert answer.headers["content-type"] == "application/zip", answer.text
    file = tmp_path / "agreement.zip"
    file.write_bytes(answer.content)
    keys = [agreed.anyone.http.get(f"/keys/{name}").text.strip() for name in ("log", "manifest")]
    good, sentences = verify_file(file, keys, [], "en")
    assert good, sentences
    assert agreed.other_startup.http.post(path).status_code == 404
    assert agreed.startup.http.post("/audit/packs/ext_none").status_code == 404
    assert agreed.startup.http.post(path, params={"lang": "fr"}).status_code == 422
