"""What tamper evidence costs: durable acts, the tree, and checking it all offline."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, text
from sqlmodel import Session, SQLModel

from registry.audit import Act, verify_export
from registry.audit import tables as _tables  # noqa: F401  # the rows must be known to be created
from registry.audit.checkpoint import SigningKey
from registry.audit.log import FileHeadStore, append, export, integrate
from registry.audit.merkle import EMPTY_ROOT, CompactRange
from registry.db import open_engine, reading, transaction
from tests.benchmarks.line import Line

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ENTRIES = {"ci": 20_000, "full": 1_000_000}
BODY = bytes(420)

_ACT = text("INSERT INTO act (id, body) VALUES (:id, :body)")
_ENTRY = text("INSERT INTO plain_entry (id, body, leaf_hash) VALUES (:id, :body, :leaf_hash)")


def run(size: str) -> Iterator[Line]:
    """The log's lines, on SQLite with full durability."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/bench.sqlite")
        ours = [table for table in SQLModel.metadata.sorted_tables if table.name[:6] == "audit_"]
        SQLModel.metadata.create_all(engine, tables=ours)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE act (id INTEGER PRIMARY KEY, body BLOB)"))
            connection.execute(
                text("CREATE TABLE plain_entry (id INTEGER PRIMARY KEY, body BLOB, leaf_hash BLOB)")
            )
        yield _durable(engine)
        yield _tree()
        yield from _offline(engine, Path(folder), ENTRIES[size])
        engine.dispose()


def _record(session: Session, number: int) -> None:
    append(
        session,
        Act.ACCESS_OPENED,
        at=AT,
        archive="org_01kbench",
        actor="se_01kbench",
        organisation="org_01kstartup",
        ids={"access": f"ac_{number}", "agreement": "ag_01kbench", "extract": "ex_01kbench"},
        facts={"part": 1, "until": "2026-11-23T09:35:00.000Z"},
    )


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


def _offline(engine: Engine, folder: Path, count: int) -> Iterator[Line]:
    """Integrating, exporting and verifying a log of this many entries."""
    for start in range(0, count, 1000):
        with transaction(engine) as session:
            for number in range(start, start + 1000):
                _record(session, number)
    signer, heads = SigningKey.generate("bench.example/audit/v1"), FileHeadStore(folder / "head")
    started = time.perf_counter()
    size = 0
    while made := integrate(engine, signer, heads, AT):
        size = made.size
    yield Line("entries integrated and signed", round(size / _since(started)), "entries/s")
    with (folder / "export").open("wb") as out, reading(engine) as session:
        started = time.perf_counter()
        export(session, out, signer.verifier)
        yield Line("entries exported", round(size / _since(started)), "entries/s")
    with (folder / "export").open("rb") as file:
        started = time.perf_counter()
        result = verify_export(file, [signer.verifier])
        rate = size / _since(started)
    yield Line(
        name="offline verification, structure and content",
        value=round(rate),
        unit="entries/s",
        goal=">= 60,000 entries/s, nothing found",
        holds=result.ok and rate >= 60_000,
    )


def _since(started: float) -> float:
    return time.perf_counter() - started
