"""What the rights ledger costs: joined to an extract, looked up for a withdrawal, and at a read.

The peer of the join is the same extract without a ledger; both in our own job process, hashing of
files left out on both sides.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlmodel import Session

from catalog.ledger import ADDED, COLUMNS, open_in
from connectors import Overlay, SourceFile
from connectors.local import LocalStore, sha256_of
from registry.access.tables import Extract, Part
from registry.access.withdrawal_tables import Withdrawal
from registry.accounts.actors import Scope
from registry.accounts.credentials import find_actor, issue
from registry.db import open_engine, reading, transaction
from registry.migrate import upgrade
from registry.services.reading import look_at_part
from registry.services.withdrawing import recipients
from tests.benchmarks.extracts import cpu_of, cut, edition_of, plan_of
from tests.benchmarks.line import Line
from tests.support.clock import SetClock
from tests.support.ledgers import Ledger
from tests.support.rows import AT, agreement, asked, dataset, party, put
from tests.support.world import World

_SIZES = {"ci": 1_000_000, "full": 10_000_000}
_REPEATS = 3
_TOKENS = 10_000


def run(size: str) -> Iterator[Line]:
    """The lines; the join at a million rows, with `full` at ten million, a tenth in the ledger."""
    with tempfile.TemporaryDirectory() as place:
        yield from _joined(_SIZES[size], Path(place))
    with tempfile.TemporaryDirectory() as place:
        yield _listed(Path(place))
    with tempfile.TemporaryDirectory() as place:
        yield _refused(Path(place))


def _joined(rows: int, place: Path) -> Iterator[Line]:
    edition = edition_of(rows, place)
    ids = pq.read_table(edition.path, columns=["_item"])["_item"]
    overlay = _overlay(place / "ledger.parquet", ids.slice(0, rows // 10))
    closing, bound = open_in("NL")
    plain, joined = [], []
    for number in range(_REPEATS):
        plan = plan_of(edition, place / f"plain-{number}", "50 %")
        plain.append(cut(plan))
        over = replace(
            plan,
            out_dir=place / f"joined-{number}",
            overlay=overlay,
            where=f"{plan.where} AND {closing}",
            params={**plan.params, **bound},
        )
        joined.append(cut(over))
    value, peer = min(map(cpu_of, joined)), min(map(cpu_of, plain))
    ratio = value / peer
    name = f"extract {rows // 1_000_000} M rows, ledger of {rows // 10:,} items joined: CPU"
    yield Line(name, value, "s", peer, ratio, "ratio <= 1.40", ratio <= 1.40)


def _overlay(path: Path, items: pa.ChunkedArray) -> Overlay:
    """A third each of opt-outs, embargoes and disputes, one of them cleared now and then."""
    count = len(items)
    table = pa.table(
        {
            "_item": items,
            "_opt_out": pa.array([n % 3 == 0 for n in range(count)]),
            "_embargo_until": pa.array(
                [20_000 + n % 9_000 if n % 3 == 1 else None for n in range(count)], pa.date32()
            ),
            "_closed_in": pa.array(["BE NL" if n % 3 == 2 else None for n in range(count)]),
            "_withdrawn": pa.array([False] * count),
            "_cleared": pa.array([n % 50 == 0 for n in range(count)]),
        }
    ).sort_by("_item")
    pq.write_table(table, path, compression="zstd", row_group_size=100_000)
    file = SourceFile(path, sha256_of(path), path.stat().st_size)
    return Overlay(file, "_item", COLUMNS, ADDED)


def _listed(place: Path) -> Line:
    """A hundred extracts of twenty thousand items; half of those are taken back from all."""
    engine = open_engine(f"sqlite:///{place / 'bench.sqlite'}")
    upgrade(engine)
    store = LocalStore(place / "files")
    items = [f"{number:026}" for number in range(20_000)]
    pq.write_table(pa.table({"_item": items, "_rights": ["x"] * len(items)}), place / "part")
    part = store.put("parts/part.parquet", place / "part")
    put(engine, *party("archive"), *party("user"), *dataset(), *asked("approved"))
    put(engine, *agreement("in_force"))
    with transaction(engine) as session:
        for number in range(100):
            _add_extract(session, f"ext_{number:03}", part.sha256, part.bytes)
    withdrawal = Withdrawal(
        id="wd_1", archive_id="org_archive", dataset_id="ds_1", moment=1, reason="x",
        items=10_000, decided_by="x", at=AT, due_at=AT,
    )  # fmt: skip
    with reading(engine) as session:
        started = time.perf_counter()
        found = recipients(session, store, withdrawal, items[::2])
        seconds = time.perf_counter() - started
    assert found.num_rows == 1_000_000
    goal = "<= 2 s"
    name = "withdrawal: 1,000,000 recipient x item pairs listed"
    return Line(name, seconds, "s", goal=goal, holds=seconds <= 2)


def _add_extract(session: Session, name: str, sha256: str, size: int) -> None:
    session.add(
        Extract(
            id=name, agreement_id="agr_1", edition_id="ed_1",
            organisation_id="org_user", state="ready", ordered_by="seat_user", ordered_at=AT,
        )
    )  # fmt: skip
    session.flush()
    session.add(
        Part(
            extract_id=name, number=1, key="parts/part.parquet", sha256=sha256, bytes=size,
            rows=20_000,
        )
    )  # fmt: skip


def _refused(place: Path) -> Line:
    """From the commit of the act to the refusal of the next read, with 10,000 live tokens."""
    from tests.support.extracting import a_scene

    engine = open_engine(f"sqlite:///{place / 'bench.sqlite'}")
    upgrade(engine)
    world = World(engine, place / "home", SetClock(datetime.now(UTC)))
    scene = a_scene(world, 5_000)
    made = scene.cut()
    book = Ledger(scene)
    with transaction(engine) as session:
        secrets = [
            issue(
                session,
                "token",
                seat_id=scene.startup.actor.id,
                name="t",
                scopes=(Scope.EXTRACTS,),
                environment_id=scene.startup.environment.id,
                lifetime=timedelta(days=1),
                at=world.clock(),
            )[1]
            for _ in range(_TOKENS)
        ]
    book.enter({"item": book.items(made)[0], "kind": "opt_out"})
    started = time.perf_counter()
    for secret in secrets:
        with reading(engine) as session:
            actor = find_actor(session, secret, "token", world.clock())
            _, refusal = look_at_part(
                session, actor, made.id, 1, address="192.0.2.9", store=world.ports.store,
                origin=world.settings.origin, regions=world.settings.regions, at=world.clock(),
            )  # fmt: skip
        assert refusal is not None
        if secret == secrets[0]:
            first = time.perf_counter() - started
            scene.open(made)
    goal = "first <= 2 s, all refused"
    name = f"withdrawal: next read refused, {_TOKENS:,} live tokens"
    return Line(name, first, "s", goal=goal, holds=first <= 2)
