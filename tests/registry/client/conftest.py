"""A service with one ready extract, which the tests of the readers' side share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.registry.api.world import World, open_world


@dataclass(frozen=True)
class Reader:
    """Someone who may read an extract."""

    world: World
    extract: Any
    token: str

    @property
    def address(self) -> str:
        """Where the extract is."""
        return f"{self.world.origin}/v1/extracts/{self.extract['id']}"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader with a token for a ready extract of 200 rows."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as world:
        environment = world.environment()
        agreement = world.agree(world.publish(), environment)
        yield Reader(world, world.extract(agreement), world.token(environment))
