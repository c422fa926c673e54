"""A service that a module shares; its tests make the things they need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.api.world import World, open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running service."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as running:
        yield running
