"""Download of a part through all our checks, beside Starlette's `FileResponse` of the same file."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks._approved import approved
from tests.benchmarks.line import Line
from tests.support.service import free_port

GOAL = 3.0
ITEMS = {"ci": 2_400_000, "full": 5_000_000}
ROUNDS = 5
STOCK = (
    "import os\n"
    "from fastapi import FastAPI\n"
    "from fastapi.responses import FileResponse\n"
    "app = FastAPI()\n"
    "@app.get('/file')\n"
    "def file() -> FileResponse:\n"
    "    return FileResponse(os.environ['FILE'])\n"
)


def run(size: str) -> Iterator[Line]:
    """Whole downloads of one part, ours and stock in turn; medians of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with approved(home, ITEMS[size]) as ready:
            ready.accept()
            part = max(ready.extract()["parts"], key=lambda one: one["bytes"])
            path = part["address"].removeprefix(ready.service.origin)
            stored = _stored(home, part["sha256"])
            with _stock(home, stored) as port:
                ours, stock = [], []
                for _ in range(ROUNDS):
                    stock.append(_speed(port, "/file", "", part["bytes"]))
                    ours.append(
                        _speed(ready.service.port, path, ready.startup.token or "", part["bytes"])
                    )
    value, peer = statistics.median(ours), statistics.median(stock)
    yield Line(
        f"serving: download of a {part['bytes'] // 2**20} MiB part, checks and record included",
        round(value),
        "MB/s",
        peer=round(peer),
        ratio=round(value / peer, 2),
        goal=f"ratio >= {GOAL:.0f} against Starlette's FileResponse",
        holds=value / peer >= GOAL,
    )


def _stored(home: Path, sha256: str) -> Path:
    """The same file as it stands in the store."""
    found = [path for path in (home / "files").rglob("*") if path.is_file()]
    of_that_hash = (path for path in found if _sha256(path) == sha256)
    return next(of_that_hash)


def _sha256(path: Path) -> str:
    from connectors.local import sha256_of

    return sha256_of(path)


@contextmanager
def _stock(home: Path, file: Path) -> Iterator[int]:
    """A plain FastAPI that serves one file as everybody does; its port."""
    (home / "stock_app.py").write_text(STOCK)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "stock_app:app", "--port", str(port)]
    environment = {**os.environ, "FILE": str(file)}
    with subprocess.Popen(
        [*command, "--log-level", "error", "--no-access-log"], cwd=home, env=environment
    ) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the stock server did not start")


def _speed(port: int, path: str, token: str, size: int) -> float:
    """MB/s of whole downloads for about a second, read by a sink that copies nothing."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    started, moved = time.perf_counter(), 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.perf_counter() - started < 1.0:
            connection.sendall(head.encode())
            _skip_answer(connection, size)
            moved += size
    return moved / 1e6 / (time.perf_counter() - started)


def _skip_answer(connection: socket.socket, size: int) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    answer, _, body = received.partition(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer.decode())
    left, buffer = size - len(body), bytearray(4 * 2**20)
    while left:  # the kernel drops the bytes instead of copying them here
        left -= connection.recv_into(buffer, min(left, len(buffer)), socket.MSG_TRUNC)
