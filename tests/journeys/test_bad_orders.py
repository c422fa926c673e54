"""What a start-up may ask wrongly: told at the interface, on the page and at the command line."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlmodel import select

from registry.accounts.tables import Seat
from registry.db import transaction
from registry.services.accounts import link_for
from tests.journeys.three_faces import Faces, open_faces, refused
from tests.registry.pages.visitor import Visitor
from tests.support.service import Person


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faces]:
    """One service with a dataset and an agreement on it."""
    with open_faces(tmp_path_factory.mktemp("home")) as running:
        world = running.world
        world.agree(world.publish(), world.environment())
        yield running


@pytest.fixture
def browser(faces: Faces) -> Iterator[Visitor]:
    """The start-up's person at the pages."""
    visitor = faces.visitor(faces.world.startup.token)
    yield visitor
    visitor.http.close()


def orders(faces: Faces) -> int:
    """How many extracts were ever ordered."""
    return len(faces.world.startup.get("/extracts")["items"])


def post(browser: Visitor, path: str, **fields: str) -> int:
    """Send a form as no page offers it; the status of the answer, which is shown."""
    headers = {"referer": browser.origin + path, "origin": browser.origin}
    sent = browser.http.post(path, data=fields, headers=headers)
    browser._show(sent, sent.status_code if sent.status_code != 303 else 200)
    return sent.status_code


def _once(browser: Visitor) -> str:
    inputs = browser.form("/extract").all("input")
    return next(one.attrs["value"] for one in inputs if one.attrs["name"] == "once")


def test_a_filter_that_names_no_column(faces: Faces, browser: Visitor) -> None:
    """The field and the columns there are; nothing is ordered."""
    agreement, before = faces.world.things["agreement_id"], orders(faces)
    asked = {"columns": ["nowhere"]}
    path = f"/agreements/{agreement}/extracts"
    problem = refused(faces.world.startup.http.post(path, json=asked), 422)
    assert [field["path"] for field in problem["fields"]] == ["columns"]
    assert "`nowhere`" in problem["detail"]
    assert "title" in problem["help"]
    token = faces.world.startup.token
    status, said = faces.command("extract", agreement, "--column", "nowhere", token=token)
    assert (status, "`nowhere`" in said, problem["help"] in said) == (1, True, True), said
    browser.open(f"/agreements/{agreement}/extract")
    once = _once(browser)
    assert post(browser, f"/agreements/{agreement}/extract", columns="nowhere", once=once) == 422
    assert "`nowhere`" in browser.text
    assert browser.form("/extract")
    assert orders(faces) == before


def test_a_repeated_order(faces: Faces, browser: Visitor) -> None:
    """The same key, and the same form sent twice, order one extract each."""
    agreement, before = faces.world.things["agreement_id"], orders(faces)
    path, key = f"/agreements/{agreement}/extracts", {"Idempotency-Key": "ours"}
    first = faces.world.startup.post(path, headers=key)
    assert faces.world.startup.post(path, headers=key) == first
    browser.open(f"/agreements/{agreement}/extract")
    form, page = _once(browser), browser.path
    for _ in range(2):
        assert post(browser, page, columns="title", once=form) == 303
    assert orders(faces) == before + 2


@pytest.fixture
def later(faces: Faces) -> Iterator[Person]:
    """The start-up's person, signed in anew once the agreement has lapsed."""
    agreement = faces.world.startup.get(f"/agreements/{faces.world.things['agreement_id']}")
    now, faces.clock.now = faces.clock.now, datetime.fromisoformat(agreement["valid_until"])
    runtime = faces.world.app.state.runtime
    with transaction(runtime.engine) as session:
        seat = session.exec(select(Seat).where(Seat.email == "ada@taalmeester.example")).one()
        link = link_for(session, seat, at=faces.clock())
    token = faces.world.anyone.post("/sessions", {"link": link})["access_token"]
    person = Person(faces.world.origin, token)
    yield person
    person.http.close()
    faces.clock.now = now


def test_an_agreement_that_has_ended(faces: Faces, browser: Visitor, later: Person) -> None:
    """It says so at all three, and what to do; nothing is ordered."""
    agreement, before = faces.world.things["agreement_id"], len(later.get("/extracts")["items"])
    problem = refused(later.http.post(f"/agreements/{agreement}/extracts", json={}), 410)
    assert (problem["code"], problem["help"]) == ("agreement-lapsed", "File a new request.")
    status, said = faces.command("extract", agreement, token=later.token)
    assert (status, problem["detail"] in said, problem["help"] in said) == (3, True, True), said
    browser.http.cookies.set("vrijgave", later.token or "")
    browser.open(f"/agreements/{agreement}/extract", status=410)
    assert problem["detail"] in browser.text
    assert problem["help"] in browser.text
    assert len(later.get("/extracts")["items"]) == before
