"""Whose address counts: the one that the trusted proxy saw, never what a caller says of itself."""

from pathlib import Path

import httpx2
import pytest

from tests.registry.api.world import open_world
from tests.support.service import Service, free_port

Approved = tuple[Path, int, str, str]
INSIDE, OUTSIDE = "203.0.113.9", "198.51.100.7"


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Approved:
    """A home with an extract that may be read from one network: with port, path and token."""
    home, port = tmp_path_factory.mktemp("service"), free_port()
    with open_world(home, port) as world:
        environment = world.environment(networks=["203.0.113.0/24"])
        extract = world.extract(world.agree(world.publish(), environment))
        return home, port, f"/v1/extracts/{extract['id']}/parts/1", world.token(environment)


@pytest.mark.parametrize(
    ("in_front", "forwarded", "seen"),
    [
        (True, INSIDE, None),
        (True, f"{INSIDE}, {OUTSIDE}", OUTSIDE),
        (True, f"{OUTSIDE}, {INSIDE}", None),
        (True, "", "127.0.0.1"),
        (True, "localhost; DROP", "localhost; DROP"),
        (False, INSIDE, "127.0.0.1"),
    ],
)
def test_forged_addresses(
    approved: Approved,
    monkeypatch: pytest.MonkeyPatch,
    in_front: bool,
    forwarded: str,
    seen: str | None,
) -> None:
    """What a caller wrote before the proxy's own line, or without a proxy, opens no network."""
    home, port, path, token = approved
    monkeypatch.setenv("VRIJGAVE_TLS_IN_FRONT", str(in_front).lower())
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": forwarded}
    with Service(home, port=port) as service:
        answer = httpx2.get(f"{service.origin}{path}", headers=headers)
    if seen is None:
        assert answer.status_code == 200, answer.text
        return
    assert (answer.status_code, answer.json()["code"]) == (403, "other-network")
    assert f"The address {seen} is outside" in answer.json()["detail"]
