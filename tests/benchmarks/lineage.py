"""Lineage: from an item to all who received and read it, over millions of rows."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb

from connectors import keep_ready, let_go
from connectors.local import sha256_of
from registry.access.lineage_tables import LineageFile
from registry.access.tables import Extract
from registry.db import open_engine, reading
from registry.migrate import upgrade
from registry.services.lineage.asking import item_lineage
from registry.services.lineage.files import LARGEST_SLOT, SLOT
from registry.services.lineage.keeping import FILE_ROWS
from registry.services.ports import Ports, open_ports
from registry.settings import Settings
from tests.benchmarks.line import Line
from tests.support.clock import SetClock
from tests.support.rows import AT, actor_of, agreement, asked, dataset, party, put

ROWS = {"ci": 10_000_000, "full": 100_000_000}
EXTRACTS = 1_000
EACH = 10
"""One of so many items stands in an extract; so an item stands in a hundred."""
TIMES = 7
GOAL = 1.0

_ITEMS = f"""
SELECT slot, item, 'http://rightsstatements.org/vocab/InC/1.0/' AS rights, 1 AS part, extract,
    'ed_1' AS edition, 'agr_1' AS agreement, 'dec_1' AS decision, 'org_user' AS recipient
FROM (
    SELECT n, md5(n::VARCHAR)[:26] AS item, {SLOT.format("md5(n::VARCHAR)[:26]")} AS slot
    FROM range($items) AS items(n)
) JOIN (
    SELECT e, 'ext_' || lpad(e::VARCHAR, 5, '0') AS extract FROM range($extracts) AS extracts(e)
) ON (n + e) % $each = 0
WHERE slot BETWEEN $low AND $high ORDER BY slot, item, extract
"""
_ACCESSES = f"""
SELECT slot, extract, 1 AS part, 'acc_' || md5(e || '/' || n) AS access, 'agr_1' AS agreement,
    'org_user' AS recipient, md5((n % 5)::VARCHAR) AS actor, 'env_1' AS environment,
    TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(n * 60) AS opened, opened AS closed,
    8::BIGINT AS ranges, 1000000 + n AS bytes
FROM (
    SELECT e, 'ext_' || lpad(e::VARCHAR, 5, '0') AS extract, {SLOT.format("extract")} AS slot
    FROM range($extracts) AS extracts(e)
) CROSS JOIN range($items) AS accesses(n)
WHERE slot BETWEEN $low AND $high AND $each > 0 ORDER BY slot, extract, access
"""  # names of columns alone are put in


def run(size: str) -> Iterator[Line]:
    """Item to recipients, with as many rows of items as of accesses, on one dataset."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(home=home)
        engine = open_engine(settings.sqlalchemy_url)
        upgrade(engine)
        ports = open_ports(settings, SetClock())
        facts = [*dataset(), *asked("approved"), *agreement("in_force")]
        put(engine, *party("archive"), *party("user"), *facts)
        put(engine, *(_extract(number) for number in range(EXTRACTS)))
        put(engine, *_files(ports, home, "items", _ITEMS, ROWS[size] * EACH // EXTRACTS, size))
        put(engine, *_files(ports, home, "accesses", _ACCESSES, ROWS[size] // EXTRACTS, size))
        archive, seconds = actor_of(engine, "archive"), []
        keep_ready()  # as in a running service
        for number in range(TIMES):
            item = duckdb.execute("SELECT md5($n)[:26]", {"n": str(number)}).fetchall()[0][0]
            started = time.perf_counter()
            with reading(engine) as session:
                found = item_lineage(session, ports, archive, "ds_1", at=AT, item=item)
            seconds.append(time.perf_counter() - started)
            assert len(found) == EXTRACTS // EACH
            read = sum(reads.accesses for one in found for reads in one.reads)
            assert read == ROWS[size] // EACH
        let_go()
        engine.dispose()
    value = statistics.median(seconds)
    yield Line(
        name=f"item to recipients and their accesses, {ROWS[size]:,} access rows",
        value=round(value, 3),
        unit="s",
        goal=f"<= {GOAL} s at 10,000,000",
        holds=value <= GOAL,
    )


def _extract(number: int) -> Extract:
    return Extract(
        id=f"ext_{number:05}",
        agreement_id="agr_1",
        edition_id="ed_1",
        organisation_id="org_user",
        state="ready",
        ordered_by="seat_user",
        ordered_at=AT,
        finished_at=AT + timedelta(minutes=1),
    )


def _files(
    ports: Ports, home: Path, kind: str, select: str, items: int, size: str
) -> Iterator[LineageFile]:
    """The files of one merged run, as the background leaves them."""
    count = max(1, ROWS[size] // FILE_ROWS)
    bounds = [LARGEST_SLOT * at // count for at in range(count + 1)]
    path = home / "made.parquet"
    for at in range(count):
        low, high = bounds[at] + (at > 0), bounds[at + 1]
        params = {"items": items, "extracts": EXTRACTS, "each": EACH, "low": low, "high": high}
        made = duckdb.execute(
            f"COPY ({select}) TO '{path}' (COMPRESSION zstd, ROW_GROUP_SIZE 32768)", params
        )
        rows = made.fetchall()[0][0]
        stored = ports.store.put(f"lineage/{kind}-{at}.parquet", path)
        yield LineageFile(
            id=f"{kind}-{at}",
            dataset_id="ds_1",
            kind=kind,
            run=kind,
            level=1,
            low=low,
            high=high,
            key=stored.key,
            sha256=sha256_of(path),
            bytes=stored.bytes,
            rows=rows,
            made_at=AT,
        )
