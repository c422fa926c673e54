"""A person who is erased cannot be found again, and every proof still verifies."""

import hmac

import pytest
from sqlmodel import select

from registry.accounts.credentials import find_actor
from registry.accounts.tables import OutboxMail, Seat
from registry.audit.checkpoint import VerifierKey
from registry.audit.keys import open_signer
from registry.audit.receipts import verify_receipt
from registry.audit.tables import AuditSubjectKey
from registry.db import reading, transaction
from registry.errors import NotAllowed, NotFound, NotSignedIn
from registry.services import accounts, auditing
from registry.services.erasing import erase_person
from tests.support.world import World


def test_nothing_leads_to_an_erased_person_and_all_proofs_hold(world: World) -> None:
    """Their receipts from before still verify; their key, name, address, mails and access go."""
    operator, archive = world.an_operator(), world.an_archive(email="ada@beeld.example")
    world.a_dataset(archive)
    at = world.clock()
    with transaction(world.engine) as session:
        accounts.send_link(session, "ada@beeld.example", origin=world.settings.origin, at=at)
        secret = accounts.link_for(session, session.get_one(Seat, archive.id), at=at)
    world.check_log()
    with reading(world.engine) as session:
        [(_, entry)] = auditing.list_entries(session, archive, at=at)
        receipt = auditing.entry_receipt(session, archive, entry.id, at=at)
        keys = session.exec(select(AuditSubjectKey)).all()
    assert entry.actor in {_pseudonym(one.key, archive.id) for one in keys}
    for _ in range(2):
        with transaction(world.engine) as session:
            erase_person(session, operator, archive.id, at=at)
    with reading(world.engine) as session:
        left = session.exec(select(AuditSubjectKey)).all()
        assert entry.actor not in {_pseudonym(one.key, archive.id) for one in left}
        seat = session.get_one(Seat, archive.id)
        assert "ada" not in f"{seat.email}{seat.name}".lower()
        assert archive.id not in {one.seat_id for one in session.exec(select(OutboxMail))}
        with pytest.raises(NotSignedIn):
            find_actor(session, secret, "link", at)
    assert receipt is not None
    key: VerifierKey = open_signer(world.settings).verifier
    assert verify_receipt(receipt, [key])[0] == entry
    world.check_log()


def _pseudonym(key: bytes, subject: str) -> str:
    return hmac.digest(key, subject.encode(), "sha256").hex()


def test_only_the_operator_erases(sqlite_world: World) -> None:
    """Nobody else, and nobody who is not there."""
    world = sqlite_world
    archive = world.an_archive()
    with transaction(world.engine) as session:
        with pytest.raises(NotAllowed):
            erase_person(session, archive, archive.id, at=world.clock())
        with pytest.raises(NotFound):
            erase_person(session, None, "seat_none", at=world.clock())
