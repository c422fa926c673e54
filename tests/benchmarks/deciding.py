"""A decision over HTTP whose entry is durable before the answer, beside the same without a log.

The load is a closed loop: each connection sends its next request when it has its answer. One
process decides one request after the other, so the slowest of sixteen connections waits for about
sixteen decisions; what one takes stands beside it.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2

from tests.benchmarks._approved import NAME, approved
from tests.benchmarks.line import Line
from tests.support.service import free_port

CONNECTIONS = 16
SECONDS = {"ci": 9.0, "full": 30.0}
ROUNDS = 3
SERVER = """
import sys
import uvicorn
from registry.app import create_app
from registry.audit import log
if sys.argv[2] == "bare":
    log.append_all = lambda session, acts: ["-"] * len(acts)
uvicorn.run(create_app(), port=int(sys.argv[1]), log_level="error")
"""


@dataclass(frozen=True)
class Load:
    """What a round of requests came to."""

    rate: float
    late: float


def run(size: str) -> Iterator[Line]:
    """Both in turn, each with all of its connections busy; medians of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with approved(home, 2_000) as ready:
            token = ready.startup.token or ""
            body = {"datasets": [NAME], "environment_id": ready.environment, "use": "train.gen"}
        loads: dict[str, list[Load]] = {"logged": [], "bare": []}
        alone: list[Load] = []
        for _ in range(ROUNDS):
            for kind, seen in loads.items():
                with _server(home, kind) as port:
                    ask = partial(_load, port, token, json.dumps(body), SECONDS[size] / ROUNDS)
                    ask(1)  # what is read once is read
                    seen.append(ask(CONNECTIONS))
                    if kind == "logged":
                        alone.append(ask(1))
    logged, bare = (statistics.median(load.rate for load in loads[kind]) for kind in loads)
    late = statistics.median(load.late for load in loads["logged"])
    yield Line(
        name=f"decision over HTTP, its entry durable first, {CONNECTIONS} connections"
        " (peer: the same without audit)",
        value=round(logged),
        unit="requests/s",
        peer=round(bare),
        ratio=round(logged / bare, 2),
        goal="ratio >= 0.7",
        holds=logged / bare >= 0.7,
    )
    yield Line(
        name=f"decision over HTTP, its entry durable first, p99 at {CONNECTIONS} connections",
        value=round(late * 1000, 1),
        unit="ms",
        peer=round(statistics.median(load.late for load in loads["bare"]) * 1000, 1),
        goal="<= 5 ms",
        holds=late <= 0.005,
    )
    yield Line(
        name="decision over HTTP, its entry durable first, p99 at one connection",
        value=round(statistics.median(load.late for load in alone) * 1000, 1),
        unit="ms",
    )


@contextmanager
def _server(home: Path, kind: str) -> Iterator[int]:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    told = {**os.environ, "VRIJGAVE_HOME": str(home), "VRIJGAVE_BASE_URL": origin}
    with subprocess.Popen([sys.executable, "-c", SERVER, str(port), kind], env=told) as process:
        try:
            _wait(f"{origin}/livez")
            yield port
        finally:
            process.terminate()


def _wait(address: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            httpx2.get(address)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the service did not start")


def _load(port: int, token: str, body: str, seconds: float, connections: int) -> Load:
    """Every connection files one request after another until the time is up."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    def file_requests() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        while (started := time.perf_counter()) < until:
            connection.request("POST", "/v1/requests", body, headers)
            answer = connection.getresponse()
            assert answer.status == 201, answer.read()
            answer.read()
            took.append(time.perf_counter() - started)
        connection.close()

    threads = [threading.Thread(target=file_requests) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took.sort()
    return Load(len(took) / seconds, took[int(len(took) * 0.99)])
