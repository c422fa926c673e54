"""What tamper evidence costs: durable acts, the tree, and checking it all offline."""

import random
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from pydantic import HttpUrl
from sqlalchemy import Engine, text
from sqlmodel import Session, SQLModel

from registry.audit import Act, store, verify_export
from registry.audit import tables as _tables  # noqa: F401  # the rows must be known to be created
from registry.audit.checkpoint import SigningKey
from registry.audit.log import (
    FileHeadStore,
    Recorded,
    append_all,
    export,
    integrate,
    open_head_store,
    open_signer,
)
from registry.audit.merkle import EMPTY_ROOT, CompactRange, inclusion_path
from registry.audit.tiles import WIDTH, Tiles
from registry.audit.values import Json
from registry.background import INTEGRATE_SECONDS
from registry.db import open_engine, reading, transaction
from registry.settings import Settings
from tests.benchmarks.line import Line
from tests.support.service import Person, Service

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ENTRIES = {"ci": 1_000_000, "full": 10_000_000}
ASKED = 500
BODY = bytes(420)

_ACT = text("INSERT INTO act (id, body) VALUES (:id, :body)")
_ENTRY = text("INSERT INTO plain_entry (id, body, leaf_hash) VALUES (:id, :body, :leaf_hash)")


def run(size: str) -> Iterator[Line]:
    """The log's lines, on SQLite with full durability."""
    with tempfile.TemporaryDirectory() as folder:
        engine = _new_log(Path(folder) / "acts.sqlite")
        yield _durable(engine)
        yield _batches(engine)
        yield _tree()
        yield _proofs()
        yield _lag(engine, Path(folder))
        engine.dispose()
        yield from _long(Path(folder), ENTRIES[size])


def _new_log(path: Path) -> Engine:
    """A database with the log's tables, and two to write the same rows to without a log."""
    engine = open_engine(f"sqlite:///{path}")
    ours = [table for table in SQLModel.metadata.sorted_tables if table.name[:6] == "audit_"]
    SQLModel.metadata.create_all(engine, tables=ours)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE act (id INTEGER PRIMARY KEY, body BLOB)"))
        connection.execute(
            text("CREATE TABLE plain_entry (id INTEGER PRIMARY KEY, body BLOB, leaf_hash BLOB)")
        )
    return engine


def _act(number: int) -> Recorded:
    """An act of a reading; each a millisecond after the one before, as ids rise in a real log."""
    ids = {"access": f"ac_{number}", "agreement": "ag_01kbench", "extract": "ex_01kbench"}
    facts: dict[str, Json] = {"part": 1, "until": "2026-11-23T09:35:00.000Z"}
    at = AT + timedelta(milliseconds=number)
    return Recorded(
        Act.ACCESS_OPENED, at, "org_01kbench", "se_01kbench", "org_01kstartup", ids, facts
    )


def _record(session: Session, number: int) -> None:
    append_all(session, [_act(number)])


def _durable(engine: Engine) -> Line:
    """Acts a second, each with its entry in one commit, beside the same two rows without a log.

    The two take turns in short rounds, so that a noisy machine slows both.
    """

    def logged(number: int) -> None:
        with transaction(engine) as session:
            session.execute(_ACT, {"id": number, "body": BODY})
            _record(session, number)

    def bare(number: int) -> None:
        with transaction(engine) as session:
            session.execute(_ACT, {"id": number, "body": BODY})
            session.execute(_ENTRY, {"id": number, "body": BODY, "leaf_hash": EMPTY_ROOT})

    rates: dict[Callable[[int], None], list[float]] = {logged: [], bare: []}
    number = 0
    for _ in range(12):
        for do, seen in rates.items():
            started = time.perf_counter()
            for _ in range(100):
                number += 1
                do(number)
            seen.append(100 / (time.perf_counter() - started))
    value, peer = statistics.median(rates[logged]), statistics.median(rates[bare])
    return Line(
        name="durable act with its entry, singly (SQLite FULL; peer: the same two INSERTs)",
        value=round(value),
        unit="acts/s",
        peer=round(peer),
        ratio=round(value / peer, 3),
        goal="ratio >= 0.7",
        holds=value / peer >= 0.7,
    )


def _batches(engine: Engine) -> Line:
    """Entries a second, a hundred in one durable commit, their canonical bytes included."""
    best, number = 0.0, 10**6
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(20):
            acts = [_act(number + at) for at in range(100)]
            number += 100
            with transaction(engine) as session:
                append_all(session, acts)
        best = max(best, 2000 / _since(started))
    return Line(
        name="entries recorded in batches of 100 (SQLite FULL), canonical bytes included",
        value=round(best),
        unit="entries/s",
        goal=">= 30,000 entries/s",
        holds=best >= 30_000,
    )


def _proofs() -> Line:
    """Inclusion proofs at random places of a tree of a million leaves, its tiles held."""
    tiles, size = Tiles(lambda _level, _number: b""), 1_000_000
    tiles.grow(0, [sha256(number.to_bytes(8, "big")).digest() for number in range(size)])
    dice = random.Random(6962)
    indices = [dice.randrange(size) for _ in range(20_000)]
    for number in range(size // WIDTH):  # what was asked once is held
        tiles.node(1, number * WIDTH // 2)
    seen = []
    for index in indices:
        started = time.perf_counter()
        inclusion_path(index, size, tiles.node)
        seen.append(_since(started) * 1e6)
    middle = statistics.median(seen)
    return Line(
        name="inclusion proof in process at 1 million leaves, median",
        value=round(middle, 1),
        unit="µs",
        goal="<= 50 µs",
        holds=middle <= 50,
    )


def _lag(engine: Engine, folder: Path) -> Line:
    """From commit to checkpoint, with acts singly and the sequencer at the service's own pace."""
    signer, heads = SigningKey.generate("lag.example/audit/v1"), FileHeadStore(folder / "lag")
    published: list[tuple[int, float]] = []
    committed: list[float] = []
    done, number = threading.Event(), 3 * 10**6

    def sequence() -> None:
        while not done.wait(INTEGRATE_SECONDS):
            while made := integrate(engine, signer, heads, AT):
                published.append((made.size, time.perf_counter()))

    while made := integrate(engine, signer, heads, AT):
        published.append((made.size, 0.0))
    first, thread = published[-1][0], threading.Thread(target=sequence)
    thread.start()
    until = time.perf_counter() + 8
    while time.perf_counter() < until:
        number += 1
        with transaction(engine) as session:
            _record(session, number)
        committed.append(time.perf_counter())
        time.sleep(0.002)
    time.sleep(3 * INTEGRATE_SECONDS)
    done.set()
    thread.join()
    lags = sorted(
        next(at for size, at in published if size > first + place) - moment
        for place, moment in enumerate(committed)
    )
    late = lags[int(len(lags) * 0.99)]
    return Line(
        name="integrated and signed after commit, p99",
        value=round(late, 3),
        unit="s",
        goal="<= 1 s",
        holds=late <= 1,
    )


def _tree() -> Line:
    """Microseconds that growing the tree by one leaf hash takes, canonical bytes not counted."""
    leaves = [number.to_bytes(32, "big") for number in range(200_000)]
    best = 1.0
    for _ in range(3):
        tree = CompactRange()
        started = time.perf_counter()
        for leaf in leaves:
            tree.append(leaf)
        best = min(best, (time.perf_counter() - started) / len(leaves))
    cost = best * 1e6
    return Line(
        name="tree cost per entry",
        value=round(cost, 3),
        unit="µs",
        goal="<= 2 µs",
        holds=cost <= 2,
    )


def _long(folder: Path, count: int) -> Iterator[Line]:
    """What a service's log of this many entries takes: alone, and asked over HTTP."""
    service = Service(folder)
    added = ("organisations", "add", "Beheer", "--role", "operator")
    service.run(*added, "--person", "Ada", "--email", "ada@beheer.example")
    settings = Settings(home=folder, base_url=HttpUrl(service.origin))
    engine = open_engine(settings.sqlalchemy_url)
    yield from _offline(engine, folder, settings, count)
    ids = _some_ids(engine, count)
    engine.dispose()
    link = service.run("sign-in-link", "ada@beheer.example")
    with service:
        yield _receipts(service.sign_in(link), ids, count)


def _offline(engine: Engine, folder: Path, settings: Settings, count: int) -> Iterator[Line]:
    """Integrating, exporting and verifying a log of this many entries."""
    for start in range(0, count, 1000):
        with transaction(engine) as session:
            append_all(session, [_act(start + at) for at in range(1000)])
    signer, heads = open_signer(settings), open_head_store(settings)
    started, size = time.perf_counter(), 0
    while made := integrate(engine, signer, heads, AT):
        size = made.size
    yield Line("entries integrated and signed", round(size / _since(started)), "entries/s")
    yield from _exported(engine, folder, signer, size)
    yield _checked(folder / "whole", signer, size, "structure and content", 60_000)
    with (folder / "hashes").open("wb") as out, reading(engine) as session:
        export(session, out, signer.verifier, archive="org_01kother")
    yield _checked(folder / "hashes", signer, size, "structure (another archive's export)", 300_000)


def _exported(engine: Engine, folder: Path, signer: SigningKey, size: int) -> Iterator[Line]:
    """The whole log as a file: ten million entries in a minute, in memory that does not grow."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (folder / "whole").open("wb") as out, reading(engine) as session:
        started = time.perf_counter()
        export(session, out, signer.verifier)
        seconds = _since(started)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    yield Line(
        name=f"export of a period of {size:,} entries",
        value=round(size / seconds),
        unit="entries/s",
        goal=">= 166,667 entries/s: 10 million in 60 s",
        holds=size / seconds >= 10_000_000 / 60,
    )
    yield Line(
        name=f"memory that the export of {size:,} entries adds to the process's peak",
        value=round(grown),
        unit="MB",
        goal="<= 64 MB at any size",
        holds=grown <= 64,
    )


def _checked(path: Path, signer: SigningKey, size: int, what: str, goal: int) -> Line:
    """How fast an auditor's one process checks a file."""
    with path.open("rb") as file:
        started = time.perf_counter()
        result = verify_export(file, [signer.verifier])
        rate = size / _since(started)
    return Line(
        name=f"offline verification, {what}",
        value=round(rate),
        unit="entries/s",
        goal=f">= {goal:,} entries/s, nothing found",
        holds=result.ok and rate >= goal,
    )


def _some_ids(engine: Engine, size: int) -> list[str]:
    """Ids of entries anywhere in the log."""
    dice = random.Random(9162)
    with reading(engine) as session:
        picked = [dice.randrange(size) for _ in range(ASKED)]
        return [next(store.walk(session, at, at + 1)).id for at in picked]


def _receipts(operator: Person, ids: list[str], size: int) -> Line:
    """Receipts of entries anywhere in the log, asked one after the other over one connection."""
    seen = []
    for entry in ids:
        started = time.perf_counter()
        answer = operator.http.get(f"/audit/entries/{entry}/receipt")
        seen.append(_since(started) * 1000)
        assert answer.text.startswith("c2sp.org/tlog-proof@v1\n"), answer.text
    middle, late = statistics.median(seen), statistics.quantiles(seen, n=100)[98]
    return Line(
        name=f"inclusion proof over HTTP from a log of {size:,}, median (p99 {late:.1f} ms)",
        value=round(middle, 2),
        unit="ms",
        goal="<= 5 ms at 10,000,000",
        holds=middle <= 5,
    )


def _since(started: float) -> float:
    return time.perf_counter() - started
