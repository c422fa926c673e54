"""Nobody takes more than their pace, whichever process they ask; others do not notice."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from registry.errors import TooManyRequests
from registry.limiting import MINUTE, SETS, WAYS, Limit, Limits, RateLimits, Rates, network_of
from tests.support.service import Service, free_port

SECOND = 10**9
TEN = Limit("ten", 10)
NOW = 1000 * MINUTE * SECOND


def test_a_pace(tmp_path: Path) -> None:
    """Ten at once, then one every six seconds; another party and another limit are their own."""
    rates = Rates(tmp_path / "rates")
    assert [rates.take(TEN, b"a", NOW) for _ in range(10)] == [0] * 10
    assert rates.take(TEN, b"a", NOW) == 6 * SECOND
    assert rates.take(TEN, b"b", NOW) == rates.take(Limit("other", 1), b"a", NOW) == 0
    assert rates.take(TEN, b"a", NOW + 4 * SECOND) == 2 * SECOND
    assert rates.take(TEN, b"a", NOW + 6 * SECOND) == 0
    assert rates.take(TEN, b"a", NOW + 6 * SECOND) > 0


def test_processes_share_what_is_counted(tmp_path: Path) -> None:
    """Whoever opens the same file goes on where the others are; a new start of the clock counts."""
    first, second = Rates(tmp_path / "rates"), Rates(tmp_path / "rates")
    for _ in range(5):
        assert first.take(TEN, b"a", NOW) == second.take(TEN, b"a", NOW) == 0
    assert first.take(TEN, b"a", NOW) == second.take(TEN, b"a", NOW) > 0
    assert second.take(TEN, b"a", 5 * SECOND) == 0
    assert (tmp_path / "rates").stat().st_mode & 0o777 == 0o600


def test_more_parties_than_there_is_room_for(tmp_path: Path) -> None:
    """The file does not grow, and who took most is not forgotten for those who took little."""
    rates = Rates(tmp_path / "rates")
    size = (tmp_path / "rates").stat().st_size
    for _ in range(10):
        rates.take(TEN, b"greedy", NOW)
    for at in range(SETS * WAYS * 2):
        rates.take(TEN, str(at).encode(), NOW)
    assert rates.take(TEN, b"greedy", NOW) > 0
    assert (tmp_path / "rates").stat().st_size == size


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.9", "203.0.113.9", True),
        ("203.0.113.9", "203.0.113.10", False),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.10", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("localhost; DROP", "localhost; DELETE", False),
    ],
)
def test_networks(one: str, other: str, same: bool) -> None:
    """An IPv4 address is its own; of IPv6 a network of 64 bits is one."""
    assert (network_of(one) == network_of(other)) is same


def test_what_a_request_counts_for() -> None:
    """Tokens count wherever they come from, cookies where they come from; a limit of 0 is none."""

    def names(limits: Limits, client: tuple[str, int] | None, *headers: tuple[bytes, bytes]) -> str:
        scope = {"client": client, "method": "POST", "path": "/oauth/token", "headers": headers}
        return " ".join(limit.name for limit, _ in limits.of(scope))

    there, here = ("203.0.113.9", 1), ("127.0.0.1", 1)
    every, none = (Limits.per_minute(client=n, network=n, signing_in=n) for n in (1, 0))
    token, cookie = (b"authorization", b"Bearer x"), (b"cookie", b"lang=nl")
    assert names(every, there, (b"accept", b"*/*"), token) == "client signing-in network"
    assert names(every, None, cookie) == "client signing-in network"
    assert names(every, there) == "signing-in network"
    assert names(every, here, token) == names(none, there, token) == ""
    parties = [
        every.of({"client": (host, 1), "method": "GET", "path": "/", "headers": [header]})[0][1]
        for host in ("203.0.113.9", "203.0.113.10")
        for header in (token, cookie)
    ]
    assert len(set(parties)) == 3


def test_a_refused_request_goes_no_further(tmp_path: Path) -> None:
    """Beyond the limit nothing is done but the answer; what is no request passes."""
    reached, told = list[str](), list[int]()

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        reached.append(scope["type"])

    async def answer(_request: Request, problem: Exception) -> Response:
        assert isinstance(problem, TooManyRequests)
        return Response(status_code=problem.status, headers=problem.headers)

    async def receive() -> Message:
        raise AssertionError("nobody reads the body")

    async def send(message: Message) -> None:
        told.append(message.get("status", 0))

    limits = Limits.per_minute(client=0, network=2, signing_in=0)
    state = SimpleNamespace(runtime=SimpleNamespace(rates=Rates(tmp_path / "rates")))
    whole = {"app": SimpleNamespace(state=state), "client": ("203.0.113.9", 1), "path": "/"}
    for kind in ("lifespan", "http", "http", "http"):
        scope = {**whole, "type": kind, "method": "GET", "headers": []}
        asyncio.run(RateLimits(app, limits, answer)(scope, receive, send))
    assert reached == ["lifespan", "http", "http"]
    assert told == [429, 0]


def test_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one process counted, the other holds against the same network, and no other."""
    monkeypatch.setenv("VRIJGAVE_TLS_IN_FRONT", "true")
    monkeypatch.setenv("VRIJGAVE_RATE_SIGNING_IN", "4")
    with Service(tmp_path) as one, Service(tmp_path, port=free_port()) as other:

        def ask(service: Service, network: str, language: str = "en") -> httpx2.Response:
            told = {"X-Forwarded-For": network, "Accept-Language": language}
            body = {"email": "nobody@example.org"}
            return httpx2.post(f"{service.origin}/v1/sign-in-links", json=body, headers=told)

        found = [ask(service, "203.0.113.9") for service in (one, other, one, other)]
        assert [answer.status_code for answer in found] == [202] * 4
        for service, language, text in ((one, "en", "these are"), (other, "nl", "Dit zijn")):
            refused = ask(service, "203.0.113.9", language)
            assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
            assert refused.json()["detail"].startswith(text)
            assert refused.json()["request_id"] == refused.headers["x-request-id"]
            wait = int(refused.headers["retry-after"])
            assert 0 < wait <= MINUTE / 4
            assert refused.headers["ratelimit-policy"] == '"signing-in";q=4;w=60'
            assert refused.headers["ratelimit"] == f'"signing-in";r=0;t={wait}'
        headers = {"X-Forwarded-For": "203.0.113.9"}
        page = httpx2.post(f"{one.origin}/sign-in", data={"email": "x"}, headers=headers)
        assert page.status_code == 429
        assert page.headers["content-type"].startswith("text/html")
        assert "retry-after" in page.headers
        assert httpx2.get(f"{one.origin}/livez", headers=headers).status_code == 200
        assert ask(other, "203.0.113.10").status_code == 202
