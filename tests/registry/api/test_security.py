"""What every answer says to browsers, and where weaknesses are reported."""

import asyncio
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from registry.api.security import security_txt
from registry.errors import NotFound
from registry.settings import Settings
from tests.registry.api.world import World

LAST = date(2027, 3, 31)
CONTACT = "https://example.org/report"


@pytest.mark.parametrize(
    "path", ["/v1/me", "/openapi.json", "/livez", "/static/icon.svg", "/v1/no"]
)
def test_answers_that_are_no_pages_allow_nothing(world: World, path: str) -> None:
    """Whatever a browser takes them for, they load, run and frame nothing."""
    headers = httpx2.get(f"{world.origin}{path}").headers
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" not in headers


def test_without_a_contact_there_is_no_file(world: World) -> None:
    """An operator who names nobody publishes nothing."""
    assert httpx2.get(f"{world.origin}/.well-known/security.txt").status_code == 404


def _told(at: datetime, **settings: Any) -> bytes:
    runtime: Any = SimpleNamespace(settings=Settings(**settings))
    return bytes(asyncio.run(security_txt(runtime, at)).body)


def test_a_contact_ends_with_its_day() -> None:
    """The file is there until the last second of the day that is set, and never without one."""
    end = datetime(2027, 3, 31, 23, 59, 59, tzinfo=UTC)
    told = _told(end, security_contact=CONTACT, security_contact_until=LAST)
    assert told.startswith(b"Contact: https://example.org/report\nExpires: 2027-03-31T23:59:59Z\n")
    after = datetime(2027, 4, 1, tzinfo=UTC)
    for at, until in ((after, LAST), (end, None)):
        with pytest.raises(NotFound):
            _told(at, security_contact=CONTACT, security_contact_until=until)


@pytest.mark.parametrize("contact", ["someone@example.org", "http://x", "mailto:a\nContact: b"])
def test_a_contact_is_an_address(contact: str) -> None:
    """No other form, and no second line."""
    with pytest.raises(ValueError, match="security_contact"):
        Settings(security_contact=contact)
