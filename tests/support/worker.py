"""A worker process of the service that dies at a chosen moment of a job, as if killed."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlmodel import SQLModel

from catalog.tables import Delivery
from connectors.ports import StoredObject
from registry import jobs
from registry.access.tables import Extract
from registry.db import open_engine, reading
from registry.services.ports import Ports, open_ports
from registry.settings import Settings
from tests.support.clock import SetClock

MOMENTS = ("before-the-work", "during-the-work", "after-the-work", "after-put", "before-commit",
           "after-commit")  # fmt: skip
"""When it dies; each is a moment at which something is half-done."""

_ROWS: dict[str, type[SQLModel]] = {"check": Delivery, "extract": Extract}
_LAST_UPDATES = {"UPDATE extract SET": "ready", "UPDATE delivery SET": "checked"}
"""The statement of a job's last act, and the state that it sets."""


def die() -> None:
    """End this process at once, as the machine's power or the kernel would."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class DyingBackend:
    """A real extractor or importer in a process that dies before, during or after its work."""

    inner: Any
    moment: str

    def profile(self, *given: Any) -> Any:
        """As the importer; a job has no use for it."""
        return self.inner.profile(*given)

    def extract(self, *given: Any, **named: Any) -> Any:
        """As the extractor."""
        return self._run(self.inner.extract, given, named)

    def lay_out(self, *given: Any, **named: Any) -> Any:
        """As the importer."""
        return self._run(self.inner.lay_out, given, named)

    def _run(self, work: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if self.moment == "before-the-work":
            die()
        if self.moment == "during-the-work":
            folder = given[0].out_dir if len(given) == 1 else given[2]
            threading.Thread(target=_die_once_written, args=(folder,), daemon=True).start()
        result = work(*given, **named)
        if self.moment in {"during-the-work", "after-the-work"}:
            die()
        return result


def _die_once_written(folder: Path) -> None:
    while not any(folder.iterdir()):
        time.sleep(0.001)
    die()


@dataclass(frozen=True)
class DyingStore:
    """The real store in a process that dies once a file has been put."""

    inner: Any

    def take(self, key: str, source: Path) -> StoredObject:
        """As the store."""
        self.inner.take(key, source)
        die()
        raise AssertionError("dead")

    def __getattr__(self, name: str) -> Any:
        """All else as the store."""
        return getattr(self.inner, name)


def arm(ports: Ports, moment: str) -> Ports:
    """The same backends, some of them deadly."""
    if moment == "after-put":
        return replace(ports, store=DyingStore(ports.store))
    if moment.endswith("the-work"):
        return replace(
            ports,
            extractor=DyingBackend(ports.extractor, moment),
            importer=DyingBackend(ports.importer, moment),
        )
    return ports


def arm_database(engine: Engine, moment: str) -> None:
    """Die just before, or just after, the commit of the job's last act."""
    last: set[object] = set()
    """The connections that wrote it: others of this process commit and come back meanwhile."""

    @event.listens_for(engine, "before_cursor_execute")
    def notice(c: Connection, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        state = _LAST_UPDATES.get(" ".join(statement.split()[:3]))
        if state is not None and repr(state) in str(values):
            last.add(c.connection.dbapi_connection)

    @event.listens_for(engine, "commit")
    def before(connection: Connection) -> None:
        if moment == "before-commit" and connection.connection.dbapi_connection in last:
            die()

    @event.listens_for(engine, "checkin")
    def after(connection: object, _record: object) -> None:
        if moment == "after-commit" and connection in last:
            die()


def work(url: str, home: Path, kind: str, row_id: str, moment: str) -> None:
    """Run one row's job, or die in it; with the moment ``never`` stop cleanly in the end."""
    engine = open_engine(url)
    arm_database(engine, moment)
    ports = open_ports(Settings(home=home, database_url=url), SetClock())
    jobs.start(engine, arm(ports, moment))
    {"check": jobs.enqueue_check, "extract": jobs.enqueue_extract}[kind](row_id)
    while _unfinished(engine, kind, row_id):
        jobs.sweep()
        time.sleep(0.1)
    jobs.stop()


def _unfinished(engine: Engine, kind: str, row_id: str) -> bool:
    with reading(engine) as session:
        row: Any = session.get_one(_ROWS[kind], row_id)
        return row.state in {"ordered", "running", "checking"}


def run_worker(url: str, home: Path, kind: str, row_id: str, moment: str) -> int | None:
    """Run :func:`work` in a process of its own; its exit status, negative for a signal.

    Processes are forked from a server that has imported everything and done nothing yet.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=work, args=(url, home, kind, row_id, moment))
    process.start()
    process.join(60)
    process.kill()
    process.join()
    return process.exitcode
