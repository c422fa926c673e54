"""A restored service gives out nothing that was closed after its backup was made."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlmodel import Session, SQLModel, col, select

from catalog.ledger_tables import RightsLine
from catalog.tables import Offer
from registry.access.links import SignedLink
from registry.access.tables import Agreement
from registry.access.withdrawal_tables import Webhook
from registry.accounts.actors import Scope
from registry.accounts.credentials import issue
from registry.accounts.mandates import Mandate
from registry.accounts.tables import Client, Credential, Environment, Organisation, Seat
from registry.audit.entry import Entry
from registry.audit.log import open_signer, pseudonym
from registry.audit.restored import Restored, mark, marked
from registry.audit.tables import AuditEntry
from registry.audit.taking import last_note, take_export
from registry.audit.verifying import verify_file
from registry.db import reading, transaction
from registry.errors import Conflict, InvalidInput
from registry.services import hooks, links, machines, publishing, seating, verifying, withdrawing
from registry.services.erasing import erase_person
from registry.services.mandates import InviteAuditor, end_mandate, invite_auditor
from tests.registry.services.backups.conftest import Backed, back_up, lived_in, on
from tests.support.world import World

_Row = TypeVar("_Row", bound=SQLModel)

AUDITOR = InviteAuditor(organisation_name="Toezicht", person_name="Bo", email="bo@toezicht.example")


def entries(backed: Backed, act: str) -> list[Entry]:
    """Entries of an act in the restored log, oldest first."""
    with reading(backed.elsewhere.engine) as session:
        rows = session.exec(select(AuditEntry.body).order_by(col(AuditEntry.tree_index))).all()
    return [entry for body in rows if (entry := Entry.from_bytes(body)).act == act]


def row(backed: Backed, model: type[_Row], name: str) -> _Row:
    """A row of the restored service."""
    with reading(backed.elsewhere.engine) as session:
        found = session.get_one(model, name)
        session.expunge(found)
        return found


def test_one_history(backed: Backed, tmp_path: Path) -> None:
    """What followed the backup stands in the log again; both logs show one history."""
    backed.scene.revoke()
    later = backed.export()
    backed.elsewhere.restore(backed.folder)
    done = backed.reopen(later)
    assert done.repeated == 1
    assert done.taken_in == 2  # the revocation and the export
    agreement = row(backed, Agreement, backed.scene.agreement.id)
    assert agreement.state == "revoked"
    assert backed.elsewhere.findings() == ()
    (recovered,) = entries(backed, "log:recovered")
    assert recovered.facts["taken_in"] == 2
    first, again = entries(backed, "agreement:revoked")
    assert again.ids["cause"] == first.id
    held = tmp_path / "held"
    held.write_text(last_note(backed.world.settings, backed.world.engine))
    fresh = tmp_path / "fresh.jsonl"
    take_export(backed.elsewhere.settings, backed.elsewhere.engine, fresh, None, 0)
    key = str(open_signer(backed.world.settings).verifier)
    good, told = verify_file(fresh, [key], [held], "en")
    assert good, told


def _join(session: Session, organisation: str, name: str, at: datetime) -> str:
    """Another admin of an organisation."""
    seat = Seat(
        id=f"seat_{name}", organisation_id=organisation, email=f"{name}@example.org", name=name,
        admin=True, created_at=at,
    )  # fmt: skip
    session.add(seat)
    session.flush()
    pseudonym(session, seat.id)  # as the entry of whoever joins makes it
    return seat.id


def test_what_was_ended_is_ended_again(sqlite_world: World, tmp_path: Path) -> None:
    """Offer, client, token, link, environment, verification, mandate, person: each stays ended."""
    scene = lived_in(sqlite_world)
    world, asker, archive = sqlite_world, scene.startup.actor, scene.published.archive
    extract, at = scene.cut(), world.clock()
    machine = machines.NewClient(
        name="nachttrein", scopes=(Scope.EXTRACTS,), environment_id=scene.startup.environment.id
    )
    hook = hooks.NewWebhook(address="https://93.184.216.34/hook")
    card = verifying.Apply(
        legal_name="Rekenhuis BV", number="90000009", signatory="Noor", signatory_role="directeur",
        evidence="uittreksel",
    )  # fmt: skip
    with transaction(world.engine) as session:
        client, _ = machines.register_client(session, asker, machine, at=at)
        webhook, _ = hooks.register_webhook(session, asker, hook, networks=(), at=at)
        link = links.issue_link(session, asker, links.NewLink(extract_id=extract.id), at=at)
        card_id = verifying.apply(session, asker, card, at=at).id
        verified = verifying.Decide(verification_id=card_id, state="verified")
        verifying.decide(session, None, verified, at=at)
        mandate, _ = invite_auditor(
            session, archive, AUDITOR, at=at, archive=archive.organisation_id
        )
        second, third = (_join(session, asker.organisation_id, name, at) for name in ("bo", "cas"))
        issue(session, "session", at=at, lifetime=timedelta(hours=8), seat_id=asker.id)
    back_up(world, tmp_path / "backup")
    withdrawn = verifying.Decide(verification_id=card_id, state="withdrawn", reason="Onjuist.")
    with transaction(world.engine) as session:
        publishing.withdraw_offer(session, archive, scene.published.offer.id, at=at)
        machines.revoke_client(session, asker, client.id, at=at)
        links.revoke_link(session, asker, link.id, at=at)
        machines.close_environment(session, asker, scene.startup.environment.id, at=at)
        hooks.close_webhook(session, asker, webhook.id, at=at)
        verifying.decide(session, None, withdrawn, at=at)
        later = verifying.Apply.model_validate({**card.model_dump(), "evidence": "nieuw"})
        applied = verifying.apply(session, asker, later, at=at).id
        again = verifying.Decide(verification_id=applied, state="verified")
        verifying.decide(session, None, again, at=at)
        end_mandate(session, archive, mandate.id, at=at)
        for seat in (second, third):
            seating.change_seat(session, None, seat, admin=False, at=at)
        seating.change_seat(session, None, third, admin=True, at=at)
        seating.end_seat(session, None, second, at=at)
        erase_person(session, None, asker.id, at=at)
    home = tmp_path / "elsewhere"
    home.mkdir()
    for place in on(home, f"sqlite:///{home / 'restored.sqlite'}"):
        backed = Backed(scene, tmp_path / "backup", place)
        place.restore(backed.folder)
        assert backed.reopen(backed.export()).repeated == 11
        seen = {
            "offer": row(backed, Offer, scene.published.offer.id).state,
            "verification": row(backed, Organisation, asker.organisation_id).verification,
            "person": row(backed, Seat, asker.id).name,
        }
        assert seen == {"offer": "withdrawn", "verification": "withdrawn", "person": "erased"}
        removed, demoted = row(backed, Seat, second), row(backed, Seat, third)
        assert (removed.active, demoted.active, demoted.admin) == (False, True, False)
        assert row(backed, Client, client.id).revoked_at
        assert row(backed, SignedLink, link.id).revoked_at
        assert row(backed, Environment, scene.startup.environment.id).closed_at
        assert row(backed, Webhook, webhook.id).closed_at
        assert row(backed, Mandate, mandate.id).ended_at
        with reading(place.engine) as session:
            kept = session.exec(select(Credential).where(col(Credential.revoked_at).is_(None)))
            assert kept.all() == []
        assert place.findings() == ()


def test_things_made_later_are_passed_over(on_sqlite: Backed) -> None:
    """What the backup does not know cannot be ended, and nothing of it can be read."""
    world, later = on_sqlite.world, on_sqlite.world.a_startup()
    operator = world.an_operator()
    with transaction(world.engine) as session:
        machines.close_environment(session, later.actor, later.environment.id, at=world.clock())
        erase_person(session, None, later.actor.id, at=world.clock())
        mandate, _ = invite_auditor(session, None, AUDITOR, at=world.clock())
        end_mandate(session, operator, mandate.id, at=world.clock())
    on_sqlite.elsewhere.restore(on_sqlite.folder)
    assert on_sqlite.reopen(on_sqlite.export()).repeated == 0
    assert on_sqlite.elsewhere.findings() == ()


def test_items_closed_later_must_be_named(backed: Backed, tmp_path: Path) -> None:
    """The log counts withdrawn items; the service stays closed until a list names them."""
    scene, world = backed.scene, backed.world
    dataset = scene.published.dataset.id
    command = withdrawing.Withdraw(
        dataset_id=dataset, identifiers=("journaal-00001",), reason="Verzoek van de maker"
    )
    with transaction(world.engine) as session:
        withdrawing.withdraw(
            session, scene.published.archive, command, ports=world.ports, at=world.clock()
        )
    later, listed = backed.export(), tmp_path / "list.csv"
    backed.elsewhere.restore(backed.folder)
    with pytest.raises(Conflict, match=dataset) as refused:
        backed.reopen(later)
    assert refused.value.code == "items-unlisted"
    assert marked(backed.elsewhere.settings) is not None
    listed.write_text(f"dataset,identifier\n{dataset},journaal-00001\n")
    done = backed.reopen(later, listed)
    assert (done.closed, done.taken_in) == (1, 3)
    with reading(backed.elsewhere.engine) as session:
        (line,) = session.exec(select(RightsLine)).all()
    with reading(world.engine) as session:
        (meant,) = session.exec(select(RightsLine)).all()
    assert (line.item, line.kind) == (meant.item, "withdrawal")
    assert backed.elsewhere.findings() == ()


@pytest.mark.parametrize("line", ["ds_unknown,x,", ",x,", "ds_unknown,,"])
def test_a_list_is_taken_whole_or_not(line: str, on_sqlite: Backed, tmp_path: Path) -> None:
    """A line without dataset or item, or of another service, opens nothing."""
    listed = tmp_path / "list.csv"
    listed.write_text(f"dataset,item,identifier\n{line}\n")
    on_sqlite.elsewhere.restore(on_sqlite.folder)
    with pytest.raises(InvalidInput):
        on_sqlite.reopen(None, listed)
    assert marked(on_sqlite.elsewhere.settings) is not None


def test_only_what_was_restored_whole_is_opened(on_sqlite: Backed) -> None:
    """A service that was never restored, or was cut off at it, is not opened."""
    with pytest.raises(Conflict, match="as a whole"):
        on_sqlite.reopen(None)
    mark(on_sqlite.elsewhere.settings, Restored("2026-11-23", 1, "00", whole=False))
    with pytest.raises(Conflict, match="as a whole"):
        on_sqlite.reopen(None)
