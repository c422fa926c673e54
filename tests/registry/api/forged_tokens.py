"""Access tokens that are forged, one name each, with the code they are refused with.

Each is made from a genuine token of an issuer, with the issuer's own key wherever a forger could
come by a token so signed, so that the one thing that is wrong is what the name says.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey, Key, RSAKey
from joserfc.jws import JWSRegistry

from tests.support.issuer import Claims, signed

ATTACKER = RSAKey.generate_key(2048, {"kid": "first"})
CURVE = ECKey.generate_key("P-256", {"kid": "first"})
MINUTES = 60


@dataclass(frozen=True)
class Mint:
    """A genuine token taken apart, and the key it was signed with.

    :param origin: the service that the token is for.
    :param other: the key of another issuer that is trusted too.
    """

    genuine: str
    key: Key
    origin: str
    other: Key

    @property
    def parts(self) -> list[str]:
        """The three segments."""
        return self.genuine.split(".")

    @property
    def claims(self) -> Claims:
        """What it says."""
        told: Claims = json.loads(base64.urlsafe_b64decode(self.parts[1] + "=="))
        return told

    @property
    def header(self) -> Claims:
        """What its header says."""
        told: Claims = json.loads(base64.urlsafe_b64decode(self.parts[0] + "=="))
        return told

    def with_claims(self, **changed: Any) -> str:
        """Signed by the issuer with other claims; `None` leaves one out."""
        told = {name: value for name, value in (self.claims | changed).items() if value is not None}
        return signed(self.header, told, self.key)

    def with_header(self, key: Key | None = None, **changed: Any) -> str:
        """With another header, the signature made over it; `None` leaves a member out."""
        told = {name: value for name, value in (self.header | changed).items() if value is not None}
        return _sign(told, json.dumps(self.claims).encode(), key or self.key)

    def with_payload(self, payload: bytes) -> str:
        """The issuer's signature over bytes that are no such claims."""
        return _sign(self.header, payload, self.key)

    def with_segment(self, number: int, text: str) -> str:
        """One segment replaced, the others as they were."""
        parts = self.parts
        parts[number] = text
        return ".".join(parts)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _sign(header: Claims | bytes, payload: bytes, key: Key) -> str:
    """A signature over any header at all, which joserfc would not write."""
    text = _signed_text(header, payload)
    algorithm = JWSRegistry.algorithms["RS256" if isinstance(key, RSAKey) else "ES256"]
    return f"{text}.{_encoded(algorithm.sign(text.encode(), key))}"


def _hmac(mint: Mint, secret: bytes) -> str:
    text = _signed_text({**mint.header, "alg": "HS256"}, _payload(mint))
    return f"{text}.{_encoded(hmac.digest(secret, text.encode(), 'sha256'))}"


def _signed_text(header: Claims | bytes, payload: bytes) -> str:
    told = header if isinstance(header, bytes) else json.dumps(header).encode()
    return f"{_encoded(told)}.{_encoded(payload)}"


def _public(mint: Mint) -> bytes:
    assert isinstance(mint.key, RSAKey)
    return mint.key.as_pem(private=False)


def _twice(text: bytes, member: str) -> bytes:
    """The same JSON object with a member that stands there twice, equal both times."""
    told = json.loads(text)
    return b"{" + json.dumps({member: told[member]})[1:-1].encode() + b"," + text[1:]


def _nudged(text: str) -> str:
    """The same bytes in another spelling: the bits that no byte needs, set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) | 1]


def _shortened(text: str) -> str:
    return _encoded(base64.urlsafe_b64decode(text + "==")[:-3])


def _flipped(text: str) -> str:
    content = bytearray(base64.urlsafe_b64decode(text + "=="))
    content[7] ^= 1
    return _encoded(bytes(content))


def _now(minutes: float) -> int:
    return int(time.time() + minutes * MINUTES)


def _payload(mint: Mint) -> bytes:
    return json.dumps(mint.claims).encode()


Make = Callable[[Mint], str]
ALGORITHMS: dict[str, tuple[Make, str]] = {
    "no algorithm, no signature": (
        lambda m: ".".join((*m.with_header(alg="none").split(".")[:2], "")),
        "token-malformed",
    ),
    "no algorithm, signature kept": (lambda m: m.with_header(alg="none"), "token-algorithm"),
    "no algorithm in odd capitals": (lambda m: m.with_header(alg="nOnE"), "token-algorithm"),
    "algorithm left out": (lambda m: m.with_header(alg=None), "token-algorithm"),
    "public key as a secret": (lambda m: _hmac(m, _public(m)), "token-algorithm"),
    "public key with a space as a secret": (
        lambda m: _hmac(m, b" " + _public(m)),
        "token-algorithm",
    ),
    "modulus as a secret": (
        lambda m: _hmac(m, str(m.key.as_dict(private=False)["n"]).encode()),
        "token-algorithm",
    ),
    "algorithm that we do not list": (lambda m: m.with_header(alg="RS512"), "token-algorithm"),
    "algorithm in small letters": (lambda m: m.with_header(alg="rs256"), "token-algorithm"),
    "algorithm as a list": (lambda m: m.with_header(alg=["RS256"]), "token-algorithm"),
    "algorithm of another kind of key": (lambda m: m.with_header(alg="ES256"), "token-key"),
    "signed with a curve": (lambda m: m.with_header(CURVE, alg="ES256"), "token-key"),
}
KEYS: dict[str, tuple[Make, str]] = {
    "key in the header": (
        lambda m: m.with_header(ATTACKER, jwk=ATTACKER.as_dict(private=False)),
        "token-header",
    ),
    "address of keys in the header": (
        lambda m: m.with_header(ATTACKER, jku="https://evil.example/keys"),
        "token-header",
    ),
    "address of a certificate in the header": (
        lambda m: m.with_header(ATTACKER, x5u="https://evil.example/cert"),
        "token-header",
    ),
    "certificate in the header": (lambda m: m.with_header(ATTACKER, x5c=["x"]), "token-header"),
    "unknown critical header": (lambda m: m.with_header(crit=["x"], x=1), "token-header"),
    "known critical header": (lambda m: m.with_header(crit=["exp"], exp=1), "token-header"),
    "payload that is not encoded": (
        lambda m: m.with_header(b64=False, crit=["b64"]),
        "token-header",
    ),
    "compressed payload": (lambda m: m.with_header(zip="DEF"), "token-header"),
    "token within a token": (lambda m: m.with_header(cty="JWT"), "token-header"),
    "unknown key id": (lambda m: m.with_header(kid="second"), "token-key"),
    "key id that is a path": (lambda m: m.with_header(kid="../../dev/null"), "token-key"),
    "key id that is a query": (lambda m: m.with_header(kid="' OR 1=1 --"), "token-key"),
    "key id that is empty": (lambda m: m.with_header(kid=""), "token-key"),
    "key id that is a number": (lambda m: m.with_header(kid=1), "token-malformed"),
    "another key under the same id": (lambda m: m.with_header(ATTACKER), "token-signature"),
    "another key without an id": (lambda m: m.with_header(ATTACKER, kid=None), "token-signature"),
    "key of another trusted issuer": (lambda m: m.with_header(m.other), "token-signature"),
}
TYPES: dict[str, tuple[Make, str]] = {
    "type left out": (lambda m: m.with_header(typ=None), "token-type"),
    "plain type": (lambda m: m.with_header(typ="JWT"), "token-type"),
    "id token": (
        lambda m: signed(
            {**m.header, "typ": "JWT"},
            {**m.claims, "aud": m.claims["client_id"], "nonce": "x"},
            m.key,
        ),
        "token-type",
    ),
    "id token that says it is for us": (
        lambda m: signed({**m.header, "typ": "JWT"}, {**m.claims, "nonce": "x"}, m.key),
        "token-type",
    ),
    "refresh token": (lambda m: m.with_header(typ="rt+jwt"), "token-type"),
    "logout token": (lambda m: m.with_header(typ="logout+jwt"), "token-type"),
    "proof of possession": (lambda m: m.with_header(typ="dpop+jwt"), "token-type"),
    "type with more behind it": (lambda m: m.with_header(typ="at+jwt;x"), "token-type"),
    "type as a list": (lambda m: m.with_header(typ=["at+jwt"]), "token-malformed"),
    "opaque refresh token": (lambda _m: "RFx4kU0b1cQ3pZ5sT7vW9yA2dF4gH6jK8", "token-malformed"),
}
PARTIES: dict[str, tuple[Make, str]] = {
    "another issuer": (lambda m: m.with_claims(iss="https://evil.example"), "token-issuer"),
    "issuer with a slash": (lambda m: m.with_claims(iss=m.claims["iss"] + "/"), "token-issuer"),
    "issuer in capitals": (lambda m: m.with_claims(iss=m.claims["iss"].upper()), "token-issuer"),
    "issuer left out": (lambda m: m.with_claims(iss=None), "token-issuer"),
    "issuer as a list": (lambda m: m.with_claims(iss=[m.claims["iss"]]), "token-issuer"),
    "our own name as issuer": (lambda m: m.with_claims(iss=m.origin), "token-issuer"),
    "for another service": (lambda m: m.with_claims(aud="https://x.example"), "token-audience"),
    "for nobody": (lambda m: m.with_claims(aud=None), "token-audience"),
    "for an empty list": (lambda m: m.with_claims(aud=[]), "token-audience"),
    "for our name with more behind it": (
        lambda m: m.with_claims(aud=f"{m.origin}.evil.example"),
        "token-audience",
    ),
    "for our name with a slash": (lambda m: m.with_claims(aud=f"{m.origin}/"), "token-audience"),
    "for an object": (lambda m: m.with_claims(aud={m.origin: True}), "token-audience"),
    "for its own client": (lambda m: m.with_claims(aud=m.claims["client_id"]), "token-audience"),
    "of another subject": (lambda m: m.with_claims(sub="other"), "credential-unregistered"),
    "of another client": (lambda m: m.with_claims(client_id="x"), "credential-unregistered"),
    "subject left out": (lambda m: m.with_claims(sub=None), "token-claims"),
    "subject that is a number": (lambda m: m.with_claims(sub=1), "token-claims"),
    "subject with a zero byte": (lambda m: m.with_claims(sub="a\0b"), "token-claims"),
    "subject of 256 signs": (lambda m: m.with_claims(sub="x" * 256), "token-claims"),
    "client left out": (lambda m: m.with_claims(client_id=None), "token-claims"),
    "number of the token left out": (lambda m: m.with_claims(jti=None), "token-claims"),
    "scopes as a list": (lambda m: m.with_claims(scope=["extracts"]), "token-claims"),
    "bound in no way": (lambda m: m.with_claims(cnf={}), "token-binding"),
    "bound to a certificate": (
        lambda m: m.with_claims(cnf={"x5t#S256": "x" * 43}),
        "token-binding",
    ),
    "bound to what is no thumbprint": (lambda m: m.with_claims(cnf={"jkt": "x"}), "token-binding"),
    "bound to a key, shown without it": (
        lambda m: m.with_claims(cnf={"jkt": "x" * 43}),
        "token-unproven",
    ),
}
TIMES: dict[str, tuple[Make, str]] = {
    "expired an hour ago": (lambda m: m.with_claims(iat=_now(-65), exp=_now(-60)), "token-expired"),
    "from a clock five minutes behind": (
        lambda m: m.with_claims(iat=_now(-10), exp=_now(-5)),
        "token-expired",
    ),
    "from a clock five minutes ahead": (
        lambda m: m.with_claims(iat=_now(5), exp=_now(10)),
        "token-early",
    ),
    "not yet good": (lambda m: m.with_claims(nbf=_now(5)), "token-early"),
    "without an end": (lambda m: m.with_claims(exp=None), "token-claims"),
    "without a beginning": (lambda m: m.with_claims(iat=None), "token-claims"),
    "end as a text": (lambda m: m.with_claims(exp=str(_now(5))), "token-claims"),
    "end that is true": (lambda m: m.with_claims(exp=True), "token-claims"),
    "end before time": (lambda m: m.with_claims(exp=-1), "token-claims"),
    "end after time": (lambda m: m.with_claims(exp=10**300), "token-claims"),
    "good for ten years": (lambda m: m.with_claims(exp=_now(5_256_000)), "token-claims"),
    "beginning as a list": (lambda m: m.with_claims(nbf=[_now(-1)]), "token-claims"),
}
SPELLINGS: dict[str, tuple[Make, str]] = {
    "a claim twice": (
        lambda m: m.with_payload(_twice(_payload(m), "aud")),
        "token-malformed",
    ),
    "a header member twice": (
        lambda m: _sign(_twice(json.dumps(m.header).encode(), "alg"), _payload(m), m.key),
        "token-malformed",
    ),
    "padded": (lambda m: m.with_segment(2, m.parts[2] + "=="), "token-malformed"),
    "a space within": (lambda m: m.genuine.replace(".", ". ", 1), "token-malformed"),
    "other bits behind the signature": (
        lambda m: m.with_segment(2, _nudged(m.parts[2])),
        "token-malformed",
    ),
    "the other alphabet": (
        lambda m: m.with_segment(2, "+/" + m.parts[2][2:]),
        "token-malformed",
    ),
    "signature cut short": (lambda m: m.with_segment(2, _shortened(m.parts[2])), "token-signature"),
    "signature left out": (lambda m: m.with_segment(2, ""), "token-malformed"),
    "a bit of the signature changed": (
        lambda m: m.with_segment(2, _flipped(m.parts[2])),
        "token-signature",
    ),
    "claims changed under the signature": (
        lambda m: m.with_segment(1, m.with_claims(scope="operate").split(".")[1]),
        "token-signature",
    ),
    "two segments": (lambda m: ".".join(m.parts[:2]), "token-malformed"),
    "five segments": (lambda m: m.genuine + ".x.y", "token-malformed"),
    "claims as a list": (lambda m: m.with_payload(b"[]"), "token-malformed"),
    "claims in another encoding": (
        lambda m: m.with_payload(json.dumps(m.claims).encode("utf-16")),
        "token-malformed",
    ),
    "claims after a byte order mark": (
        lambda m: m.with_payload(b"\xef\xbb\xbf" + _payload(m)),
        "token-malformed",
    ),
    "half a character": (
        lambda m: m.with_payload(_payload(m)[:-1] + b',"x":"\\ud800"}'),
        "token-malformed",
    ),
    "no number at all": (
        lambda m: m.with_payload(_payload(m)[:-1] + b',"x":NaN}'),
        "token-malformed",
    ),
    "a number without end": (
        lambda m: m.with_payload(_payload(m)[:-1] + b',"x":1e999}'),
        "token-malformed",
    ),
    "nested without end": (
        lambda m: m.with_payload(_payload(m)[:-1] + b',"x":' + b"[" * 4000),
        "token-malformed",
    ),
    "signature in JSON": (
        lambda m: json.dumps({"payload": m.parts[1], "signature": m.parts[2]}),
        "token-malformed",
    ),
    "longer than is taken": (lambda m: m.with_claims(x="y" * 9000), "token-missing"),
}
FORGERIES: dict[str, tuple[Make, str]] = ALGORITHMS | KEYS | TYPES | PARTIES | TIMES | SPELLINGS
