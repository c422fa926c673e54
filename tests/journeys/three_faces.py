"""One service, and the same person at its interface, its pages and its command line."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.app import create_app
from registry.settings import Settings
from tests.registry.api.world import World, serving
from tests.registry.pages.visitor import Visitor
from tests.support.clock import SetClock
from tests.support.service import COMMAND, free_port


@dataclass
class Faces:
    """The service with its clock; everyone in it reads English."""

    world: World
    clock: SetClock

    @property
    def home(self) -> Path:
        """The service's folder."""
        return self.world.home

    def visitor(self, token: str | None) -> Visitor:
        """The person of this session, in a browser."""
        visitor = Visitor(self.world.origin, "en")
        visitor.http.cookies.set("vrijgave", token or "")
        return visitor

    def command(self, *arguments: object, token: str | None = None) -> tuple[int, str]:
        """Exit status of a command in a process of its own, and all it said."""
        told = {"VRIJGAVE_HOME": str(self.home), "VRIJGAVE_BASE_URL": self.world.origin}
        told |= {"VRIJGAVE_SERVER": self.world.origin, "VRIJGAVE_TOKEN": token or ""}
        done = subprocess.run(
            [COMMAND, *map(str, arguments)],
            env={**os.environ, **told},
            capture_output=True,
            text=True,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def half_done(self) -> list[str]:
        """Files that are nobody's: in scratch, half-put, or deliveries that no row names.

        A job's row tells its outcome a moment before the job lets go of its claim.
        """
        until = time.monotonic() + 10
        while any(self.home.glob("claims/*")) and time.monotonic() < until:
            time.sleep(0.01)
        places = ("scratch/**/*", "files/.incoming/*", "claims/*")
        left = [str(path) for place in places for path in self.home.glob(place)]
        listed = self.world.archive.get(f"/datasets/{self.dataset}/deliveries")["items"]
        kept = {path.name for path in self.home.glob("files/deliveries/*")}
        return left + sorted(kept - {one["id"] for one in listed})

    @property
    def dataset(self) -> str:
        """The archive's draft, in which all deliveries are tried."""
        things = self.world.things
        if "draft" not in things:
            body = {"slug": "proef", "title_nl": "Proef", "title_en": "Trial"}
            things["draft"] = self.world.archive.post("/datasets", body)["id"]
        return things["draft"]


def refused(response: Any, status: int) -> dict[str, Any]:
    """The problem of a refusal, which has all that RFC 9457 and our own promise ask."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, Any] = response.json()
    assert problem["title"]
    assert problem["detail"]
    assert problem["code"]
    return problem


def mapping_file(folder: Path, mapping: dict[str, Any]) -> Path:
    """The mapping as the command line takes it."""
    path = folder / "mapping.json"
    path.write_text(json.dumps(mapping))
    return path


@contextmanager
def open_faces(home: Path, **settings: Any) -> Iterator[Faces]:
    """A running service in a folder of its own."""
    port, clock = free_port(), SetClock()
    origin = f"http://127.0.0.1:{port}"
    made = Settings.model_validate({"home": home, "base_url": origin, **settings})
    app = create_app(made, clock=clock)
    with serving(app, port):
        world = World(app, origin, home)
        try:
            yield Faces(world, clock)
        finally:
            world.close()
