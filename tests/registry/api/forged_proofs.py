"""DPoP proofs and client assertions that are forged, one name each."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey

from tests.support.proving import assertion, new_key, proof


@dataclass(frozen=True)
class Shown:
    """A bound token and the key it is bound to."""

    token: str
    key: ECKey
    origin: str

    @property
    def address(self) -> str:
        """What is called with it."""
        return f"{self.origin}/v1/me"

    def proof(self, **changed: Any) -> str:
        """A good proof but for these claims; `None` leaves one out."""
        return proof(self.key, "GET", self.address, self.token, **changed)

    def with_header(self, **changed: object) -> str:
        """A good proof but for these members of its header."""
        return proof(self.key, "GET", self.address, self.token, header=dict(changed))


def _now(seconds: int) -> int:
    return int(time.time()) + seconds


PROOFS: dict[str, tuple[Callable[[Shown], tuple[str, ...]], str]] = {
    "none": (lambda _s: (), "proof-missing"),
    "two of them": (lambda s: (s.proof(), s.proof()), "proof-missing"),
    "no token at all": (lambda _s: ("x",), "proof-malformed"),
    "for another method": (lambda s: (s.proof(htm="POST"),), "proof-method"),
    "method in small letters": (lambda s: (s.proof(htm="get"),), "proof-method"),
    "method left out": (lambda s: (s.proof(htm=None),), "proof-method"),
    "for another path": (lambda s: (s.proof(htu=f"{s.origin}/v1/tokens"),), "proof-address"),
    "for another host": (lambda s: (s.proof(htu="https://x.example/v1/me"),), "proof-address"),
    "for another scheme": (
        lambda s: (s.proof(htu=s.address.replace("http:", "https:")),),
        "proof-address",
    ),
    "address left out": (lambda s: (s.proof(htu=None),), "proof-address"),
    "address that is none": (lambda s: (s.proof(htu="http://["),), "proof-address"),
    "address as a list": (lambda s: (s.proof(htu=[s.address]),), "proof-address"),
    "for no token": (lambda s: (s.proof(ath=None),), "proof-token"),
    "for another token": (lambda s: (s.proof(ath="x" * 43),), "proof-token"),
    "for a token that is no text": (lambda s: (s.proof(ath=1),), "proof-token"),
    "five minutes old": (lambda s: (s.proof(iat=_now(-300)),), "proof-time"),
    "of five minutes ahead": (lambda s: (s.proof(iat=_now(300)),), "proof-time"),
    "of no time": (lambda s: (s.proof(iat=None),), "proof-time"),
    "of a time as a text": (lambda s: (s.proof(iat=str(_now(0))),), "proof-claims"),
    "without a number": (lambda s: (s.proof(jti=None),), "proof-claims"),
    "of another type": (lambda s: (s.with_header(typ="JWT"),), "proof-type"),
    "of an access token's type": (lambda s: (s.with_header(typ="at+jwt"),), "proof-type"),
    "without its key": (lambda s: (s.with_header(jwk=None),), "proof-key"),
    "with its private key": (
        lambda s: (s.with_header(jwk=dict(s.key.as_dict(private=True))),),
        "proof-key",
    ),
    "with another key": (
        lambda s: (s.with_header(jwk=dict(new_key().as_dict(private=False))),),
        "proof-signature",
    ),
    "with a key id": (lambda s: (s.with_header(kid="mine"),), "proof-header"),
    "with a critical header": (lambda s: (s.with_header(crit=["jwk"]),), "proof-header"),
    "bytes changed": (lambda s: (s.proof()[:-3] + "AAA",), "proof-malformed proof-signature"),
    "by another key": (
        lambda s: (proof(new_key(), "GET", s.address, s.token),),
        "token-unproven",
    ),
}

ASSERTIONS: dict[str, Callable[[ECKey, str, str], str]] = {
    "no token at all": lambda _k, _c, _o: "x",
    "empty": lambda _k, _c, _o: "",
    "by another key": lambda _k, c, o: assertion(new_key(), c, o),
    "for another client": lambda k, _c, o: assertion(k, "client_other", o),
    "issuer is not the client": lambda k, c, o: assertion(k, c, o, iss="client_other"),
    "subject left out": lambda k, c, o: assertion(k, c, o, sub=None),
    "for another server": lambda k, c, _o: assertion(k, c, "https://x.example"),
    "for another server too": lambda k, c, o: assertion(k, c, [o, "https://x.example"]),
    "for nobody": lambda k, c, _o: assertion(k, c, None),
    "for another path of ours": lambda k, c, o: assertion(k, c, f"{o}/v1/me"),
    "expired": lambda k, c, o: assertion(k, c, o, iat=_now(-400), exp=_now(-300)),
    "of five minutes ahead": lambda k, c, o: assertion(k, c, o, iat=_now(300), exp=_now(360)),
    "without an end": lambda k, c, o: assertion(k, c, o, exp=None),
    "good for a day": lambda k, c, o: assertion(k, c, o, exp=_now(86_400)),
    "without a number": lambda k, c, o: assertion(k, c, o, jti=None),
    "of an access token's type": lambda k, c, o: assertion(k, c, o, {"typ": "at+jwt"}),
    "of a proof's type": lambda k, c, o: assertion(k, c, o, {"typ": "dpop+jwt"}),
    "unknown key id": lambda k, c, o: assertion(k, c, o, {"kid": "x"}),
    "key in the header": lambda k, c, o: assertion(
        k, c, o, {"jwk": dict(k.as_dict(private=False))}
    ),
}
