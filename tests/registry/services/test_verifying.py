"""Verifying organisations: for a time, with its reasons, and what stops when it ends."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from registry.accounts.actors import Actor
from registry.accounts.tables import Organisation, OutboxMail
from registry.accounts.verifications import Verification
from registry.db import reading, transaction
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.services import accounts, agreeing, auditing, erasing, requesting, verifying
from registry.services.refusal import Refused
from registry.services.verifying import Apply, Decide
from tests.support.extracting import Scene
from tests.support.world import World


def card(**facts: Any) -> Apply:
    """What a start-up tells of itself, with these changes."""
    usual = {
        "legal_name": "Klankwerk BV",
        "number": "12345678",
        "signatory": "Noor Bakker",
        "signatory_role": "directeur",
        "evidence": "https://kvk.example/12345678",
    }
    return Apply.model_validate(usual | facts)


def tell(world: World, actor: Actor, **facts: Any) -> Verification:
    """An application, committed."""
    with transaction(world.engine) as session:
        return verifying.apply(session, actor, card(**facts), at=world.clock())


def decide(world: World, operator: Actor | None, one: Verification, state: str) -> Verification:
    """A decision with a reason, committed."""
    command = Decide.model_validate(
        {"verification_id": one.id, "state": state, "reason": "Gezien.", "months": 12}
    )
    with transaction(world.engine) as session:
        return verifying.decide(session, operator, command, at=world.clock())


def subjects(world: World) -> list[str]:
    """All mails, oldest first."""
    with reading(world.engine) as session:
        return list(session.exec(select(OutboxMail.subject).order_by(col(OutboxMail.id))))


def test_an_organisation_is_verified_for_a_time(world: World) -> None:
    """It tells who it is, the operator verifies, both acts are on record and it is told."""
    operator, actor = world.an_operator(), world.a_startup().actor
    first = tell(world, actor)
    newer = tell(world, actor, number_kind="vat", number="NL 123456782 B90")
    with reading(world.engine) as session:
        assert [one.id for one in verifying.list_own(session, actor)] == [newer.id]
        assert session.get(Verification, first.id) is None
        assert [one.id for one, _ in verifying.list_all(session, operator)] == [newer.id]
    done = decide(world, operator, newer, "verified")
    assert done.number == "NL123456782B90"
    assert done.expires_at == world.clock() + timedelta(days=365)
    with reading(world.engine) as session:
        kept = session.get_one(Organisation, actor.organisation_id)
        assert (kept.verification, kept.verified_until) == ("verified", done.expires_at)
        entries = auditing.list_entries(session, operator, at=world.clock(), limit=9)
    changed = [entry for _, entry in entries if entry.act == "organisation:changed"]
    assert [entry.facts["state"] for entry in changed] == ["verified", "applied", "applied"]
    assert subjects(world) == ["Uw organisatie is gecontroleerd"]
    world.check_log()


def test_a_waiting_archive_is_active_once_it_is_verified(sqlite_world: World) -> None:
    """One check by the operator is enough."""
    world, operator = sqlite_world, sqlite_world.an_operator()
    archive = world.an_archive()
    with transaction(world.engine) as session:
        session.get_one(Organisation, archive.organisation_id).state = "unverified"
    decide(world, operator, tell(world, archive), "verified")
    with reading(world.engine) as session:
        assert accounts.find_organisation(session, archive.organisation_id).state == "active"


def test_wrong_input_and_states_are_refused(sqlite_world: World) -> None:
    """A wrong number, no reason, an unknown id, a state that cannot follow, another's act."""
    world, operator = sqlite_world, sqlite_world.an_operator()
    actor = world.a_startup().actor
    for wrong in ({"number": "1234567"}, {"country": "XX"}):
        with pytest.raises(InvalidInput) as refused:
            tell(world, actor, **wrong)
        assert refused.value.fields[0].path in wrong
    for other in (operator, world.an_auditor()):
        with pytest.raises(NotAllowed, match="not-verified-here"):
            tell(world, other)
    one = tell(world, actor)
    with pytest.raises(NotAllowed):
        decide(world, actor, one, "verified")
    with pytest.raises(Conflict, match="verification-state"):
        decide(world, operator, one, "withdrawn")
    unsaid = Decide(verification_id=one.id, state="refused")
    with transaction(world.engine) as session:
        with pytest.raises(InvalidInput) as silent:
            verifying.decide(session, operator, unsaid, at=world.clock())
        assert silent.value.fields[0].path == "reason"
        unknown = Decide(verification_id="vrf_none", state="verified")
        with pytest.raises(NotFound):
            verifying.decide(session, operator, unknown, at=world.clock())
    assert decide(world, None, one, "refused").decided_by is None
    with reading(world.engine) as session:
        verifying.require_standing(session, actor, world.clock())


@pytest.mark.parametrize("ends", ["withdrawn", "lapsed"])
def test_what_ends_stops_everything_at_once(on_sqlite: Scene, ends: str) -> None:
    """Requests, acceptance, extracts and reading, each with the true reason."""
    scene, world = on_sqlite, on_sqlite.world
    ready = scene.cut()
    actor = scene.startup.actor
    one = decide(world, world.an_operator(), tell(world, actor), "verified")
    filed = _file(scene)
    if ends == "withdrawn":
        decide(world, None, one, "withdrawn")
    else:
        world.clock.advance(days=365)
    code = f"verification-{ends}"
    with pytest.raises(NotAllowed, match=code):
        _file(scene)
    proposed = filed.agreements[0]
    with transaction(world.engine) as session, pytest.raises(NotAllowed, match=code):
        agreeing.accept(session, actor, proposed.id, proposed.digest, at=world.clock())
    with pytest.raises(NotAllowed, match=code):
        scene.order()
    refused = scene.open(ready)
    assert isinstance(refused, Refused)
    assert refused.error.code == code
    again = decide(world, None, tell(world, actor), "verified")
    with reading(world.engine) as session:
        verifying.require_standing(session, actor, world.clock())
        assert session.get_one(Verification, one.id).state == "withdrawn"
    assert again.state == "verified"


def _file(scene: Scene) -> requesting.FiledRequest:
    world = scene.world
    command = requesting.NewRequest(
        datasets=(scene.published.name,),
        environment_id=scene.startup.environment.id,
        use="train.gen",
    )
    with transaction(world.engine) as session:
        return requesting.file_request(
            session,
            scene.startup.actor,
            command,
            origin=world.settings.origin,
            at=world.clock(),
        )


def test_an_end_is_announced_once(sqlite_world: World) -> None:
    """A month before, and not again."""
    world, actor = sqlite_world, sqlite_world.a_startup().actor
    decide(world, None, tell(world, actor), "verified")
    for days in (300, 40, 1):
        world.clock.advance(days=days)
        with transaction(world.engine) as session:
            verifying.remind_of_ends(session, at=world.clock())
    assert subjects(world).count("De controle van uw organisatie loopt af") == 1


def test_erasing_a_person_empties_their_name(sqlite_world: World) -> None:
    """Who applied and signs is erased from the card too."""
    world, actor = sqlite_world, sqlite_world.a_startup().actor
    one = tell(world, actor, signatory=actor.name)
    with transaction(world.engine) as session:
        erasing.erase_person(session, None, actor.id, at=world.clock())
        assert actor.name not in session.get_one(Verification, one.id).signatory
