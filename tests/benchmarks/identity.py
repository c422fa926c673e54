"""What our checks of a caller cost: reads with a token beside the same routes without any check."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.benchmarks.line import Line
from tests.benchmarks.serving import _wait_for
from tests.support.provider import NODE
from tests.support.proving import assertion, new_key
from tests.support.service import Person, Service, free_port

SECONDS = {"ci": 3, "full": 10}
ROUNDS = {"ci": 2, "full": 5}
CONNECTIONS = 16
LEAST, MOST = 0.7, 2.0
REVOCATIONS = {"ci": 10, "full": 100}
UNCHECKED = """
import os
from registry.accounts.actors import ROLE_SCOPES, Actor
from registry.api.machines import find_environment, router
from registry.app import create_app
app = create_app()
actor = Actor(os.environ["SEAT"], os.environ["ORGANISATION"], "x", "X", "user", "commercial",
    ROLE_SCOPES["user"], "X", "en")
async def anyone():
    return actor
(route,) = (one for one in router.routes if one.endpoint is find_environment)
for one in route.dependant.dependencies:
    if hasattr(one.call, "scope"):
        app.dependency_overrides[one.call] = anyone
"""
"""The service itself, where one route believes whoever calls."""
PLAIN = """
import os
from typing import Annotated
from fastapi import Depends, FastAPI
from sqlmodel import Session
from registry.accounts.tables import Environment
from registry.api.machines import EnvironmentShape
from registry.db import open_engine, reading
app, engine = FastAPI(), open_engine(f"sqlite:///{os.environ['VRIJGAVE_HOME']}/vrijgave.sqlite")
def session():
    with reading(engine) as session:
        yield session
Reading = Annotated[Session, Depends(session, scope="function")]
@app.get("/v1/environments/{environment_id}")
def find(environment_id: str, session: Reading) -> EnvironmentShape:
    return EnvironmentShape.model_validate(session.get_one(Environment, environment_id))
"""
"""The same read as anyone would write it first."""


def run(size: str) -> Iterator[Line]:
    """One process of the service and one without checks on the same database, in turns."""
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder)) as (service, person):
        body = {"name": "AMS", "country": "NL", "operator": "R", "operator_country": "NL"}
        environment = person.post("/environments", body)["id"]
        token = _client_token(service, person)
        if (NODE / "node_modules" / "autocannon").is_dir():  # by `make .venv/node`
            yield from _reads(Path(folder), service, person, environment, token, size)
        yield _revocation(Path(folder), service, person, REVOCATIONS[size])


@contextmanager
def _service(home: Path) -> Iterator[tuple[Service, Person]]:
    service = Service(home)
    add = ("organisations", "add", "Taalmeester", "--role", "user", "--person", "Ada")
    link = service.run(*add, "--email", "ada@taalmeester.example")
    with service:
        yield service, service.sign_in(link)


def _client_token(service: Service, person: Person) -> str:
    key = new_key()
    jwks = {"keys": [key.as_dict(private=False)]}
    client = person.post("/clients", {"name": "b", "scopes": ["requests"], "jwks": jwks})["id"]
    fields = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(key, client, service.origin),
    }
    answer = httpx2.post(f"{service.origin}/oauth/token", data=fields).json()
    return str(answer["access_token"])


def _reads(
    home: Path, service: Service, person: Person, environment: str, token: str, size: str
) -> Iterator[Line]:
    path = f"/v1/environments/{environment}"
    me = person.get("/me")
    told = {"SEAT": me["id"], "ORGANISATION": me["organisation_id"]}
    with (
        _app(home, "unchecked", UNCHECKED, told) as unchecked,
        _app(home, "plain", PLAIN, {}) as plain,
    ):
        fast: dict[str, list[float]] = {service.origin: [], unchecked: [], plain: []}
        for _ in range(ROUNDS[size]):
            for origin, rates in fast.items():
                rates.append(_load(origin + path, token, SECONDS[size])["requests"]["average"])
        ours, same, first = (statistics.median(rates) for rates in fast.values())
        yield Line(
            "identity: JSON read with a token, one process",
            round(ours),
            "requests/s",
            peer=round(same),
            ratio=round(ours / same, 2),
            goal=f"ratio >= {LEAST} against the same route without our checks",
            holds=ours / same >= LEAST,
        )
        yield Line(
            "identity: the same beside a plain FastAPI application with that one route",
            round(ours),
            "requests/s",
            peer=round(first),
            ratio=round(ours / first, 2),
        )
        rate = int(min(ours, same) / 2)
        yield _tail(service.origin + path, unchecked + path, token, rate, size)


def _tail(ours: str, peer: str, token: str, rate: int, size: str) -> Line:
    slow: dict[str, list[float]] = {ours: [], peer: []}
    for _ in range(ROUNDS[size]):
        for address, tails in slow.items():
            tails.append(_load(address, token, SECONDS[size], "-R", str(rate))["latency"]["p99"])
    mine, bare = statistics.median(slow[ours]), max(statistics.median(slow[peer]), 1.0)
    return Line(
        f"identity: p99 of the same read at {rate} requests/s",
        mine,
        "ms",
        peer=bare,
        ratio=round(mine / bare, 2),
        goal=f"ratio <= {MOST} against the same route without our checks",
        holds=mine / bare <= MOST,
    )


def _load(address: str, token: str, seconds: int, *more: str) -> dict[str, Any]:
    """What autocannon measured, after a second of the same."""
    command = ["node", "node_modules/autocannon/autocannon.js", "--json", "--warmup"]
    command += ["[", "-c", str(CONNECTIONS), "-d", "1", "]", "-c", str(CONNECTIONS)]
    command += ["-d", str(seconds), *more, "-H", f"Authorization=Bearer {token}", address]
    done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["non2xx"] == told["errors"] == 0, told
    return told


@contextmanager
def _app(home: Path, name: str, text: str, told: dict[str, str]) -> Iterator[str]:
    """An application on the service's home, in a process of its own."""
    (home / f"{name}.py").write_text(text)
    port, root = free_port(), Path(__file__).parents[2]
    paths = {"PYTHONPATH": f"{root}:{home}", "VRIJGAVE_HOME": str(home)}
    command = [sys.executable, "-m", "uvicorn", f"{name}:app", "--port", str(port)]
    with (
        (home / f"{name}.log").open("ab") as log,
        subprocess.Popen(
            command, cwd=home, env={**os.environ, **paths, **told}, stdout=log, stderr=log
        ) as process,
    ):
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _revocation(home: Path, service: Service, person: Person, count: int) -> Line:
    """Longest time until another process refuses a token that this one revoked."""
    slowest = 0.0
    with Service(home, base_url=service.origin) as other:
        for _ in range(count):
            made = person.post("/tokens", {"name": "short", "scopes": ["requests"]})
            reader = other.person(made["access_token"])
            assert reader.http.get("/me").status_code == 200
            assert reader.http.get("/me").status_code == 200
            person.http.delete(f"/tokens/{made['id']}").raise_for_status()
            begun = time.perf_counter()
            while reader.http.get("/me").status_code == 200:
                assert time.perf_counter() - begun < 10, "a revoked token goes on"
            slowest = max(slowest, time.perf_counter() - begun)
    return Line(
        f"identity: a revoked token at another process, longest of {count}",
        round(slowest, 3),
        "s",
        goal="<= 1 s",
        holds=slowest <= 1,
    )
