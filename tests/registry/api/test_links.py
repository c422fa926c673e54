"""Signed links over a real server: what they give, what ends them, and that no log keeps them."""

import io
import logging
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlmodel import col, select, update

from registry.access.links import SignedLink
from registry.access.tables import Access
from registry.accounts.tables import Environment
from registry.db import reading, transaction
from tests.registry.api.test_parts import Ready
from tests.registry.api.world import World, sha256


@pytest.fixture(scope="module")
def ready(world: World) -> Ready:
    """An extract with a bound token, whose links each test makes for itself."""
    return Ready(world)


def _link(ready: Ready, token: str | None = None, **wanted: int) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    path = f"/extracts/{ready.extract['id']}/links"
    return ready.world.startup.post(path, wanted, headers=headers)


def _address(link: Any) -> str:
    return str(link["parts"][0]["address"])


def _code(address: str, **headers: str) -> tuple[int, str]:
    answer = httpx2.get(address, headers=headers)
    return answer.status_code, answer.json()["code"]


def _changed(ready: Ready, link: Any, **facts: Any) -> None:
    with transaction(ready.world.app.state.runtime.engine) as session:
        session.exec(update(SignedLink).where(col(SignedLink.id) == link["id"]).values(facts))


def test_it_reads_without_a_header(ready: Ready) -> None:
    """HEAD, whole and by range, as a token does; the access is its holder's."""
    link = _link(ready)
    address = _address(link)
    assert httpx2.head(address).headers["content-length"] == str(ready.part["bytes"])
    whole = httpx2.get(address)
    assert sha256(whole.content) == ready.part["sha256"]
    assert whole.headers["referrer-policy"] == "no-referrer"
    part = httpx2.get(address, headers={"Range": "bytes=-8"})
    assert (part.status_code, part.content) == (206, whole.content[-8:])
    with reading(ready.world.app.state.runtime.engine) as session:
        accesses = session.exec(select(Access).where(col(Access.extract_id) == link["extract_id"]))
        assert ready.world.startup.get("/me")["id"] in {one.caller for one in accesses}


def test_one_character_changed(ready: Ready) -> None:
    """Wherever it is changed, the answer says so, and does not tell which links exist."""
    address = _address(_link(ready))
    start = address.index("link=") + len("link=")
    for place in (start + 6, len(address) - 20, len(address) - 1):
        other = "a" if address[place] != "a" else "b"
        wrong = address[:place] + other + address[place + 1 :]
        assert _code(wrong) == (401, "link-changed"), wrong
    assert _code(address.replace("/parts/1", "/parts/2")) == (401, "link-changed")
    for shown in ("", ".", "lnk_unknown.x", "%00", "é.ü", "a" * 5000):
        assert _code(address[:start] + shown) == (401, "link-changed")


def test_a_clock_that_is_off(ready: Ready) -> None:
    """Five minutes too late and five minutes too early are both named, with both times."""
    link, now = _link(ready), ready.world.app.state.runtime.clock()
    address, off = _address(link), timedelta(minutes=5)
    _changed(ready, link, expires_at=now - off)
    late = httpx2.get(address).json()
    assert late["code"] == "link-expired"
    assert f"{now - off:%H:%M:%S} UTC" in late["detail"]
    _changed(ready, link, created_at=now + off, expires_at=now + 2 * off)
    early = httpx2.get(address).json()
    assert early["code"] == "link-not-yet-valid"
    assert "clock" in early["detail"]


def test_what_ends_it(ready: Ready) -> None:
    """Itself revoked, the token it was made with revoked: both at the next request."""
    link = _link(ready)
    assert httpx2.get(_address(link)).status_code == 200
    ready.world.startup.http.delete(f"/links/{link['id']}")
    assert _code(_address(link)) == (401, "link-revoked")
    ready.world.token(ready.environment)
    made = ready.world.startup.post(
        "/tokens",
        {"name": "t", "scopes": ["extracts"], "environment_id": ready.environment},
    )
    by_token = _link(ready, made["access_token"], minutes=5)
    assert httpx2.get(_address(by_token)).status_code == 200
    ready.world.startup.http.delete(f"/tokens/{made['id']}")
    assert _code(_address(by_token)) == (401, "credential-revoked")
    listed = ready.world.startup.get(f"/extracts/{ready.extract['id']}/links")["items"]
    assert {link["id"], by_token["id"]} <= {one["id"] for one in listed}
    assert "parts" not in listed[0]


def test_it_is_bound_to_place_and_agreement(world: World) -> None:
    """Another network and a revoked agreement refuse it, with their own reasons."""
    own = Ready(world)
    address = _address(_link(own))
    with transaction(world.app.state.runtime.engine) as session:
        environment = session.get_one(Environment, own.environment)
        environment.networks = ["192.0.2.0/24"]
    assert _code(address) == (403, "other-network")
    with transaction(world.app.state.runtime.engine) as session:
        session.get_one(Environment, own.environment).networks = []
    body = {"reason": "Op verzoek van de maker."}
    world.archive.post(f"/agreements/{own.agreement}/revocation", body)
    assert _code(address) == (410, "agreement-revoked")
    again = world.startup.http.post(f"/extracts/{own.extract['id']}/links", json={})
    assert (again.status_code, again.json()["code"]) == (410, "agreement-revoked")


def test_a_token_of_no_environment_reads_nothing(ready: Ready) -> None:
    """Tokens and machines are bound to one environment, or read no part and make no link."""
    world = ready.world
    unbound = world.startup.post("/tokens", {"name": "t", "scopes": ["extracts"]})["access_token"]
    for environment, status in ((None, 403), (ready.environment, 200)):
        body = {"name": "m", "scopes": ["extracts"], "environment_id": environment}
        client = world.startup.post("/clients", body)
        answer = httpx2.post(
            f"{world.origin}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(client["id"], client["client_secret"]),
        )
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert httpx2.head(ready.part["address"], headers=headers).status_code == status
    headers = {"Authorization": f"Bearer {unbound}"}
    assert _code(ready.part["address"], **headers) == (403, "token-unbound")
    made = world.startup.http.post(
        f"/extracts/{ready.extract['id']}/links", json={}, headers=headers
    )
    assert made.json()["code"] == "token-unbound"


def test_no_log_of_ours_keeps_it(ready: Ready) -> None:
    """The server's access log, our own, problems and audit entries are without the signature."""
    link = _link(ready)
    address = _address(link)
    signature = address.rpartition(".")[2]
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    loggers = [logging.getLogger(name) for name in ("uvicorn.access", "uvicorn.error", "vrijgave")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.addHandler(handler)
        one.setLevel(logging.DEBUG)
    try:
        assert httpx2.get(address).status_code == 200
        told = httpx2.get(address + "x").text
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.removeHandler(handler)
            one.setLevel(level)
    entries = ready.world.auditor.http.get("/audit/entries", params={"limit": 200}).text
    for text in (told, entries, written.getvalue()):
        assert signature not in text
    assert f"link={link['id']}.hidden" in written.getvalue()
    assert link["id"] in entries
