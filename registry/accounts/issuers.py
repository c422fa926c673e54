"""The public keys of the issuers that the operator trusts: fetched, kept and renewed.

An issuer's metadata (RFC 8414, else OpenID Connect Discovery) names where its keys are, and must
name the issuer itself, byte for byte. Keys are fetched anew every ten minutes, and for a key id
that we do not know, at most once in half a minute whoever asks. Where the issuer cannot be reached,
the keys that were fetched within the last hour go on; after that nothing of that issuer is
believed. An issuer that is down is never told to a caller as a wrong token.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from joserfc.jwk import Key

from connectors import fetching
from connectors.fetching import Answer, Networks
from registry.accounts.jwts import BadJwt, Jwt, import_keys, verify
from registry.addresses import is_secure
from registry.errors import Text, Unavailable

log = logging.getLogger("vrijgave")

FRESH = timedelta(minutes=10)
"""How long keys are used before they are fetched anew."""
USABLE = timedelta(hours=1)
"""How long keys are used while their issuer cannot be reached."""
PAUSE = timedelta(seconds=30)
"""At least this long between two fetches from one issuer."""
_SECONDS = 4.0
_PATIENCE = 0.5
_MOST_BYTES = 256 * 1024

Fetch = Callable[[str], bytes]
"""The body at an address, or `OSError`."""


class Unreachable(OSError):
    """What an issuer publishes could not be had, or is not what it must be."""


def fetch(networks: Networks, address: str) -> bytes:
    """The body of a 200 at an address, of bounded size and time.

    :param networks: closed networks in which issuers and their keys may be.
    """
    answer = ask(networks, address)
    if answer.status != 200:
        raise Unreachable(f"{address} answers {answer.status}")
    return answer.body


def ask(
    networks: Networks,
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Answer:
    """What an issuer answers, in bounded size and time; with content, that is posted.

    :raises NotFetched: there is no answer, or none that is taken.
    """
    return fetching.fetch(
        address,
        networks=networks,
        seconds=_SECONDS,
        most_bytes=_MOST_BYTES,
        headers={"accept": "application/json", **(headers or {})},
        content=content,
    )


def metadata_of(issuer: str, get: Fetch) -> dict[str, Any]:
    """What an issuer says of itself, where it names itself as we know it.

    :raises Unreachable: it cannot be had, or speaks for another issuer.
    """
    problem: OSError = Unreachable(f"{issuer} is no address of an issuer")
    for address in _metadata_addresses(issuer):
        try:
            found = _json(get(address))
        except OSError as error:
            problem = error
            continue
        if found.get("issuer") != issuer:
            raise Unreachable(f"{address} speaks for another issuer than {issuer}")
        return found
    raise problem


def _metadata_addresses(issuer: str) -> tuple[str, str]:
    """RFC 8414 section 3.1 puts the name before the path, OpenID Connect Discovery after it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    inside = f"/.well-known/oauth-authorization-server{path}"
    after = f"{path}/.well-known/openid-configuration"
    first, second = (urlunsplit((*parts[:2], there, "", "")) for there in (inside, after))
    return first, second


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreachable("what came is no JSON") from error
    if not isinstance(found, dict):
        raise Unreachable("what came is no JSON object")
    return found


@dataclass
class IssuerKeys:
    """One issuer's keys; threads share it, and one of them fetches at a time."""

    issuer: str
    get: Fetch
    _keys: tuple[Key, ...] = ()
    _metadata: Mapping[str, Any] = field(default_factory=dict)
    _fetched: datetime | None = None
    _tried: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, token: Jwt, at: datetime) -> None:
        """Hold a token's signature to the issuer's keys.

        :raises BadJwt: it was not signed with any of them.
        :raises Unavailable: the issuer cannot be reached, so that we cannot tell.
        """
        self._freshen(at)
        try:
            verify(token, self._usable(at))
        except BadJwt as wrong:
            if wrong.code != "key":
                raise
            self._renew(at, wait=True)
            if self._failed:
                raise self._down() from None
            verify(token, self._usable(at))

    def told(self, at: datetime) -> Mapping[str, Any]:
        """What the issuer says of itself.

        :raises Unavailable: it cannot be reached.
        """
        self._freshen(at)
        self._usable(at)
        return self._metadata

    def _freshen(self, at: datetime) -> None:
        if not self._is_fresh(at):
            self._renew(at, wait=not self._is_usable(at))

    def _is_fresh(self, at: datetime) -> bool:
        return self._fetched is not None and self._fetched <= at < self._fetched + FRESH

    @property
    def _failed(self) -> bool:
        """Whether the last fetch brought nothing."""
        return self._tried != self._fetched

    def _is_usable(self, at: datetime) -> bool:
        return self._fetched is not None and self._fetched <= at < self._fetched + USABLE

    def _usable(self, at: datetime) -> Sequence[Key]:
        if not self._is_usable(at):
            raise self._down()
        return self._keys

    def _renew(self, at: datetime, *, wait: bool) -> None:
        """Fetch the keys, unless that was tried a moment ago.

        :param wait: whether to wait for another thread that is at it; for a while, since an issuer
            that hangs must not take all threads with it.
        """
        if not self._lock.acquire(timeout=_PATIENCE if wait else 0):
            return
        try:
            if self._tried is None or not self._tried <= at < self._tried + PAUSE:
                self._tried = at
                self._metadata, self._keys = self._published()
                self._fetched = at
        except (OSError, BadJwt) as problem:
            log.warning("the keys of %s cannot be fetched: %s", self.issuer, problem)
        finally:
            self._lock.release()

    def _published(self) -> tuple[Mapping[str, Any], tuple[Key, ...]]:
        told = metadata_of(self.issuer, self.get)
        address = told.get("jwks_uri")
        if not isinstance(address, str) or not is_secure(address):
            raise Unreachable(f"{self.issuer} names no secure address of its keys")
        return told, import_keys(_json(self.get(address)))

    def _down(self) -> Unavailable:
        return Unavailable(
            "issuer-unreachable",
            Text(
                f"De sleutels van {self.issuer} zijn nu niet op te halen.",
                f"The keys of {self.issuer} cannot be fetched now.",
            ),
            Text(
                "Dit zegt niets over uw token; probeer het zo opnieuw.",
                "This says nothing about your token; try again in a moment.",
            ),
            headers={"retry-after": str(int(PAUSE.total_seconds()))},
        )


class Issuers:
    """The issuers that are trusted, by name."""

    def __init__(self, names: Iterable[str], get: Fetch) -> None:
        self._by_name = {name: IssuerKeys(name, get) for name in names}

    def find(self, name: object) -> IssuerKeys:
        """A trusted issuer.

        :raises BadJwt: it is not one of them.
        """
        found = self._by_name.get(name) if isinstance(name, str) else None
        if found is None:
            raise BadJwt(
                "issuer", "Deze uitgever vertrouwen we niet.", "Its issuer is not trusted here."
            )
        return found
