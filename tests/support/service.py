"""The service as its operator runs it: a process of its own, on a port of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2

COMMAND = Path(sys.executable).with_name("vrijgave")
_SECRET = re.compile(r"/sign-in/(vg_link_[A-Za-z0-9_-]+)")


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def job_processes(parent: int) -> set[int]:
    """The job processes that this process has, at work or waiting."""
    lists = Path(f"/proc/{parent}/task").glob("*/children")
    pids = {int(pid) for one in lists for pid in one.read_text().split()}
    return {pid for pid in pids if b"duck.child" in Path(f"/proc/{pid}/cmdline").read_bytes()}


@dataclass
class Service:
    """`vrijgave serve` in a home folder; a context manager that starts and stops it."""

    home: Path
    database_url: str = ""
    port: int = field(default_factory=free_port)
    base_url: str = ""
    """The address that several processes of one service have in common."""
    _process: subprocess.Popen[bytes] | None = None
    _people: list["Person"] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What its processes and commands are told."""
        base_url = self.base_url or self.origin
        told = {"VRIJGAVE_HOME": str(self.home), "VRIJGAVE_BASE_URL": base_url}
        if self.database_url:
            told["VRIJGAVE_DATABASE_URL"] = self.database_url
        return {**os.environ, **told}

    def run(self, *arguments: str) -> str:
        """The output of an operator's command on this service's home."""
        done = subprocess.run(
            [COMMAND, *arguments], env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def __enter__(self) -> Self:
        """Start it and wait until it is ready."""
        log = (self.home / "service.log").open("ab")
        self._process = subprocess.Popen(
            [COMMAND, "serve", "--port", str(self.port)],
            env=self.environment,
            stdout=log,
            stderr=log,
        )
        log.close()
        until = time.monotonic() + 60
        while not self._ready():
            told = (self.home / "service.log").read_text()
            assert self._process.poll() is None, told
            assert time.monotonic() < until, told
            time.sleep(0.05)
        return self

    def _ready(self) -> bool:
        try:
            return httpx2.get(f"{self.origin}/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def kill(self) -> None:
        """End it as a power cut would, with no chance to clear up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def kill_jobs(self) -> None:
        """End its job processes so, those at work and those that wait."""
        assert self._process is not None
        for pid in job_processes(self._process.pid):
            with suppress(ProcessLookupError):  # its job was done meanwhile
                os.kill(pid, signal.SIGKILL)

    def __exit__(self, *_: object) -> None:
        """Ctrl-C, and wait until it is gone."""
        assert self._process is not None
        for person in self._people:
            person.http.close()
        self._process.terminate()
        self._process.wait(timeout=60)

    def sign_in(self, link: str) -> "Person":
        """Use up a sign-in address, as printed or mailed."""
        found = _SECRET.search(link)
        assert found, link
        answer = self.person().post("/sessions", {"link": found[1]})
        return self.person(answer["access_token"])

    def person(self, token: str | None = None) -> "Person":
        """Someone with an HTTP client, closed with the service; without a token, anyone."""
        self._people.append(Person(self.origin, token))
        return self._people[-1]


class Person:
    """Someone with an HTTP client: signed in, or not."""

    def __init__(self, origin: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.token = token
        self.http = httpx2.Client(base_url=f"{origin}/v1", headers=headers, timeout=120)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON at a path."""
        return self._expect(self.http.get(path, **options))

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """The answer to a POST."""
        return self._expect(self.http.post(path, json={} if body is None else body, **options))

    def put(self, path: str, body: Any) -> Any:
        """The answer to a PUT."""
        return self._expect(self.http.put(path, json=body))

    def upload(self, path: str, file: Path) -> Any:
        """The answer to a file sent as it is."""
        with file.open("rb") as content:
            return self._expect(
                self.http.put(path, params={"file_name": file.name}, content=content)
            )

    def wait(self, path: str, *states: str) -> Any:
        """Ask until the thing is in one of these states."""
        until = time.monotonic() + 120
        while (found := self.get(path))["state"] not in states:
            assert time.monotonic() < until, found
            time.sleep(0.05)
        return found

    @staticmethod
    def _expect(response: httpx2.Response) -> Any:
        assert response.status_code < 400, f"{response.status_code}: {response.text}"
        return response.json()
