"""Telling another service something over HTTPS, signed as the Standard Webhooks specification says.

https://github.com/standard-webhooks/standard-webhooks, version 1.0.0: `webhook-id`, a timestamp in
seconds, and HMAC-SHA256 over ``id.timestamp.body``, so that the receiver can tell who spoke, when,
and whether it heard it before.
"""

import base64
import hmac
import ipaddress
import socket
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import httpx2

Place = ipaddress.IPv4Address | ipaddress.IPv6Address
SECRET_BYTES = 32
_SECONDS = 10.0


def secret_text(secret: bytes) -> str:
    """The secret as receivers are given it (`whsec_…`)."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def headers(secret: bytes, message: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message of that id."""
    stamp = str(int(at.timestamp()))
    signed = b".".join((message.encode(), stamp.encode(), body))
    signature = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }


def problem_of(address: str, *, loopback: bool) -> str | None:
    """Why we would not post to an address; `None` for one that we would.

    Only HTTPS to the open internet: a recipient must not make us knock on doors inside our own
    network. `loopback` allows plain HTTP on this machine, where the service itself is on it.
    """
    try:
        _place_of(address, loopback=loopback)
    except _WrongAddress as wrong:
        return str(wrong)
    return None


class _WrongAddress(Exception):
    """An address that we do not post to; its text is the problem's code."""


def _place_of(address: str, *, loopback: bool) -> Place:
    """The one place that a message to this address would go to."""
    try:
        parts = urlsplit(address)
        port = parts.port or 443
    except ValueError:
        raise _WrongAddress("not-an-address") from None
    if parts.username or parts.password or not parts.hostname:
        raise _WrongAddress("not-an-address")
    places = _places(parts.hostname, port)
    local = loopback and all(place.is_loopback for place in places)
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise _WrongAddress("not-https")
    if not local and not all(map(_is_public, places)):
        raise _WrongAddress("not-public")
    return places[0]


def _places(host: str, port: int) -> list[Place]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise _WrongAddress("unknown-host") from None
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def _is_public(place: Place) -> bool:
    """Whether an address is one of the open internet, also behind what stands for another one."""
    if not place.is_global or place.is_multicast or place.is_reserved:
        return False  # reserved are, among others, NAT64's and those that only carry an IPv4 one
    if isinstance(place, ipaddress.IPv4Address):
        return True
    return not place.is_site_local and (place.sixtofour is None or _is_public(place.sixtofour))


def post(
    address: str, body: bytes, sent: Mapping[str, str], *, loopback: bool
) -> tuple[int | None, str]:
    """The receiver's status, and in a word why it did not take the message; redirects are not kept.

    The status is `None` where no answer came. The name is looked up once: what was judged is what
    we connect to, whatever its owner answers a moment later.
    """
    try:
        place = _place_of(address, loopback=loopback)
    except _WrongAddress as wrong:
        return None, str(wrong)
    host, pinned = _pinned(address, place)
    try:
        with httpx2.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client:
            told = {"content-type": "application/json", "user-agent": "vrijgave", **sent}
            answer = client.post(
                pinned,
                content=body,
                headers={**told, "host": host},
                extensions={"sni_hostname": urlsplit(address).hostname},
            )
    except httpx2.HTTPError:
        return None, "unreachable"
    taken = 200 <= answer.status_code < 300
    return answer.status_code, "" if taken else f"status-{answer.status_code}"


def _pinned(address: str, place: Place) -> tuple[str, str]:
    """The `Host` of an address, and the same address with the place itself for its name."""
    parts = urlsplit(address)
    name = f"[{place}]" if place.version == 6 else str(place)
    netloc = name if parts.port is None else f"{name}:{parts.port}"
    return parts.netloc, urlunsplit(parts._replace(netloc=netloc))
