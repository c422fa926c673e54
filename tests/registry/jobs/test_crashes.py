"""A worker killed at any moment of a job leaves nothing half-done, and the next one finishes."""

import signal
from pathlib import Path

import pytest
from sqlmodel import col, select

from catalog.tables import Delivery
from connectors.local import sha256_of
from registry.access.tables import Extract, Part
from registry.audit.tables import AuditEntry
from registry.db import reading
from registry.services.checking import edition_key, report_of
from tests.support.worker import MOMENTS, run_worker
from tests.support.world import World


def worker(world: World, kind: str, row_id: str, moment: str) -> int | None:
    """Run a worker process to its end; its exit status, negative for the signal that ended it."""
    settings = world.settings
    return run_worker(settings.database_url, settings.home, kind, row_id, moment)


def moments(world: World) -> tuple[str, ...]:
    """All of them, or on the second database those at which it makes a difference."""
    return MOMENTS if world.engine.dialect.name == "sqlite" else MOMENTS[-2:]


def entries(world: World, act: str) -> int:
    """How many entries of this act the log holds."""
    with reading(world.engine) as session:
        bodies = session.exec(select(AuditEntry.body)).all()
    return sum(f'"act":"{act}"'.encode() in body for body in bodies)


def leftovers(world: World) -> list[Path]:
    """Files that are nobody's: in scratch, half-put, or claims of the dead."""
    home = world.settings.home
    places = ("scratch/**/*", "files/.incoming/*", "claims/*")
    return [path for place in places for path in home.glob(place)]


@pytest.fixture
def ordered(world: World) -> Extract:
    """An extract whose job no worker has seen yet."""
    startup = world.a_startup()
    agreement = world.an_agreement(startup, world.a_published_dataset(items=500))
    return world.an_ordered_extract(startup, agreement)


def test_killed_extract_is_published_once(world: World, ordered: Extract) -> None:
    """Killed at every moment in turn, an extract ends with one result, one entry, no leftovers."""
    for moment in moments(world):
        assert worker(world, "extract", ordered.id, moment) == -signal.SIGKILL, moment
        made = moment == "after-commit"
        with reading(world.engine) as session:
            state = session.get_one(Extract, ordered.id).state
            parts = session.exec(select(Part).where(col(Part.extract_id) == ordered.id)).all()
        assert state == ("ready" if made else "running"), moment
        assert len(parts) == (1 if made else 0), moment
        assert entries(world, "extract:made") == (1 if made else 0), moment
        world.check_log()
    assert worker(world, "extract", ordered.id, "never") == 0
    _finished(world, ordered.id)


def _finished(world: World, extract_id: str) -> None:
    with reading(world.engine) as session:
        extract = session.get_one(Extract, extract_id)
        part = session.exec(select(Part).where(col(Part.extract_id) == extract_id)).one()
    assert (extract.state, extract.progress) == ("ready", 100)
    assert extract.rows == part.rows > 0
    assert sha256_of(world.ports.store.path(part.key)) == part.sha256
    assert entries(world, "extract:made") == 1
    assert leftovers(world) == []
    world.check_log()


def test_killed_check_is_recorded_once(world: World) -> None:
    """Killed at every moment in turn, a delivery's check ends with one report and one entry."""
    archive = world.an_archive()
    delivery = world.a_delivery(archive, world.a_dataset(archive), items=500, faults=20)
    for moment in moments(world):
        assert worker(world, "check", delivery.id, moment) == -signal.SIGKILL, moment
        made = moment == "after-commit"
        with reading(world.engine) as session:
            state = session.get_one(Delivery, delivery.id).state
        assert state == ("checked" if made else "checking"), moment
        assert entries(world, "delivery:checked") == (1 if made else 0), moment
    assert worker(world, "check", delivery.id, "never") == 0
    with reading(world.engine) as session:
        checked = session.get_one(Delivery, delivery.id)
    found = report_of(checked)
    assert found is not None
    assert (found.accepted, found.refused) == (480, 20)
    assert sha256_of(world.ports.store.path(edition_key(found.sha256))) == found.sha256
    assert entries(world, "delivery:checked") == 1
    assert leftovers(world) == []
    world.check_log()
