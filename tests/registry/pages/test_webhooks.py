"""Webhooks of a start-up on a page: registered, tried, called, and closed, without scripts."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.registry.pages.site import Site


class Receiver(BaseHTTPRequestHandler):
    """A recipient's own service."""

    status = 204

    def do_POST(self) -> None:
        """Take a message, or not."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


@contextmanager
def receiving(status: int) -> Iterator[str]:
    """The address of a real server on loopback that answers so."""
    kind = type("Here", (Receiver,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()


def test_a_webhook_from_registration_to_its_end(site: Site) -> None:
    """The secret is shown once; a try tells what came back; a closed one is called no more."""
    startup = site.invited("user", "Luisteraar")
    startup.open("/notices")
    startup.follow("/webhooks")
    assert "Nog geen webhook" in startup.text
    startup.send("/webhooks", address="http://elders.example/hook", status=422)
    assert "geen https-adres" in startup.text
    with receiving(204) as address:
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
    with receiving(204) as address:
        startup.send("/webhooks", address=address)
    action = startup.form("/try").attrs["action"]
    other.open("/webhooks")
    assert address not in other.text
    headers = {"origin": site.origin}
    for one in (action, action.replace("/try", "/close")):
        assert other.http.post(one, headers=headers).status_code == 404
    site.invited("archive", "Zonder").open("/webhooks", 403)
