"""Jobs run once in effect, are found when missed, and leave quickly when the service stops."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from sqlmodel import select

from catalog.tables import Delivery
from connectors.errors import error
from connectors.ports import NEVER, NO_PROGRESS, ExtractPlan, ExtractResult, OnProgress, ShouldStop
from registry import jobs
from registry.access.tables import Extract
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.demo import generator
from registry.jobs import running
from registry.jobs.claims import open_claims
from registry.services import registration
from registry.services.extracts import cancel_extract
from tests.support.world import Startup, World

ROOT = Path(__file__).parents[3]


@pytest.fixture
def started(world: World) -> Iterator[World]:
    """A world whose jobs run in this process."""
    jobs.start(world.engine, world.ports)
    yield world
    jobs.stop()


def wait_until(reached: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def delivery_of(world: World, row_id: str) -> Delivery:
    """The delivery as it stands now."""
    with reading(world.engine) as session:
        return session.get_one(Delivery, row_id)


def extract_of(world: World, row_id: str) -> Extract:
    """The extract as it stands now."""
    with reading(world.engine) as session:
        return session.get_one(Extract, row_id)


def entries(world: World, act: str) -> int:
    """How many entries of this act the log holds."""
    with reading(world.engine) as session:
        bodies = session.exec(select(AuditEntry.body)).all()
    return sum(f'"act":"{act}"'.encode() in body for body in bodies)


def an_order(world: World) -> tuple[Startup, Extract]:
    """An ordered extract on a published dataset, and who ordered it."""
    startup = world.a_startup()
    agreement = world.an_agreement(startup, world.a_published_dataset())
    return startup, world.an_ordered_extract(startup, agreement)


def test_enqueueing_twice_has_one_effect(started: World) -> None:
    """A delivery and an extract that are enqueued twice are worked on once."""
    archive = started.an_archive()
    delivery = started.a_delivery(archive, started.a_dataset(archive))
    for _ in range(2):
        jobs.enqueue_check(delivery.id)
    _, extract = an_order(started)
    for _ in range(2):
        jobs.enqueue_extract(extract.id)
    wait_until(lambda: delivery_of(started, delivery.id).state == "checked")
    wait_until(lambda: extract_of(started, extract.id).state == "ready")
    jobs.enqueue_extract(extract.id)
    jobs.sweep()
    time.sleep(0.5)
    assert entries(started, "delivery:checked") == 2  # this one and the published dataset's
    assert entries(started, "extract:made") == 1
    assert list(started.ports.scratch.iterdir()) == []
    assert list(started.settings.home.glob("claims/*")) == []
    started.check_log()


def test_mapping_anew_checks_anew(started: World) -> None:
    """A delivery that was checked and is mapped again is checked again, under the same id."""
    archive = started.an_archive()
    delivery = started.a_delivery(archive, started.a_dataset(archive))
    for times in (1, 2):
        jobs.enqueue_check(delivery.id)
        wait_until(lambda: delivery_of(started, delivery.id).state == "checked")
        assert entries(started, "delivery:checked") == times
        wait_until(lambda: _status(delivery.id) == "SUCCESS")  # else the next sweep starts it
        with transaction(started.engine) as session:
            registration.map_delivery(
                session, archive, delivery.id, generator.mapping(), at=started.clock()
            )


def test_sweep_finds_what_was_missed(started: World) -> None:
    """Rows whose process died between the commit and the enqueueing get their job."""
    archive = started.an_archive()
    delivery = started.a_delivery(archive, started.a_dataset(archive))
    _, extract = an_order(started)
    jobs.sweep()
    wait_until(lambda: delivery_of(started, delivery.id).state == "checked")
    wait_until(lambda: extract_of(started, extract.id).state == "ready")


def test_sweep_takes_over_from_the_dead(started: World) -> None:
    """A job handed out to a process that died elsewhere is taken over at the second sweep."""
    _, extract = an_order(started)
    held = open_claims(started.engine, started.settings.home)
    with held.take(extract.id):  # as the other process does, until it dies
        jobs.enqueue_extract(extract.id)
        wait_until(lambda: _status(extract.id) == "SUCCESS")  # it was busy: this one let it be
        jobs.sweep()
        assert extract_of(started, extract.id).state == "ordered"
    jobs.sweep()
    wait_until(lambda: extract_of(started, extract.id).state == "ready")
    assert entries(started, "extract:made") == 1


def _status(row_id: str) -> str | None:
    found = DBOS.get_workflow_status(row_id)
    return None if found is None else found.status


@dataclass
class Waiting:
    """An extractor that is never ready, until it is asked to stop."""

    begun: list[str] = field(default_factory=list)

    def extract(
        self,
        plan: ExtractPlan,
        *,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> ExtractResult:
        """Wait for the end."""
        self.begun.append(str(plan.out_dir))
        while not should_stop():
            time.sleep(0.02)
        raise error("cancelled")


@dataclass
class Broken:
    """An extractor with a fault that nobody foresaw."""

    wrong: Exception = field(default_factory=lambda: RuntimeError("a fault that nobody foresaw"))
    tries: int = 0

    def extract(self, *_given: Any, **_named: Any) -> ExtractResult:
        """Fail."""
        self.tries += 1
        raise self.wrong


def test_stopping_breaks_off_and_starting_resumes(world: World) -> None:
    """Stopping takes seconds though a job is under way; the next start cuts it, once."""
    _, extract = an_order(world)
    waiting = Waiting()
    jobs.start(world.engine, replace(world.ports, extractor=waiting))
    jobs.enqueue_extract(extract.id)
    wait_until(lambda: bool(waiting.begun))
    began = time.monotonic()
    jobs.stop()
    assert time.monotonic() - began < 5
    assert extract_of(world, extract.id).state == "running"
    assert list(world.ports.scratch.iterdir()) == []
    jobs.start(world.engine, world.ports)
    jobs.sweep()
    wait_until(lambda: extract_of(world, extract.id).state == "ready")
    jobs.stop()
    assert entries(world, "extract:made") == 1
    assert entries(world, "extract:failed") == 0


def test_cancelling_ends_the_job(sqlite_world: World) -> None:
    """An extract that its organisation cancels is stopped, and stays cancelled."""
    startup, extract = an_order(sqlite_world)
    waiting = Waiting()
    jobs.start(sqlite_world.engine, replace(sqlite_world.ports, extractor=waiting))
    jobs.enqueue_extract(extract.id)
    wait_until(lambda: bool(waiting.begun))
    with transaction(sqlite_world.engine) as session:
        cancel_extract(session, startup.actor, extract.id, at=sqlite_world.clock())
    wait_until(lambda: _status(extract.id) == "SUCCESS")
    jobs.sweep()
    jobs.stop()
    assert len(waiting.begun) == 1
    assert extract_of(sqlite_world, extract.id).state == "cancelled"
    assert list(sqlite_world.ports.scratch.iterdir()) == []


def test_hopeless_job_is_given_up(sqlite_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A job that fails each time for a fault in the service ends, with a reason and an entry."""
    _, extract = an_order(sqlite_world)
    broken = Broken()
    jobs.start(sqlite_world.engine, replace(sqlite_world.ports, extractor=broken))
    jobs.enqueue_extract(extract.id)
    wait_until(lambda: extract_of(sqlite_world, extract.id).state == "failed")
    jobs.stop()
    assert broken.tries == running.TRIES
    problem = extract_of(sqlite_world, extract.id).problem
    assert problem["code"] == "job-failed"
    assert "Probeer het opnieuw" in problem["nl"]
    assert "Try again" in problem["en"]
    assert entries(sqlite_world, "extract:failed") == 1
    assert "a fault that nobody foresaw" in caplog.text
    sqlite_world.check_log()


def test_an_outage_is_waited_out(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While the storage is away a job is put off, and comes back; in the end its row says why."""
    monkeypatch.setattr(running, "PAUSE_SECONDS", 0.01)
    _, extract = an_order(sqlite_world)
    away = Broken(error("store-unavailable", bucket="b"))
    jobs.start(sqlite_world.engine, replace(sqlite_world.ports, extractor=away))
    jobs.enqueue_extract(extract.id)
    wait_until(lambda: "waits until what it needs answers again" in caplog.text)
    assert extract_of(sqlite_world, extract.id).state == "running"
    monkeypatch.setattr(running, "OUTAGE_SECONDS", 0.0)
    wait_until(lambda: sweep_and_see(sqlite_world, extract.id) == "failed")
    jobs.stop()
    assert away.tries == 2 * running.TRIES
    assert extract_of(sqlite_world, extract.id).problem["code"] == "store-unavailable"
    assert entries(sqlite_world, "extract:failed") == 1


def sweep_and_see(world: World, row_id: str) -> str:
    """How the extract stands after the sweep that comes every few seconds."""
    jobs.sweep()
    return extract_of(world, row_id).state


def test_a_killed_child_is_tried_again(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job's process may be ended from outside; one that dies each time says so."""
    monkeypatch.setattr(running, "PAUSE_SECONDS", 0.01)
    _, extract = an_order(sqlite_world)
    dying = Broken(error("job-died"))
    jobs.start(sqlite_world.engine, replace(sqlite_world.ports, extractor=dying))
    jobs.enqueue_extract(extract.id)
    wait_until(lambda: extract_of(sqlite_world, extract.id).state == "failed")
    jobs.stop()
    assert dying.tries == running.TRIES
    assert extract_of(sqlite_world, extract.id).problem["code"] == "job-died"


def test_hopeless_check_is_given_up(sqlite_world: World) -> None:
    """The same for a delivery's check, whose columns may then be mapped again."""
    archive = sqlite_world.an_archive()
    delivery = sqlite_world.a_delivery(archive, sqlite_world.a_dataset(archive))
    importer: Any = Broken()
    importer.lay_out = importer.extract
    jobs.start(sqlite_world.engine, replace(sqlite_world.ports, importer=importer))
    jobs.enqueue_check(delivery.id)
    wait_until(lambda: delivery_of(sqlite_world, delivery.id).state == "failed")
    jobs.stop()
    assert delivery_of(sqlite_world, delivery.id).problem["code"] == "job-failed"
    assert entries(sqlite_world, "delivery:failed") == 1
    with transaction(sqlite_world.engine) as session:
        again = registration.map_delivery(
            session, archive, delivery.id, generator.mapping(), at=sqlite_world.clock()
        )
    assert again.state == "checking"


def test_without_workers_nothing_breaks(sqlite_world: World) -> None:
    """A process without workers leaves its rows to the sweep of one that has them."""
    _, extract = an_order(sqlite_world)
    jobs.enqueue_extract(extract.id)
    jobs.sweep()
    jobs.stop()
    assert extract_of(sqlite_world, extract.id).state == "ordered"


def test_one_start_a_process(started: World) -> None:
    """Starting twice is a fault in the calling code, and leaves the first start as it is."""
    with pytest.raises(RuntimeError, match="started already"):
        jobs.start(started.engine, started.ports)


def test_start_is_quiet(sqlite_world: World) -> None:
    """Starting and stopping print nothing: no advice, no advertisement, no log lines."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom registry import jobs\n"
        "from registry.clock import system_clock\nfrom registry.db import open_engine\n"
        "from registry.services.ports import open_ports\nfrom registry.settings import Settings\n"
        "settings = Settings(home=Path(sys.argv[1]), database_url=sys.argv[2])\n"
        "jobs.start(open_engine(sys.argv[2]), open_ports(settings, system_clock))\n"
        "jobs.sweep()\njobs.stop()\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            str(sqlite_world.settings.home),
            sqlite_world.settings.database_url,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
