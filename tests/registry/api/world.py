"""A whole service on a real server in this process, with two of each kind of organisation."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI
from pyarrow import parquet
from starlette.applications import Starlette

from registry.app import create_app
from registry.db import transaction
from registry.listening import Patient
from registry.services.accounts import SignUp, invite, link_for
from registry.settings import Settings
from tests.support.service import free_port

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
BY = "https://creativecommons.org/licenses/by/4.0/"
IN_COPYRIGHT = "http://rightsstatements.org/vocab/InC/1.0/"
ROWS = 300

MAPPING: dict[str, Any] = {
    "columns": [
        {"source": "id", "role": "identifier"},
        {"source": "licence", "role": "rights"},
        {"source": "title", "role": "content"},
    ],
    "declared": {
        "rightsholder": "Beeldarchief",
        "embargo": "none",
        "opt_out": "none",
        "personal_data": "none",
        "personal_content": "none",
        "source_protection": "none",
        "media_address": "none",
    },
}


def csv(rows: int = ROWS) -> bytes:
    """A delivery: a third of each licence."""
    licences = (CC0, BY, IN_COPYRIGHT)
    lines = [f"nr-{n},{licences[n % 3]},Journaal {n}" for n in range(rows)]
    return "\n".join(["id,licence,title", *lines, ""]).encode()


@contextmanager
def serving(app: Starlette, port: int) -> Iterator[None]:
    """The application on a real server, in a thread, until the block ends."""
    config = uvicorn.Config(app, port=port, http=Patient, log_level="error", lifespan="on")
    with in_thread(uvicorn.Server(config)):
        yield


@contextmanager
def in_thread(server: uvicorn.Server) -> Iterator[None]:
    """A server that runs until the block ends."""
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the service did not start"
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()


class Caller:
    """Someone who speaks HTTP, signed in or not; an answer of 400 and above fails the test."""

    def __init__(self, origin: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.token = token
        self.http = httpx2.Client(base_url=f"{origin}/v1", headers=headers, timeout=60)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON at a path."""
        return _good(self.http.get(path, **options)).json()

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON that answers a POST."""
        return _good(self.http.post(path, json=body or {}, **options)).json()

    def put(self, path: str, body: Any) -> Any:
        """The JSON that answers a PUT."""
        return _good(self.http.put(path, json=body)).json()

    def wait(self, path: str, *states: str) -> Any:
        """Ask until the thing is in one of the states."""
        until = time.monotonic() + 60
        while (found := self.get(path))["state"] not in states:
            assert time.monotonic() < until, found
            time.sleep(0.05)
        return found


def _good(response: httpx2.Response) -> httpx2.Response:
    assert response.status_code < 400, f"{response.status_code}: {response.text}"
    return response


@dataclass
class World:
    """The service and those who use it."""

    app: FastAPI
    origin: str
    home: Path
    callers: dict[str, Caller] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)

    @property
    def anyone(self) -> Caller:
        """Someone who is not signed in."""
        return self._caller("anyone", None)

    @property
    def archive(self) -> Caller:
        """A person of the archive that publishes."""
        return self._person("beeldarchief", "archive")

    @property
    def other_archive(self) -> Caller:
        """A person of an archive that competes with it."""
        return self._person("kranten", "archive")

    @property
    def startup(self) -> Caller:
        """A person of the start-up that asks."""
        return self._person("taalmeester", "user")

    @property
    def other_startup(self) -> Caller:
        """A person of a start-up that competes with it."""
        return self._person("beeldmaker", "user")

    @property
    def auditor(self) -> Caller:
        """A person who audits."""
        return self._person("toezicht", "auditor")

    @property
    def operator(self) -> Caller:
        """A person who runs the service."""
        return self._person("beheer", "operator")

    def close(self) -> None:
        """Let go of all connections."""
        for caller in self.callers.values():
            caller.http.close()

    def publish(self, rows: int = ROWS, slug: str = "journaals", **terms: Any) -> str:
        """Publish a dataset of the archive with all suggestions confirmed; its reference."""
        archive = self.archive
        body = {"slug": slug, "title_nl": "Journaals", "title_en": "Newsreels"}
        dataset = archive.post("/datasets", body)["id"]
        delivery = self.deliver(dataset, csv(rows))
        self.check(delivery)
        return self.publish_checked(dataset, delivery, **terms)

    def publish_checked(self, dataset: str, delivery: str, **terms: Any) -> str:
        """The same from a delivery that is checked."""
        archive = self.archive
        declared = {**MAPPING["declared"], "rights": "column"}
        archive.put(f"/datasets/{dataset}/declarations", {"kinds": declared})
        suggested = archive.get(f"/deliveries/{delivery}/suggested-terms")
        lines = [{**line, "confirmed": True} for line in suggested["lines"]]
        settled = {**suggested, "lines": lines, "automatic": True, **terms}
        archive.put(f"/datasets/{dataset}/terms", settled)
        archive.put(f"/datasets/{dataset}/residency", {"process": ["EU"]})
        done = archive.post(f"/datasets/{dataset}/editions", {"delivery_id": delivery})
        self.things |= {
            "dataset_id": dataset,
            "delivery_id": delivery,
            "edition_id": done["edition"]["id"],
            "offer_id": done["offer"]["id"],
        }
        return str(done["edition"]["reference"])

    def deliver(self, dataset: str, content: bytes, name: str = "items.csv") -> str:
        """Deliver a file to a dataset of the archive."""
        path = f"/datasets/{dataset}/deliveries"
        sent = self.archive.http.put(path, params={"file_name": name}, content=content)
        return str(_good(sent).json()["id"])

    def check(self, delivery: str, mapping: dict[str, Any] = MAPPING) -> Any:
        """Map a delivery and wait for its check."""
        self.archive.put(f"/deliveries/{delivery}/mapping", mapping)
        return self.archive.wait(f"/deliveries/{delivery}", "checked", "failed")

    def environment(self, **facts: Any) -> str:
        """An environment of the start-up in the Netherlands."""
        body = {"name": "AMS", "country": "NL", "operator": "Rekenhuis", "operator_country": "NL"}
        made = self.startup.post("/environments", {**body, **facts})
        self.things["environment_id"] = made["id"]
        return str(made["id"])

    def file_request(self, reference: str, environment: str) -> Any:
        """Ask for generative training on it."""
        body = {"datasets": [reference], "environment_id": environment, "use": "train.gen"}
        filed = self.startup.post("/requests", body)
        self.things["request_id"] = filed["id"]
        self.things["decision_id"] = filed["decisions"][0]["id"]
        return filed

    def agree(self, reference: str, environment: str) -> str:
        """Ask, and accept the agreement that is proposed; its id."""
        filed = self.file_request(reference, environment)
        agreement = filed["agreements"][0]
        path = f"/agreements/{agreement['id']}/acceptance"
        self.startup.post(path, {"digest": agreement["digest"]})
        self.things["agreement_id"] = agreement["id"]
        return str(agreement["id"])

    def extract(self, agreement: str) -> Any:
        """Order an extract and wait until it is ready."""
        ordered = self.startup.post(f"/agreements/{agreement}/extracts")
        self.things["extract_id"] = ordered["id"]
        return self.startup.wait(f"/extracts/{ordered['id']}", "ready", "failed")

    def token(self, environment: str) -> str:
        """A tool's token of the start-up, bound to an environment."""
        body = {"name": "tool", "scopes": ["extracts"], "environment_id": environment}
        made = self.startup.post("/tokens", body)
        self.things["token_id"] = made["id"]
        return str(made["access_token"])

    def take_back(self) -> None:
        """Withdraw an item that the start-up holds, and have someone claim another."""
        self.things["webhook_id"] = self.startup.post(
            "/webhooks", {"address": "http://127.0.0.1:9/hook"}
        )["id"]
        store = self.app.state.runtime.ports.store
        file = store.path(next(store.keys("parts/")))
        (item, *_) = parquet.read_table(file, columns=["_item"])["_item"].to_pylist()
        body = {"items": [item], "reason": "Verzoek van de maker"}
        made = self.archive.post(f"/datasets/{self.things['dataset_id']}/withdrawals", body)
        self.things["withdrawal_id"] = made["id"]
        until = time.monotonic() + 30
        while not (notices := self.startup.get("/notices")["items"]):
            assert time.monotonic() < until, "no notice came"
            time.sleep(0.1)
        self.things["notice_id"] = notices[0]["id"]
        listed = self.anyone.get("/datasets")["items"][0]
        claim = {
            "dataset": listed["name"],
            "identifier": "een nummer",
            "email": "maker@example.org",
            "rightsholder": "Een maker",
            "statement": "Dit is van mij.",
        }
        opened = self.anyone.post("/disputes", claim)
        self.things |= {"dispute_id": opened["id"], "dispute_key": opened["key"]}

    def _person(self, slug: str, role: str) -> Caller:
        if slug not in self.callers:
            self.callers[slug] = Caller(self.origin, self._sign_in(slug, role))
        return self.callers[slug]

    def _caller(self, name: str, token: str | None) -> Caller:
        if name not in self.callers:
            self.callers[name] = Caller(self.origin, token)
        return self.callers[name]

    def _sign_in(self, slug: str, role: str) -> str:
        runtime = self.app.state.runtime
        command = SignUp.model_validate(
            {
                "organisation_name": slug.title(),
                "slug": slug,
                "role": role,
                "country": "NL",
                "person_name": "Ada",
                "email": f"ada@{slug}.example",
            }
        )
        with transaction(runtime.engine) as session:
            made = invite(session, None, command, at=runtime.clock())
            link = link_for(session, made.seat, at=runtime.clock())
        answer = self.anyone.post("/sessions", {"link": link})
        return str(answer["access_token"])


@contextmanager
def open_world(home: Path, port: int | None = None, **settings: Any) -> Iterator[World]:
    """A running service in a folder of its own."""
    port = free_port() if port is None else port
    origin = f"http://127.0.0.1:{port}"
    app = create_app(Settings.model_validate({"home": home, "base_url": origin, **settings}))
    with serving(app, port):
        world = World(app, origin, home)
        try:
            yield world
        finally:
            world.close()


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()
