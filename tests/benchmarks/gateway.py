"""The gateway beside its peers: nginx's sendfile, the same stream unchecked, a local read."""

import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks._approved import Approved, approved
from tests.benchmarks.line import Line
from tests.benchmarks.serving import _speed, _stored, _wait_for
from tests.support.clients import DELTA_SHARING, python_with, run_python
from tests.support.planting import plant_part
from tests.support.service import Service, free_port

ITEMS = 600_000
LARGE = {"ci": 256 * 2**20, "full": 2**30}
RANGES = {"ci": 1000, "full": 5000}
ROUNDS = 3
PREFIX = "/vrijgave-files"
UNCHECKED = """
import os
from pathlib import Path
from starlette.applications import Starlette
from starlette.routing import Route
from connectors.local import OpenFile
from registry.serving import SpanResponse, part_headers, span_of
async def yes(): return True
async def file(request):
    found = OpenFile(Path(os.environ["FILE"]))
    span = span_of(request.headers, '"x"', found.size)
    headers = part_headers("00" * 32, found.size, "x")
    return SpanResponse(found, span, headers, may_go_on=yes, on_end=lambda sent: None)
app = Starlette(routes=[Route("/file", file)])
"""
DELTA = """
import json, sys, time
import delta_sharing
import pandas as pd
table, local = sys.argv[1], sys.argv[2:]

def best(read):
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        rows = len(read())
        times.append(time.perf_counter() - begun)
    return rows, min(times)

shared = best(lambda: delta_sharing.load_as_pandas(table))
here = best(lambda: pd.concat([pd.read_parquet(one) for one in local]))
assert shared[0] == here[0], (shared, here)
print(json.dumps([shared[1], here[1]]))
"""
NGINX = """
worker_processes 1; daemon off; pid nginx.pid; error_log error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush off;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
  uwsgi_temp_path t4; scgi_temp_path t5;
  server {{
    listen 127.0.0.1:{port};
    location /plain/ {{ alias {files}/; }}
    location {prefix}/ {{ internal; alias {files}/; max_ranges 1; etag off; }}
    location / {{ proxy_pass http://127.0.0.1:{service}; proxy_set_header Host $host; }}
  }}
}}
"""


def run(size: str) -> Iterator[Line]:
    """Each figure against its peer on this machine, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        with approved(home, ITEMS) as ready:
            ready.accept()
            extract = ready.extract()
            token = _token(ready)
            parts = extract["parts"]
            local = [_stored(home, part["sha256"]) for part in parts]
            yield _table([part["address"] for part in parts], token, local)
            yield _delta(ready, extract["id"], token, home, local)
            large = plant_part(home, extract["id"], LARGE[size])  # no Parquet: after the tables
            path = f"/v1/extracts/{extract['id']}/parts/99"
            yield _latency(home, ready.service.port, path, token, large, RANGES[size])
            if shutil.which("nginx") is not None:
                with _nginx(home, ready.service.port) as port:
                    plain = f"/plain/{large.relative_to(home / 'files')}"
                    ours = (ready.service.port, path)
                    yield _bytes("from Python alone", ours, (port, plain), token, large, 0.45)
        if shutil.which("nginx") is not None:
            with _accelerated(ready.service) as service, _nginx(home, service.port) as port:
                plain = f"/plain/{large.relative_to(home / 'files')}"
                yield _bytes("by X-Accel-Redirect", (port, path), (port, plain), token, large, 0.9)


def _token(ready: Approved) -> str:
    body = {"name": "bench", "scopes": ["extracts"], "environment_id": ready.environment}
    return str(ready.startup.post("/tokens", body)["access_token"])


def _latency(home: Path, port: int, path: str, token: str, large: Path, count: int) -> Line:
    with _unchecked(home, large) as beside:
        peer, ours = [], []
        for _ in range(ROUNDS):
            peer.append(_p99(beside, "/file", "", large.stat().st_size, count))
            ours.append(_p99(port, path, token, large.stat().st_size, count))
    ratio = min(ours) / min(peer)
    return Line(
        "gateway: 1 MiB ranges with check and record, p99",
        round(min(ours), 2),
        "ms",
        peer=round(min(peer), 2),
        ratio=round(ratio, 2),
        goal="ratio <= 1.5 against the same stream unchecked",
        holds=ratio <= 1.5,
    )


def _p99(port: int, path: str, token: str, size: int, count: int) -> float:
    connection, chosen, times = http.client.HTTPConnection("127.0.0.1", port), random.Random(1), []
    for _ in range(count):
        start = chosen.randrange(0, size - 2**20)
        headers = {
            "Authorization": f"Bearer {token}",
            "Range": f"bytes={start}-{start + 2**20 - 1}",
        }
        begun = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert len(answer.read()) == 2**20, answer.status
        times.append(time.perf_counter() - begun)
    connection.close()
    return statistics.quantiles(times, n=100)[98] * 1000


def _bytes(
    name: str,
    ours: tuple[int, str],
    peer: tuple[int, str],
    token: str,
    large: Path,
    goal: float,
) -> Line:
    size, mine, nginx = large.stat().st_size, [], []
    for _ in range(ROUNDS):
        nginx.append(_speed(*peer, "", size))
        mine.append(_speed(*ours, token, size))
    ratio = max(mine) / max(nginx)
    return Line(
        f"gateway: bytes after our check, {name}",
        round(max(mine)),
        "MB/s",
        peer=round(max(nginx)),
        ratio=round(ratio, 2),
        goal=f"ratio >= {goal} against nginx's sendfile",
        holds=ratio >= goal,
    )


def _table(addresses: list[str], token: str, local: list[Path]) -> Line:
    """All parts over one connection, as tools do; what a tool takes to start is its own."""
    parts = [urlsplit(one) for one in addresses]
    connection = http.client.HTTPConnection(parts[0].netloc)

    def remote() -> int:
        return sum(_rows_of(connection, part.path, token) for part in parts)

    here = _best(lambda: sum(int(pq.read_table(one).num_rows) for one in local))
    there = _best(remote)
    connection.close()
    name = "gateway: from the request to PyArrow tables, all parts"
    return _beside(name, there, here, 1.25, "a local read")


def _delta(ready: Approved, extract: str, token: str, home: Path, local: list[Path]) -> Line:
    profile = home / "bench.share"
    profile.write_text(
        json.dumps(
            {
                "shareCredentialsVersion": 1,
                "endpoint": f"{ready.service.origin}/delta-sharing/",
                "bearerToken": token,
            }
        )
    )
    table = f"{profile}#{extract}.vrijgave.items"
    told = run_python(python_with(*DELTA_SHARING), DELTA, table, *map(str, local))
    there, here = json.loads(told)
    name = "gateway: from the delta-sharing client to pandas"
    return _beside(name, there, here, 1.15, "a local read with pandas")


def _beside(name: str, there: float, here: float, most: float, peer: str) -> Line:
    """Seconds that something takes from us and from its peer."""
    return Line(
        name,
        round(there, 4),
        "s",
        peer=round(here, 4),
        ratio=round(there / here, 2),
        goal=f"ratio <= {most} against {peer}",
        holds=there / here <= most,
    )


def _rows_of(connection: http.client.HTTPConnection, path: str, token: str) -> int:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, answer.status
    return int(pq.read_table(pa.BufferReader(content)).num_rows)


def _best(read: Callable[[], int]) -> float:
    times = []
    for _ in range(9):
        begun = time.perf_counter()
        assert read() > 0
        times.append(time.perf_counter() - begun)
    return min(times)


@contextmanager
def _unchecked(home: Path, file: Path) -> Iterator[int]:
    (home / "unchecked.py").write_text(UNCHECKED)
    port, root = free_port(), Path(__file__).parents[2]
    command = [sys.executable, "-m", "uvicorn", "unchecked:app", "--port", str(port)]
    environment = {**os.environ, "FILE": str(file), "PYTHONPATH": f"{root}:{home}"}
    with _process([*command, "--log-level", "error", "--no-access-log"], home, environment, port):
        yield port


@contextmanager
def _nginx(home: Path, service: int) -> Iterator[int]:
    port, folder = free_port(), home / "nginx"
    folder.mkdir(exist_ok=True)
    text = NGINX.format(port=port, files=home / "files", prefix=PREFIX, service=service)
    if os.geteuid() == 0:
        text = "user root;" + text
    (folder / "nginx.conf").write_text(text)
    command = ["nginx", "-p", str(folder), "-c", "nginx.conf"]
    with _process(command, folder, dict(os.environ), port):
        yield port


@contextmanager
def _accelerated(before: Service) -> Iterator[Service]:
    """The same service at the same address, started anew: a front server sends its files."""
    os.environ["VRIJGAVE_ACCEL_PREFIX"] = PREFIX
    try:
        with Service(before.home, port=before.port) as service:
            yield service
    finally:
        del os.environ["VRIJGAVE_ACCEL_PREFIX"]


@contextmanager
def _process(
    command: list[str], folder: Path, environment: dict[str, str], port: int
) -> Iterator[None]:
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        try:
            _wait_for(port)
            yield
        finally:
            process.terminate()
