"""Webhooks of a start-up on a page: registered, tried, called, and closed, without scripts."""

import re

from tests.registry.pages.site import Site
from tests.support.listening import listening


def test_a_webhook_from_registration_to_its_end(site: Site) -> None:
    """The secret is shown once; a try tells what came back; a closed one is called no more."""
    startup = site.invited("user", "Luisteraar")
    startup.open("/notices")
    startup.follow("/webhooks")
    assert "Nog geen webhook" in startup.text
    startup.send("/webhooks", address="http://elders.example/hook", status=422)
    assert "geen https-adres" in startup.text
    with listening(204) as (address, _):
        startup.send("/webhooks", address=address)
        assert len(re.findall(r"whsec_[A-Za-z0-9+/=]{44}", startup.text)) == 1
        startup.open("/webhooks")
        assert "whsec_" not in startup.text
        action = startup.form("/try").attrs["action"]
        startup.send(action)
        assert "Het proefbericht is aangenomen." in startup.text
    startup.send(action)
    assert "unreachable" in startup.text
    startup.send(action.replace("/try", "/close"))
    assert "Gesloten op" in startup.text


def test_a_webhook_is_its_organisations_alone(site: Site) -> None:
    """Another organisation neither sees nor tries nor closes it; an archive has none."""
    startup, other = site.invited("user", "Eigenaar"), site.invited("user", "Buurman")
    startup.open("/webhooks")
    with listening(204) as (address, _):
        startup.send("/webhooks", address=address)
    action = startup.form("/try").attrs["action"]
    other.open("/webhooks")
    assert address not in other.text
    headers = {"origin": site.origin}
    for one in (action, action.replace("/try", "/close")):
        assert other.http.post(one, headers=headers).status_code == 404
    site.invited("archive", "Zonder").open("/webhooks", 403)
