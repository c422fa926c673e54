"""The same sign-in at providers that others wrote, by a browser that keeps cookies."""

from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest

from tests.registry.pages.site import open_site
from tests.support.counterparts import absent
from tests.support.lying import CLIENT, SECRET
from tests.support.provider import ABSENT, IS_THERE, Provider
from tests.support.service import free_port


def browse(client: httpx2.Client, address: str) -> httpx2.Response:
    """Follow every redirect as a browser does, from site to site."""
    answer = client.get(address)
    for _ in range(12):
        if not answer.has_redirect_location:
            return answer
        answer = client.get(urljoin(str(answer.url), answer.headers["location"]))
    raise AssertionError("the redirects go on and on")


def test_npm_oidc_provider(tmp_path: Path) -> None:
    """PKCE is required there; who is in the group comes in, an archive by a second factor only."""
    if not IS_THERE:
        absent(ABSENT)
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with Provider(audience=origin) as provider:
        told = {
            "issuer": provider.name,
            "title": "npm",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": "openid email profile groups",
            "domains": ["lab.example"],
            "groups": {"lab": "labarchief"},
        }
        with open_site(tmp_path, port=port, sign_in_providers={"npm": told}) as site:
            site.link("archive", "Labarchief")
            claims: dict[str, object] = {"email": "a@lab.example", "email_verified": True}
            with httpx2.Client(headers={"accept-language": "en"}, timeout=30) as browser:
                provider.person("ada", claims | {"groups": ["lab"]}, "pwd")
                refused = browse(browser, f"{origin}/sign-in/with/npm")
                assert "needs a second factor" in refused.text, refused.text
                provider.person("ada", claims | {"groups": ["others"]}, "pwd", "mfa")
                assert "not known here yet" in browse(browser, f"{origin}/sign-in/with/npm").text
                provider.person("ada", claims | {"groups": ["lab"]}, "pwd", "mfa")
                home = browse(browser, f"{origin}/sign-in/with/npm")
                assert (home.status_code, home.url.path) == (200, "/home"), home.text
                claimed = browser.get(f"{origin}/sign-in/connected").text
                assert provider.name in claimed
                assert "a@lab.example" in claimed


@pytest.mark.parametrize("part", ["code", "state", "iss"])
def test_npm_oidc_provider_names_each_part(tmp_path: Path, part: str) -> None:
    """What the address that comes back must hold, it holds: else the tests of lies test nothing."""
    if not IS_THERE:
        absent(ABSENT)
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with Provider(audience=origin) as provider:
        told = {"issuer": provider.name, "title": "npm", "client_id": CLIENT}
        told |= {"client_secret": SECRET}
        with open_site(tmp_path, port=port, sign_in_providers={"npm": told}):
            provider.person("ada", {})
            with httpx2.Client(timeout=30) as browser:
                answer = browse(browser, f"{origin}/sign-in/with/npm")
                assert part in answer.url.params
