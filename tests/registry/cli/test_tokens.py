"""Tokens and machines on the command line, and their end at every process."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from registry.accounts.tables import Organisation
from registry.db import open_engine, transaction
from tests.support.service import Person, Service

EMAIL = "ada@taalmeester.example"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one user of data."""
    running = Service(tmp_path_factory.mktemp("service"))
    add = ("organisations", "add", "Taalmeester", "--role", "user", "--person", "Ada")
    running.run(*add, "--email", EMAIL)
    with running:
        yield running


@pytest.fixture(scope="module")
def other(service: Service) -> Iterator[Service]:
    """A second process of it."""
    with Service(service.home, base_url=service.origin) as running:
        yield running


@pytest.fixture(scope="module")
def person(service: Service) -> Person:
    """Its person."""
    return service.sign_in(service.run("sign-in-link", EMAIL))


def listed(service: Service, *more: str) -> dict[str, str]:
    """The lines of `vrijgave tokens`, by id."""
    lines = service.run("tokens", EMAIL, *more).splitlines()
    return {line.split()[0]: line.partition("  ")[2] for line in lines}


def test_lists_tell_end_and_last_use(service: Service, person: Person) -> None:
    """Never used, then used; until when, then since when it is revoked."""
    token: Any = person.post("/tokens", {"name": "laptop", "scopes": ["requests"]})
    client: Any = person.post("/clients", {"name": "robot", "scopes": ["requests"]})
    before = listed(service)
    assert before[token["id"]].endswith("never used  laptop")
    assert before[token["id"]].startswith(f"until {token['expires_at'][:10]}")
    assert before[client["id"]] == "no end  never used  robot"
    service.person(token["access_token"]).get("/me")
    assert "last used 20" in listed(service)[token["id"]]
    assert listed(service, "--end", token["id"])[token["id"]].startswith("revoked 20")
    assert listed(service, "--end", client["id"])[client["id"]].startswith("revoked 20")
    assert service.person(token["access_token"]).http.get("/me").status_code == 401


def ends(reader: Person) -> float:
    """How many seconds it takes until the reader is refused."""
    begun = time.monotonic()
    while reader.http.get("/me").status_code == 200:
        assert time.monotonic() < begun + 10, "it goes on"
    return time.monotonic() - begun


def in_use(person: Person, at: Service) -> tuple[Any, Person]:
    """A token that another process has just taken, twice."""
    made = person.post("/tokens", {"name": "short", "scopes": ["requests"]})
    reader = at.person(made["access_token"])
    for _ in range(2):
        reader.get("/me")
    return made, reader


def test_a_revocation_reaches_every_process(
    service: Service, other: Service, person: Person
) -> None:
    """A token, and all of a blocked organisation, are refused elsewhere within a second."""
    made, reader = in_use(person, other)
    person.http.delete(f"/tokens/{made['id']}").raise_for_status()
    assert ends(reader) < 1
    _, reader = in_use(person, other)
    session_elsewhere = other.person(person.token)
    session_elsewhere.get("/me")
    _set_organisation(service.home, "blocked")
    assert ends(reader) < 1
    assert ends(session_elsewhere) < 1
    assert ends(person) < 1
    _set_organisation(service.home, "active")


def _set_organisation(home: Path, state: str) -> None:
    engine = open_engine(f"sqlite:///{home / 'vrijgave.sqlite'}")
    with transaction(engine) as session:
        for organisation in session.exec(select(Organisation)):
            organisation.state = state
    engine.dispose()


def test_a_seat_that_ends_ends_at_every_process(service: Service, other: Service) -> None:
    """By command: invited, an admin, a member again, and gone at the other process at once."""
    (line,) = [one for one in service.run("organisations", "list").splitlines() if "user" in one]
    organisation, email = line.split()[0], "bo@taalmeester.example"
    invited = service.run("seats", "invite", organisation, email, "--admin").strip()
    body = {"invitation": invited.rpartition("/")[2], "person_name": "Bo"}
    service.person().post("/seats", body)
    assert service.run("seats", "change", email, "member").endswith(" is member\n")
    assert f"member  {email}  Bo" in service.run("seats", "list", organisation)
    theirs = other.sign_in(service.run("sign-in-link", email))
    theirs.get("/me")
    assert service.run("seats", "end", email).endswith(" is closed\n")
    until = time.monotonic() + 1
    while theirs.http.get("/me").status_code != 401:
        assert time.monotonic() < until, "a session outlived its seat"
    assert email not in service.run("seats", "list", organisation)
