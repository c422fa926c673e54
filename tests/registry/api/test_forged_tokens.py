"""Forged tokens, proofs and assertions: each is refused, whichever issuer it pretends to be of."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from tests.registry.api.forged_proofs import ASSERTIONS, PROOFS, Shown
from tests.registry.api.forged_tokens import ATTACKER, FORGERIES, Mint
from tests.registry.api.test_machine_tokens import ASSERTION, ask, claims, keyed
from tests.registry.api.world import World, open_world
from tests.support.counterparts import absent
from tests.support.issuer import Issuer
from tests.support.provider import ABSENT, IS_THERE, Provider
from tests.support.proving import assertion, new_key, proof
from tests.support.service import free_port

ISSUERS = ("an issuer of ours", "oidc-provider")
_Kind = TypeVar("_Kind")
BINDERS = ("this service", *ISSUERS)


class There(dict[str, _Kind]):
    """What there is of each issuer; a test skips for one that is not installed."""

    def __missing__(self, _name: str) -> _Kind:
        absent(ABSENT)


@pytest.fixture(scope="module")
def port() -> int:
    """Where the service will be: issuers must know for whom their tokens are."""
    return free_port()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer of our own with real keys."""
    with Issuer() as running:
        yield running


@pytest.fixture(scope="module")
def provider(port: int) -> Iterator[Provider | None]:
    """An issuer that others wrote, where it is installed."""
    if not IS_THERE:
        yield None
        return
    with Provider(f"http://127.0.0.1:{port}") as running:
        yield running


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, port: int, issuer: Issuer, provider: Provider | None
) -> Iterator[World]:
    """A service that trusts both, with a machine of each."""
    home: Path = tmp_path_factory.mktemp("service")
    trusted = [issuer.name, *([provider.name] if provider else [])]
    with open_world(home, port, token_issuers=" ".join(trusted)) as running:
        for token in (issuer.mint(claims(running)), *([provider.token()] if provider else [])):
            body = {"name": "machine", "scopes": ["extracts"], "issuer_token": token}
            running.startup.post("/clients", body)
        yield running


@pytest.fixture(scope="module")
def mints(world: World, issuer: Issuer, provider: Provider | None) -> There[Mint]:
    """A genuine token of each issuer."""
    other = provider.key if provider else ATTACKER
    made = [Mint(issuer.mint(claims(world)), issuer.key, world.origin, other)]
    if provider:
        made.append(Mint(provider.token(), provider.key, world.origin, issuer.key))
    return There(zip(ISSUERS, made, strict=False))


def shown(world: World, authorization: str, *proofs: str) -> httpx2.Response:
    """The answer to a request with these headers."""
    headers = [("Authorization", authorization), *(("DPoP", one) for one in proofs)]
    return httpx2.get(f"{world.origin}/v1/me", headers=headers)


def refused(answer: httpx2.Response, code: str) -> None:
    """Hold an answer to the refusal of RFC 6750 and to our problem."""
    assert answer.status_code == 401
    assert answer.json()["code"] in code.split()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    challenge = answer.headers["www-authenticate"]
    assert "resource_metadata=" in challenge
    if code != "token-missing":
        assert 'error="invalid_' in challenge
    assert answer.json()["detail"]
    assert answer.json()["help"]


@pytest.mark.parametrize("name", ISSUERS)
def test_the_genuine_ones_count(world: World, mints: There[Mint], name: str) -> None:
    """What the forgeries are made from is taken, also signed by us with the issuer's key."""
    mint = mints[name]
    assert shown(world, f"Bearer {mint.genuine}").status_code == 200
    assert shown(world, f"Bearer {mint.with_claims(jti='another')}").status_code == 200
    assert shown(world, f"bearer {mint.with_header(typ='application/AT+JWT')}").status_code == 200
    assert shown(world, f"Bearer {mint.with_claims(aud=['x', world.origin])}").status_code == 200


@pytest.mark.parametrize("name", ISSUERS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_tokens(world: World, mints: There[Mint], name: str, forgery: str) -> None:
    """Each is refused with its own reason."""
    make, code = FORGERIES[forgery]
    refused(shown(world, f"Bearer {make(mints[name])}"), code)


def test_there_are_enough_of_them() -> None:
    """The suite holds at least sixty forged tokens beside the proofs and assertions."""
    assert len(FORGERIES) >= 60


OURS: dict[str, Callable[[World, str], tuple[str, str]]] = {
    "made up": (lambda _w, _t: ("vg_token_" + "x" * 43, "credential-unknown")),
    "cut short": (lambda _w, t: (t[:-1], "credential-unknown")),
    "with a sign more": (lambda _w, t: (t + "A", "credential-unknown")),
    "in capitals": (lambda _w, t: ("vg_token_" + t[9:].upper(), "credential-unknown")),
    "as a session": (lambda _w, t: (t.replace("_token_", "_session_"), "credential-unknown")),
    "as a link": (lambda _w, t: (t.replace("_token_", "_link_"), "credential-unknown")),
    "without its name": (lambda _w, t: (t.removeprefix("vg_"), "token-malformed")),
    "number of a token": (
        lambda w, _t: (w.startup.get("/tokens")["items"][0]["id"], "token-malformed")
    ),
    "secret of a machine": (
        lambda w, _t: (
            w.startup.post("/clients", {"name": "s", "scopes": ["extracts"]})["client_secret"],
            "credential-unknown",
        )
    ),
    "revoked": (lambda w, _t: (_revoked(w), "credential-revoked")),
}


def _revoked(world: World) -> str:
    made = world.startup.post("/tokens", {"name": "short", "scopes": ["extracts"]})
    assert world.startup.http.delete(f"/tokens/{made['id']}").status_code == 200
    return str(made["access_token"])


@pytest.mark.parametrize("forgery", OURS)
def test_forged_tokens_of_our_own(world: World, forgery: str) -> None:
    """What is not, or no longer, a token of ours."""
    token = world.startup.post("/tokens", {"name": "t", "scopes": ["extracts"]})["access_token"]
    assert shown(world, f"Bearer {token}").status_code == 200
    forged, code = OURS[forgery](world, token)
    refused(shown(world, f"Bearer {forged}"), code)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Basic x", "Token x", "Bearerx", "x", "DPoP"]
)
def test_other_headers(world: World, authorization: str) -> None:
    """A header that shows no token."""
    refused(shown(world, authorization), "token-missing")


def test_two_tokens_at_once(world: World, mints: There[Mint]) -> None:
    """Two Authorization headers, one of them good, are none."""
    good = f"Bearer {mints[ISSUERS[0]].genuine}"
    headers = [("Authorization", good), ("Authorization", "Bearer x")]
    refused(httpx2.get(f"{world.origin}/v1/me", headers=headers), "token-missing")


@pytest.fixture(scope="module")
def bound(world: World, mints: There[Mint], provider: Provider | None) -> There[Shown]:
    """A token of each issuer that is bound to a key, with that key."""
    key = new_key()
    client = keyed(world, key)
    given = ask(
        world,
        assertion(key, client, world.origin),
        DPoP=proof(key, "POST", f"{world.origin}/oauth/token"),
    )
    ours = mints[ISSUERS[0]].with_claims(cnf={"jkt": key.thumbprint()})
    tokens = [given.json()["access_token"], ours]
    if provider:
        tokens.append(provider.token(proof(key, "POST", provider.token_endpoint)))
    shown_with = (Shown(token, key, world.origin) for token in tokens)
    return There(zip(BINDERS, shown_with, strict=False))


@pytest.mark.parametrize("name", BINDERS)
def test_bound_tokens_count_with_proofs(world: World, bound: There[Shown], name: str) -> None:
    """A good proof, also one whose address has a query, or the host in capitals."""
    one = bound[name]
    for address in (one.address, f"{one.address}?x=1#y", one.address.replace("http", "HTTP")):
        good = proof(one.key, "GET", address, one.token)
        assert shown(world, f"DPoP {one.token}", good).status_code == 200


@pytest.mark.parametrize("name", BINDERS)
@pytest.mark.parametrize("forgery", PROOFS)
def test_forged_proofs(world: World, bound: There[Shown], name: str, forgery: str) -> None:
    """A bound token with each of them is refused."""
    make, code = PROOFS[forgery]
    refused(shown(world, f"DPoP {bound[name].token}", *make(bound[name])), code)


@pytest.mark.parametrize("name", BINDERS)
def test_replayed_proofs(world: World, bound: There[Shown], name: str) -> None:
    """The same proof a second time; and a bound token without one, as a plain one."""
    one = bound[name]
    good = proof(one.key, "GET", one.address, one.token)
    assert shown(world, f"DPoP {one.token}", good).status_code == 200
    refused(shown(world, f"DPoP {one.token}", good), "proof-replayed")
    refused(shown(world, f"Bearer {one.token}", good), "token-unproven")


def test_a_proof_for_another_token(world: World, bound: There[Shown]) -> None:
    """By the same key, but made for another token."""
    one, other = bound[BINDERS[0]], bound[BINDERS[1]]
    made = proof(one.key, "GET", one.address, other.token)
    refused(shown(world, f"DPoP {one.token}", made), "proof-token")
    stolen = replace(one, key=new_key())
    made = proof(stolen.key, "GET", one.address, one.token)
    refused(shown(world, f"DPoP {one.token}", made), "token-unproven")


@pytest.mark.parametrize("forgery", ASSERTIONS)
def test_forged_assertions(world: World, forgery: str) -> None:
    """None of them gets a token, and the answer has the shape of RFC 6749 section 5.2."""
    key = new_key()
    client = keyed(world, key)
    fields: dict[str, Any] = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": ASSERTIONS[forgery](key, client, world.origin),
    }
    answer = httpx2.post(f"{world.origin}/oauth/token", data=fields)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["www-authenticate"] == 'Basic realm="vrijgave"'
    fields["client_assertion"] = assertion(key, client, world.origin)
    assert httpx2.post(f"{world.origin}/oauth/token", data=fields).status_code == 200
