"""A day of the service in a few seconds: every act that writes, each acknowledged once it is done.

The process that lives it may be killed, or told by the system that a call failed, anywhere in it.
"""

import json
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.access.tables import Agreement, Extract
from registry.audit.log import integrate, open_head_store, open_signer
from registry.db import open_engine, reading, transaction
from registry.migrate import upgrade
from registry.services.checking import run_check
from registry.services.cutting import run_extract
from registry.services.reading import Readable
from tests.support.clock import SetClock
from tests.support.extracting import Scene
from tests.support.world import PublishedDataset, Startup, World

ITEMS = 60
Ack = dict[str, Any]
Tell = Callable[[Ack], None]


@dataclass(frozen=True)
class Cast:
    """Who takes part, and two agreements of theirs: one to read under, one to be revoked."""

    published: PublishedDataset
    startup: Startup
    agreement: Agreement
    to_be_revoked: Agreement


def prepare(home: Path) -> None:
    """Make the home that each run starts from a copy of."""
    home.mkdir(parents=True)
    with _world(home) as world:
        upgrade(world.engine)
        published, startup = world.a_published_dataset(items=ITEMS), world.a_startup()
        agreements = [world.an_agreement(startup, published) for _ in range(2)]
        (home / "cast.pickle").write_bytes(pickle.dumps(Cast(published, startup, *agreements)))
        world.check_log()


@contextmanager
def _world(home: Path) -> Iterator[World]:
    engine = open_engine(f"sqlite:///{home / 'vrijgave.sqlite'}")
    yield World(engine, home, SetClock())
    engine.dispose()


@contextmanager
def opened(home: Path) -> Iterator[tuple[World, Cast]]:
    """The service in this home, and who takes part."""
    with _world(home) as world:
        yield world, pickle.loads((home / "cast.pickle").read_bytes())  # noqa: S301  # ours


def live(home: Path, out: int) -> None:
    """Do every act in turn; what failed is told and passed by, as in a service that goes on."""

    def tell(ack: Ack) -> None:
        os.write(out, json.dumps(ack).encode() + b"\n")

    with opened(home) as (world, cast):
        for act in (_extract, _deliver, _sign, _revoke, _sign):
            try:
                act(world, cast, tell)
            except Exception as failure:  # noqa: BLE001  # any failure may come of a fault
                tell({"failed": act.__name__, "why": type(failure).__name__})


def _extract(world: World, cast: Cast, tell: Tell) -> None:
    scene = Scene(world, cast.published, cast.startup, cast.agreement)
    ordered = world.an_ordered_extract(cast.startup, cast.agreement)
    tell({"ordered": ordered.id})
    run_extract(world.engine, world.ports, ordered.id)
    with reading(world.engine) as session:
        extract = session.get_one(Extract, ordered.id)
    if extract.state != "ready":
        return
    tell({"made": extract.id})
    readable = scene.open(extract)
    assert isinstance(readable, Readable)
    promised = scene.range(readable, 0, readable.part.bytes)
    with world.ports.store.open(readable.part.key) as file:
        sent = len(file.read(0, readable.part.bytes))
    tell({"sent": sent, "of": extract.id})
    scene.sent(promised, sent)


def _deliver(world: World, cast: Cast, tell: Tell) -> None:
    dataset = world.a_dataset(cast.published.archive)
    tell({"registered": dataset.id})
    delivery = world.a_delivery(cast.published.archive, dataset, items=ITEMS)
    tell({"delivered": delivery.id})
    run_check(world.engine, world.ports, delivery.id)


def _sign(world: World, _cast: Cast, tell: Tell) -> None:
    signer, heads = open_signer(world.settings), open_head_store(world.settings)
    checkpoint = integrate(world.engine, signer, heads, world.clock())
    if checkpoint is not None:
        tell({"signed": checkpoint.size, "root": checkpoint.head.root.hex()})


def _revoke(world: World, cast: Cast, tell: Tell) -> None:
    scene = Scene(world, cast.published, cast.startup, cast.to_be_revoked)
    with transaction(world.engine) as session:
        state = session.get_one(Agreement, cast.to_be_revoked.id).state
    if state != "revoked":
        scene.revoke()
    tell({"revoked": cast.to_be_revoked.id})
