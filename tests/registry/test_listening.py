"""Clients that dawdle are let go, and only those; requests beyond their bounds are refused."""

import asyncio
import resource
import select
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from registry.listening import MOST_HEADERS, allow_many_connections, let_go, patient
from tests.registry.api.world import in_thread
from tests.support.service import free_port

SECONDS = 0.4
LARGE = 8 * 2**20
HEAD = b"Host: here\r\n"


async def _size(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{len(body)} {len(request.scope['headers'])}")


async def _late_end(_request: Request) -> Response:
    async def blocks() -> AsyncIterator[bytes]:
        yield b"all of it"
        await asyncio.sleep(SECONDS * 3)

    return StreamingResponse(blocks(), headers={"content-length": "9"})


async def _large(_request: Request) -> Response:
    return Response(bytes(LARGE))


async def _taken_back(request: Request) -> Response:
    async def blocks() -> AsyncIterator[bytes]:
        yield bytes(LARGE)
        let_go(request.scope)

    return StreamingResponse(blocks())


@contextmanager
def _served(seconds: float) -> Iterator[int]:
    """A real server with that much patience; its port."""
    app = Starlette(
        routes=[
            Route("/", _size, methods=["GET", "POST"]),
            Route("/large", _large),
            Route("/late", _late_end),
            Route("/taken-back", _taken_back),
        ]
    )
    port = free_port()
    config = uvicorn.Config(app, port=port, http=patient(seconds), ws="none", log_level="critical")
    with in_thread(uvicorn.Server(config)):
        yield port


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A real server with little patience."""
    with _served(SECONDS) as port:
        yield port


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def _ended(connection: socket.socket) -> bytes:
    """What came until the server let go."""
    found = b""
    try:
        while block := connection.recv(65_536):
            found += block
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost:",
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nsome",
        b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n.\r\n",
    ],
)
def test_half_a_request_is_let_go(port: int, begun: bytes) -> None:
    """Who opens a connection and does not go on loses it, unanswered."""
    with _connect(port) as connection:
        connection.sendall(begun)
        assert _ended(connection) == b""


@pytest.mark.parametrize("drop", [b"X-More: 1\r\n", b"\r\n"])
def test_drops_do_not_prolong(port: int, drop: bytes) -> None:
    """Bytes now and then do not put the end of the headers off, nor empty lines a next request."""
    with _connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HEAD)
        if drop == b"\r\n":
            connection.sendall(drop)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        gone = select.poll()
        gone.register(connection, 0)
        until = time.monotonic() + 20
        while not gone.poll(50):
            assert time.monotonic() < until
            connection.send(drop)


def test_a_slow_body_that_comes_is_taken() -> None:
    """A body that takes long but keeps the pace is answered."""
    blocks, block = 10, bytes(40_000)
    with _served(1.0) as port, _connect(port) as connection:
        length = blocks * len(block)
        connection.sendall(b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % length)
        for _ in range(blocks):
            connection.sendall(block)
            time.sleep(0.15)
        assert connection.recv(65_536).endswith(b"%d 2" % length)


def test_a_reader_that_takes_nothing_is_let_go(port: int) -> None:
    """An answer that nobody takes does not lie about for ever; one that is taken comes whole."""
    with _connect(port) as idle, _connect(port) as reading:
        for one in (idle, reading):
            one.sendall(b"GET /large HTTP/1.1\r\nConnection: close\r\n" + HEAD + b"\r\n")
        assert len(_ended(reading)) > LARGE
        gone = select.poll()
        gone.register(idle, 0)
        assert gone.poll(20_000) == [(idle.fileno(), select.POLLERR | select.POLLHUP)]


def test_an_answer_takes_back_what_was_not_sent(port: int) -> None:
    """Of a block that was handed over, a slow reader gets no more than was on its way."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET /taken-back HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert len(_ended(connection)) < LARGE // 8
    let_go({"type": "http"})  # a server that knows of no such thing is asked nothing


def test_requests_before_the_end_of_an_answer(port: int) -> None:
    """Requests that come before the answer to the first has ended wait whole, also in pieces."""
    more = b"GET / HTTP/1.1\r\nX-One: 1\r\n" + HEAD + b"\r\n"
    with _connect(port) as connection:
        connection.sendall(b"GET /late HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert connection.recv(65_536).endswith(b"all of it")
        connection.sendall(more + more[:20])
        assert connection.recv(65_536).endswith(b"0 2")
        connection.sendall(more[20:])
        assert connection.recv(65_536).endswith(b"0 2")


def test_headers_are_bounded(port: int) -> None:
    """Too large a header is refused with 431, whole or in pieces; one below the bound is taken."""
    begun = b"GET / HTTP/1.1\r\n" + HEAD + b"X: "
    for end in (b"", b"\r\n\r\n"):
        with _connect(port) as connection:
            connection.sendall(begun + b"x" * MOST_HEADERS + end)
            assert _ended(connection).startswith(b"HTTP/1.1 431 ")
    with _connect(port) as connection, suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(begun + b"x" * 10 * MOST_HEADERS + b"\r\n\r\n")
        assert not _ended(connection).startswith(b"HTTP/1.1 200 ")
    with _connect(port) as connection:
        text = b"GET / HTTP/1.1\r\nConnection: close\r\nX: " + b"x" * 60_000 + b"\r\n" + HEAD
        connection.sendall(text + b"\r\n")
        assert _ended(connection).endswith(b"0 3")


def test_what_follows_a_body_is_bounded(port: int) -> None:
    """Trailers add no headers, and one without an end ends the connection."""
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HEAD + b"\r\n1\r\n.\r\n0\r\n"
    with _connect(port) as connection:
        connection.sendall(chunked + b"X-Late: 1\r\n\r\n")
        assert connection.recv(65_536).endswith(b"1 2")
    with _connect(port) as connection:
        connection.sendall(chunked + b"X-Late: " + b"x" * 2 * MOST_HEADERS)
        assert b"HTTP/1.1 200" not in _ended(connection)


def test_what_is_no_request_is_refused(port: int) -> None:
    """Bytes that are no HTTP get a 400."""
    with _connect(port) as connection:
        connection.sendall(b"\x16\x03\x01\x00\r\n\r\n")
        assert _ended(connection).startswith(b"HTTP/1.1 400 ")


def test_the_bound_of_the_system_is_the_bound() -> None:
    """As many connections are allowed as the system allows."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        allow_many_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
