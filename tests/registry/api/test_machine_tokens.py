"""Machines with keys of their own, of other issuers, and with tokens bound to a key."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from tests.registry.api.world import World, open_world
from tests.support.issuer import Issuer
from tests.support.proving import assertion, new_key, proof

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer that the operator trusts."""
    with Issuer() as running:
        yield running


@pytest.fixture(scope="module")
def gone() -> Issuer:
    """A trusted issuer that cannot be reached."""
    with Issuer() as short:
        pass
    return short


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, issuer: Issuer, gone: Issuer
) -> Iterator[World]:
    """A service that trusts both."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home, token_issuers=f"{issuer.name} {gone.name}") as running:
        yield running


def claims(world: World, **changed: Any) -> dict[str, Any]:
    """What an access token of the issuer says for this service."""
    now = int(time.time())
    told = {
        "aud": world.origin,
        "sub": "service-account-1",
        "client_id": "pipeline",
        "iat": now,
        "exp": now + 300,
        "jti": str(time.monotonic_ns()),
        "scope": "extracts requests",
    }
    return told | changed


def me(world: World, token: str, scheme: str = "Bearer", **headers: str) -> httpx2.Response:
    """Who a token says it is."""
    return httpx2.get(
        f"{world.origin}/v1/me", headers={"Authorization": f"{scheme} {token}", **headers}
    )


def keyed(world: World, key: ECKey) -> str:
    """A machine of the start-up with a key of its own; its id."""
    jwks = {"keys": [key.as_dict(private=False)]}
    made = world.startup.post("/clients", {"name": "k", "scopes": ["extracts"], "jwks": jwks})
    assert made["client_secret"] is None
    return str(made["id"])


def ask(world: World, shown: str, **headers: str) -> httpx2.Response:
    """Ask for a token with an assertion."""
    fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION}
    return httpx2.post(
        f"{world.origin}/oauth/token", data={**fields, "client_assertion": shown}, headers=headers
    )


def test_a_machine_signs_who_it_is(world: World) -> None:
    """private_key_jwt gives a token once; the same assertion gives none again."""
    key = new_key()
    client = keyed(world, key)
    for audience in (world.origin, f"{world.origin}/oauth/token", [world.origin]):
        shown = assertion(key, client, audience)
        answer = ask(world, shown)
        assert answer.status_code == 200, answer.text
        assert me(world, answer.json()["access_token"]).json()["id"] == client
        again = ask(world, shown)
        assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert world.startup.get("/clients")["items"][0]["used_at"] is not None


def test_a_machine_with_a_key_has_no_secret(world: World) -> None:
    """No secret, not even an empty one, gets a token for it; nor once it is revoked its key."""
    key = new_key()
    client = keyed(world, key)
    for secret in ("", "x"):
        answer = httpx2.post(
            f"{world.origin}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(client, secret),
        )
        assert answer.status_code == 401
    assert world.startup.http.delete(f"/clients/{client}").status_code == 200
    assert ask(world, assertion(key, client, world.origin)).status_code == 401


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": "x"},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]},
        {"keys": [ECKey.generate_key("P-521").as_dict(private=False)]},
        {"keys": [new_key("same").as_dict(private=False) for _ in range(2)]},
        {"keys": [new_key(str(n)).as_dict(private=False) for n in range(6)]},
    ],
)
def test_keys_that_are_not_taken(world: World, jwks: Any) -> None:
    """None, too many, secret, private, of another curve, not to be told apart."""
    body = {"name": "k", "scopes": ["extracts"], "jwks": jwks}
    answer = world.startup.http.post("/clients", json=body)
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["path"] == "jwks"


def test_a_token_is_bound_to_the_key_that_asked(world: World) -> None:
    """With a proof at the token endpoint the token works with proofs by that key alone, once."""
    key = new_key()
    client, address = keyed(world, key), f"{world.origin}/oauth/token"
    shown = proof(key, "POST", address)
    given = ask(world, assertion(key, client, world.origin), DPoP=shown).json()
    assert given["token_type"] == "DPoP"
    replayed = ask(world, assertion(key, client, world.origin), DPoP=shown)
    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_dpop_proof")
    wrong = ask(world, assertion(key, client, world.origin), DPoP="x.y.z")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_dpop_proof")

    token, place = given["access_token"], f"{world.origin}/v1/me"
    good = proof(key, "GET", place, token)
    assert me(world, token, "DPoP", DPoP=good).json()["id"] == client
    for answer in (
        me(world, token),
        me(world, token, "DPoP"),
        me(world, token, "DPoP", DPoP=good),
        me(world, token, "DPoP", DPoP=proof(new_key(), "GET", place, token)),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("DPoP error=")
        assert 'algs="ES256 Ed25519"' in answer.headers["www-authenticate"]


def test_a_proof_makes_no_token_bound(world: World) -> None:
    """A token that is bound to no key is not to be had as a bound one."""
    key, token = new_key(), world.startup.post("/tokens", {"name": "t", "scopes": ["extracts"]})
    secret = token["access_token"]
    shown = proof(key, "GET", f"{world.origin}/v1/me", secret)
    assert me(world, secret, "DPoP", DPoP=shown).json()["code"] == "token-not-bound"


def test_a_machine_of_another_issuer(world: World, issuer: Issuer) -> None:
    """Registered by showing a token; later tokens are that machine, with the scopes in common."""
    environment = world.environment()
    introduction = {
        "name": "Pipeline",
        "scopes": ["extracts"],
        "environment_id": environment,
        "issuer_token": issuer.mint(claims(world)),
    }
    stranger = me(world, issuer.mint(claims(world)))
    assert (stranger.status_code, stranger.json()["code"]) == (401, "credential-unregistered")
    made = world.startup.post("/clients", introduction)
    assert (made["issuer"], made["issuer_client"]) == (issuer.name, "pipeline")
    assert made["client_secret"] is None
    token = issuer.mint(claims(world))
    for _ in range(2):
        found = me(world, token).json()
        assert found["id"] == made["id"]
        assert found["scopes"] == ["extracts"]
    rival = world.other_startup.http.post("/clients", json={**introduction, "environment_id": None})
    assert (rival.status_code, rival.json()["code"]) == (409, "client-known")
    for other in ({"sub": "service-account-2"}, {"client_id": "other"}):
        assert me(world, issuer.mint(claims(world, **other))).status_code == 401
    none = me(world, issuer.mint(claims(world, scope="everything")))
    assert none.json()["scopes"] == []
    assert world.startup.get("/clients")["items"][0]["used_at"] is not None

    assert world.startup.http.delete(f"/clients/{made['id']}").status_code == 200
    ended = me(world, token)
    assert (ended.status_code, ended.json()["code"]) == (401, "credential-unregistered")
    again = world.startup.post("/clients", introduction)
    assert again["id"] != made["id"]
    world.startup.http.delete(f"/clients/{again['id']}")


@pytest.mark.parametrize(
    ("changed", "more"),
    [
        ({"aud": "https://elsewhere.example"}, {}),
        ({"cnf": {"jkt": "x" * 43}}, {}),
        ({}, {"jwks": {"keys": [new_key().as_dict(private=False)]}}),
    ],
)
def test_introductions_that_are_refused(
    world: World, issuer: Issuer, changed: dict[str, Any], more: dict[str, Any]
) -> None:
    """For another service, bound to a key, or beside keys: a wrong field, and no machine."""
    token = issuer.mint(claims(world, client_id="unseen", **changed))
    body = {"name": "x", "scopes": ["extracts"], "issuer_token": token, **more}
    answer = world.startup.http.post("/clients", json=body)
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["path"] in {"issuer_token", "jwks"}


def test_another_issuers_token_bound_to_a_key(world: World, issuer: Issuer) -> None:
    """`cnf.jkt` is held to as ours is, and a binding that cannot be checked is refused."""
    key = new_key()
    body = {"name": "x", "scopes": ["extracts"]}
    made = world.startup.post(
        "/clients", {**body, "issuer_token": issuer.mint(claims(world, sub="bound"))}
    )
    bound = claims(world, sub="bound", cnf={"jkt": key.thumbprint()})
    token, place = issuer.mint(bound), f"{world.origin}/v1/me"
    assert me(world, token).json()["code"] == "token-unproven"
    good = me(world, token, "DPoP", DPoP=proof(key, "GET", place, token))
    assert good.json()["id"] == made["id"]
    assert me(world, token, "DPoP", DPoP=proof(new_key(), "GET", place, token)).status_code == 401
    odd = issuer.mint(claims(world, sub="bound", cnf={"x5t#S256": "y" * 43}))
    assert me(world, odd).json()["code"] == "token-binding"


def test_an_issuer_that_is_down_is_no_wrong_token(world: World, gone: Issuer) -> None:
    """503 with Retry-After, not 401: the caller's token may be good."""
    answer = me(world, gone.mint(claims(world)))
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unreachable")
    assert int(answer.headers["retry-after"]) > 0


def test_metadata_of_what_takes_tokens(world: World, issuer: Issuer, gone: Issuer) -> None:
    """RFC 9728: a 401 points at it, and it names whose tokens count."""
    refused = httpx2.get(f"{world.origin}/v1/me")
    place = f"{world.origin}/.well-known/oauth-protected-resource"
    assert f'resource_metadata="{place}"' in refused.headers["www-authenticate"]
    told = httpx2.get(place).json()
    assert told["resource"] == world.origin
    assert told["authorization_servers"] == [world.origin, issuer.name, gone.name]
    assert "extracts" in told["scopes_supported"]
    assert told["dpop_signing_alg_values_supported"] == ["ES256", "Ed25519"]


def test_a_scope_that_is_missing_is_named_in_the_challenge(world: World) -> None:
    """RFC 6750 section 3.1."""
    token = world.startup.post("/tokens", {"name": "t", "scopes": ["extracts"]})["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx2.get(f"{world.origin}/v1/requests", headers=headers)
    assert answer.status_code == 403
    challenge = answer.headers["www-authenticate"]
    assert challenge == 'Bearer error="insufficient_scope", scope="requests"'


def test_tokens_tell_when_they_were_used(world: World) -> None:
    """Never, then within a minute of the last time."""
    made = world.startup.post("/tokens", {"name": "used", "scopes": ["extracts"]})
    assert made["used_at"] is None
    assert me(world, made["access_token"]).status_code == 200
    listed = {one["id"]: one for one in world.startup.get("/tokens")["items"]}
    assert listed[made["id"]]["used_at"] is not None
