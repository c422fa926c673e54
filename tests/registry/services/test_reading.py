"""Every reading is checked again and written down; and so is reading the log itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from registry.access.tables import Access, AccessRange, Extract
from registry.accounts.tables import Environment
from registry.db import reading, transaction
from registry.digests import digest
from registry.errors import Conflict, NotFound
from registry.services import accesses, auditing, machines
from registry.services.accesses import ABANDONED, WINDOW
from registry.services.reading import Readable
from registry.services.refusal import Refused
from tests.support.extracting import Scene


@pytest.fixture
def ready(scene: Scene) -> Extract:
    """An extract that can be read."""
    return scene.cut()


def _readable(answer: Readable | Refused) -> Readable:
    assert isinstance(answer, Readable), answer
    return answer


def _refused(answer: Readable | Refused) -> str:
    assert isinstance(answer, Refused)
    return answer.error.code


def test_ranges_of_five_minutes_are_one_access(scene: Scene, ready: Extract) -> None:
    """Opened before the first byte, closed with what they came to, counted once."""
    readable = _readable(scene.open(ready))
    first = scene.range(readable, 0, 100)
    (opened,) = scene.entries("access:opened")
    assert opened.facts["bytes"] == readable.part.bytes
    scene.sent(first, 100)
    scene.world.clock.advance(minutes=4)
    second = scene.range(readable, 100, 300)
    assert scene.close_windows() == 0
    scene.sent(second, 50)
    scene.world.clock.advance(minutes=1)
    assert scene.close_windows() == 1
    assert scene.close_windows() == 0
    (closed,) = scene.entries("access:closed")
    assert (closed.facts["ranges"], closed.facts["bytes"]) == (2, 150)
    assert closed.facts["ranges_digest"] == digest([[0, 100, 100], [100, 300, 50]])
    scene.range(readable, 0, 10)
    assert len(scene.entries("access:opened")) == 2
    scene.world.check_log()


def test_a_range_that_never_ends_is_counted_whole(scene: Scene, ready: Extract) -> None:
    """A reader that is gone holds its access open for an hour; then all it asked for counts."""
    scene.range(_readable(scene.open(ready)), 10, 110)
    scene.world.clock.now += WINDOW
    assert scene.close_windows() == 0
    scene.world.clock.now += ABANDONED
    assert scene.close_windows() == 1
    (closed,) = scene.entries("access:closed")
    assert closed.facts["bytes"] == 100


def test_revocation_refuses_the_next_request(scene: Scene, ready: Extract) -> None:
    """Between two ranges an archive revokes: the second is refused, and that is on record."""
    _readable(scene.open(ready))
    scene.revoke()
    assert _refused(scene.open(ready)) == "agreement-revoked"
    (entry,) = scene.entries("access:refused")
    assert entry.facts["reasons"] == ["agreement-revoked"]
    scene.world.check_log()


def test_the_end_of_an_agreement_refuses(on_sqlite: Scene) -> None:
    """A lapsed agreement gives nothing from its last moment on."""
    ready = on_sqlite.cut()
    on_sqlite.world.clock.now = on_sqlite.agreement.valid_until - timedelta(seconds=1)
    _readable(on_sqlite.open(ready))
    on_sqlite.world.clock.advance(seconds=1)
    assert _refused(on_sqlite.open(ready)) == "agreement-lapsed"


def _changed(scene: Scene, **facts: Any) -> None:
    with transaction(scene.world.engine) as session:
        environment = session.get_one(Environment, scene.startup.environment.id)
        for name, value in facts.items():
            setattr(environment, name, value)


def test_the_environment_is_looked_at_every_time(on_sqlite: Scene) -> None:
    """Another token's environment, another network, a move or a closure: each refuses by name."""
    ready = on_sqlite.cut()
    own = on_sqlite.startup.environment.id
    _readable(on_sqlite.open(ready, environment_id=own))
    assert _refused(on_sqlite.open(ready, environment_id="env_other")) == "other-environment"
    _changed(on_sqlite, networks=["192.0.2.0/24", "2001:db8::/32"])
    for address in ("192.0.2.1", "2001:db8::1"):
        _readable(on_sqlite.open(ready, address=address))
    for address in ("198.51.100.1", "2001:db9::1", "", "unix"):
        assert _refused(on_sqlite.open(ready, address=address)) == "other-network"
    _changed(on_sqlite, networks=[], country="US", operator_country="US")
    assert _refused(on_sqlite.open(ready)) == "not-permitted"
    with transaction(on_sqlite.world.engine) as session:
        machines.close_environment(
            session, on_sqlite.startup.actor, own, at=on_sqlite.world.clock()
        )
    assert _refused(on_sqlite.open(ready)) == "environment-closed"
    assert len(on_sqlite.entries("access:refused")) == 7


def test_an_extract_under_way_is_not_read(on_sqlite: Scene) -> None:
    """Before it is ready there is nothing to read, and a part that is not there is not found."""
    ordered = on_sqlite.world.an_ordered_extract(on_sqlite.startup, on_sqlite.agreement)
    with pytest.raises(Conflict, match="extract-not-ready") as problem:
        on_sqlite.open(ordered)
    assert problem.value.headers["Retry-After"]
    with pytest.raises(NotFound):
        on_sqlite.open(on_sqlite.cut(), 99)


def test_two_readers_have_two_accesses(on_sqlite: Scene) -> None:
    """Ranges of two callers never fold into one access."""
    readable = _readable(on_sqlite.open(on_sqlite.cut()))
    on_sqlite.range(readable, 0, 10)
    colleague = replace(on_sqlite.startup.actor, id="client_robot")
    with transaction(on_sqlite.world.engine) as session:
        accesses.promise(session, colleague, readable, 10, at=on_sqlite.world.clock())
    with reading(on_sqlite.world.engine) as session:
        assert len(session.exec(select(Access)).all()) == 2
        assert len(session.exec(select(AccessRange)).all()) == 2


# --- the log, as auditors and archives read it -----------------------------------------------


@pytest.fixture
def told(scene: Scene) -> Scene:
    """A scene with a whole journey in its log."""
    scene.cut()
    scene.world.check_log()
    return scene


def test_an_auditor_reads_all_and_an_archive_its_own(told: Scene) -> None:
    """Entries come newest first, go on from a place, and have receipts once in the tree."""
    auditor = told.world.an_auditor()
    now = told.world.clock()
    told.world.check_log()
    with reading(told.world.engine) as session:
        everything = auditing.list_entries(session, auditor, at=now, limit=500)
        own = auditing.list_entries(session, told.published.archive, at=now, limit=500)
        first = auditing.list_entries(session, auditor, at=now, limit=2)
        rest = auditing.list_entries(session, auditor, at=now, before=first[-1][0], limit=500)
        asked = auditing.list_entries(
            session,
            auditor,
            at=now,
            archive=told.published.archive.organisation_id,
            limit=500,
        )
        receipt = auditing.entry_receipt(session, auditor, everything[0][1].id, at=now)
        checkpoint = auditing.last_checkpoint(session)
    assert first + rest == everything
    assert own == asked
    assert 0 < len(own) < len(everything)
    assert {entry.archive for _, entry in own} == {told.published.archive.organisation_id}
    assert receipt is not None
    assert checkpoint is not None
    assert checkpoint.size == len(everything)


def test_taking_the_log_out_is_an_act(told: Scene) -> None:
    """An export is written down before it is written out, whole or of one archive."""
    import io

    auditor, archive = told.world.an_auditor(), told.published.archive
    for who, asked in ((auditor, None), (archive, None)):
        with transaction(told.world.engine) as session:
            stream = auditing.record_export(session, who, archive=asked, at=told.world.clock())
        told.world.check_log()
        out = io.BytesIO()
        with reading(told.world.engine) as session:
            written = auditing.write_export(session, out, told.world.ports.signer, stream)
        assert written.entries > 0
        assert out.getvalue()
    kinds = {entry.facts["kind"] for entry in told.entries("audit:exported")}
    assert kinds == {"whole", "archive"}
