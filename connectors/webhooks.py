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
from urllib.parse import urlsplit

import httpx2

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
        parts = urlsplit(address)
        port = parts.port or 443
    except ValueError:
        return "not-an-address"
    host = parts.hostname or ""
    if parts.username or parts.password or not host:
        return "not-an-address"
    try:
        found = {one[4][0] for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        return "unknown-host"
    places = [ipaddress.ip_address(str(one).partition("%")[0]) for one in found]
    if loopback and all(place.is_loopback for place in places):
        return None if parts.scheme in {"http", "https"} else "not-https"
    if parts.scheme != "https":
        return "not-https"
    return None if all(place.is_global for place in places) else "not-public"


def post(
    address: str, body: bytes, sent: Mapping[str, str], *, loopback: bool
) -> tuple[int | None, str]:
    """The receiver's status, and in a word why it did not take the message; redirects are not kept.

    The status is `None` where no answer came.
    """
    wrong = problem_of(address, loopback=loopback)
    if wrong is not None:
        return None, wrong
    try:
        with httpx2.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client:
            told = {"content-type": "application/json", "user-agent": "vrijgave", **sent}
            answer = client.post(address, content=body, headers=told)
    except httpx2.HTTPError:
        return None, "unreachable"
    taken = 200 <= answer.status_code < 300
    return answer.status_code, "" if taken else f"status-{answer.status_code}"
