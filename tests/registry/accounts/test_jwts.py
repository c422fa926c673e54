"""Any text at all shown as a token is refused as a token: never believed, never a fault of ours."""

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from registry.accounts.access_tokens import AccessTokens
from registry.accounts.dpop import check_proof
from registry.accounts.issuers import Issuers
from registry.accounts.jwts import LONGEST, BadJwt, Jwt, check_times, read_jwt, verify
from tests.support.issuer import signed

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ISSUER, SERVICE = "https://issuer.example", "https://vrijgave.example"
KEY = ECKey.generate_key("P-256", {"kid": "k"})
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": SERVICE,
    "sub": "machine",
    "client_id": "machine",
    "iat": AT.timestamp(),
    "exp": AT.timestamp() + 300,
    "jti": "1",
    "scope": "extracts",
}
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": "k"}
GENUINE = signed(HEADER, GOOD, KEY)
TRIES = int(os.environ.get("VRIJGAVE_TEST_TOKENS", "200"))
often = settings(max_examples=TRIES)


def published(address: str) -> bytes:
    """What the issuer publishes."""
    if address.endswith("/keys"):
        return json.dumps({"keys": [KEY.as_dict(private=False)]}).encode()
    return json.dumps({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}).encode()


TOKENS = AccessTokens(Issuers([ISSUER], published), SERVICE)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
HEADERS = ("alg", "typ", "kid", "crit", "jwk", "jku", "x5u", "x5c", "x5t", "b64", "zip", "cty")


def believed(text: str) -> bool:
    """Whether the whole check takes it; anything but a refusal fails the test."""
    try:
        TOKENS.check(text, AT)
    except BadJwt:
        return False
    return True


def test_the_genuine_one_is_believed() -> None:
    """Else no test here could fail."""
    assert believed(GENUINE)


@often
@given(st.text(max_size=300) | st.text("abcdefgh0123.-_=", max_size=300))
def test_any_text(text: str) -> None:
    """Text that nobody signed."""
    assert not believed(text)
    with pytest.raises(BadJwt):
        check_proof(text, method="GET", address=f"{SERVICE}/v1/me", at=AT, token=None)


@often
@given(st.lists(st.binary(max_size=80), min_size=3, max_size=3))
def test_any_bytes_in_three_segments(parts: list[bytes]) -> None:
    """Segments that decode to anything."""
    text = ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts)
    assert not believed(text)


@often
@given(
    st.integers(0, len(GENUINE) - 1),
    st.integers(1, 12),
    st.text("ABCyz019-_.=+/ \n\0é", max_size=4),
)
def test_one_place_of_a_genuine_token_changed(start: int, length: int, put: str) -> None:
    """Signs left out, put in or replaced: believed only where nothing changed."""
    changed = GENUINE[:start] + put + GENUINE[start + length :]
    assert believed(changed) == (changed == GENUINE)


@often
@given(st.dictionaries(st.sampled_from(sorted(GOOD)), VALUES, min_size=1))
def test_any_claims_that_the_issuer_signed(changed: dict[str, Any]) -> None:
    """Believed only as the same machine's, for us and in time; never a fault of ours."""
    try:
        text = signed(HEADER, json.dumps({**GOOD, **changed}).encode(), KEY)
    except UnicodeEncodeError:
        return
    if len(text) > LONGEST or not believed(text):
        return
    found = TOKENS.check(text, AT)
    assert found.issuer == ISSUER
    assert AT - timedelta(seconds=30) <= found.until <= AT + timedelta(days=1, seconds=31)
    told = {**GOOD, **changed}
    assert SERVICE in (told["aud"] if isinstance(told["aud"], list) else [told["aud"]])
    assert (found.subject, found.client) == (told["sub"], told["client_id"])


@often
@given(st.dictionaries(st.sampled_from(HEADERS), VALUES, min_size=1))
def test_any_header(changed: dict[str, Any]) -> None:
    """A header that is not one of ours is refused before any signature is looked at."""
    told = json.dumps({**HEADER, **changed}).encode()
    head = base64.urlsafe_b64encode(told).decode().rstrip("=")
    text = ".".join((head, *GENUINE.split(".")[1:]))
    assert believed(text) == (text == GENUINE)


@often
@given(st.binary(max_size=3000))
def test_any_payload_that_the_issuer_signed(payload: bytes) -> None:
    """Bytes that are no claims."""
    assert not believed(signed(HEADER, payload, KEY))


def test_a_token_as_long_as_is_taken() -> None:
    """8,192 signs are read, one more is not."""
    text = "a" * LONGEST
    for one in (text, text + "a"):
        with pytest.raises(BadJwt, match="malformed"):
            read_jwt(one, {"at+jwt"})


def test_two_keys_that_fit_are_none() -> None:
    """A token that does not tell which of two keys it means is not tried with both."""
    twin = ECKey.generate_key("P-256", {"kid": "other"})
    token = read_jwt(signed({"alg": "ES256", "typ": "at+jwt"}, GOOD, KEY), {"at+jwt"})
    assert verify(token, [KEY]) is KEY
    with pytest.raises(BadJwt, match="key"):
        verify(token, [KEY, twin])


@pytest.mark.parametrize(
    ("seconds", "code"), [(0, None), (299, None), (329, None), (330, "expired"), (-31, "early")]
)
def test_the_edges_of_its_time(seconds: int, code: str | None) -> None:
    """Half a minute of grace at both ends, for clocks that differ, and not a second more."""
    token = Jwt(GENUINE, HEADER, GOOD)
    at = AT + timedelta(seconds=seconds)
    if code is None:
        assert check_times(token, at, timedelta(hours=1)) == AT + timedelta(seconds=300)
        return
    with pytest.raises(BadJwt, match=code):
        check_times(token, at, timedelta(hours=1))
