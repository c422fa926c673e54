"""What the operator is told of OpenID providers at the machine."""

import json
from collections.abc import Iterator

import pytest
from sqlmodel import select

from registry.accounts.sign_ins import Identity
from registry.accounts.tables import Seat
from registry.db import transaction
from tests.registry.api.world import World, open_world
from tests.registry.cli.conftest import Run
from tests.support.lying import CLIENT, LyingProvider


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running service."""
    with open_world(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> LyingProvider:
    """A provider in the settings, which does not run yet."""
    provider = LyingProvider()
    told = {"lab": {"issuer": provider.name, "title": "Het Lab", "client_id": CLIENT}}
    monkeypatch.setenv("VRIJGAVE_SIGN_IN_PROVIDERS", json.dumps(told))
    return provider


def test_what_to_register_and_whether_it_answers(
    run: Run, world: World, provider: LyingProvider
) -> None:
    """The redirect URI and the endpoints; one that is down is told so, with an exit status."""
    with provider:
        done = run(None, "sign-in-providers")
        assert done.status == 0, done.err
        assert f"{world.origin}/sign-in/with/lab/back" in done.out
        assert f"token_endpoint: {provider.name}/token" in done.out
    down = run(None, "sign-in-providers")
    assert (down.status, "does not answer" in down.err) == (1, True)


def test_what_was_told_of_a_person(run: Run, world: World) -> None:
    """The claims of the last sign-in, as JSON."""
    assert world.startup.token
    runtime = world.app.state.runtime
    with transaction(runtime.engine) as session:
        seat = session.exec(select(Seat)).first()
        assert seat is not None
        email, at = seat.email, runtime.clock()
        told = {"sub": "s", "amr": ["mfa"]}
        session.add(
            Identity(
                id="idn_1",
                issuer="https://login.example",
                subject="s",
                seat_id=seat.id,
                created_at=at,
                used_at=at,
                claims=told,
            )
        )
    done = run(None, "claims", email)
    assert json.loads(done.out) == {"issuer": "https://login.example", "claims": told}
