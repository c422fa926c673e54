"""What several tests of the services start from."""

import pytest

from tests.support.extracting import Scene, a_scene
from tests.support.world import PublishedDataset, Startup, World


@pytest.fixture
def scene(world: World) -> Scene:
    """An agreement in force on a dataset of 400 items."""
    return a_scene(world, 400)


@pytest.fixture
def on_sqlite(sqlite_world: World) -> Scene:
    """The same on fewer items, where the kind of database makes no difference."""
    return a_scene(sqlite_world, 60)


@pytest.fixture
def published(world: World) -> PublishedDataset:
    """A dataset whose clear cases are agreed without a person."""
    return world.a_published_dataset(items=400)


@pytest.fixture
def startup(world: World) -> Startup:
    """A commercial user that processes in the Netherlands."""
    return world.a_startup()
