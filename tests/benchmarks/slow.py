"""Honest clients while others hold half-open connections and downloads that they hardly read."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from registry.listening import allow_many_connections
from tests.benchmarks._approved import Approved, approved
from tests.benchmarks.line import Line
from tests.benchmarks.serving import LARGE
from tests.support.planting import plant_part

HALF_OPEN = {"ci": 300, "full": 3000}
READERS = {"ci": 50, "full": 500}
HONEST = {"ci": 50, "full": 200}
SECONDS = {"ci": 20, "full": 40}
EVERY = 1.0
"""Seconds between two requests of an honest client."""
GOAL_MS = 500
HALF = b"GET /v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never"


@dataclass
class Crowd:
    """Who calls, and what was seen."""

    port: int
    token: str
    part: str
    took: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    reading: int = 0

    def request(self, path: str) -> bytes:
        """A whole request."""
        lines = (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {self.token}")
        return "\r\n".join((*lines, "", "")).encode()

    async def half_open(self) -> None:
        """Hold a connection without ever finishing a request; take a new one when it is lost."""
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(HALF)
                begun = time.perf_counter()
                with suppress(OSError):
                    await reader.read()
                self.held.append(time.perf_counter() - begun)
                writer.close()
            await asyncio.sleep(0.05)

    async def slow(self) -> None:
        """Take a kilobyte of a large download now and then."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        writer.write(self.request(self.part))
        if (await reader.read(12)) == b"HTTP/1.1 200":
            self.reading += 1
        with suppress(OSError):
            while await reader.read(1024):
                await asyncio.sleep(1)

    async def honest(self, wait: float, until: float) -> None:
        """Ask once a second on one connection, and once more where the server just closed it."""
        await asyncio.sleep(wait)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while time.perf_counter() < until:
            begun = time.perf_counter()
            try:
                writer.write(self.request("/v1/me"))
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                if not head.startswith(b"HTTP/1.1 200 "):
                    self.errors.append(head.decode())
            except (OSError, EOFError) as error:
                self.errors.append(repr(error))
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.took.append(time.perf_counter() - begun)
            await asyncio.sleep(max(0.0, begun + EVERY - time.perf_counter()))


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def run(size: str) -> Iterator[Line]:
    """One process of the service, first with the honest alone and then among the others."""
    allow_many_connections()
    with tempfile.TemporaryDirectory() as folder, approved(Path(folder), 10_000) as ready:
        part = _part(ready, Path(folder))
        quiet, crowd = (Crowd(ready.service.port, ready.startup.token or "", part) for _ in "12")
        asyncio.run(_visit(quiet, "quiet", size))
        asyncio.run(_visit(crowd, size, size))
        assert crowd.reading == READERS[size], f"only {crowd.reading} slow readers were let in"
        p99, alone = _p99(crowd.took), _p99(quiet.took)
        yield Line(
            f"slow: p99 of {HONEST[size]} honest clients beside {HALF_OPEN[size]} half-open"
            f" connections and {READERS[size]} slow readers",
            round(p99),
            "ms",
            peer=round(alone),
            ratio=round(p99 / alone, 2),
            goal=f"<= {GOAL_MS} ms",
            holds=p99 <= GOAL_MS,
        )
        yield Line(
            f"slow: errors that they saw in {len(crowd.took)} requests",
            len(crowd.errors),
            "requests",
            goal="0",
            holds=not crowd.errors,
        )
        yield _held(crowd)


def _part(ready: Approved, home: Path) -> str:
    """The address of a part that is larger than what the system buffers for one reader."""
    ready.accept()
    extract = ready.extract()
    plant_part(home, extract["id"], LARGE["ci"])
    return f"/v1/extracts/{extract['id']}/parts/99"


async def _visit(crowd: Crowd, others: str, size: str) -> None:
    async with asyncio.TaskGroup() as group:
        slow = [group.create_task(crowd.slow()) for _ in range(READERS.get(others, 0))]
        while crowd.reading < len(slow):
            await asyncio.sleep(0.1)
        slow += [group.create_task(crowd.half_open()) for _ in range(HALF_OPEN.get(others, 0))]
        await asyncio.sleep(1)
        until = time.perf_counter() + SECONDS[size]
        count = HONEST[size]
        await asyncio.gather(*(crowd.honest(EVERY * n / count, until) for n in range(count)))
        for task in slow:
            task.cancel()


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)] * 1000


def _held(crowd: Crowd) -> Line:
    return Line(
        "slow: longest that a half-open connection was held",
        round(max(crowd.held, default=0.0), 1),
        "s",
        goal="<= 20 s",
        holds=bool(crowd.held) and max(crowd.held) <= 20,
    )
