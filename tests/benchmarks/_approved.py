"""A service in a process of its own, a made-up collection in it, and someone who may have it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.mapping import dump_mapping
from registry.demo import generator
from tests.support.service import Person, Service

NAME = "beeldarchief/journaals"


@dataclass
class Approved:
    """The service, the person who asks, and the agreement proposed to them."""

    service: Service
    startup: Person
    environment: str
    agreement: Any

    def accept(self) -> None:
        """Say yes to the agreement."""
        path = f"/agreements/{self.agreement['id']}/acceptance"
        self.startup.post(path, {"digest": self.agreement["digest"]})

    def extract(self) -> Any:
        """Order an extract and wait until it is ready."""
        ordered = self.startup.post(f"/agreements/{self.agreement['id']}/extracts")
        return self.startup.wait(f"/extracts/{ordered['id']}", "ready", "failed")


def made_up(file: Path, items: int) -> None:
    """Write so many items of the made-up collection."""
    generator.write(file, items, seed=1, faults=0)


@contextmanager
def approved(
    home: Path, items: int, write: Callable[[Path, int], None] = made_up
) -> Iterator[Approved]:
    """Write, import and publish so many items, ask, and yield what waits for a yes."""
    service = Service(home)
    file, mapping = home / "items.parquet", home / "mapping.json"
    write(file, items)
    mapping.write_text(json.dumps(dump_mapping(generator.mapping())))
    _add(service, "Beeldarchief", "archive")
    link = _add(service, "Taalmeester", "user")
    service.run(
        "import", str(file), "--mapping", str(mapping), "--dataset", NAME,
        "--confirm-suggestions", "--automatic", "--publish",
    )  # fmt: skip
    with service:
        startup = service.sign_in(link)
        body = {"name": "AMS", "country": "NL", "operator": "R", "operator_country": "NL"}
        environment = startup.post("/environments", body)["id"]
        asked = {"datasets": [NAME], "environment_id": environment, "use": "train.gen"}
        filed = startup.post("/requests", asked)
        yield Approved(service, startup, environment, filed["agreements"][0])


def _add(service: Service, name: str, role: str) -> str:
    """Add an organisation; its sign-in address."""
    arguments = ("organisations", "add", name, "--role", role)
    person = ("--person", "Ada", "--email", f"ada@{name.lower()}.example")
    return service.run(*arguments, *person)
