"""Proofs that whoever shows a token has the key it is bound to (DPoP, RFC 9449)."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import SplitResult, unquote, urlsplit

from registry.accounts.jwts import LEEWAY, BadJwt, public_key, read_jwt, verify

ALGORITHMS = ("ES256", "Ed25519")
"""Those whose keys are short enough to travel with every request."""
YOUNG = timedelta(seconds=60)
"""How old a proof may be."""
_HEADER = frozenset({"alg", "typ", "jwk"})


@dataclass(frozen=True)
class Proof:
    """A proof that holds for this request, and was not yet looked up among those shown before."""

    jkt: str
    """Thumbprint of the key (RFC 7638), to which a token is bound."""
    jti: str
    until: datetime


def check_proof(
    text: str, *, method: str, address: str, at: datetime, token: str | None = None
) -> Proof:
    """What a `DPoP` header proves (section 4.3).

    :param address: what was called, without its query.
    :param token: the access token that it came with; `None` where one is being asked for.
    :raises BadJwt: it proves nothing here.
    """
    proof = read_jwt(text, {"dpop+jwt"}, _HEADER)
    key = public_key(proof.header.get("jwk"))
    if key is None or proof.alg not in ALGORITHMS:
        raise BadJwt("key", "De sleutel deugt niet.", "Its key cannot be used.")
    verify(proof, [key])
    if proof.claims.get("htm") != method:
        raise BadJwt("method", "Het is voor een andere methode.", "It is for another method.")
    if _place(proof.claims.get("htu")) != _place(address):
        raise BadJwt("address", "Het is voor een ander adres.", "It is for another address.")
    made = proof.moment("iat")
    if made is None or not made - LEEWAY <= at < made + YOUNG:
        raise BadJwt(
            "time",
            f"Het is niet van nu; hier is het {at:%H:%M:%S} UTC.",
            f"It is not of now; here it is {at:%H:%M:%S} UTC.",
        )
    if token is not None and not _is_of(proof.claims.get("ath"), token):
        raise BadJwt("token", "Het is voor een ander token.", "It is for another token.")
    return Proof(key.thumbprint(), proof.name("jti"), made + YOUNG + LEEWAY)


def _place(address: object) -> tuple[str, str, str] | None:
    """What of an address is compared: scheme, host and path, each in one spelling."""
    if not isinstance(address, str):
        return None
    try:
        parts: SplitResult = urlsplit(address)
    except ValueError:
        return None
    return parts.scheme.lower(), parts.netloc.lower(), unquote(parts.path) or "/"


def _is_of(shown: object, token: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=")
    return isinstance(shown, str) and hmac.compare_digest(shown.encode(), digest)
