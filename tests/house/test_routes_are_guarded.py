"""Every route says who may call it, and what belongs to one organisation is hidden from others."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from registry.accounts.actors import ROLE_SCOPES, Scope
from registry.api.routes import router
from tests.registry.api.world import World

PUBLIC = {
    ("POST", "/v1/organisations"),
    ("GET", "/v1/organisations/{organisation_id}"),
    ("POST", "/v1/sign-in-links"),
    ("POST", "/v1/seats"),
    ("POST", "/v1/sessions"),
    ("GET", "/v1/datasets"),
    ("GET", "/v1/search"),
    ("GET", "/v1/archives/{archive}/datasets/{dataset}"),
    ("GET", "/v1/archives/{archive}/datasets/{dataset}/difference"),
    ("GET", "/v1/archives/{archive}/datasets/{dataset}/statistics"),
    ("GET", "/v1/offers/{offer_id}"),
    ("POST", "/v1/precheck"),
    ("POST", "/v1/disputes"),
    ("GET", "/v1/disputes/{dispute_id}"),
    ("POST", "/v1/disputes/{dispute_id}/claims"),
    ("GET", "/v1/audit/checkpoint"),
    ("GET", "/audit/v1/checkpoint"),
    ("GET", "/audit/v1/tile/{level}/{where:path}"),
    ("GET", "/v1/keys/{name}"),
    ("POST", "/oauth/token"),
    ("POST", "/oauth/revoke"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/.well-known/oauth-protected-resource"),
    ("GET", "/.well-known/security.txt"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
}
"""What anyone may call: a route is here or names its scope."""

OWNERS = {
    "dataset_id": "archive",
    "delivery_id": "archive",
    "edition_id": "archive",
    "offer_id": "archive",
    "decision_id": "archive",
    "request_id": "startup",
    "agreement_id": "startup",
    "extract_id": "startup",
    "environment_id": "startup",
    "token_id": "startup",
    "client_id": "startup",
    "dispute_id": "archive",
    "withdrawal_id": "archive",
    "notice_id": "startup",
    "webhook_id": "startup",
    "link_id": "startup",
    "proof_id": "startup",
    "mandate_id": "archive",
    "seat_id": "startup",
    "block_id": "archive",
    "invitation_id": "startup",
}
"""Whose each kind of thing is; a new kind of path parameter needs a line here."""

REPLAYED = {
    "/v1/decisions/{decision_id}/record",
    "/v1/decisions/{decision_id}/replays",
    "/v1/decisions/{decision_id}/receipt",
    "/v1/decisions/{decision_id}/what-if",
}
"""What the operator may open besides."""

AUDITED = {"/v1/withdrawals/{withdrawal_id}", "/v1/notices/{notice_id}/manifest", *REPLAYED}
"""What an auditor reads of the archives that it was asked to look at."""

BODIES: dict[str, Any] = {
    "/v1/seats/{seat_id}": {"admin": False},
    "/v1/datasets/{dataset_id}/declarations": {"kinds": {"embargo": "none"}},
    "/v1/datasets/{dataset_id}/terms": {"lines": []},
    "/v1/datasets/{dataset_id}/residency": {"process": ["EU"]},
    "/v1/datasets/{dataset_id}/editions": {"delivery_id": "{delivery_id}"},
    "/v1/deliveries/{delivery_id}/mapping": {"columns": []},
    "/v1/datasets/{dataset_id}/deliveries/in-place": {"place": "eigen", "key": "a.csv"},
    "/v1/environments/{environment_id}/proofs": {
        "kind": "audit",
        "reference": "x",
        "holds_until": "2099-01-01T00:00:00Z",
    },
    "/v1/proofs/{proof_id}/decision": {"accept": True},
    "/v1/decisions/{decision_id}/review": {"approve": True},
    "/v1/datasets/{dataset_id}/tombstone": {"reason_nl": "x", "reason_en": "x"},
    "/v1/datasets/{dataset_id}/ledger": {"lines": [{"identifier": "1", "kind": "opt_out"}]},
    "/v1/datasets/{dataset_id}/withdrawals": {"identifiers": ["1"], "reason": "x"},
    "/v1/disputes/{dispute_id}/decision": {"uphold": True, "answer": "x"},
    "/v1/notices/{notice_id}/receipt": {"receipt": "removed"},
    "/v1/agreements/{agreement_id}/acceptance": {"digest": "{digest}"},
    "/v1/agreements/{agreement_id}/revocation": {"reason": "x"},
}
"""Bodies that are valid, so that only the caller can be what is wrong."""


AUDITORS = {
    ("DELETE", "/v1/sessions/current"),
    ("POST", "/v1/tokens"),
    ("DELETE", "/v1/tokens/{token_id}"),
    ("POST", "/v1/clients"),
    ("DELETE", "/v1/clients/{client_id}"),
    ("POST", "/v1/seat-invitations"),
    ("DELETE", "/v1/seat-invitations/{invitation_id}"),
    ("PUT", "/v1/seats/{seat_id}"),
    ("DELETE", "/v1/seats/{seat_id}"),
    ("POST", "/v1/decisions/{decision_id}/replays"),
    ("POST", "/v1/audit/exports"),
    ("POST", "/v1/audit/packs/{name}"),
    ("POST", "/v1/audit/populations"),
    ("POST", "/v1/audit/processing-log"),
}
"""What an auditor may send: for its keys and seats, and to take proof out. Else it only reads."""

REFUSED_INSIDE = {
    ("POST", "/v1/auditors"),
    ("POST", "/v1/blocks"),
    ("DELETE", "/v1/blocks/{block_id}"),
    ("DELETE", "/v1/auditors/{mandate_id}"),
    ("POST", "/v1/proofs/{proof_id}/decision"),
    ("POST", "/v1/verifications"),
}
"""Routes whose service refuses auditors: the tests of a real call are `test_nobody_elses_things`
and, for verifications, `test_wrong_input_and_states_are_refused`."""

OPERATORS_TOO = {
    ("GET", "/v1/environments/{environment_id}/proofs"),
    ("POST", "/v1/proofs/{proof_id}/decision"),
}
"""What the operator may do with other people's things."""


def _routes(found: Any) -> Iterator[APIRoute]:
    for route in found.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from _routes(route.original_router)


def _names_a_scope(dependant: Dependant) -> bool:
    if hasattr(dependant.call, "scope"):
        return True
    return any(_names_a_scope(one) for one in dependant.dependencies)


def operations(found: Any) -> list[tuple[str, APIRoute]]:
    """Every method of every route of a router."""
    return [(method, one) for one in _routes(found) for method in sorted(one.methods or ())]


OPERATIONS = operations(router)
OBJECT_ROUTES = [
    pytest.param(method, route.path, id=f"{method} {route.path}")
    for method, route in OPERATIONS
    if any(f"{{{name}}}" in route.path for name in OWNERS) and (method, route.path) not in PUBLIC
]


def test_every_route_names_its_scope_or_is_public() -> None:
    """No route was forgotten, and none of the public ones has gone."""
    unguarded = {
        (method, route.path) for method, route in OPERATIONS if not _names_a_scope(route.dependant)
    }
    assert unguarded - PUBLIC == set()
    assert {(method, route.path) for method, route in OPERATIONS} >= PUBLIC


def test_every_kind_of_thing_has_an_owner() -> None:
    """A path parameter that names a thing stands in the table that the next test runs by."""
    free = {"organisation_id", "archive", "dataset", "entry_id", "number", "name", "level", "where"}
    named = {one.name for _, route in OPERATIONS for one in route.dependant.path_params}
    assert named - free == set(OWNERS)


def _scopes(dependant: Dependant) -> Iterator[Scope | None]:
    if dependant.call is not None and hasattr(dependant.call, "scope"):
        yield dependant.call.scope
    for one in dependant.dependencies:
        yield from _scopes(one)


def test_an_auditor_changes_nothing() -> None:
    """No route that acts takes a scope that auditors have, but for their keys and for proof."""
    open_to_them = {
        (method, route.path)
        for method, route in OPERATIONS
        if method not in {"GET", "HEAD"} and (method, route.path) not in PUBLIC
        if {None, *ROLE_SCOPES["auditor"]} & set(_scopes(route.dependant))
    }
    assert open_to_them == AUDITORS | REFUSED_INSIDE


@pytest.mark.parametrize(("method", "path"), OBJECT_ROUTES)
def test_nobody_elses_things(world: World, method: str, path: str) -> None:
    """Another organisation of the same role finds nothing; of another role, it may not."""
    address = path.format(**world.things, number=1)
    body = BODIES.get(path, {})
    filled = {
        name: value.format(**world.things) if isinstance(value, str) else value
        for name, value in body.items()
    }
    options: dict[str, Any] = {} if method in {"GET", "HEAD", "DELETE"} else {"json": filled}
    if path.endswith("/ledger") and method == "PUT":
        options = {
            "content": "identifier,kind\n1,opt_out\n",
            "headers": {"content-type": "text/csv"},
        }
    if path.endswith("/deliveries") and method == "PUT":
        options = {"content": b"id,licence\n", "params": {"file_name": "a.csv"}}
    rivals = [world.other_archive, world.other_startup]
    rivals += [] if path in AUDITED else [world.auditor]
    too = path in REPLAYED or (method, path) in OPERATORS_TOO
    rivals += [] if too else [world.operator]
    for rival in rivals:
        answer = rival.http.request(method, address.removeprefix("/v1"), **options)
        assert answer.status_code in {403, 404}, f"{answer.status_code}: {answer.text}"
    refused = world.anyone.http.request(method, address.removeprefix("/v1"), **options)
    assert refused.status_code == 401


def test_what_is_hidden_and_what_is_absent_read_the_same(world: World) -> None:
    """The answers differ in nothing but the name that was asked for."""
    hidden, absent = world.things["extract_id"], "ext_" + "a" * 26
    answers = [
        world.other_startup.http.get(f"/extracts/{name}").json() for name in (hidden, absent)
    ]
    for answer, name in zip(answers, (hidden, absent), strict=True):
        answer.pop("request_id")
        for key in ("detail", "instance"):
            answer[key] = answer[key].replace(name, "…")
    assert answers[0] == answers[1]
