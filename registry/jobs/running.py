"""The job library in this process: started, told what to do, stopped.

DBOS keeps one instance a process; this module is the only one that speaks to it.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from connectors import StoreUnavailable, keep_ready, let_go
from registry.db import reading
from registry.jobs.claims import Claims, open_claims
from registry.jobs.kinds import CHECK, EXTRACT, KINDS, Kind
from registry.jobs.leftovers import Home
from registry.jobs.stopping import Interrupted, interruptible
from registry.services.ports import Ports

log = logging.getLogger("vrijgave.jobs")

TRIES = 3
"""How often a job that fails for no reason it knows is tried before it is given up."""
PAUSE_SECONDS = 1.0
"""Before the second try; each next one waits twice as long."""
OUTAGE_SECONDS = 900.0
"""How long a job is put off while the storage or the database does not answer."""
STARTS = 5
"""How often a job may be found under way at a start of the service before it is given up."""
CHECKS_AT_ONCE = 2
POLL_SECONDS = 0.2
"""How long a job in the queue may lie before it is seen; each look costs a short query."""
STOP_SECONDS = 10.0
"""How long jobs get to end when the service stops."""
_WAITING = frozenset({"ENQUEUED", "DELAYED"})
_ENDED = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})

_OUTAGES = (StoreUnavailable, OperationalError, InterfaceError)

_running: "Jobs | None" = None


class Jobs:
    """The workers of one process; only one may be started in it at a time."""

    def __init__(self, engine: Engine, ports: Ports) -> None:
        self._engine, self._stopping = engine, threading.Event()
        self._plain, self._ports = ports, interruptible(ports, self._stopping)
        self._claims: Claims = open_claims(engine, ports.settings.home)
        self._home: Home | None = None
        self._at_once = {CHECK: CHECKS_AT_ONCE, EXTRACT: ports.settings.extract_slots}
        self._slots = {kind: threading.Semaphore(jobs) for kind, jobs in self._at_once.items()}
        self._starting: set[str] = set()
        """Rows started here whose job has not reached its work yet."""
        self._outages: dict[str, float] = {}
        """Since when rows are put off for an outage, on this process's own clock."""
        self._active = 0
        self._changed = threading.Condition()
        self._enqueueing = threading.Lock()
        self._suspects: frozenset[str] = frozenset()

    def start(self) -> None:
        """Start the workers; jobs that this process left behind when it died run again."""
        self._home = Home(self._plain)
        keep_ready()
        _quieten()
        DBOS(config=self._config())
        DBOS.launch()
        for kind, jobs in self._at_once.items():
            DBOS.register_queue(
                kind.queue, worker_concurrency=jobs, polling_interval_sec=POLL_SECONDS
            )

    def stop(self) -> None:
        """End the workers; what is under way is broken off and runs again at the next start."""
        self._stopping.set()
        with self._changed:
            self._changed.wait_for(lambda: self._active == 0, STOP_SECONDS)
        DBOS.destroy()
        let_go()
        if self._home is not None:
            self._home.leave()

    def _config(self) -> DBOSConfig:
        settings = self._plain.settings
        url = settings.sqlalchemy_url
        if not url.startswith("postgresql"):
            url = f"sqlite:///{settings.home.absolute() / 'jobs.sqlite'}"
        return {
            "name": "vrijgave",
            "system_database_url": url,
            "sys_db_pool_size": 5,
            # A job is one call that may be repeated: it can be resumed by any version.
            "application_version": "1",
            "serializer": _Json(),
            "enable_otlp": False,
            "log_level": "WARNING",
        }

    def enqueue(self, kind: Kind, row_id: str) -> None:
        """Start a row's job here and now, or enqueue it; one that waits or runs stays the only one.

        The queue is for when all are at work: whichever process then has room first takes the job.
        """
        with self._enqueueing:
            status = DBOS.get_workflow_status(row_id)
            if status is not None and status.status in _ENDED:
                DBOS.delete_workflow(row_id)
            elif status is not None:
                return
            with SetWorkflowID(row_id):
                if self._has_room(kind):
                    self._starting.add(row_id)
                    DBOS.start_workflow(_BODIES[kind.queue], row_id)
                else:
                    DBOS.enqueue_workflow(kind.queue, _BODIES[kind.queue], row_id)

    def _has_room(self, kind: Kind) -> bool:
        """Whether a job would be at work at once; of several that start, only the first is sure."""
        slot = self._slots[kind]
        if self._starting or not slot.acquire(blocking=False):
            return False
        slot.release()
        return True

    def sweep(self) -> None:
        """Enqueue what was missed, and take over what was under way in a process that died."""
        idle: set[str] = set()
        self._starting.clear()  # one that another process had started meanwhile never gets here
        for kind in KINDS:
            with reading(self._engine) as session:
                unfinished = kind.unfinished(session)
            idle |= {row_id for row_id in unfinished if not self._seen_to(kind, row_id)}
        self._suspects = frozenset(idle)

    def _seen_to(self, kind: Kind, row_id: str) -> bool:
        """Whether the row's job waits, works, or was just set going again.

        A job that has just been handed out looks for a moment as if its process had died; one that
        does at two sweeps is dead.
        """
        found = DBOS.get_workflow_status(row_id)
        status = None if found is None else found.status
        if status in _WAITING or not self._claims.is_free(row_id):
            return True
        if status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
            kind.give_up(self._engine, self._plain.clock, row_id)
        elif status != "PENDING":
            self.enqueue(kind, row_id)
        elif row_id in self._suspects:
            DBOS.resume_workflow(row_id, queue_name=kind.queue)
        else:
            return False
        return True

    def work(self, kind: Kind, row_id: str) -> None:
        """The body of every job: alone on its row, tried a few times, given up in the end."""
        with self._counted(), self._claims.take(row_id) as mine:
            self._starting.discard(row_id)
            if mine:
                with self._slots[kind]:
                    self._do(kind, row_id)

    def _do(self, kind: Kind, row_id: str) -> None:
        if self._stopping.is_set():
            return
        try:
            failure = self._tried(kind, row_id)
            if failure is not None and self._is_put_off(row_id, failure):
                log.warning("job %s waits until what it needs answers again", row_id)
                return  # its row still says that it is unfinished: the sweep comes back to it
            self._outages.pop(row_id, None)
            if failure is not None:
                kind.give_up(self._engine, self._plain.clock, row_id, wrong=failure)
        except Interrupted:
            log.info("job %s was broken off; it runs again at the next start", row_id)
        except Exception:  # the row still says that it is unfinished: the sweep comes back to it
            log.exception("job %s could not even be given up", row_id)

    def _is_put_off(self, row_id: str, failure: Exception) -> bool:
        if not isinstance(failure, _OUTAGES):
            return False
        now = time.monotonic()
        return now - self._outages.setdefault(row_id, now) < OUTAGE_SECONDS

    def _tried(self, kind: Kind, row_id: str) -> Exception | None:
        """How the last of a few tries failed; `None` once one did not."""
        failure: Exception | None = None
        for attempt in range(TRIES):
            if attempt and self._stopping.wait(PAUSE_SECONDS * 2 ** (attempt - 1)):
                raise Interrupted
            try:
                kind.run(self._engine, self._ports, row_id)
            except Interrupted:
                raise
            except Exception as problem:  # whatever it is: told, tried again, then given up
                log.exception("job %s failed (try %d of %d)", row_id, attempt + 1, TRIES)
                failure = problem
            else:
                return None
        return failure

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()


def start(engine: Engine, ports: Ports) -> None:
    """Start this process's workers."""
    global _running  # noqa: PLW0603 -- the library has one instance a process, so have we
    if _running is not None:
        raise RuntimeError("this process has its jobs started already")
    _running = Jobs(engine, ports)  # before the launch, which may hand out a job left behind
    try:
        _running.start()
    except BaseException:
        stop()
        raise


def stop() -> None:
    """Stop this process's workers, where there are any."""
    global _running  # noqa: PLW0603 -- as in `start`
    if _running is not None:
        _running.stop()
        _running = None


def enqueue_check(delivery_id: str) -> None:
    """Have a delivery checked, once the transaction that mapped it has committed."""
    _enqueue(CHECK, delivery_id)


def enqueue_extract(extract_id: str) -> None:
    """Have an extract cut, once the transaction that ordered it has committed."""
    _enqueue(EXTRACT, extract_id)


def sweep() -> None:
    """Find the rows whose job was missed or died; to be called every few seconds.

    Does nothing in a process that has no jobs started.
    """
    if _running is not None:
        _running.sweep()


def _enqueue(kind: Kind, row_id: str) -> None:
    """Tell this process's workers; without any, another process's sweep finds the row."""
    jobs = _running
    if jobs is None:
        return
    try:
        jobs.enqueue(kind, row_id)
    except Exception:  # the act itself has committed: its answer must not say that it failed
        log.exception("job %s could not be enqueued now; the sweep will", row_id)


@DBOS.workflow(name="check", max_recovery_attempts=STARTS)
def _check(delivery_id: str) -> None:
    _work(CHECK, delivery_id)


@DBOS.workflow(name="extract", max_recovery_attempts=STARTS)
def _extract(extract_id: str) -> None:
    _work(EXTRACT, extract_id)


def _work(kind: Kind, row_id: str) -> None:
    jobs = _running
    if jobs is not None:
        jobs.work(kind, row_id)


_BODIES = {CHECK.queue: _check, EXTRACT.queue: _extract}


class _Json(Serializer):
    """Arguments as JSON: the library's own default unpickles what stands in the database."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=str)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "json"


def _quieten() -> None:
    """Let the library's warnings go where ours go; its advice to visit a site goes nowhere."""
    library = logging.getLogger("dbos")
    if not library.handlers:
        library.addHandler(logging.NullHandler())
