"""Reads with a token on either kind of database: by key, with no connection left behind."""

import time
from pathlib import Path

import httpx2
import pytest

from registry.accounts.tables import Environment
from registry.db import transaction
from tests.registry.api.world import open_world


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of its own."""
    return tmp_path / "home"


def test_a_read_sees_what_was_committed(home: Path, database_url: str) -> None:
    """Every change shows in the next read, a revocation too, and the pool gets all back."""
    with open_world(home, database_url=database_url) as world:
        environment = world.environment()
        path = f"{world.origin}/v1/environments/{environment}"
        made = world.startup.post("/tokens", {"name": "t", "scopes": ["requests"]})
        headers = {"Authorization": f"Bearer {made['access_token']}"}
        engine = world.app.state.runtime.engine
        for number in range(30):
            with transaction(engine) as session:
                session.get_one(Environment, environment).name = f"AMS {number}"
            for _ in range(2):
                assert httpx2.get(path, headers=headers).json()["name"] == f"AMS {number}"
        assert httpx2.get(f"{path}x", headers=headers).status_code == 404
        world.startup.http.delete(f"/tokens/{made['id']}").raise_for_status()
        assert httpx2.get(path, headers=headers).status_code == 401
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if engine.pool.checkedout() == 0:
                return
        raise AssertionError("a connection was not given back")
