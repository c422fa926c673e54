"""After a fault: start again as the service does, and look for a promise that was broken."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlmodel import Session, SQLModel, col, select

from catalog.tables import Dataset, Delivery
from registry.access.tables import Access, AccessRange, Agreement, Extract
from registry.audit import store
from registry.audit.log import open_head_store, open_signer
from registry.db import reading, transaction
from registry.jobs.leftovers import Home
from registry.services.accesses import ABANDONED, WINDOW, close_windows
from registry.services.checking import run_check
from registry.services.cutting import run_extract
from registry.services.fsck import fsck
from tests.faults.scenario import Ack, opened
from tests.support.world import World


def examine(home: Path, acks: list[Ack]) -> list[str]:
    """What is wrong in this home after recovery, given what was acknowledged before the fault."""
    with opened(home) as (world, cast):
        _recover(world)
        world.check_log()
        key = open_signer(world.settings).verifier
        found = fsck(world.engine, world.ports.store, key, open_head_store(world.settings)).findings
        wrong = [f"{one.promise} {one.subject}: {one.text.en}" for one in found]
        with reading(world.engine) as session:
            for ack in acks:
                wrong += [f"{ack}: {problem}" for problem in _lost(session, ack)]
        wrong += [f"left over: {path}" for path in _leftovers(home)]
        world.an_ordered_extract(cast.startup, cast.agreement)  # and life goes on
        return wrong


def _recover(world: World) -> None:
    """What the service does when it starts, and its rounds do later."""
    Home(world.ports).leave()
    with reading(world.engine) as session:
        deliveries = session.exec(select(Delivery.id).where(col(Delivery.state) == "checking"))
        checks = list(deliveries)
        unfinished = col(Extract.state).in_(["ordered", "running"])
        extracts = list(session.exec(select(Extract.id).where(unfinished)))
    for delivery in checks:
        run_check(world.engine, world.ports, delivery)
    for extract in extracts:
        run_extract(world.engine, world.ports, extract)
    with transaction(world.engine) as session:
        later = world.clock() + WINDOW + ABANDONED + timedelta(seconds=1)
        close_windows(session, at=later)


def _lost(session: Session, ack: Ack) -> Iterator[str]:
    """Whether what was acknowledged is not there any more."""
    match ack:
        case {"ordered": row_id}:
            yield from _missing(session, Extract, row_id, "ready")
        case {"made": row_id}:
            yield from _missing(session, Extract, row_id, "ready")
        case {"registered": row_id}:
            yield from _missing(session, Dataset, row_id, "draft")
        case {"delivered": row_id}:
            yield from _missing(session, Delivery, row_id, "checked")
        case {"revoked": row_id}:
            yield from _missing(session, Agreement, row_id, "revoked")
        case {"sent": count, "of": row_id}:
            asked = select(AccessRange).join(Access).where(col(Access.extract_id) == row_id)
            counted = sum(one.stop - one.start for one in session.exec(asked))
            if counted < count:
                yield f"only {counted} bytes were written down"
        case {"signed": size, "root": root}:
            if store.tiles(session).root(size).hex() != root:
                yield "the tree no longer has this head"


def _missing(session: Session, model: type[SQLModel], row_id: str, state: str) -> Iterator[str]:
    """A job may have failed for a fault, which its row then says; it may not be forgotten."""
    row = session.get(model, row_id)
    if row is None:
        yield "is gone"
    elif row.state not in {state, "failed"}:  # type: ignore[attr-defined]  # each of them has one
        yield f"is {row.state}"  # type: ignore[attr-defined]


def _leftovers(home: Path) -> list[Path]:
    return [path for place in ("scratch/*", "files/.incoming/*") for path in home.glob(place)]
