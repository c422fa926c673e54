"""Several processes of the service share the work on one PostgreSQL and one S3 store."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlmodel import select

from connectors.local import sha256_of
from registry.access.tables import Extract, Part
from registry.accounts.actors import Scope
from registry.audit.entry import Entry
from registry.audit.log import open_head_store, open_signer
from registry.audit.tables import AuditEntry
from registry.db import open_engine, reading, transaction
from registry.services.fsck import fsck
from registry.services.machines import IssueToken, issue_token
from tests.conftest import require_postgres
from tests.support.clock import SetClock
from tests.support.postgres import PostgresDatabase
from tests.support.s3 import s3_server
from tests.support.service import Service, free_port
from tests.support.world import World

PROCESSES, ORDERS = 3, 20
COLUMNS = ("title_nl", "title_en", "abstract", "date", "subjects", "places", "language", "duration")


@pytest.fixture
def world(
    postgres_database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A service on PostgreSQL whose files stand in a bucket of a real S3 server."""
    require_postgres()
    (tmp_path / "weed").mkdir()
    with s3_server(tmp_path / "weed") as server, postgres_database.lend() as url:
        told = server.settings("shared")
        told["VRIJGAVE_BASE_URL"] = f"http://127.0.0.1:{free_port()}"
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        engine = open_engine(url)
        yield World(engine, tmp_path / "home", SetClock(datetime.now(UTC)))
        engine.dispose()


@pytest.mark.postgres
def test_each_extract_is_cut_once_though_a_worker_is_killed(world: World) -> None:
    """Orders at every process, one killed while it cuts: all are ready, none twice, none lost."""
    published, startup = world.a_published_dataset(items=20_000), world.a_startup()
    agreement = world.an_agreement(startup, published)
    command = IssueToken(name="proef", scopes=(Scope.EXTRACTS,))
    with transaction(world.engine) as session:
        token = issue_token(session, startup.actor, command, at=world.clock())[1]
    with ExitStack() as running:
        services = [
            running.enter_context(
                Service(
                    world.settings.home,
                    world.settings.database_url,
                    base_url=world.settings.origin,
                )
            )
            for _ in range(PROCESSES)
        ]
        people = [service.person(token) for service in services]
        path = f"/agreements/{agreement.id}/extracts"
        ordered = [
            people[number % PROCESSES].post(path, {"columns": _two(number)})["id"]
            for number in range(ORDERS)
        ]
        for turn in range(len(COLUMNS)):
            columns = [*COLUMNS[turn:], *COLUMNS[:turn]]
            ordered.append(people[0].post(path, {"columns": columns})["id"])
            if _is_being_cut(world, ordered[-1]):
                break
        services[0].kill()
        with reading(world.engine) as session:
            assert session.get_one(Extract, ordered[-1]).state == "running"
        ordered += [people[1].post(path, {"columns": _two(number)})["id"] for number in range(4)]
        for extract_id in ordered:
            people[2].wait(f"/extracts/{extract_id}", "ready", "failed")
    _check(world, ordered)


def _two(number: int) -> list[str]:
    """Two columns; after sixteen orders they come again."""
    first, further = number % len(COLUMNS), 1 + number // len(COLUMNS) % 2
    return [COLUMNS[first], COLUMNS[(first + further) % len(COLUMNS)]]


def _is_being_cut(world: World, extract_id: str) -> bool:
    """Whether a process was seen at work on it, before it was ready."""
    while True:
        with reading(world.engine) as session:
            state = session.get_one(Extract, extract_id).state
        if state != "ordered":
            return state == "running"


def _check(world: World, ordered: list[str]) -> None:
    with reading(world.engine) as session:
        states = dict(session.exec(select(Extract.id, Extract.state)).all())
        parts = session.exec(select(Part)).all()
        bodies = session.exec(select(AuditEntry.body)).all()
        session.expunge_all()
    assert states == dict.fromkeys(ordered, "ready")
    assert len(set(ordered)) == len(ordered) > ORDERS
    entries = map(Entry.from_bytes, bodies)
    made = Counter(entry.ids["extract"] for entry in entries if entry.act == "extract:made")
    assert made == dict.fromkeys(ordered, 1)
    assert {part.extract_id for part in parts} == set(ordered)
    assert len({part.key for part in parts}) < len(parts)  # the repeats took files that were there
    for part in parts:
        path = world.ports.store.path(part.key)
        assert (sha256_of(path), pq.read_metadata(path).num_rows) == (part.sha256, part.rows)
    world.check_log()
    key = open_signer(world.settings).verifier
    assert (
        fsck(world.engine, world.ports.store, key, open_head_store(world.settings)).findings == ()
    )
