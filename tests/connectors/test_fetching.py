"""Whoever gives us an address cannot have us knock on doors inside our own network."""

import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from connectors import fetching
from connectors.fetching import LOOPBACK, Answer, Networks, NotFetched, fetch, problem_of
from tests.support.listening import Listener, listening

CLOSED: Networks = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00:1::/32"))
ADDRESSES = [
    # this machine, in all the ways in which it can be written
    ("https://127.0.0.1/", "not-public"),
    ("https://127.1/", "not-public"),
    ("https://2130706433/", "not-public"),
    ("https://0x7f.0.0.1/", "not-public"),
    ("https://0177.0.0.1/", "not-public"),
    ("https://0.0.0.0/", "not-public"),
    ("https://localhost/", "not-public"),
    ("https://[::1]/", "not-public"),
    ("https://[::]/", "not-public"),
    # closed networks
    ("https://10.0.0.1/", "not-public"),
    ("https://172.16.0.1/", "not-public"),
    ("https://192.168.1.1/", "not-public"),
    ("https://100.64.0.1/", "not-public"),
    ("https://198.18.0.1/", "not-public"),
    ("https://[fc00::1]/", "not-public"),
    ("https://[fec0::1]/", "not-public"),
    # link-local, and where clouds tell their machines secrets
    ("https://169.254.169.254/latest/meta-data/", "not-public"),
    ("https://169.254.170.2/v2/credentials", "not-public"),
    ("https://100.100.100.200/latest/", "not-public"),
    ("https://[fd00:ec2::254]/latest/", "not-public"),
    ("https://[fe80::1]/", "not-public"),
    # an IPv4 address within an IPv6 one
    ("https://[::ffff:10.0.0.1]/", "not-public"),
    ("https://[::ffff:169.254.169.254]/", "not-public"),
    ("https://[64:ff9b::7f00:1]/", "not-public"),
    ("https://[2002:7f00:1::]/", "not-public"),
    ("https://[::7f00:1]/", "not-public"),
    # many at once, and nobody
    ("https://224.0.0.1/", "not-public"),
    ("https://255.255.255.255/", "not-public"),
    ("https://240.0.0.1/", "not-public"),
    ("https://[ff0e::1]/", "not-public"),
    ("https://192.0.2.1/", "not-public"),
    # what is no https address
    ("http://8.8.8.8/", "not-https"),
    ("http://127.0.0.1/", "not-https"),
    ("ftp://8.8.8.8/", "not-https"),
    ("gopher://127.0.0.1:6379/_FLUSHALL", "not-https"),
    ("file:///etc/passwd", "not-an-address"),
    ("https://user:secret@8.8.8.8/", "not-an-address"),
    ("https://8.8.8.8:99999/", "not-an-address"),
    ("https://[broken", "not-an-address"),
    ("https:///nowhere", "not-an-address"),
    ("nowhere", "not-an-address"),
    ("", "not-an-address"),
    (f"https://{'a' * 70}.example/", "unknown-host"),
]


@pytest.mark.parametrize(("address", "problem"), ADDRESSES)
def test_attacks(address: str, problem: str) -> None:
    """None of these is asked, and each says why."""
    assert problem_of(address) == problem
    with pytest.raises(NotFetched) as refused:
        _fetch(address, ())
    assert refused.value.code == problem


@pytest.mark.parametrize(
    ("address", "networks", "problem"),
    [
        ("https://8.8.8.8:8443/hook", (), None),
        ("https://[2001:4860:4860::8888]/", (), None),
        ("https://10.1.2.3/", CLOSED, None),
        ("https://[fd00:1::5]/", CLOSED, None),
        ("http://10.1.2.3/", CLOSED, "not-https"),
        ("https://10.2.0.1/", CLOSED, "not-public"),
        ("https://[::ffff:10.1.2.3]/", CLOSED, "not-public"),
        ("https://169.254.169.254/", LOOPBACK, "not-public"),
        ("http://127.0.0.1:8000/hook", LOOPBACK, None),
    ],
)
def test_named_networks(address: str, networks: Networks, problem: str | None) -> None:
    """The open internet, and beside it what the operator names and no more."""
    assert problem_of(address, networks) == problem


@contextmanager
def _names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> Iterator[list[str]]:
    """`rebind.example` stands for one answer after the other; the look-ups that were made."""
    real, asked, left = socket.getaddrinfo, list[str](), list(answers)

    def looked_up(host: Any, *more: Any, **options: Any) -> Any:
        if host != "rebind.example":
            return real(host, *more, **options)
        asked.append(host)
        port = more[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in left.pop(0)]

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", looked_up)
        yield asked


def test_a_name_that_changes_its_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was judged is what is asked, under its name: the name is looked up once."""
    with (
        listening(200) as (address, kind),
        _names(monkeypatch, ["127.0.0.1"], ["10.0.0.1"]) as asked,
    ):
        named = address.replace("127.0.0.1", "rebind.example")
        assert _fetch(named, LOOPBACK).status == 200
    assert asked == ["rebind.example"]
    assert kind.heard[0][0]["host"] == named.split("/")[2]


def test_a_name_with_one_bad_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for a public and a closed place is not asked at all."""
    with _names(monkeypatch, ["8.8.8.8", "10.0.0.1"]):
        assert problem_of("https://rebind.example/") == "not-public"


def test_redirects_are_not_followed() -> None:
    """Where an answer sends us is told, not gone to."""
    with listening(200) as (inside, heard):

        class Redirecting(Listener):
            def send_response(self, code: int, message: str | None = None) -> None:
                super().send_response(code, message)
                self.send_header("location", inside)

        with listening(307, Redirecting) as (address, _):
            assert _fetch(address, LOOPBACK).status == 307
    assert heard.heard == []


def test_answers_are_bounded() -> None:
    """A body beyond the bound is refused, and not read where nobody wants it."""

    class Large(Listener):
        def end_headers(self) -> None:
            super().end_headers()
            self.wfile.write(b"x" * 70_000)

    with listening(200, Large) as (address, _):
        with pytest.raises(NotFetched, match="too-large"):
            _fetch(address, LOOPBACK)
        assert fetch(
            address, networks=LOOPBACK, seconds=5, most_bytes=None, headers={}, content=b""
        ) == Answer(200, "", b"")


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nX-Drop: "])
def test_the_whole_exchange_has_a_time(begun: bytes) -> None:
    """Also headers that come in drops end with the time, and silence does."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    connection.sendall(begun)
                    while begun:
                        connection.sendall(b"x")
                        time.sleep(0.05)
                    while connection.recv(1024):
                        pass
                except OSError:
                    return

        thread = Thread(target=drip)
        thread.start()
        at = time.monotonic()
        with pytest.raises(NotFetched, match="too-slow"):
            _fetch(f"http://127.0.0.1:{server.getsockname()[1]}/", LOOPBACK, seconds=0.3)
        assert time.monotonic() - at < 5
        thread.join()


def test_answers_that_are_no_http() -> None:
    """Another protocol's answer is nothing that was fetched."""

    class Other(Listener):
        def send_response(self, code: int, message: str | None = None) -> None:
            self.wfile.write(b"220 mail.example ESMTP\r\n")

    with (
        listening(200, Other) as (address, _),
        pytest.raises(NotFetched, match="unreachable"),
    ):
        _fetch(address, LOOPBACK)


@pytest.mark.parametrize(
    ("address", "place", "pinned"),
    [
        ("https://r.example/a?b", "192.0.2.1", ("r.example", "https://192.0.2.1/a?b")),
        (
            "https://r.example:8443/",
            "2001:db8::1",
            ("r.example:8443", "https://[2001:db8::1]:8443/"),
        ),
    ],
)
def test_the_place_stands_in_the_address(address: str, place: str, pinned: tuple[str, str]) -> None:
    """The place itself is asked, and told the name that was meant."""
    assert fetching._pinned(address, ipaddress.ip_address(place)) == pinned


def _fetch(address: str, networks: Networks, seconds: float = 5) -> Answer:
    return fetch(
        address,
        networks=networks,
        seconds=seconds,
        most_bytes=64_000,
        headers={},
        content=b"{}",
    )
