"""A population as a file on the service's own machine."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Engine

from registry.audit.keys import open_signer
from registry.audit.populations import Report
from registry.audit.taking import take_receipt
from registry.clock import system_clock
from registry.db import reading, transaction
from registry.errors import Conflict, Text
from registry.services.populations import PopulationOrder, record_population, write_population
from registry.services.wording import invalid
from registry.settings import Settings


def take(settings: Settings, engine: Engine, out: Path, wanted: Mapping[str, object]) -> Report:
    """Record that a population is taken, then write it; the file is whole or absent.

    :raises Conflict: the file exists already.
    :raises InvalidInput: what is wanted cannot be, such as a day that does not exist.
    """
    if out.exists():
        raise Conflict(
            "file-exists",
            Text(f"Het bestand `{out}` bestaat al.", f"The file `{out}` exists already."),
            Text("Kies een andere naam.", "Choose another name."),
        )
    try:
        order = PopulationOrder.model_validate(dict(wanted))
    except ValidationError as wrong:
        name = str(wrong.errors()[0]["loc"][0])
        value = wanted[name]
        raise invalid(
            name, f"`{value}` kan hier niet.", f"`{value}` cannot be used here."
        ) from None
    with transaction(engine) as session:
        report = record_population(session, None, order, at=system_clock())
    take_receipt(settings, engine, report.record)
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file, reading(engine) as session:
            key = open_signer(settings).verifier
            write_population(session, file, key, report, out.parent)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return report
