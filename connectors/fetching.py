"""The one way in which this service asks anything of an address that somebody else gave it.

A name is looked up once, every place it stands for is judged, and the connection goes to the place
that was judged: a name that answers otherwise a moment later is not asked again, and no redirect is
followed. Only HTTPS to the open internet, or to networks that the operator names; plain HTTP only
to this machine, where that is allowed. The whole exchange has one bound in time, and the answer one
in size.
"""

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Timer
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2

Place = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

LOOPBACK: Networks = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))


class NotFetched(OSError):
    """No answer could be had.

    :ivar code: ``not-an-address``, ``unknown-host``, ``not-https`` or ``not-public`` for an address
        that is not asked at all; ``unreachable``, ``too-slow`` or ``too-large`` for one that was.
    """

    def __init__(self, code: str, address: str) -> None:
        super().__init__(f"{address}: {code}")
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode(errors="replace")


def problem_of(address: str, networks: Networks = ()) -> str | None:
    """The code of why an address is not asked; `None` for one that is."""
    try:
        _place_of(address, networks)
    except NotFetched as wrong:
        return wrong.code
    return None


def fetch(
    address: str,
    *,
    networks: Networks,
    seconds: float,
    most_bytes: int | None,
    headers: Mapping[str, str],
    content: bytes | None = None,
) -> Answer:
    """Ask an address, by POST where there is content to send.

    :param networks: closed networks that may be asked besides the open internet.
    :param seconds: how long it may take from the connection to the last byte.
    :param most_bytes: the largest body taken; `None`: the body is of no interest.
    :raises NotFetched: there is no answer, or it is beyond a bound.
    """
    host, pinned = _pinned(address, _place_of(address, networks))
    told = {"user-agent": "vrijgave", **headers, "host": host}
    with (
        _deadline(seconds) as watch,
        _told_plainly(address, watch),
        httpx2.Client(timeout=seconds, follow_redirects=False, trust_env=False) as client,
        client.stream(
            "GET" if content is None else "POST",
            pinned,
            content=content,
            headers=told,
            extensions={"sni_hostname": urlsplit(address).hostname, "trace": watch.trace},
        ) as answer,
    ):
        body = b"" if most_bytes is None else _body(answer.iter_bytes(), most_bytes, address)
        kind = answer.headers.get("content-type", "").partition(";")[0]
        return Answer(answer.status_code, kind, body)


def _body(blocks: Iterable[bytes], most_bytes: int, address: str) -> bytes:
    body = b""
    for block in blocks:
        body += block
        if len(body) > most_bytes:
            raise NotFetched("too-large", address)
    return body


class _Watch:
    """Ends the exchange when its time is up, whatever it waits for."""

    def __init__(self) -> None:
        self.over = False
        self._socket: socket.socket | None = None

    def trace(self, event: str, told: Mapping[str, Any]) -> None:
        """Learn of the connection as soon as it is there."""
        if event == "connection.connect_tcp.complete":
            self._socket = told["return_value"].get_extra_info("socket")

    def end(self) -> None:
        """The time is up."""
        self.over = True
        if self._socket is not None:
            with suppress(OSError):  # it ended just before
                self._socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def _deadline(seconds: float) -> Iterator[_Watch]:
    watch = _Watch()
    timer = Timer(seconds, watch.end)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()


@contextmanager
def _told_plainly(address: str, watch: _Watch) -> Iterator[None]:
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        slow = watch.over or isinstance(error, httpx2.TimeoutException)
        raise NotFetched("too-slow" if slow else "unreachable", address) from error


def _place_of(address: str, networks: Networks) -> Place:
    """The one place that is asked for this address."""
    try:
        parts = urlsplit(address)
        port = parts.port or 443
    except ValueError:
        raise NotFetched("not-an-address", address) from None
    if parts.username or parts.password or not parts.hostname:
        raise NotFetched("not-an-address", address)
    places = _places(address, parts.hostname, port)
    allowed = [any(place in network for network in networks) for place in places]
    here = all(allowed) and all(place.is_loopback for place in places)
    if parts.scheme != "https" and not (here and parts.scheme == "http"):
        raise NotFetched("not-https", address)
    if not all(named or _is_public(place) for named, place in zip(allowed, places, strict=True)):
        raise NotFetched("not-public", address)
    return places[0]


def _places(address: str, host: str, port: int) -> list[Place]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotFetched("unknown-host", address) from None
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def _is_public(place: Place) -> bool:
    """Whether an address is one of the open internet, also behind what stands for another one."""
    if not place.is_global or place.is_multicast or place.is_reserved:
        return False  # reserved are, among others, NAT64's and those that only carry an IPv4 one
    if isinstance(place, ipaddress.IPv4Address):
        return True
    return not place.is_site_local and (place.sixtofour is None or _is_public(place.sixtofour))


def _pinned(address: str, place: Place) -> tuple[str, str]:
    """The `Host` of an address, and the same address with the place itself for its name."""
    parts = urlsplit(address)
    name = f"[{place}]" if place.version == 6 else str(place)
    netloc = name if parts.port is None else f"{name}:{parts.port}"
    return parts.netloc, urlunsplit(parts._replace(netloc=netloc))
