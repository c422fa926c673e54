"""Download of a part through all our checks, beside Starlette's `FileResponse` of the same file."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.local import sha256_of
from tests.benchmarks._approved import Approved, approved
from tests.benchmarks.line import Line
from tests.support.planting import plant_part
from tests.support.service import free_port

GOAL = 3.0
ITEMS = 600_000
LARGE = {"ci": 512 * 2**20, "full": 2 * 2**30}
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
    """Whole downloads, ours and stock in turn; the best of the rounds, since a busy machine only
    ever slows.

    The large file stands in the extract as a part beside its own: reading it takes the same checks
    and leaves the same record. The extract's own part shows what these cost where there is little
    to send.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with approved(home, ITEMS) as ready:
            ready.accept()
            extract = ready.extract()
            small = extract["parts"][0]
            yield _line(ready, home, _path(ready, small["address"]), _stored(home, small["sha256"]))
            large = plant_part(home, extract["id"], LARGE[size])
            address = _path(ready, small["address"]).removesuffix("/1") + "/99"
            yield _line(ready, home, address, large, goal=True)
            yield _cpu_line(ready, home, address, large)


def _line(ready: Approved, home: Path, path: str, file: Path, *, goal: bool = False) -> Line:
    size = file.stat().st_size
    ours, stock = [], []
    with _stock(home, file) as (port, _pid):
        for _round in range(ROUNDS):
            stock.append(_speed(port, "/file", "", size))
            ours.append(_speed(ready.service.port, path, ready.startup.token or "", size))
    ratio = max(ours) / max(stock)
    return Line(
        f"serving: download of {size // 2**20} MiB, checks and record included",
        round(max(ours)),
        "MB/s",
        peer=round(max(stock)),
        ratio=round(ratio, 2),
        goal=f"ratio >= {GOAL:.0f} against Starlette's FileResponse" if goal else "",
        holds=ratio >= GOAL if goal else None,
    )


def _cpu_line(ready: Approved, home: Path, path: str, file: Path) -> Line:
    """What a gigabyte costs the server: the steady figure on a busy machine."""
    assert ready.service._process is not None
    token, size = ready.startup.token or "", file.stat().st_size
    ours = _cpu_of(ready.service._process.pid, ready.service.port, path, token, size)
    with _stock(home, file) as (port, pid):
        stock = _cpu_of(pid, port, "/file", "", size)
    return Line(
        "serving: server CPU, checks and record included",
        round(ours, 2),
        "s/GB",
        peer=round(stock, 2),
        ratio=round(ours / stock, 2),
    )


def _cpu_of(pid: int, port: int, path: str, token: str, size: int) -> float:
    before, moved = _cpu(pid), 0
    for _ in range(4):
        _download(port, path, token, size)
        moved += size
    return (_cpu(pid) - before) / (moved / 1e9)


def _cpu(pid: int) -> float:
    """CPU seconds of a process so far, user and system (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _path(ready: Approved, address: str) -> str:
    return address.removeprefix(ready.service.origin)


def _stored(home: Path, sha256: str) -> Path:
    """The same file as it stands in the store."""
    found = (path for path in (home / "files").rglob("*") if path.is_file())
    return next(path for path in found if sha256_of(path) == sha256)


@contextmanager
def _stock(home: Path, file: Path) -> Iterator[tuple[int, int]]:
    """A plain FastAPI that serves one file as everybody does; its port and process."""
    (home / "stock_app.py").write_text(STOCK)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "stock_app:app", "--port", str(port)]
    environment = {**os.environ, "FILE": str(file)}
    with subprocess.Popen(
        [*command, "--log-level", "error", "--no-access-log"], cwd=home, env=environment
    ) as process:
        try:
            _wait_for(port)
            yield port, process.pid
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
    """MB/s of whole downloads for about a second."""
    started, moved = time.perf_counter(), 0
    while time.perf_counter() - started < 1.0:
        _download(port, path, token, size)
        moved += size
    return moved / 1e6 / (time.perf_counter() - started)


def _download(port: int, path: str, token: str, size: int) -> None:
    """One whole download, read by a sink that copies nothing."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode())
        _skip_answer(connection, size)


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
