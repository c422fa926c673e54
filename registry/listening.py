"""How the service listens: a client that dawdles is let go before it costs the others anything.

Uvicorn waits for ever for the rest of a request's headers, for its body, and for a reader that
takes nothing. Here each connection is looked at now and then: a request's headers must be whole
within :attr:`Patient.seconds`, and a body must come in, and an answer be taken, at :data:`LEAST`
bytes a second. What a request may say besides its body is bounded too. An answer that may not go
on is ended with what waits to be sent: the system's buffers hold megabytes for a slow reader.
"""

import resource
import socket
import struct
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MOST_HEADERS = 64 * 1024
"""Bytes of a request's line and headers, or of what stands after a body's last byte."""
LEAST = 10_000
"""Bytes a second that a body must come in with, and an answer be taken with."""
READER_LOOKS = 12
"""Looks between two at a reader, who has six times longer: it may work on what it was given."""
BACKLOG = 4096
"""Connections that may wait to be taken."""
UNSENT = 256 * 1024
"""Bytes that may wait in the system besides those on their way (TCP_NOTSENT_LOWAT, tcp(7))."""
LET_GO = "vrijgave.let_go"
"""The ASGI extension by which an answer ends its connection, and takes back what was not sent."""


class Patient(HttpToolsProtocol):
    """One connection."""

    seconds = 10.0
    """How long a client may take for its headers, and may stall within a body."""

    _since: float | None = None
    """When its turn to send the headers of a request began; `None` while a request is answered."""
    _unread = 0
    _received = 0
    _body_seen: tuple[object, int] | None = None
    _owed: int | None = None
    _looks = 0

    def connection_made(self, transport: Any) -> None:
        """The first request's headers are due."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT
        )
        self._since = self.loop.time()
        self._look_later()

    def data_received(self, data: bytes) -> None:
        """Count what came, and hold it to the bound."""
        if self._since is None and (self.cycle is None or self.cycle.response_complete):
            self._since = self.loop.time()
        self._unread += len(data)
        self._received += len(data)
        super().data_received(data)
        if self._unread > MOST_HEADERS and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """The headers of a request begin, maybe while the one before is still answered."""
        if self._since is None:
            self._since = self.loop.time()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Fields after a body (trailers) say nothing here."""
        if self._since is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The request is whole but for its body."""
        if self._unread > MOST_HEADERS and self._header_bytes() > MOST_HEADERS:
            raise ValueError("the headers are too large")  # the parser's caller refuses then
        self._since, self._unread, self._owed = None, 0, None
        self.scope["extensions"] = {LET_GO: {"end": self._let_go}}
        super().on_headers_complete()

    def _header_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        """Bytes of the body are counted where the route knows its cap."""
        self._unread = 0
        super().on_body(body)

    def resume_writing(self) -> None:
        """The reader took enough for more to be written."""
        self._owed = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request; where it is too large, say so (RFC 6585 section 5)."""
        if self._unread <= MOST_HEADERS:
            super().send_400_response(msg)
            return
        if self._since is not None:
            self.transport.write(
                STATUS_LINE[431] + b"content-length: 0\r\nconnection: close\r\n\r\n"
            )
        self.transport.close()

    def _look_later(self) -> None:
        self.loop.call_later(self.seconds / 2, self._look)

    def _look(self) -> None:
        if self not in self.connections:
            return
        self._looks += 1
        if self._late() or self._stalls() or self._leaves_lying():
            self._let_go()
        else:
            self._look_later()

    def _let_go(self) -> None:
        """Close without waiting for what the kernel still holds for this client."""
        if self not in self.connections:
            return
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.transport.abort()

    def _late(self) -> bool:
        """Whether the headers should have been whole by now; while we do not read, they wait."""
        if self._since is not None and self.flow.read_paused:
            self._since = self.loop.time()
        return self._since is not None and self.loop.time() > self._since + self.seconds

    def _stalls(self) -> bool:
        """Whether a body that we wait for does not come in."""
        cycle = self.cycle
        before, self._body_seen = self._body_seen, None
        if cycle is None or not cycle.more_body or cycle.response_complete:
            return False
        if cycle.waiting_for_100_continue or self.flow.read_paused:
            return False
        self._body_seen = cycle, self._received
        if before is None or before[0] is not cycle:
            return False
        return self._received < before[1] + LEAST * self.seconds / 2

    def _leaves_lying(self) -> bool:
        """Whether a reader does not take what is ready for it and what nobody adds to."""
        if self._looks % READER_LOOKS:
            return False
        before, self._owed = self._owed, None
        answered = self.cycle is None or self.cycle.response_complete
        if not (answered or self.flow.write_paused):
            return False
        self._owed = self.transport.get_write_buffer_size() or None
        if before is None or self._owed is None:
            return False
        return self._owed > before - LEAST * self.seconds / 2 * READER_LOOKS


def let_go(scope: Scope) -> None:
    """End the connection of this request at once; a server of another kind does so in its time."""
    extension = scope.get("extensions", {}).get(LET_GO)
    if extension is not None:
        extension["end"]()


def patient(seconds: float) -> type[Patient]:
    """The protocol for Uvicorn, with :attr:`Patient.seconds` as told."""
    return type("Patient", (Patient,), {"seconds": seconds})


def allow_many_connections() -> None:
    """Let this process hold as many open files, and so connections, as the system lets it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
