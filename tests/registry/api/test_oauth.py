"""OAuth 2.0 for machines: client credentials, revocation and metadata, by the RFCs' words."""

from typing import Any

import httpx2
import pytest

from tests.registry.api.world import World


@pytest.fixture(scope="module")
def client(world: World) -> Any:
    """A machine of the start-up that may order and read extracts and file requests."""
    wanted = {"name": "machine", "scopes": ["extracts", "requests"]}
    return world.startup.post("/clients", wanted)


def _token(world: World, auth: Any = None, **fields: str) -> httpx2.Response:
    return httpx2.post(f"{world.origin}/oauth/token", data=fields, auth=auth)


def test_a_machine_gets_a_token_by_basic(world: World, client: Any) -> None:
    """RFC 6749 section 4.4: opaque, one hour, not to be cached."""
    auth = (client["id"], client["client_secret"])
    answer = _token(world, auth, grant_type="client_credentials")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert token["scope"] == "extracts requests"
    me = world.anyone.get("/me", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert me["id"] == client["id"]


def test_a_machine_gets_a_token_by_post_with_fewer_scopes(world: World, client: Any) -> None:
    """client_secret_post, and only the scopes that were asked for."""
    answer = _token(
        world,
        grant_type="client_credentials",
        scope="extracts",
        client_id=client["id"],
        client_secret=client["client_secret"],
    )
    assert answer.json()["scope"] == "extracts"
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert world.anyone.http.get("/requests", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("auth", "fields", "status", "error"),
    [
        (("client_unknown", "x"), {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (None, {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (None, {"grant_type": "password"}, 400, "unsupported_grant_type"),
        (None, {}, 400, "invalid_request"),
    ],
)
def test_refusals(world: World, auth: Any, fields: dict[str, str], status: int, error: str) -> None:
    """Errors have the shape of RFC 6749 section 5.2."""
    answer = _token(world, auth, **fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_an_unknown_client_and_a_wrong_secret_read_the_same(world: World, client: Any) -> None:
    """The answer does not tell which clients exist."""
    asked = {"grant_type": "client_credentials"}
    wrong = _token(world, (client["id"], "wrong"), **asked)
    unknown = _token(world, ("client_unknown", "wrong"), **asked)
    assert wrong.json() == unknown.json()
    assert wrong.status_code == unknown.status_code == 401


def test_scopes_beyond_the_clients_own(world: World, client: Any) -> None:
    """A scope nobody knows is refused; one it was not registered for is not given."""
    auth = (client["id"], client["client_secret"])
    unknown = _token(world, auth, grant_type="client_credentials", scope="everything")
    assert (unknown.status_code, unknown.json()["error"]) == (400, "invalid_scope")
    more = _token(world, auth, grant_type="client_credentials", scope="extracts operate")
    assert more.json()["scope"] == "extracts"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"grant_type=client_credentials&grant_type=password", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"a=1&" * 100, "application/x-www-form-urlencoded"),
        (b'{"grant_type": "client_credentials"}', "application/json"),
    ],
)
def test_bodies_that_are_no_such_form(world: World, content: bytes, kind: str) -> None:
    """A field twice, bytes that are no text, too many fields, JSON."""
    answer = httpx2.post(
        f"{world.origin}/oauth/token", content=content, headers={"Content-Type": kind}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_credential_that_is_no_text(world: World) -> None:
    """HTTP Basic that carries other bytes than text is refused."""
    answer = httpx2.post(
        f"{world.origin}/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": "Basic /////w=="},
    )
    assert answer.status_code in {400, 401}


def test_revocation(world: World, client: Any) -> None:
    """RFC 7009: the token ends with the next request; others' tokens and unknown ones stay."""
    auth = (client["id"], client["client_secret"])
    token = _token(world, auth, grant_type="client_credentials").json()["access_token"]
    persons = world.startup.post("/tokens", {"name": "t", "scopes": ["extracts"]})
    address = f"{world.origin}/oauth/revoke"
    for given in (token, token, "unknown", persons["access_token"]):
        assert httpx2.post(address, data={"token": given}, auth=auth).status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    assert world.anyone.http.get("/extracts", headers=headers).status_code == 401
    kept = {"Authorization": f"Bearer {persons['access_token']}"}
    assert world.anyone.http.get("/extracts", headers=kept).status_code == 200
    assert httpx2.post(address, data={"token": token}).status_code == 401
    assert httpx2.post(address, data={}, auth=auth).status_code == 400


def test_a_revoked_client_gets_nothing(world: World) -> None:
    """With the client its tokens end, and it gets no new ones."""
    made = world.startup.post("/clients", {"name": "short", "scopes": ["extracts"]})
    auth = (made["id"], made["client_secret"])
    token = _token(world, auth, grant_type="client_credentials").json()["access_token"]
    assert world.startup.http.delete(f"/clients/{made['id']}").status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    assert world.anyone.http.get("/extracts", headers=headers).status_code == 401
    assert _token(world, auth, grant_type="client_credentials").status_code == 401


def test_metadata(world: World) -> None:
    """RFC 8414: the issuer is our address, byte for byte, and the endpoints are there."""
    told = httpx2.get(f"{world.origin}/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == world.origin
    assert told["token_endpoint"] == f"{world.origin}/oauth/token"
    assert told["grant_types_supported"] == ["client_credentials"]
    assert "extracts" in told["scopes_supported"]
