"""Turns to write: in order of asking, given on whatever becomes of the act, and never lost."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from registry import turns
from registry.db import open_engine, reading, transaction, turn_awaited
from registry.errors import Unavailable
from registry.turns import Turn, Turns


@pytest.fixture
def lines(engine: Engine) -> Engine:
    """A database of each kind with a table to write to."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS turn_line (writer INTEGER)"))
        connection.execute(text("DELETE FROM turn_line"))
    return engine


def write(engine: Engine, writer: int) -> None:
    """One act: a row."""
    with transaction(engine) as session:
        session.execute(text("INSERT INTO turn_line VALUES (:writer)"), {"writer": writer})


def written(engine: Engine) -> list[int]:
    """The rows in the order in which they were written."""
    with reading(engine) as session:
        return list(session.execute(text("SELECT writer FROM turn_line")).scalars())


def waits(engine: Engine, count: int) -> None:
    """Return once so many writers stand in the queue."""
    queue: Turns = engine.get_execution_options()["turns"]
    until = time.monotonic() + 20
    while len(queue._waiting) < count:
        assert time.monotonic() < until, "they do not queue"
        time.sleep(0.002)


def test_writers_are_served_in_the_order_of_asking(sqlite_url: str) -> None:
    """Twelve writers come one after the other while one writes: none overtakes another."""
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE turn_line (writer INTEGER)"))
    threads = []
    with transaction(engine) as session:
        session.execute(text("INSERT INTO turn_line VALUES (0)"))
        for number in range(1, 13):
            threads.append(threading.Thread(target=write, args=(engine, number)))
            threads[-1].start()
            waits(engine, number)
    for thread in threads:
        thread.join()
    assert written(engine) == list(range(13))
    engine.dispose()


def test_an_act_that_fails_gives_its_turn_on(lines: Engine) -> None:
    """What fails in the act, and a commit that fails, keep the next writer waiting no longer."""
    with pytest.raises(DBAPIError), transaction(lines) as session:
        session.execute(text("INSERT INTO turn_line VALUES (1), (1, 2)"))

    def fail(_connection: object) -> None:
        raise OperationalError("COMMIT", None, Exception("disk I/O error"))

    event.listen(lines, "commit", fail)
    with pytest.raises(OperationalError):
        write(lines, 2)
    event.remove(lines, "commit", fail)
    write(lines, 3)
    assert written(lines) == [3]


def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gives up, in a thread or not, is told so and leaves the queue."""
    monkeypatch.setattr(turns, "LONGEST_WAIT", 0.05)
    queue = Turns(1)
    held, late, later, last = (Turn(queue) for _ in range(4))
    held.take()
    with pytest.raises(Unavailable, match="database-busy"):
        late.take()
    late.end()
    with pytest.raises(Unavailable, match="database-busy"):
        asyncio.run(later.awaited())
    later.end()
    held.end()
    last.take()
    assert not queue._waiting


def test_who_goes_away_while_waiting_is_passed_over() -> None:
    """A request that is cancelled in the queue leaves its turn to the next."""

    async def meet() -> None:
        queue = Turns(1)
        held, gone, patient = (Turn(queue) for _ in range(3))
        await held.awaited()
        waiting = asyncio.create_task(gone.awaited())
        after = asyncio.create_task(patient.awaited())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gone.end()
        held.end()
        await asyncio.wait_for(after, 5)
        patient.end()
        await Turn(queue).awaited()

    asyncio.run(meet())


def test_a_turn_is_asked_for_when_it_is_needed(lines: Engine) -> None:
    """A transaction that has not written yet keeps nobody from writing."""
    with transaction(lines) as outer:
        write(lines, 1)
        outer.execute(text("INSERT INTO turn_line VALUES (2)"))
    assert written(lines) == [1, 2]


def test_many_who_wait_hold_no_threads(lines: Engine) -> None:
    """Sixty acts at once, each in two steps that need a thread of a pool of two: all are done."""

    async def act(number: int) -> None:
        whole = transaction(lines)
        session = whole.__enter__()
        await turn_awaited(session)
        insert = text("INSERT INTO turn_line VALUES (:writer)")
        await asyncio.to_thread(session.execute, insert, {"writer": number})
        await asyncio.to_thread(whole.__exit__, None, None, None)

    async def meet() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        await asyncio.gather(*(act(number) for number in range(60)))

    asyncio.run(meet())
    assert sorted(written(lines)) == list(range(60))


def test_another_process_is_waited_for(sqlite_url: str) -> None:
    """Two engines on one file, as two processes have: SQLite's own lock still holds."""
    ours, theirs = open_engine(sqlite_url), open_engine(sqlite_url)
    with ours.begin() as connection:
        connection.execute(text("CREATE TABLE turn_line (writer INTEGER)"))
    threads = [
        threading.Thread(target=write, args=(engine, number))
        for number, engine in enumerate([ours, theirs] * 10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written(ours)) == list(range(20))
    ours.dispose()
    theirs.dispose()
