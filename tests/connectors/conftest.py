"""The S3 server that the tests of stores share."""

from collections.abc import Iterator

import pytest

from tests.support.s3 import S3Server, s3_server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running server."""
    with s3_server(tmp_path_factory.mktemp("weed")) as server:
        yield server
