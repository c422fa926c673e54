"""A service of a recipient's own, which is told things over HTTP and keeps them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Listener(BaseHTTPRequestHandler):
    """A recipient's own service, which keeps what it is told."""

    heard: list[tuple[dict[str, str], bytes]]
    status: int

    def do_POST(self) -> None:
        """Take a message."""
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).heard.append((dict(self.headers), body))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        """Say nothing."""


@contextmanager
def listening(
    status: int, answering: type[Listener] | None = None
) -> Iterator[tuple[str, type[Listener]]]:
    """A real server on loopback that answers so."""
    kind = type("Here", (answering or Listener,), {"heard": [], "status": status})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", kind
        finally:
            server.shutdown()
            thread.join()
