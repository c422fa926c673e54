"""The same sign-in at providers that others wrote, by a browser that keeps cookies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2

from tests.registry.pages.site import Site, open_site
from tests.support.canaille import open_canaille
from tests.support.counterparts import absent
from tests.support.lying import CLIENT, SECRET
from tests.support.provider import ABSENT, IS_THERE, Provider
from tests.support.service import free_port


def browse(client: httpx2.Client, address: str) -> httpx2.Response:
    """Follow every redirect as a browser does, from site to site."""
    return follow(client, client.get(address))


def follow(client: httpx2.Client, answer: httpx2.Response) -> httpx2.Response:
    """Go on from an answer as a browser does."""
    for _ in range(12):
        if not answer.has_redirect_location:
            return answer
        answer = client.get(urljoin(str(answer.url), answer.headers["location"]))
    raise AssertionError("the redirects go on and on")


@contextmanager
def at_npm(folder: Path, **told: Any) -> Iterator[tuple[Provider, Site]]:
    """Npm oidc-provider, and a service that trusts it."""
    if not IS_THERE:
        absent(ABSENT)
    port = free_port()
    with Provider(audience=f"http://127.0.0.1:{port}") as provider:
        told |= {"issuer": provider.name, "title": "npm"}
        told |= {"client_id": CLIENT, "client_secret": SECRET}
        with open_site(folder, port=port, sign_in_providers={"npm": told}) as site:
            yield provider, site


def test_npm_oidc_provider(tmp_path: Path) -> None:
    """PKCE is required there; who is in the group comes in, an archive by a second factor only."""
    told = {
        "scope": "openid email profile groups",
        "domains": ["lab.example"],
        "groups": {"lab": "labarchief"},
    }
    with at_npm(tmp_path, **told) as (provider, site):
        site.link("archive", "Labarchief")
        sign_in = f"{site.origin}/sign-in/with/npm"
        claims: dict[str, object] = {"email": "a@lab.example", "email_verified": True}
        with httpx2.Client(headers={"accept-language": "en"}, timeout=30) as browser:
            provider.person("ada", claims | {"groups": ["lab"]}, "pwd")
            refused = browse(browser, sign_in)
            assert "needs a second factor" in refused.text, refused.text
            provider.person("ada", claims | {"groups": ["others"]}, "pwd", "mfa")
            assert "not known here yet" in browse(browser, sign_in).text
            provider.person("ada", claims | {"groups": ["lab"]}, "pwd", "mfa")
            home = browse(browser, sign_in)
            assert (home.status_code, home.url.path) == (200, "/home"), home.text
            claimed = browser.get(f"{site.origin}/sign-in/connected").text
            assert provider.name in claimed
            assert "a@lab.example" in claimed


def test_npm_oidc_provider_names_each_part(tmp_path: Path) -> None:
    """What the address that comes back must hold, it holds: else the tests of lies test nothing."""
    with at_npm(tmp_path) as (provider, site), httpx2.Client(timeout=30) as browser:
        provider.person("ada", {})
        answer = browse(browser, f"{site.origin}/sign-in/with/npm")
        assert {"code", "state", "iss"} <= set(answer.url.params)


def test_canaille(tmp_path: Path) -> None:
    """It verifies no address, so that none gives a seat: whoever has one connects it themselves."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with open_canaille(f"{origin}/sign-in/with/canaille/back") as provider:
        told = {
            "issuer": provider.url.rstrip("/"),
            "title": "Canaille",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": "openid email profile groups",
            "groups": {"lab": "het-lab"},
            "domains": ["het-lab.example"],
        }
        with open_site(tmp_path, port=port, sign_in_providers={"canaille": told}) as site:
            ada = provider.random_user(emails=["ada@het-lab.example"], password=SECRET)
            group = provider.random_group(display_name="lab", members=[ada])
            provider.consent(ada)
            provider.login(ada)
            member = site.invited("user", "Het Lab", "en")
            with httpx2.Client(headers={"accept-language": "en"}, timeout=30) as stranger:
                refused = browse(stranger, f"{origin}/sign-in/with/canaille")
                assert "not known here yet" in refused.text, refused.text
                page = member.http.post("/sign-in/connected/canaille", data={})
                address = page.text.split('class="act" href="')[1].split('"')[0]
                asked = browse(member.http, address.replace("&amp;", "&"))
                anew = {"password": SECRET}  # asked again, although signed in
                connected = follow(member.http, member.http.post(str(asked.url), data=anew))
                assert connected.url.path == "/sign-in/connected", connected.text
                assert ada.user_name in connected.text
                home = browse(stranger, f"{origin}/sign-in/with/canaille")
                assert (home.status_code, home.url.path) == (200, "/home"), home.text
                with provider.app.app_context():
                    provider.backend.delete(group)
                left = browse(stranger, f"{origin}/sign-in/with/canaille")
                assert "does not name you" in left.text, left.text
