"""A token issuer of our own with real keys, on a real server: it can rotate, lie and go down."""

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

Claims = dict[str, Any]


def signed(header: Claims, claims: Claims | bytes, key: Key, alg: str = "") -> str:
    """A compact token; the header is taken as it is given."""
    content = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jws.serialize_compact(header, content, key, algorithms=[alg or str(header["alg"])])


class Issuer:
    """Serves metadata and keys until the block ends, and mints access tokens (RFC 9068)."""

    def __init__(self, path: str = "") -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.published: list[Key] = [self.key]
        self.metadata: Claims = {}
        self.asked: list[str] = []
        self.down = False
        self.slow = 0.0
        """Seconds between the bytes of an answer."""
        self._path = path
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the server's own word
                issuer._answer(self)

            do_POST = do_GET  # noqa: N815 -- the library's name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Tests read no log of it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"http://127.0.0.1:{self._server.server_port}{path}"

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def rotate(self, kid: str, *, keep: bool = False) -> None:
        """Sign with a new key from now on; the old one is published no more, unless kept."""
        self.key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})
        self.published = [*(self.published if keep else ()), self.key]

    def mint(self, claims: Claims, key: Key | None = None, **header: Any) -> str:
        """An access token with these claims, signed with the issuer's key."""
        alg = {RSAKey: "RS256", ECKey: "ES256", OctKey: "HS256"}.get(type(key or self.key), "")
        told = {"alg": alg, "typ": "at+jwt", "kid": (key or self.key).kid, **header}
        return signed(
            {name: value for name, value in told.items() if value is not None},
            {"iss": self.name, **claims},
            key or self.key,
        )

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        found = self.found(request)
        body = json.dumps(found).encode()
        request.send_response(503 if self.down else 404 if found is None else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        with suppress(ConnectionError):  # whoever asked may have lost patience
            for number in range(len(body)):
                request.wfile.write(body[number : number + 1] if self.slow else body)
                if not self.slow:
                    break
                time.sleep(self.slow)

    def found(self, request: BaseHTTPRequestHandler) -> object:
        """What stands at the address of a request; nothing where nothing does."""
        told = {"issuer": self.name, "jwks_uri": f"{self.name}/keys", **self.metadata}
        if request.path == f"/.well-known/oauth-authorization-server{self._path}":
            return told
        if request.path == f"{self._path}/keys":
            return {"keys": [key.as_dict(private=False) for key in self.published]}
        return None
