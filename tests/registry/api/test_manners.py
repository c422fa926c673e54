"""What holds on every way in: problems, languages, caps, repetition, pages, signing in."""

import re
import sqlite3
import threading
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from registry.migrate import newest_step
from tests.registry.api.world import World


def _sign_up(email: str, **fields: Any) -> dict[str, Any]:
    return {
        "organisation_name": "Acme AI",
        "country": "NL",
        "person_name": "Ada",
        "email": email,
        **fields,
    }


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/me", {}, 401, "token-missing"),
        ("GET", "/me", {"headers": {"Authorization": "Bearer vg_token_x"}}, 401, None),
        ("GET", "/me", {"headers": {"Authorization": "Bearer " + "x" * 9000}}, 401, None),
        ("GET", "/me", {"headers": {"Authorization": "Basic YTpi"}}, 401, "token-missing"),
        ("GET", "/nothing", {}, 404, "not-found"),
        ("PATCH", "/datasets", {}, 405, "method-not-allowed"),
        ("GET", "/datasets", {"params": {"limit": "0"}}, 422, "invalid-input"),
        ("GET", "/datasets", {"params": {"cursor": "%%%"}}, 422, "invalid-cursor"),
        ("POST", "/precheck", {"content": b"{", "headers": {"content-type": "application/json"}},
         422, "invalid-input"),
        ("POST", "/precheck", {"json": {"datasets": ["x"], "use": "train.gen"}}, 422, None),
        ("POST", "/precheck", {"json": {"datasets": ["a-b/c-d"], "use": "any"}}, 404, None),
        ("POST", "/precheck", {"content": b" " * 1_100_000}, 413, "body-too-large"),
    ],
)  # fmt: skip
def test_everything_that_goes_wrong_has_one_shape(
    world: World, method: str, path: str, options: dict[str, Any], status: int, code: str | None
) -> None:
    """A problem has all its members, names the request, and tells nothing of the inside."""
    answer = world.anyone.http.request(method, path, **options)
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    members = {"type", "title", "status", "detail", "instance", "code", "help", "fields"}
    assert problem.keys() == members | {"request_id"}
    assert problem["status"] == status
    assert problem["type"].endswith(f"/problems/{problem['code']}")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert code in {None, problem["code"]}
    assert "Traceback" not in answer.text


def test_problems_speak_the_callers_language(world: World) -> None:
    """Dutch where the caller prefers it, by header or by ?lang=; English otherwise."""
    ask = world.anyone.http.get
    dutch = ask("/me", headers={"Accept-Language": "nl-NL, en;q=0.5"}).json()
    english = ask("/me", headers={"Accept-Language": "en, nl;q=0.5"}).json()
    chosen = ask("/me", params={"lang": "nl"}).json()
    neither = ask("/me", headers={"Accept-Language": "fr;q=x"}).json()
    assert dutch["title"] == chosen["title"] == "Niet aangemeld"
    assert english["title"] == neither["title"] == "Not signed in"


def test_each_wrong_field_is_named(world: World) -> None:
    """A misspelt field, a missing one and a wrong one each get a path and a sentence."""
    body = {"organization_name": "x", "country": "N", "email": "a@b.nl", "person_name": "A"}
    answer = world.anyone.http.post("/organisations", json=body, params={"lang": "nl"})
    fields = {field["path"]: field["detail"] for field in answer.json()["fields"]}
    assert fields["organisation_name"] == "Dit veld ontbreekt."
    assert fields["organization_name"] == "Dit veld kennen we niet."
    assert fields["country"].startswith("Dit moet de vorm")


def test_a_body_that_grows_beyond_its_cap_is_cut_off(world: World) -> None:
    """A body without a length is counted as it comes."""
    chunks = (b" " * 100_000 for _ in range(20))
    answer = world.anyone.http.post("/precheck", content=chunks)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_a_repeated_post_has_one_effect(world: World) -> None:
    """Same key and body: the same answer and nothing done; another body: refused."""
    headers = {"Idempotency-Key": "sign-up-1"}
    post = world.anyone.http.post
    first = post("/organisations", json=_sign_up("once@acme.example"), headers=headers)
    again = post("/organisations", json=_sign_up("once@acme.example"), headers=headers)
    other = post("/organisations", json=_sign_up("twice@acme.example"), headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


def test_posts_at_the_same_moment_have_one_effect(world: World) -> None:
    """Eight at once with one key: one dataset, one answer."""
    answers: list[httpx2.Response] = []
    body = {"slug": "at-once", "title_nl": "Tegelijk", "title_en": "At once"}
    world.archive.get("/me")

    def post() -> None:
        headers = {"Idempotency-Key": "at-once"}
        answers.append(world.archive.http.post("/datasets", json=body, headers=headers))

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


def test_a_key_belongs_to_its_caller(world: World) -> None:
    """Two organisations may use the same key and do not see each other's answers."""
    headers = {"Idempotency-Key": "same"}
    body = {"slug": "own", "title_nl": "Eigen", "title_en": "Own"}
    one = world.archive.http.post("/datasets", json=body, headers=headers)
    other = world.other_archive.http.post("/datasets", json=body, headers=headers)
    assert one.status_code == other.status_code == 201
    assert one.json()["id"] != other.json()["id"]


def test_what_fails_may_be_tried_again_under_its_key(world: World) -> None:
    """A refusal is not kept: after what was wrong is mended the same key works."""
    headers = {"Idempotency-Key": "mended"}
    body = {"slug": "mended", "title_nl": "Hersteld", "title_en": "Mended"}
    refused = world.archive.http.post("/datasets", json={**body, "slug": "-"}, headers=headers)
    assert refused.status_code == 422
    assert world.archive.http.post("/datasets", json=body, headers=headers).status_code == 201


def test_lists_come_in_pages(world: World) -> None:
    """Following the cursor gives every item once, newest first."""
    for n in range(5):
        world.startup.post("/environments", {
            "name": f"env {n}", "country": "NL", "operator": "R", "operator_country": "NL",
        })  # fmt: skip
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = world.startup.get("/environments", params={"limit": 2, **cursor})
        assert len(page["items"]) <= 2
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    whole = world.startup.get("/environments", params={"limit": 200})["items"]
    assert found == [item["id"] for item in whole] == sorted(found, reverse=True)
    assert len(found) >= 5


def test_signing_in_by_mail(world: World) -> None:
    """A link works once; the session it gives ends when its person signs out."""
    world.anyone.post("/organisations", _sign_up("mail@acme.example"))
    world.anyone.post("/sign-in-links", {"email": "mail@acme.example"})
    unknown = world.anyone.http.post("/sign-in-links", json={"email": "nobody@acme.example"})
    assert unknown.status_code == 202
    mail = world.operator.get("/outbox")["items"][0]
    secret = re.search(r"/sign-in/(\S+)", mail["body"])
    assert secret is not None
    session = world.anyone.post("/sessions", {"link": secret[1]})
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    assert world.anyone.get("/me", headers=headers)["role"] == "user"
    assert world.anyone.http.post("/sessions", json={"link": secret[1]}).status_code == 401
    gone = world.anyone.http.delete("/sessions/current", headers=headers)
    assert gone.status_code == 204
    assert world.anyone.http.get("/me", headers=headers).status_code == 401


def test_no_secret_is_kept_in_the_clear(world: World) -> None:
    """Neither a token nor a client's secret stands anywhere in the database."""
    token = world.startup.post("/tokens", {"name": "t", "scopes": ["extracts"]})["access_token"]
    client = world.startup.http.post(
        "/clients",
        json={"name": "c", "scopes": ["extracts"]},
        headers={"Idempotency-Key": "a secret is never kept"},
    ).json()
    database = sqlite3.connect(world.home / "vrijgave.sqlite")
    dump = "\n".join(database.iterdump())
    database.close()
    assert token not in dump
    assert client["client_secret"] not in dump


def test_a_token_does_no_more_than_its_scopes(world: World) -> None:
    """A token for extracts files no requests, and no token makes tokens."""
    token = world.startup.post("/tokens", {"name": "t", "scopes": ["extracts"]})["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert world.anyone.http.get("/extracts", headers=headers).status_code == 200
    assert world.anyone.http.get("/requests", headers=headers).status_code == 403
    more = {"name": "more", "scopes": ["extracts"]}
    assert world.anyone.http.post("/tokens", json=more, headers=headers).status_code == 403


def test_unready(world: World) -> None:
    """A service whose schema is another's answers 503 with the way out, and is alive."""
    steps = text("UPDATE alembic_version SET version_num = :step")
    engine = world.app.state.runtime.engine
    with engine.begin() as connection:
        connection.execute(steps, {"step": "0001"})
    refused = httpx2.get(f"{world.origin}/readyz")
    with engine.begin() as connection:
        connection.execute(steps, {"step": newest_step()})
    assert (refused.status_code, refused.json()["code"]) == (503, "not-ready")
    assert "0001" in refused.text
    assert httpx2.get(f"{world.origin}/livez").status_code == 200


def test_health(world: World) -> None:
    """Alive and ready, without signing in."""
    for path in ("/livez", "/readyz"):
        assert httpx2.get(f"{world.origin}{path}").json() == {"status": "ok"}
