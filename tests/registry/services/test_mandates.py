"""The auditor's seat: what it sees, for how long, and that its looking is on record."""

import pytest

from registry.accounts.actors import Actor, person
from registry.accounts.tables import Organisation
from registry.audit.entry import Entry
from registry.db import reading, transaction
from registry.errors import InvalidInput, NotAllowed, NotFound
from registry.looking import record_look
from registry.runtime import open_runtime
from registry.services import auditing, mandates
from registry.services.mandates import InviteAuditor
from tests.support.world import World

BUREAU = {"organisation_name": "Bureau", "person_name": "Bo", "email": "bo@bureau.example"}


def invited(world: World, by: Actor | None, days: int = 30, **facts: str) -> tuple[Actor, str]:
    """An auditor whom this archive or operator asked, and the mandate's id."""
    command = InviteAuditor.model_validate({**BUREAU, "days": days, **facts})
    with transaction(world.engine) as session:
        mandate, seat = mandates.invite_auditor(session, by, command, at=world.clock())
        return person(seat, session.get_one(Organisation, seat.organisation_id)), mandate.id


def seen(world: World, who: Actor, archive: str | None = None) -> list[Entry]:
    """The entries that someone sees now."""
    with reading(world.engine) as session:
        found = auditing.list_entries(session, who, at=world.clock(), archive=archive, limit=500)
    return [entry for _, entry in found]


def test_an_auditor_sees_the_stream_of_the_archive_that_asked(world: World) -> None:
    """Nothing of another archive, neither by asking for it nor by an entry's id."""
    archive, other = world.an_archive(), world.an_archive()
    world.a_dataset(archive), world.a_dataset(other)
    auditor, _ = invited(world, archive)
    assert {entry.archive for entry in seen(world, auditor)} == {archive.organisation_id}
    foreign = seen(world, other)[0]
    with reading(world.engine) as session:
        with pytest.raises(NotFound):
            auditing.entry_receipt(session, auditor, foreign.id, at=world.clock())
        with pytest.raises(NotFound):
            mandates.stream_of(session, auditor, other.organisation_id, at=world.clock())
    with transaction(world.engine) as session:
        took = auditing.record_export(session, auditor, at=world.clock())
    assert took == archive.organisation_id


def test_when_an_auditors_time_has_run_out_it_is_told_so(sqlite_world: World) -> None:
    """The day it ended, in the Netherlands; not "not found" and not "not signed in"."""
    world = sqlite_world
    archive = world.an_archive()
    auditor, _ = invited(world, archive, days=30)
    assert seen(world, auditor)
    world.clock.advance(days=30)
    with pytest.raises(NotAllowed) as ended:
        seen(world, auditor)
    assert ended.value.code == "auditor-time-over"
    assert ended.value.text.en.startswith("Your time as auditor ended on 2026-12-23 at 10:00")
    assert "23-12-2026 om 10:00" in ended.value.text.nl
    invited(world, archive, days=5)
    assert seen(world, auditor), "a new invitation opens it again"


def test_one_archives_time_ends_and_anothers_goes_on(sqlite_world: World) -> None:
    """The archive whose time is over is named so; the other is still open."""
    world = sqlite_world
    archive, other = world.an_archive(), world.an_archive()
    auditor, mandate = invited(world, archive)
    assert invited(world, other)[0] == auditor, "one place for one address"
    assert {e.archive for e in seen(world, auditor, other.organisation_id)} == {
        other.organisation_id
    }
    for _ in range(2):
        with transaction(world.engine) as session:
            mandates.end_mandate(session, archive, mandate, at=world.clock())
    with pytest.raises(NotAllowed, match="auditor-time-over"):
        seen(world, auditor, archive.organisation_id)
    assert seen(world, auditor, other.organisation_id)
    removed = [one for one in seen(world, archive) if one.act == "actor:removed"]
    assert len(removed) == 1
    with transaction(world.engine) as session, pytest.raises(NotFound):
        mandates.end_mandate(session, other, mandate, at=world.clock())


def test_an_auditors_own_acts_are_recorded(world: World) -> None:
    """Its look stands in the stream it looked at before anything is shown; others' looks do not."""
    archive = world.an_archive()
    world.a_dataset(archive)
    auditor, _ = invited(world, archive)
    runtime = open_runtime(world.settings, world.clock)
    ids = {"decision": "dec_1", "request": "req_1", "extract": "ext_1", "agreement": "agr_1"}
    for who in (auditor, archive):
        record_look(runtime, who, "decision", archive.organisation_id, world.clock(), ids)
    runtime.engine.dispose()
    looks = [one for one in seen(world, archive) if one.act == "audit:looked"]
    assert [(one.organisation, one.ids, one.facts) for one in looks] == [
        (auditor.organisation_id, ids, {"kind": "decision"})
    ]
    world.check_log()


def test_a_look_at_several_archives_is_in_the_stream_of_each(sqlite_world: World) -> None:
    """One entry in each that asked; one in the operator's for who was asked by it."""
    world = sqlite_world
    archives = [world.an_archive(), world.an_archive()]
    for archive in archives:
        auditor, _ = invited(world, archive)
    other, checks_all = world.an_archive(), world.an_auditor()
    with transaction(world.engine) as session:
        for who in (auditor, checks_all):
            mandates.note_look_at_all(session, who, "usage", at=world.clock())
    for archive, count in ((archives[0], 1), (archives[1], 1), (other, 0)):
        looks = [one for one in seen(world, archive) if one.act == "audit:looked"]
        assert len(looks) == count
    everything = seen(world, world.an_operator())
    assert [one.archive for one in everything if one.act == "audit:looked"].count("operator") == 1


def test_only_who_may_ask_asks_and_only_auditors_are_asked(sqlite_world: World) -> None:
    """A user of data cannot invite, and a person with another role is no auditor."""
    world = sqlite_world
    startup, archive = world.a_startup(), world.an_archive()
    with pytest.raises(NotAllowed):
        invited(world, startup.actor)
    with pytest.raises(InvalidInput) as wrong:
        invited(world, archive, email="persoon-1@example.org")
    assert wrong.value.fields[0].path == "email"
    everything, _ = invited(world, None)
    command = InviteAuditor.model_validate(BUREAU)
    with transaction(world.engine) as session, pytest.raises(NotFound):
        mandates.invite_auditor(session, None, command, at=world.clock(), archive="org_none")
    assert {entry.archive for entry in seen(world, everything)} >= {"operator"}
    with reading(world.engine) as session:
        assert [one.name for _, one in mandates.list_mandates(session, world.an_operator())] == [
            "Bureau"
        ]
        assert mandates.own_mandates(session, everything)[0][1] == ""
        assert mandates.list_mandates(session, archive) == []
