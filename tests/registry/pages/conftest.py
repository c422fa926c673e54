"""One service for the tests of a module; each makes the people and things it needs."""

from collections.abc import Iterator

import pytest

from tests.registry.pages.site import Site, open_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running service with its pages."""
    with open_site(tmp_path_factory.mktemp("site")) as running:
        yield running
