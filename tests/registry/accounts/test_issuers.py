"""Keys of trusted issuers: fetched once, renewed on rotation, kept for a bounded time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

from connectors.fetching import LOOPBACK, NotFetched
from registry.accounts import issuers
from registry.accounts.issuers import (
    FRESH,
    PAUSE,
    USABLE,
    Fetch,
    IssuerKeys,
    Issuers,
    Unreachable,
    metadata_of,
)
from registry.accounts.jwts import BadJwt, Jwt, import_keys, read_jwt
from registry.addresses import is_secure
from registry.errors import Unavailable
from tests.support.issuer import Issuer

fetch = partial(issuers.fetch, LOOPBACK)
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer at an address with a path."""
    with Issuer("/realms/archives") as running:
        yield running


def token(issuer: Issuer, **header: Any) -> Jwt:
    """A token that the issuer signed with its present key."""
    return read_jwt(issuer.mint({"sub": "x"}, **header), {"at+jwt"})


def test_keys_are_fetched_once(issuer: Issuer) -> None:
    """Ten minutes long a token costs no request; then one fetch."""
    keys = IssuerKeys(issuer.name, fetch)
    for seconds in (0, 1, 599):
        keys.check(token(issuer), AT + seconds * SECOND)
    assert len(issuer.asked) == 2
    keys.check(token(issuer), AT + FRESH)
    assert len(issuer.asked) == 4


def test_a_new_key_is_found_and_an_old_one_ends(issuer: Issuer) -> None:
    """After a rotation the new key is fetched at its first token, and the old key is no more."""
    keys, old = IssuerKeys(issuer.name, fetch), token(issuer)
    keys.check(old, AT)
    issuer.rotate("second")
    keys.check(token(issuer), AT + PAUSE)
    with pytest.raises(BadJwt, match="key"):
        keys.check(old, AT + PAUSE + SECOND)


def test_unknown_key_ids_do_not_make_us_fetch(issuer: Issuer) -> None:
    """Whoever makes key ids up causes one fetch in half a minute."""
    keys = IssuerKeys(issuer.name, fetch)
    for number in range(20):
        with pytest.raises(BadJwt, match="key"):
            keys.check(token(issuer, kid=f"made-up-{number}"), AT + number * SECOND)
    assert issuer.asked.count("/realms/archives/keys") == 1


def test_an_issuer_that_is_down(issuer: Issuer) -> None:
    """Known keys go on for an hour; an unknown one and a late one are told as unreachable."""
    keys, known = IssuerKeys(issuer.name, fetch), token(issuer)
    keys.check(known, AT)
    issuer.down = True
    issuer.rotate("second")
    keys.check(known, AT + USABLE - SECOND)
    with pytest.raises(Unavailable, match="issuer-unreachable"):
        keys.check(token(issuer), AT + FRESH)
    with pytest.raises(Unavailable) as refused:
        keys.check(known, AT + USABLE)
    assert int(refused.value.headers["retry-after"]) == PAUSE.total_seconds()
    issuer.down = False
    keys.check(token(issuer), AT + USABLE + PAUSE)


def test_an_issuer_that_was_never_reached() -> None:
    """Without keys nothing is believed, and nothing is called wrong."""
    with Issuer() as gone:
        pass
    with pytest.raises(Unavailable):
        IssuerKeys(gone.name, fetch).check(token(gone), AT)


def test_a_clock_that_went_back(issuer: Issuer) -> None:
    """Keys that were fetched later than now are fetched anew."""
    keys = IssuerKeys(issuer.name, fetch)
    keys.check(token(issuer), AT)
    keys.check(token(issuer), AT - timedelta(days=1))
    assert issuer.asked.count("/realms/archives/keys") == 2


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": None},
        {"jwks_uri": "ftp://127.0.0.1/keys"},
        {"jwks_uri": "http://keys.example/keys"},
        {"jwks_uri": None},
        {"jwks_uri": "http://[broken"},
    ],
)
def test_metadata_that_is_not_to_be_believed(issuer: Issuer, lie: dict[str, Any]) -> None:
    """Another issuer's name, or keys at no secure address: nothing is believed."""
    issuer.metadata = lie
    with pytest.raises(Unavailable):
        IssuerKeys(issuer.name, fetch).check(token(issuer), AT)


def test_only_listed_issuers(issuer: Issuer) -> None:
    """The name must be the listed one, byte for byte."""
    trusted = Issuers([issuer.name], fetch)
    assert trusted.find(issuer.name) is trusted.find(issuer.name)
    for other in (f"{issuer.name}/", issuer.name.upper(), "", None, ["x"]):
        with pytest.raises(BadJwt, match="issuer"):
            trusted.find(other)


def test_bodies_that_are_no_metadata() -> None:
    """No JSON, another shape, nested without end, or another service's 404: unreachable."""

    def published(body: bytes) -> Fetch:
        return lambda _address: body

    for body in (b"no", b"[]", b"[" * 100_000, b"\xff"):
        with pytest.raises(Unreachable):
            metadata_of("https://issuer.example", published(body))


def test_what_is_fetched_is_bounded(issuer: Issuer) -> None:
    """A body beyond a quarter of a megabyte, and another status than 200."""
    issuer.metadata = {"x": "y" * 300_000}
    with pytest.raises(NotFetched, match="too-large"):
        fetch(f"{issuer.name.replace('/realms', '/.well-known/oauth-authorization-server/realms')}")
    with pytest.raises(Unreachable, match="404"):
        fetch(f"{issuer.name}/nothing")


def test_an_issuer_that_answers_byte_by_byte(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole answer has a time, not each byte of it; meanwhile others do not wait for it."""
    monkeypatch.setattr("registry.accounts.issuers._SECONDS", 0.5)
    monkeypatch.setattr("registry.accounts.issuers._PATIENCE", 0.05)
    issuer.slow = 0.1
    keys, shown = IssuerKeys(issuer.name, fetch), token(issuer)
    begun = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(keys.check, shown, AT) for _ in range(2)]
        for one in tries:
            with pytest.raises(Unavailable):
                one.result()
    assert time.monotonic() - begun < 5
    issuer.slow = 0.0


def test_secure_addresses() -> None:
    """HTTPS anywhere, HTTP on this machine alone."""
    good = ("https://a.example/x", "http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]:9/")
    bad = ("http://a.example", "ftp://localhost", "https://", "//a.example", "http://[::1", "x")
    assert all(map(is_secure, good))
    assert not any(map(is_secure, bad))


def test_which_keys_of_a_set_are_taken() -> None:
    """Public keys for signatures of the kinds we take; weak, secret, private and odd ones not."""
    good = RSAKey.generate_key(2048, {"kid": "good"}).as_dict(private=False)
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024, {"kid": "weak"}).as_dict(private=False)
    others: list[Any] = [
        weak,
        RSAKey.generate_key(2048, {"kid": "private"}).as_dict(private=True),
        OctKey.generate_key(256, {"kid": "secret"}).as_dict(private=True),
        ECKey.generate_key("P-521", {"kid": "curve"}).as_dict(private=False),
        ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"}).as_dict(private=False),
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "new"},
        {},
        None,
        "key",
    ]
    assert [key.kid for key in import_keys({"keys": [*others, good]})] == ["good"]
    wrong: list[object] = [None, [], {}, {"keys": {}}, {"keys": [good] * 51}]
    for told in wrong:
        with pytest.raises(BadJwt, match="keys"):
            import_keys(told)
