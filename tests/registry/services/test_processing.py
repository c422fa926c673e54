"""The log of processing: every entry a record, joined by id, one trace a request."""

import io
import json
from datetime import date
from typing import Any

import pytest
from sqlmodel import select

from registry.accounts.actors import Actor
from registry.audit.entry import Entry
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.errors import NotAllowed
from registry.services.processing import (
    ProcessingOrder,
    record_processing_log,
    write_processing_log,
)
from registry.services.reading import Readable
from tests.support.extracting import Scene

ENTRY_ID = "dpl.vrijgave.audit_entry_id"


def records(scene: Scene, actor: Actor, **order: Any) -> dict[str, dict[str, Any]]:
    """What is taken, by the entry that each record is joined to."""
    world, out = scene.world, io.BytesIO()
    with transaction(world.engine) as session:
        wanted = ProcessingOrder(**order)
        taken = record_processing_log(session, actor, wanted, at=world.clock())
    with reading(world.engine) as session:
        written = write_processing_log(session, out, taken, "https://x")
    made = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(made) == written
    return {
        next(one["value"] for one in record["attributes"] if one["key"] == ENTRY_ID): record
        for record in made
    }


def entries(scene: Scene) -> list[Entry]:
    """The whole log."""
    with reading(scene.world.engine) as session:
        return [Entry.from_bytes(body) for body in session.exec(select(AuditEntry.body))]


def test_two_logs_are_joined_by_id_and_a_request_is_one_trace(scene: Scene) -> None:
    """From the request to what was read of it; an archive takes its own, an auditor all."""
    opened = scene.open(scene.cut())
    assert isinstance(opened, Readable)
    scene.sent(scene.range(opened, 0, 10), 10)
    archive = scene.published.archive
    taken = records(scene, archive)
    log = entries(scene)
    own = {one.id: one for one in log if one.archive == archive.organisation_id}
    assert taken.keys() == own.keys(), "no sampling: every entry has its record"
    traces = {own[name].act: record["trace_id"] for name, record in taken.items()}
    case = ("request:decided", "agreement:accepted", "extract:made", "access:opened")
    assert len({traces[act] for act in case}) == 1
    assert traces["dataset:registered"] != traces["request:decided"]
    everything = records(scene, scene.world.an_operator())
    assert {one.id for one in log} < everything.keys()
    assert all(record["name"] == one.act for one in log if (record := everything[one.id]))
    others = [one for one in log if one.actor and "seat" not in one.ids]
    assert others
    assert not [one for one in others if str(one.actor) in json.dumps(everything[one.id])]


def test_days_bound_it_and_a_startup_gets_none(on_sqlite: Scene) -> None:
    """The record of taking it names the form; the first day on which nothing was is empty."""
    archive = on_sqlite.published.archive
    on_sqlite.world.clock.advance(days=3)
    day = on_sqlite.world.clock().date()
    (entry,) = records(on_sqlite, archive, since=day)
    (taking,) = on_sqlite.entries("audit:exported")
    assert (taking.id, taking.facts["kind"]) == (entry, "processing-log")
    assert not records(on_sqlite, archive, since=date(2026, 11, 24), until=date(2026, 11, 24))
    with pytest.raises(NotAllowed):
        records(on_sqlite, on_sqlite.startup.actor)
