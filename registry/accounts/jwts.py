"""JSON Web Tokens that others signed, read as strictly as they are written (RFC 7515, 7519, 8725).

joserfc checks a signature. All that it leaves to its caller stands here, once: the length, one
spelling of every byte, no member twice, a list of algorithms of our own, no header that brings or
points at a key, the type, and the times. Whose token it is, and for whom, each user of this module
says for itself.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from registry.errors import Text

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "Ed25519")
"""What we take, whatever a token or its issuer's metadata says; RFC 9068 asks for RS256."""
LONGEST = 8192
LEEWAY = timedelta(seconds=30)
"""How far another's clock may differ from ours."""
HEADER = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})
"""Members a header may have; no other is understood, so none is ignored either."""
_FITS: Mapping[str, tuple[type[Key], str | None]] = {
    "RS256": (RSAKey, None),
    "PS256": (RSAKey, None),
    "ES256": (ECKey, "P-256"),
    "ES384": (ECKey, "P-384"),
    "Ed25519": (OKPKey, "Ed25519"),
}
_KINDS: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_RSA_BITS = 2048
_MOST_KEYS = 50
_LAST_MOMENT = 253_402_300_799  # 9999-12-31T23:59:59Z
_NAME = re.compile(r"[\x21-\x7e]{1,255}")


class BadJwt(Exception):
    """A token that is refused: `code` for programs, a sentence for people."""

    def __init__(self, code: str, nl: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code, self.text = code, Text(nl, en)


@dataclass(frozen=True)
class Jwt:
    """A token that was taken apart; nothing in it is true before :func:`verify` says so."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def alg(self) -> str:
        """The algorithm it names, one of ours."""
        return str(self.header["alg"])

    @property
    def kid(self) -> str | None:
        """The id of the key that it names, if it does."""
        return self.header.get("kid")

    def name(self, claim: str) -> str:
        """A claim that must be there and be a name: 1 to 255 printable signs without a space."""
        value = self.claims.get(claim)
        if isinstance(value, str) and _NAME.fullmatch(value):
            return value
        raise BadJwt(
            "claims", f"De claim `{claim}` ontbreekt of is geen naam.", f"`{claim}` is no name."
        )

    def moment(self, claim: str) -> datetime | None:
        """A claim that is a time (RFC 7519 section 2), if it is there."""
        if claim not in self.claims:
            return None
        value = self.claims[claim]
        if type(value) in {int, float} and 0 <= value <= _LAST_MOMENT:
            return datetime.fromtimestamp(value, UTC)
        raise BadJwt("claims", f"De claim `{claim}` is geen tijd.", f"`{claim}` is no time.")


def read_jwt(text: str, types: Collection[str], header: frozenset[str] = HEADER) -> Jwt:
    """Take a compact token apart, or refuse it.

    :param types: what its `typ` may be, in lower case and without `application/`.
    :param header: the members that its header may have.
    """
    if len(text) > LONGEST:
        raise _malformed()
    segments = text.split(".")
    if len(segments) != 3:
        raise _malformed()
    told, claims, _signature = (_decoded(segment) for segment in segments)
    found = Jwt(text, _object(told), _object(claims))
    _check_header(found.header, types, header)
    return found


def verify(token: Jwt, keys: Iterable[Key]) -> Key:
    """Hold a token to the one key it was signed with; `BadJwt` where no key of these fits."""
    fitting = [key for key in keys if _fits(key, token.alg)]
    if token.kid is not None:
        fitting = [key for key in fitting if key.kid == token.kid]
    if len(fitting) != 1:
        raise BadJwt("key", "De sleutel van dit token is onbekend.", "Its key is not known.")
    try:
        jws.deserialize_compact(token.text, fitting[0], algorithms=ALGORITHMS)
    except (JoseError, ValueError):
        raise BadJwt(
            "signature", "De handtekening klopt niet.", "The signature does not match."
        ) from None
    return fitting[0]


def check_times(token: Jwt, at: datetime, longest: timedelta) -> datetime:
    """Until when it holds; `exp` and `iat` are required, and a life is at most `longest`."""
    ends, begun, before = (token.moment(name) for name in ("exp", "iat", "nbf"))
    if ends is None or begun is None:
        raise BadJwt("claims", "`exp` of `iat` ontbreekt.", "`exp` or `iat` is missing.")
    if at >= ends + LEEWAY:
        raise _untimely("expired", "gold tot", "held until", ends, at)
    if max(begun, before or begun) > at + LEEWAY:
        raise _untimely("early", "geldt pas vanaf", "holds from", max(begun, before or begun), at)
    if ends - begun > longest:
        raise BadJwt("claims", "Het leeft te lang.", "It lives longer than is taken.")
    return ends


def import_keys(told: object) -> tuple[Key, ...]:
    """The public signing keys of a JWK set (RFC 7517 section 5); others are passed over.

    :raises BadJwt: this is no JWK set.
    """
    keys = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
        raise BadJwt("keys", "Dit is geen JWK-set.", "This is no JWK set.")
    found = (public_key(one) for one in keys)
    return tuple(key for key in found if key is not None)


def public_key(told: object) -> Key | None:
    """A public key for signatures that we take, from its JWK; `None` where it is none."""
    if not isinstance(told, dict) or told.get("use", "sig") != "sig" or _is_short(told):
        return None
    try:
        key = _KINDS[told["kty"]].import_key(told)
        strong = _is_strong(key)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return key if strong and not key.is_private else None


def _is_short(told: Mapping[str, Any]) -> bool:
    """Whether it is an RSA key that joserfc would warn of."""
    return told.get("kty") == "RSA" and len(str(told.get("n", ""))) * 6 < _RSA_BITS


def _is_strong(key: Key) -> bool:
    if isinstance(key, RSAKey):
        return int(key.raw_value.key_size) >= _RSA_BITS
    return any(_fits(key, alg) for alg in ALGORITHMS)


def _fits(key: Key, alg: str) -> bool:
    kind, curve = _FITS[alg]
    if not isinstance(key, kind) or key.alg not in (None, alg):
        return False
    return curve is None or getattr(key, "curve_name", None) == curve


def _check_header(told: Mapping[str, Any], types: Collection[str], members: frozenset[str]) -> None:
    if told.get("alg") not in ALGORITHMS:
        raise BadJwt("algorithm", "Dit algoritme nemen we niet aan.", "Its algorithm is not taken.")
    if not told.keys() <= members:
        raise BadJwt("header", "De kop heeft vreemde velden.", "Its header has foreign members.")
    if not all(isinstance(value, str) for name, value in told.items() if name != "jwk"):
        raise _malformed()
    if str(told.get("typ", "")).lower().removeprefix("application/") not in types:
        raise BadJwt("type", "Het is niet van deze soort.", "It is not of this type.")


def _decoded(segment: str) -> bytes:
    """The bytes of a segment in the one spelling that base64url has without padding."""
    try:
        content = base64.b64decode(segment + "=" * (-len(segment) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _malformed() from None
    if not content or base64.urlsafe_b64encode(content).rstrip(b"=").decode() != segment:
        raise _malformed()
    return content


def _object(content: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8, no member of which stands there twice."""
    try:
        found = json.loads(
            content.decode(),
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_float=_finite,
        )
        json.dumps(found, ensure_ascii=False).encode()  # no half characters
    except (ValueError, RecursionError):
        raise _malformed() from None
    if not isinstance(found, dict):
        raise _malformed()
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands there twice")
    return found


def _no_number(_text: str) -> float:
    raise ValueError("not a number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("too large a number")
    return value


def _malformed() -> BadJwt:
    return BadJwt("malformed", "Dit is geen leesbaar token.", "This is no token that can be read.")


def _untimely(code: str, nl: str, en: str, stated: datetime, at: datetime) -> BadJwt:
    then, now = stated.strftime("%H:%M:%S"), at.strftime("%H:%M:%S")
    return BadJwt(
        code,
        f"Het {nl} {then} UTC en het is hier nu {now} UTC.",
        f"It {en} {then} UTC, and here it is {now} UTC now.",
    )
