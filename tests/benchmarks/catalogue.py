"""The whole catalogue as pages of DCAT, from the database to bytes."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from catalog.tables import Dataset, Delivery, Edition, Offer, RightsClass
from registry import app
from registry.db import open_engine, reading, transaction
from registry.dialects import DIALECTS, catalogue_of
from registry.migrate import upgrade
from registry.services.records import list_records
from tests.benchmarks.line import Line
from tests.support.records import AT, CC_BY, IN_COPYRIGHT, full_record
from tests.support.rows import party

DATASETS = {"ci": 2_000, "full": 100_000}
PAGE = 100
LEAST = 2_000.0
ORIGIN = "https://vrijgave.example"


def run(size: str) -> Iterator[Line]:
    """Every page in turn, as a harvester asks for them; each dataset with its whole offer."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'catalogue.sqlite'}")
        upgrade(engine)
        _fill(engine, DATASETS[size])
        app.settle_garbage()
        started, cpu = time.perf_counter(), time.process_time()
        found, written = _export(engine)
        took, spent = time.perf_counter() - started, time.process_time() - cpu
        engine.dispose()
    assert found == DATASETS[size], found
    rate = found / took
    yield Line(
        f"catalogue: {found} datasets as DCAT pages of {PAGE}",
        round(rate),
        "datasets/s",
        goal=f">= {LEAST:.0f} datasets/s",
        holds=rate >= LEAST,
    )
    yield Line("catalogue: CPU of one dataset", round(spent / found * 1e6), "µs")
    yield Line("catalogue: bytes of one dataset", round(written / found), "bytes")


def _export(engine: Engine) -> tuple[int, int]:
    """How many datasets and bytes all pages have."""
    after, found, written = None, 0, 0
    while True:
        with reading(engine) as session:
            page = list_records(session, origin=ORIGIN, after=after, limit=PAGE)
        if not page:
            return found, written
        written += len(DIALECTS[0].written(catalogue_of(DIALECTS[0], page, ORIGIN, {})))
        found, after = found + len(page), page[-1].id


def _fill(engine: Engine, datasets: int) -> None:
    with transaction(engine) as session:
        session.add_all(party("archive"))
    for start in range(0, datasets, 1_000):
        with transaction(engine) as session:
            for number in range(start, min(start + 1_000, datasets)):
                _add(session, number)


def _add(session: Session, number: int) -> None:
    record, at = full_record(), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    key = f"{number:08}"
    columns = [
        {"name": one.name, "type": one.type, "role": "content", "title_nl": "", "title_en": ""}
        for one in record.columns
    ]
    session.add_all(
        [
            Dataset(
                id=f"ds_{key}",
                archive_id="org_archive",
                slug=f"d-{key}",
                state="published",
                title_nl=f"Journaals {key}",
                title_en=f"Newsreels {key}",
                description_nl=record.description.nl * 5,
                description_en=record.description.en * 5,
                item_key=b"k" * 32,
                created_at=at,
            ),
            Delivery(
                id=f"del_{key}",
                dataset_id=f"ds_{key}",
                file_name="a.csv",
                format="csv",
                bytes=1,
                sha256="0" * 64,
                state="published",
                received_at=at,
            ),
        ]
    )
    session.flush()
    session.add(
        Edition(
            id=f"ed_{key}",
            dataset_id=f"ds_{key}",
            delivery_id=f"del_{key}",
            number=3,
            sha256="0" * 64,
            bytes=1,
            key="editions/0",
            rows=421,
            items=421,
            columns=columns,
            published_at=AT,
        )
    )
    session.flush()
    session.add(
        Offer(
            id=f"offer_{key}",
            dataset_id=f"ds_{key}",
            edition_id=f"ed_{key}",
            document=dict(record.content.offer or {}),
            digest=record.content.digest,
            automatic=True,
            agreement_days=365,
            published_at=AT,
        )
    )
    session.add_all(
        RightsClass(edition_id=f"ed_{key}", number=n, facts={"rights": iri}, items=200)
        for n, iri in enumerate((CC_BY, IN_COPYRIGHT))
    )
