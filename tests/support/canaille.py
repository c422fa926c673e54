"""Canaille as a server on a thread, by pytest-iam: a real provider with people and groups."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from canaille import create_app
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from pytest_iam import Server

from tests.support.lying import CLIENT, SECRET
from tests.support.service import free_port


@contextmanager
def open_canaille(redirect_uri: str) -> Iterator[Server]:
    """Canaille with this service as a client that it trusts."""
    port = free_port()
    key = RSAKey.generate_key(2048, {"kid": "first"}).as_dict(private=True)
    app = create_app(
        {
            "TESTING": True,
            "SECRET_KEY": SECRET,
            "WTF_CSRF_ENABLED": False,
            "PREFERRED_URL_SCHEME": "http",
            "SERVER_NAME": f"localhost:{port}",
            "CANAILLE": {
                "DATABASE": "memory",
                "JAVASCRIPT": False,
                "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"]}},
            },
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [key]},
        }
    )
    server = Server(app, port, Backend.instance)
    with app.app_context():
        client = server.models.Client(
            client_id=CLIENT,
            client_secret=SECRET,
            client_name="Vrijgave",
            redirect_uris=[redirect_uri],
            scope=["openid", "email", "profile", "groups"],
            grant_types=["authorization_code"],
            response_types=["code"],
            token_endpoint_auth_method="client_secret_basic",
            id_token_signed_response_alg="RS256",
        )
        server.backend.save(client)
        client.audience = [client]
        server.backend.save(client)
    thread = threading.Thread(target=server.httpd.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.httpd.shutdown()
        thread.join()
        server.httpd.server_close()
