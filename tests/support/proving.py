"""What a machine signs itself: DPoP proofs (RFC 9449) and assertions (RFC 7523)."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import ECKey, Key

from tests.support.issuer import Claims, signed


def new_key(kid: str = "mine") -> ECKey:
    """A key of a machine's own."""
    return ECKey.generate_key("P-256", {"kid": kid})


def thumbprint_of(token: str) -> str:
    """The `ath` of a token."""
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def without_nothing(told: Claims) -> Claims:
    """Those that are not `None`, which stands for a member that is left out."""
    return {name: value for name, value in told.items() if value is not None}


def proof(
    key: Key,
    method: str,
    address: str,
    token: str | None = None,
    header: Mapping[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A proof of now for a request; `header` and `claims` change or leave out (`None`) members."""
    public = {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
    told = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public} | dict(header or {})
    made = {
        "htm": method,
        "htu": address,
        "iat": int(time.time()),
        "jti": secrets.token_hex(16),
        "ath": thumbprint_of(token) if token else None,
    }
    return signed(without_nothing(told), without_nothing(made | claims), key, "ES256")


def assertion(
    key: Key, client: str, audience: object, header: Claims | None = None, **claims: Any
) -> str:
    """An assertion that a client signs, good for a minute."""
    now = int(time.time())
    told = {"typ": "JWT", "alg": "ES256", "kid": key.kid} | (header or {})
    made = {
        "iss": client,
        "sub": client,
        "aud": audience,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_hex(16),
    }
    return signed(without_nothing(told), without_nothing(made | claims), key, "ES256")
