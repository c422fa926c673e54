"""The service, its jobs, its PostgreSQL and its S3 store, killed in turn while people use it.

In the end the service must have kept every word it gave, and its own checkup must find nothing.
"""

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from registry.access.tables import Access, AccessRange, Agreement, Extract
from registry.accounts.actors import Actor, Scope
from registry.audit import store
from registry.audit.log import open_head_store, open_signer
from registry.db import open_engine, reading, transaction
from registry.migrate import upgrade
from registry.services.fsck import fsck
from registry.services.machines import IssueToken, issue_token
from tests.faults.clients import Clients, History, Stage
from tests.support.clock import SetClock
from tests.support.s3 import S3Server, s3_server
from tests.support.service import Service
from tests.support.world import World

SCRIPT = Path(__file__).parents[1] / "support" / "postgres.sh"
ITEMS = 3000
_PATIENCE = 120.0
"""Seconds until every order that was acknowledged must have been cut."""


def run(work: Path, kills: int, seed: int) -> list[str]:
    """Kill one of them so many times; what is wrong afterwards."""
    chance = random.Random(seed)
    (work / "s3").mkdir()
    with _database(work) as (url, engine), s3_server(work / "s3") as files:
        service = Service(work / "home", url)
        # Agreements name their parties by the service's address.
        os.environ |= files.settings("faults") | service.environment
        world = World(engine, service.home, SetClock(datetime.now(UTC)))
        stage = _stage(world, service.origin)
        with service:
            deaths = _deaths(work, service, files)
            clients = Clients(stage)
            for count in range(kills):
                if count == kills // 2:
                    clients.half_way()
                time.sleep(chance.uniform(0.2, 2.0))
                deaths[count % len(deaths)]()
            time.sleep(2)
            history = clients.stop()
            _await_extracts(engine)
        return history.wrong + _checked(world) + _kept(engine, history, stage)


def _deaths(work: Path, service: Service, files: S3Server) -> list[Callable[[], object]]:
    """Who can be killed; each is there again at the end, or comes again of itself."""

    def kill_service() -> None:
        service.kill()
        service.__enter__()

    def kill_files() -> None:
        files.kill()
        files.start()

    return [kill_service, service.kill_jobs, lambda: _postgres("crash", work), kill_files]


def _postgres(verb: str, work: Path) -> str:
    done = subprocess.run(
        ["bash", SCRIPT, verb, work / "postgres"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@contextmanager
def _database(work: Path) -> Iterator[tuple[str, Engine]]:
    url = _postgres("start", work)
    engine = open_engine(url)
    try:
        upgrade(engine)
        yield url, engine
    finally:
        engine.dispose()
        _postgres("stop", work)


def _stage(world: World, origin: str) -> Stage:
    published, startup = world.a_published_dataset(items=ITEMS), world.a_startup()
    agreements = [world.an_agreement(startup, published) for _ in range(2)]
    extracts = [world.a_ready_extract(startup, agreement) for agreement in agreements]
    return Stage(
        origin,
        _token(
            world,
            startup.actor,
            Scope.REQUESTS,
            Scope.EXTRACTS,
            environment=startup.environment.id,
        ),
        _token(world, published.archive, Scope.ARCHIVE_READ, Scope.ARCHIVE_WRITE),
        agreements[0].id,
        extracts[0].id,
        agreements[1].id,
        extracts[1].id,
    )


def _token(world: World, actor: Actor, *scopes: Scope, environment: str | None = None) -> str:
    command = IssueToken(name="proef", scopes=scopes, environment_id=environment)
    with transaction(world.engine) as session:
        return issue_token(session, actor, command, at=world.clock())[1]


def _await_extracts(engine: Engine) -> None:
    until = time.monotonic() + _PATIENCE
    unfinished = select(Extract.id).where(col(Extract.state).in_(["ordered", "running"]))
    while time.monotonic() < until:
        with reading(engine) as session:
            if not session.exec(unfinished).all():
                return
        time.sleep(0.2)


def _checked(world: World) -> list[str]:
    key = open_signer(world.settings).verifier
    world.check_log()
    found = fsck(world.engine, world.ports.store, key, open_head_store(world.settings)).findings
    return [f"{one.promise} {one.subject}: {one.text.en}" for one in found]


def _kept(engine: Engine, history: History, stage: Stage) -> list[str]:
    """Which words the service did not keep."""
    with reading(engine) as session:
        states = dict(session.exec(select(Extract.id, Extract.state)).all())
        revoked = session.get_one(Agreement, stage.doomed).state == "revoked"
        written = {one: _written(session, one) for one in history.received}
        tree = store.tiles(session)
        wrong = [
            f"the tree no longer has the head of {head.size} entries"
            for head in history.heads
            if tree.root(head.size) != head.root
        ]
    wrong += [
        f"order {extract} is {states.get(extract)}"
        for extract in history.orders.values()
        if states.get(extract) != "ready"
    ]
    orders = len(states) - 2  # those of the stage were there before
    if orders > len(history.orders) + 1:  # the last one's answer may not have come
        wrong.append(f"{orders} extracts of {len(history.orders)} orders")
    if revoked != (history.revoked_at is not None):
        wrong.append("the revocation was forgotten")
    for extract, count in history.received.items():
        if count > written[extract]:
            wrong.append(f"{count} bytes came of {extract}, {written[extract]} are on record")
    tried = history.orders and len(history.received) == 2 and history.heads
    if not (tried and all(history.received.values())):
        wrong.append("nothing was ordered, read or signed: the trial says nothing")
    return wrong


def _written(session: Session, extract: str) -> int:
    ranges = session.exec(select(AccessRange).join(Access).where(col(Access.extract_id) == extract))
    return sum(one.stop - one.start if one.sent is None else one.sent for one in ranges)
