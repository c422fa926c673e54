"""The check of a delivery: the job that lays it out and reports what it would give.

The delivery's row is the truth. The job may run again after a kill: it lays out anew, stores under
keys that tell their content, and records the outcome once.
"""

import shutil
from collections.abc import Mapping as Lookup
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, update

from catalog.import_report import ImportReport, report
from catalog.mapping import MappingError, parse_mapping
from catalog.tables import Dataset, Delivery
from connectors.errors import ConnectorError, JobDied, StoreUnavailable
from connectors.ports import LaidOut
from registry.audit.acts import Act
from registry.db import transaction
from registry.digests import digest
from registry.errors import RegistryError
from registry.services.laying import facts_only, lay_out
from registry.services.locking import locked
from registry.services.noting import note
from registry.services.places import file_of
from registry.services.ports import Ports
from registry.services.registration import mapping_refused
from registry.services.wording import why_failed


def edition_key(sha256: str) -> str:
    """Where the store keeps a laid-out file."""
    return f"editions/{sha256}.parquet"


def refused_key(delivery: Delivery) -> str | None:
    """Where the store keeps the refused rows of the last check, if there were any."""
    name = delivery.report.get("refused_file")
    return f"refused/{name}" if name else None


def report_of(delivery: Delivery) -> ImportReport | None:
    """The report of the last check, once there is one."""
    stored = delivery.report.get("report")
    return ImportReport.model_validate(stored) if stored else None


def run_check(engine: Engine, ports: Ports, delivery_id: str) -> None:
    """Lay the delivery out and record what came of it, unless that was done."""
    with transaction(engine) as session:
        delivery = session.get_one(Delivery, delivery_id)
        if delivery.state != "checking":
            return
        dataset = session.get_one(Dataset, delivery.dataset_id)
    folder = ports.scratch / f"check-{delivery_id}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        outcome = _lay_out(engine, ports, delivery, dataset, folder)
        with transaction(engine) as session:
            _record(session, delivery_id, outcome, ports.clock())
    except (StoreUnavailable, JobDied):
        raise  # later may help: the job is tried again
    except (ConnectorError, MappingError, RegistryError) as wrong:
        with transaction(engine) as session:
            _record_failure(session, delivery_id, wrong, ports.clock())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(
    engine: Engine, ports: Ports, delivery: Delivery, dataset: Dataset, folder: Path
) -> dict[str, Any]:
    """What the delivery's row stores: the report, and the name of the file of refused rows."""
    mapping = parse_mapping(delivery.mapping)
    laid = lay_out(
        ports.importer,
        file_of(ports, dataset, delivery, folder),
        mapping,
        dataset.item_key,
        folder,
        on_progress=lambda share: _progress(engine, delivery.id, share),
    )
    if delivery.place:
        laid = facts_only(laid, folder)
    ports.store.take(edition_key(laid.file.sha256), folder / laid.file.name)
    return {
        "report": report(mapping, laid).model_dump(mode="json"),
        "refused_file": _keep_refused(ports, laid, folder),
    }


def _keep_refused(ports: Ports, laid: LaidOut, folder: Path) -> str | None:
    if laid.refused_file is None:
        return None
    name = f"{laid.refused_file.sha256}.csv"
    ports.store.take(f"refused/{name}", folder / laid.refused_file.name)
    return name


def _progress(engine: Engine, delivery_id: str, share: float) -> None:
    percent = min(99, int(share * 100))
    with transaction(engine) as session:
        session.exec(
            update(Delivery)
            .where(col(Delivery.id) == delivery_id, col(Delivery.progress) < percent)
            .values(progress=percent)
        )


def _record(session: Session, delivery_id: str, outcome: dict[str, Any], at: datetime) -> None:
    delivery = locked(session, session.get_one(Delivery, delivery_id))
    if delivery.state != "checking":
        return
    delivery.report, delivery.state, delivery.progress = outcome, "checked", 100
    session.add(delivery)
    found = ImportReport.model_validate(outcome["report"])
    _note(
        session,
        Act.DELIVERY_CHECKED,
        delivery,
        at,
        {
            "rows": found.accepted,
            "rows_refused": found.refused,
            "sha256": f"sha256:{found.sha256}",
            "mapping_digest": digest(delivery.mapping),
            "report_digest": digest(delivery.report),
        },
    )


def _record_failure(
    session: Session,
    delivery_id: str,
    wrong: ConnectorError | MappingError | RegistryError,
    at: datetime,
) -> None:
    delivery = locked(session, session.get_one(Delivery, delivery_id))
    if delivery.state != "checking":
        return
    problem = why_failed(mapping_refused(wrong) if isinstance(wrong, MappingError) else wrong)
    delivery.problem, delivery.state = problem, "failed"
    session.add(delivery)
    _note(session, Act.DELIVERY_FAILED, delivery, at, {"reason": problem["code"]})


def _note(
    session: Session, act: Act, delivery: Delivery, at: datetime, facts: Lookup[str, Any]
) -> None:
    archive = session.get_one(Dataset, delivery.dataset_id).archive_id
    ids = {"dataset": delivery.dataset_id, "delivery": delivery.id}
    note(session, act, at=at, actor=None, archive=archive, ids=ids, facts=facts)
