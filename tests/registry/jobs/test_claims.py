"""A claim gives a row to one worker, and ends with it."""

import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import Engine

from registry.db import open_engine
from registry.jobs.claims import open_claims


def test_one_holder_at_a_time(engine: Engine, tmp_path: Path) -> None:
    """While one holds a row, another does not get it; another row is free."""
    one, other = open_claims(engine, tmp_path), open_claims(engine, tmp_path)
    assert one.is_free("ext_a")
    with one.take("ext_a") as mine, other.take("ext_a", patience=0) as theirs:
        assert (mine, theirs) == (True, False)
        assert not other.is_free("ext_a")
        assert other.is_free("ext_b")
    assert other.is_free("ext_a")
    with other.take("ext_a") as now:
        assert now


def test_patience_outlasts_a_look(engine: Engine, tmp_path: Path) -> None:
    """A worker that finds a claim held for a moment waits for it."""
    claims = open_claims(engine, tmp_path)
    held, got = threading.Event(), []

    def work() -> None:
        held.wait()
        with claims.take("ext_a") as mine:
            got.append(mine)

    worker = threading.Thread(target=work)
    worker.start()
    with claims.take("ext_a"):
        held.set()
        worker.join(0.2)
    worker.join()
    assert got == [True]


def test_many_workers_never_share(engine: Engine, tmp_path: Path) -> None:
    """Workers that fight for one row hold it one after the other."""
    claims = open_claims(engine, tmp_path)
    inside, most, turns = 0, 0, 0

    def work() -> None:
        nonlocal inside, most, turns
        for _ in range(20):
            with claims.take("ext_a", patience=0) as mine:
                if mine:
                    inside += 1
                    most, turns = max(most, inside), turns + 1
                    inside -= 1

    _together(work, 4)
    assert most == 1
    assert turns > 0
    assert list(tmp_path.glob("claims/*")) == []


def _together(work: Callable[[], None], workers: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_claim_ends_with_its_process(database_url: str, tmp_path: Path) -> None:
    """The claim of a process that is killed is free at once."""
    engine = open_engine(database_url)
    claims = open_claims(engine, tmp_path)
    context = get_context("forkserver")
    ready = context.Event()
    process = context.Process(target=hold, args=(database_url, tmp_path, ready))
    process.start()
    assert ready.wait(30)
    assert not claims.is_free("ext_a")
    process.kill()
    process.join()
    with claims.take("ext_a", patience=5) as mine:
        assert mine
    engine.dispose()


def hold(url: str, home: Path, ready: threading.Event) -> None:
    """Hold a claim until the end."""
    with open_claims(open_engine(url), home).take("ext_a"):
        ready.set()
        signal.pause()
        os._exit(1)
