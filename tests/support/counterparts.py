"""Programs and services of others that tests run against."""

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skip by name on a machine without the counterpart; fail where counterparts are required.

    A newcomer's first test run must not fail for want of a browser or a database server, and the
    project's own check must not pass without them.
    """
    if os.environ.get("REQUIRE_COUNTERPARTS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
