"""Every route and page, tried by everyone it is not for: nothing of another's shows anywhere.

What is hidden answers as what is absent does, to the letter; lists and counts hold nothing of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from registry.accounts.tables import Seat
from registry.api.routes import router as api
from registry.db import transaction
from registry.pages.routes import router as pages
from registry.services.accounts import link_for, seat_of
from tests.house.test_routes_are_guarded import BODIES, OWNERS, PUBLIC, REPLAYED, operations
from tests.registry.api.world import Caller, World

DRAFT = "geheim"
FILLED: Mapping[str, str] = {
    "/v1/audit/packs/{name}": "agreement_id",
    "/packs/{name}": "agreement_id",
    "/v1/people/{name}": "seat_id",
}
"""Whose `{name}` is what."""
OPEN_PAGES = {"/join/{secret}", "/sign-in/{secret}", "/static/{name:path}"}
"""What is opened by a secret in its address, or by anyone."""
OPERATED = {
    *REPLAYED,
    "/decisions/{decision_id}",
    "/decisions/{decision_id}/replay",
    "/decisions/{decision_id}/receipt.txt",
    "/v1/audit/entries/{entry_id}/receipt",
    "/audit/entries/{entry_id}/receipt.txt",
    "/v1/people/{name}",
    "/v1/audit/packs/{name}",
    "/packs/{name}",
    "/verifications/{verification_id}",
    "/v1/environments/{environment_id}/proofs",
    "/v1/proofs/{proof_id}/decision",
}
"""What the operator does with what is others'."""


@dataclass(frozen=True)
class Rival:
    """Someone whom nothing of this archive and this start-up is for."""

    name: str
    http: httpx2.Client
    on_pages: bool


@dataclass(frozen=True)
class Scene:
    """What there is to find, and who goes looking."""

    world: World
    rivals: tuple[Rival, ...]
    secrets: Mapping[str, str]


def _entry(world: World) -> str:
    listed = world.archive.get("/audit/entries", params={"limit": 1})
    return str(listed["items"][0]["id"])


def _member(world: World, admin: Caller, email: str) -> Caller:
    made = admin.post("/seat-invitations", {"email": email})
    world.anyone.post("/seats", {"invitation": made["invitation"], "person_name": "Lid"})
    return _signed_in(world, email)


def _signed_in(world: World, email: str) -> Caller:
    runtime = world.app.state.runtime
    with transaction(runtime.engine) as session:
        seat: Seat = seat_of(session, email)
        link = link_for(session, seat, at=runtime.clock())
    return Caller(world.origin, world.anyone.post("/sessions", {"link": link})["access_token"])


def _auditor(world: World, name: str, *, ended: bool) -> Caller:
    """Someone whom the competing archive asked to look."""
    email = f"bo@{name}.example"
    told = {"organisation_name": name, "person_name": "Bo", "email": email}
    mandate = world.other_archive.post("/auditors", told)["id"]
    if ended:
        world.other_archive.http.delete(f"/auditors/{mandate}")
    return _signed_in(world, email)


@pytest.fixture(scope="module")
def scene(world: World) -> Iterator[Scene]:
    """The world with a draft, a verification and entries, and one of everyone else."""
    titles = {"slug": DRAFT, "title_nl": "Geheim", "title_en": "Secret"}
    draft = world.archive.post("/datasets", titles)["id"]
    told = {"legal_name": "Taalmeester BV", "number": "12345678", "signatory": "Ada"}
    told |= {"signatory_role": "directeur", "evidence": "https://kvk.example/12345678"}
    things = {
        **{name: value for name, value in world.things.items() if name in OWNERS},
        "dataset_id": draft,
        "verification_id": world.startup.post("/verifications", told)["id"],
        "entry_id": _entry(world),
    }
    token = {"name": "robot", "scopes": ["requests"]}
    machine = world.other_startup.post("/tokens", token)["access_token"]
    callers = {
        "anyone": world.anyone,
        "other start-up": world.other_startup,
        "its member": _member(world, world.other_startup, "lid@beeldmaker.example"),
        "its machine": Caller(world.origin, machine),
        "other archive": world.other_archive,
        "auditor of it": _auditor(world, "nabij", ended=False),
        "auditor whose time is over": _auditor(world, "voorbij", ended=True),
        "operator": world.operator,
    }
    rivals = tuple(
        Rival(name, _browser(world, one), name != "its machine") for name, one in callers.items()
    )
    yield Scene(world, rivals, things)
    for rival in rivals:
        rival.http.close()


def _browser(world: World, caller: Caller) -> httpx2.Client:
    """Shows what the caller shows, as a header and as a browser does."""
    headers = {"sec-fetch-site": "same-origin", "accept-language": "nl"}
    cookies = {}
    if caller.token is not None:
        headers["authorization"] = f"Bearer {caller.token}"
        cookies = {"vrijgave": caller.token}
    return httpx2.Client(base_url=world.origin, headers=headers, cookies=cookies, timeout=60)


ROUTES = [
    (method, route.path)
    for router in (api, pages)
    for method, route in operations(router)
    if (method, route.path) not in PUBLIC and route.path not in OPEN_PAGES
]
_PLACE = re.compile(r"\{(\w+)(?::path)?\}")


def _address(path: str, things: Mapping[str, str]) -> str:
    places = {
        **things,
        "number": "1",
        "where": "000",
        "archive": "beeldarchief",
        "dataset": DRAFT,
        "name": DRAFT,
    }
    if path in FILLED:
        places["name"] = things[FILLED[path]]
    return _PLACE.sub(lambda found: places[found[1]], path)


def _absent(value: str) -> str:
    kind, _, rest = value.rpartition("_")
    return f"{kind}_{'a' * len(rest)}" if kind else "0" * len(value)


def _ask(rival: Rival, method: str, path: str, things: Mapping[str, str]) -> httpx2.Response:
    address = _address(path, things)
    if method in {"GET", "HEAD", "DELETE"}:
        return rival.http.request(method, address)
    if not path.startswith("/v1"):
        return rival.http.post(address, data={"name": "x"})
    if method == "PUT" and path.endswith(("/ledger", "/deliveries")):
        kind = {"content-type": "text/csv"}
        return rival.http.put(
            address,
            content=b"identifier,kind\n1,opt_out\n",
            headers=kind,
            params={"file_name": "a"},
        )
    said = {
        name: value.format(**{"digest": "", **things}) if isinstance(value, str) else value
        for name, value in BODIES.get(path, {}).items()
    }
    return rival.http.request(method, address, json=said)


def _told(answer: httpx2.Response, path: str, things: Mapping[str, str]) -> tuple[int, str]:
    """What an answer tells, without what it was asked for and its own number."""
    text = answer.text
    named = (FILLED.get(path, ""), *_PLACE.findall(path))
    for value in (
        *(things[one] for one in named if one in things),
        answer.headers.get("x-request-id") or "no number",
    ):
        text = text.replace(value, "…")
    return answer.status_code, re.sub(r"[0-9a-f]{32}|[0-9a-f-]{36}", "…", text)


def _has_objects(path: str) -> bool:
    return path in FILLED or bool(
        set(_PLACE.findall(path)) - {"name", "number", "organisation_id", "where"}
    )


def _tries(scene: Scene, *, objects: bool) -> Iterator[tuple[Rival, str, str]]:
    for method, path in ROUTES:
        for rival in scene.rivals:
            may = rival.name == "operator" and path in OPERATED
            shown = rival.on_pages or path.startswith("/v1")
            if _has_objects(path) is objects and shown and not may:
                yield rival, method, path


def test_what_is_hidden_answers_as_what_is_absent(scene: Scene) -> None:
    """Status and body, on every route and page that names a thing, for everyone it is not for."""
    absent: dict[str, Any] = {name: _absent(value) for name, value in scene.secrets.items()}
    leaks = []
    for rival, method, path in _tries(scene, objects=True):
        hidden = _ask(rival, method, path, scene.secrets)
        nothing = _ask(rival, method, path, absent)
        if hidden.status_code < 400 or _told(hidden, path, scene.secrets) != _told(
            nothing, path, absent
        ):
            leaks.append((rival.name, method, path, hidden.status_code, nothing.status_code))
    assert not leaks, "\n".join(map(str, leaks))


def test_no_list_or_count_holds_what_is_hidden(scene: Scene) -> None:
    """Lists, searches and totals of others name none of it."""
    leaks = []
    for rival, method, path in _tries(scene, objects=False):
        if method == "GET" and rival.name != "operator":
            text = rival.http.get(path, params={"q": DRAFT, "limit": 50}).text
            found = [name for name, value in scene.secrets.items() if value in text]
            leaks += [(rival.name, path, name) for name in found]
            leaks += [(rival.name, path, DRAFT)] * (f"/{DRAFT}" in text)
    assert not leaks, "\n".join(map(str, leaks))


def test_every_route_was_tried(scene: Scene) -> None:
    """Nothing that the service answers is left out of the two above but what is public."""
    tried = {
        (method, path)
        for whole in (True, False)
        for _, method, path in _tries(scene, objects=whole)
    }
    assert tried == set(ROUTES)
    assert len(tried) > 200
