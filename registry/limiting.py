"""Rate limits per client and per network, counted once for all processes on a machine.

What was taken stands in a file of fixed size that each process maps into its memory, so that a
request costs a hash and a few numbers, and no process, server or database has to be asked. For each
counted party the file holds the moment at which everything it took is made up for (the generic cell
rate algorithm): who takes more than a limit's pace gets ahead of now, by at most a limit's window.

Two processes that count the same party at the very same moment may count one for two; numbers of
eight bytes are written whole. Of too many parties at once, those are forgotten that took least.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from mmap import mmap
from pathlib import Path
from time import monotonic_ns

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from registry.addresses import is_loopback
from registry.errors import Text, TooManyRequests

SETS = 8192
WAYS = 8
"""Parties that may stand in one set; sets are chosen by hash."""
MINUTE = 60
_SALT_WORDS = 2
_SECOND = 10**9

_SIGNING_IN = (
    "/oauth/",
    "/sign-in",
    "/sign-up",
    "/v1/sessions",
    "/v1/sign-in-links",
    "/v1/organisations",
)
"""A POST below these paths costs a mail, a row, or a try at a secret."""


@dataclass(frozen=True)
class Limit:
    """So many requests in so many seconds, all at once or spread.

    :param name: what the answer calls it.
    """

    name: str
    count: int
    seconds: int = MINUTE

    @property
    def step(self) -> int:
        """Nanoseconds that make up for one request."""
        return self.seconds * _SECOND // self.count


class Rates:
    """What each party took lately, in a file that processes share."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            size = 8 * (_SALT_WORDS + SETS * WAYS * 2)
            os.ftruncate(descriptor, size)
            self._words = memoryview(mmap(descriptor, size)).cast("Q")
        finally:
            os.close(descriptor)
        for at in range(_SALT_WORDS):  # so that nobody can choose whom they stand beside
            self._words[at] = self._words[at] or int.from_bytes(os.urandom(8))
        self._salt = bytes(self._words[:_SALT_WORDS])

    def take(self, limit: Limit, party: bytes, now: int) -> int:
        """Take one request; nanoseconds to wait where that is too much, else 0.

        :param now: nanoseconds of the clock that all processes of a machine have in common.
        """
        place = self._place(limit.name.encode() + b"\0" + party)
        due, window = self._words[place], limit.seconds * _SECOND
        if not now < due <= now + window:  # long ago, or counted before the machine restarted
            due = now
        wait = due + limit.step - now - window
        if wait > 0:
            return wait
        self._words[place] = due + limit.step
        return 0

    def _place(self, name: bytes) -> int:
        """Where the moment of a party stands; its own place, or the one that took least."""
        words, digest = self._words, blake2b(name, digest_size=16, salt=self._salt).digest()
        mark = int.from_bytes(digest[8:]) or 1
        first = _SALT_WORDS + int.from_bytes(digest[:8]) % SETS * WAYS * 2
        places = range(first, first + WAYS * 2, 2)
        for place in places:
            if words[place] == mark:
                return place + 1
        least = min(places, key=lambda place: words[place + 1])
        words[least], words[least + 1] = mark, 0
        return least + 1


@lru_cache(4096)
def network_of(host: str) -> bytes | None:
    """The party that an address belongs to; `None` for this machine, which no limit holds.

    Who has one IPv6 address commonly has 2⁶⁴ of them.
    """
    if is_loopback(host):
        return None
    try:
        address = ip_address(host)
    except ValueError:
        return host.encode()
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return address.packed[:8]
    return address.packed


@dataclass(frozen=True)
class Limits:
    """The limits that are set; `None` where there is none."""

    client: Limit | None
    network: Limit | None
    signing_in: Limit | None

    @classmethod
    def per_minute(cls, *, client: int, network: int, signing_in: int) -> "Limits":
        """Limits by number; 0 is none."""
        return cls(
            Limit("client", client) if client else None,
            Limit("network", network) if network else None,
            Limit("signing-in", signing_in) if signing_in else None,
        )

    def of(self, scope: Scope) -> list[tuple[Limit, bytes]]:
        """What a request counts for, with the party; the strictest first."""
        network = network_of(scope["client"][0]) if scope["client"] else b""
        if network is None:
            return []
        found: list[tuple[Limit | None, bytes]] = [(self.network, network)]
        if scope["method"] == "POST" and scope["path"].startswith(_SIGNING_IN):
            found.insert(0, (self.signing_in, network))
        shown = _shown(scope, network)
        if shown:
            found.insert(0, (self.client, shown))
        return [(limit, party) for limit, party in found if limit is not None]


def _shown(scope: Scope, network: bytes) -> bytes | None:
    """What a request shows of its sender: a token wherever it is from, or a browser's cookies."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return bytes(value)
        if name == b"cookie":
            return network + b" " + bytes(value)
    return None


class RateLimits:
    """Refuses requests beyond the limits, before anything is done for them.

    :param answer: makes the answer to a refusal.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        answer: Callable[[Request, Exception], Awaitable[Response]],
    ) -> None:
        self._app, self._limits, self._answer = app, limits, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http":
            for limit, party in self._limits.of(scope):
                wait = scope["app"].state.runtime.rates.take(limit, party, monotonic_ns())
                if wait:
                    response = await self._answer(Request(scope, receive), _refusal(limit, wait))
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _refusal(limit: Limit, wait: int) -> TooManyRequests:
    """The refusal, with headers of draft-ietf-httpapi-ratelimit-headers-10 for programs."""
    seconds = -(-wait // _SECOND)
    return TooManyRequests(
        "too-many-requests",
        Text(
            f"Dit zijn meer dan {limit.count} verzoeken in {limit.seconds} seconden.",
            f"these are more than {limit.count} requests in {limit.seconds} seconds",
        ),
        Text(
            f"Wacht {seconds} seconden en ga dan rustiger verder.",
            f"wait {seconds} seconds, then go on at a slower pace",
        ),
        headers={
            "retry-after": str(seconds),
            "ratelimit-policy": f'"{limit.name}";q={limit.count};w={limit.seconds}',
            "ratelimit": f'"{limit.name}";r=0;t={seconds}',
        },
    )
