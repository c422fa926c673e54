"""Schemathesis over the whole OpenAPI: no fault of ours, no answer that is not described."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from registry.app import create_app
from registry.settings import Settings
from tests.registry.api.world import World, open_world

pytestmark = [
    pytest.mark.conformance,
    # Schemathesis itself draws a random number where Hypothesis would rather it did not.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module"),
]

_ROLES = ("archive", "startup", "operator")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service of this module alone, since anything may happen to it."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as running:
        running.publish()
        yield running


schema = schemathesis.openapi.from_dict(create_app(Settings()).openapi())


@schema.parametrize()
@settings(
    max_examples=3,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
def test_openapi_schemathesis(case: schemathesis.Case[Any], world: World) -> None:
    """Generated requests of each role get a described answer, and never a fault."""
    for role in _ROLES:
        headers = {"Authorization": f"Bearer {getattr(world, role).token}"}
        if case.path.startswith("/v1/sessions/current"):
            headers = {}
        answer = case.call(base_url=world.origin, headers=headers)
        case.validate_response(
            answer,
            checks=[
                not_a_server_error,
                checks.status_code_conformance,
                checks.content_type_conformance,
                checks.response_schema_conformance,
            ],
        )
