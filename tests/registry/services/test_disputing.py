"""A claim restricts first and is judged after; what one outsider can close is bounded."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from catalog.ingest import item_id
from registry.access.withdrawal_tables import Dispute
from registry.accounts.tables import OutboxMail
from registry.db import reading, transaction
from registry.errors import Conflict, InvalidInput, NotFound, TooManyRequests
from registry.services import disputing
from registry.services.disputing import PER_SOURCE, Claim, Complaint, Decide, Opened
from registry.services.ledger import list_lines
from registry.services.reading import Readable
from registry.services.refusal import Refused
from tests.support.extracting import Scene
from tests.support.ledgers import Ledger

SAID = {"rightsholder": "Erven De Vries", "statement": "Mijn vader maakte dit."}


@pytest.fixture
def book(on_sqlite: Scene) -> Ledger:
    """A ledger of sixty items."""
    return Ledger(on_sqlite)


def complain(book: Ledger, identifier: str, *, address: str = "192.0.2.1", **facts: Any) -> Opened:
    """Claim an item as someone without an account."""
    scene = book.scene
    command = Complaint.model_validate(
        {
            "dataset": scene.published.name,
            "identifier": identifier,
            "email": "erven@example.org",
            **SAID,
            **facts,
        }
    )
    with transaction(scene.world.engine) as session:
        return disputing.complain(
            session, command, address=address, origin="http://x", at=scene.world.clock()
        )


def decide(book: Ledger, dispute: Dispute, *, uphold: bool) -> Dispute:
    """Decide as the archive."""
    command = Decide(dispute_id=dispute.id, uphold=uphold, answer="Zie de akte.")
    with transaction(book.scene.world.engine) as session:
        return disputing.decide(
            session, book.scene.published.archive, command, at=book.scene.world.clock()
        )


def identifier_of(book: Ledger, item: str) -> str:
    """The archive's own identifier of an item, as the generator numbers them."""
    key = book.scene.published.dataset.item_key
    names = (f"NJ-{number:08}" for number in range(1, 61))
    return next(name for name in names if item_id(key, name) == item)


def lines(book: Ledger) -> list[str]:
    """Kinds of the ledger's lines, oldest first."""
    with reading(book.scene.world.engine) as session:
        found = list_lines(session, book.scene.published.archive, book.scene.published.dataset.id)
    return [one.kind for one in reversed(found)]


def test_a_claim_closes_and_a_rejection_opens(book: Ledger) -> None:
    """The line comes with the claim and is ended by the decision; the archive is mailed."""
    opened = complain(book, "bestaat-misschien", territory=["EU"], share=50)
    assert lines(book) == ["dispute"]
    with reading(book.scene.world.engine) as session:
        mails = session.exec(select(OutboxMail).where(col(OutboxMail.body).contains("dsp_"))).all()
    assert len(mails) == 1
    assert decide(book, opened.dispute, uphold=False).state == "rejected"
    assert sorted(lines(book)) == ["clearance", "dispute"]
    with pytest.raises(Conflict):
        decide(book, opened.dispute, uphold=True)
    acts = ("dispute:opened", "dispute:decided", "ledger:changed")
    assert [len(book.scene.entries(act)) for act in acts] == [1, 1, 2]


def test_an_upheld_claim_keeps_the_item_closed(book: Ledger) -> None:
    """The decision adds nothing to the ledger: the line stays."""
    opened = complain(book, "x")
    assert decide(book, opened.dispute, uphold=True).state == "upheld"
    assert lines(book) == ["dispute"]


def test_one_address_cannot_flood(book: Ledger) -> None:
    """Five claims a day from one address; another address, or another day, may go on."""
    for number in range(PER_SOURCE):
        complain(book, f"x{number}")
    with pytest.raises(TooManyRequests):
        complain(book, "y")
    complain(book, "y", address="192.0.2.2")
    book.scene.world.clock.now += timedelta(days=1, seconds=1)
    complain(book, "z")


def test_a_network_of_addresses_is_one_outsider(book: Ledger) -> None:
    """Who has an IPv6 network can send from many addresses."""
    for number in range(PER_SOURCE):
        complain(book, f"x{number}", address=f"2001:db8::{number + 1}")
    with pytest.raises(TooManyRequests):
        complain(book, "y", address="2001:db8::ffff")
    complain(book, "y", address="2001:db8:0:1::1")


def test_beyond_a_bound_a_claim_waits_for_the_archive(
    book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It closes nothing by itself; upheld, it does."""
    monkeypatch.setattr(disputing, "UNDECIDED", 1)
    complain(book, "x")
    waits = complain(book, "y").dispute
    assert waits.state == "waiting"
    assert lines(book) == ["dispute"]
    decide(book, waits, uphold=True)
    assert lines(book) == ["dispute", "dispute"]
    rejected = complain(book, "z").dispute
    decide(book, rejected, uphold=False)


def test_only_the_key_or_the_archive_opens_the_page(book: Ledger) -> None:
    """A wrong key reads the same as no such page; the other side adds its claim with the key."""
    opened = complain(book, "x")
    world = book.scene.world
    with transaction(world.engine) as session:
        for actor, key in ((None, "wrong"), (None, None), (world.an_archive(), None)):
            with pytest.raises(NotFound):
                disputing.find_dispute(session, actor, opened.dispute.id, key)
    claim = Claim.model_validate({**SAID, "rightsholder": "Omroep"})
    with transaction(world.engine) as session:
        found = disputing.add_claim(session, opened.dispute.id, opened.key, claim, at=world.clock())
    assert [one["rightsholder"] for one in found.claims] == ["Erven De Vries", "Omroep"]
    assert len(book.scene.entries("dispute:claimed")) == 1


def test_an_unknown_country_is_told(book: Ledger) -> None:
    """And nothing is closed."""
    with pytest.raises(InvalidInput, match="ATLANTIS"):
        complain(book, "x", territory=["ATLANTIS"])
    assert lines(book) == []


def test_a_claim_stops_an_extract_that_holds_the_item(book: Ledger) -> None:
    """By the archive's own identifier; the recipient's next read is refused."""
    made = book.scene.cut()
    assert isinstance(book.scene.open(made), Readable)
    complain(book, identifier_of(book, book.items(made)[0]))
    assert isinstance(book.scene.open(made), Refused)
