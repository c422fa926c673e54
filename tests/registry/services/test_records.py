"""Records tell what anyone may see of published datasets, as it stands in the database."""

from datetime import timedelta

import pytest
from sqlmodel import select

from catalog.description import CC0, Creator, Description
from catalog.ledger_tables import EditionCount
from catalog.tables import RightsClass
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.errors import Gone, NotAllowed
from registry.services.catalogue import find_dataset
from registry.services.cataloguing import describe, described
from registry.services.checking import run_check
from registry.services.publishing import replace_offer, withdraw_offer
from registry.services.records import count_records, list_records, named, record_of
from registry.services.tombstones import Tombstone, list_changes, withdraw_dataset
from tests.support.world import World

ORIGIN = "https://vrijgave.example"
SAID = Description(
    creators=(Creator(iri="https://ror.org/025ae9j60", name="Filmfabriek"),),
    contact="data@beeldarchief.example",
    keywords_nl=("film",),
    keywords_en=("newsreel",),
    languages=("nl",),
    begins="1921",
)


def test_a_published_dataset_is_told_with_its_offer_and_statements(world: World) -> None:
    """Its newest edition under the dataset's own address, with both layers of rights."""
    made = world.a_published_dataset()
    with reading(world.engine) as session:
        (record,) = list_records(session, origin=ORIGIN)
        assert record_of(session, find_dataset(session, None, made.name), origin=ORIGIN) == record
        statements = {
            str(one.facts["rights"]) for one in session.exec(select(RightsClass)) if one.items >= 10
        }
    assert record.iri == f"{ORIGIN}/datasets/{made.name}"
    assert record.content.offer == made.offer.document
    assert record.content.access == "RESTRICTED"
    assert statements <= set(record.content.statements)
    assert record.withheld == tuple(made.offer.masked)
    assert record.metadata_licence == CC0
    assert record.creators == (record.publisher,)
    assert record.contact.address == record.iri


def test_an_older_edition_has_an_address_of_its_own(world: World) -> None:
    """What is asked for by number is told under that number, unless it is the newest."""
    made = world.a_published_dataset()
    delivery = world.a_delivery(made.archive, made.dataset, seed=2)
    run_check(world.engine, world.ports, delivery.id)
    world.publish(made.archive, made.dataset, delivery)
    with reading(world.engine) as session:
        older, newer = (
            record_of(session, find_dataset(session, None, f"{made.name}@{n}"), origin=ORIGIN)
            for n in (1, 2)
        )
        (listed,) = list_records(session, origin=ORIGIN)
    assert older is not None
    assert older.iri.endswith("@1")
    assert newer == listed


def test_a_draft_has_no_record(world: World) -> None:
    """Catalogues tell nothing of it, not even to its own archive."""
    archive = world.an_archive()
    draft = world.a_dataset(archive)
    with reading(world.engine) as session:
        listing = find_dataset(session, archive, f"{archive.organisation_slug}/{draft.slug}")
        assert record_of(session, listing, origin=ORIGIN) is None
        assert list_records(session, origin=ORIGIN) == []
        assert count_records(session) == 0


def test_what_is_said_stands_in_the_record_and_in_the_log(world: World) -> None:
    """Saying something of a dataset is an act, and moves when its record changed."""
    made = world.a_published_dataset()
    world.clock.advance(hours=1)
    with transaction(world.engine) as session:
        describe(session, made.archive, made.dataset.id, SAID, at=world.clock())
    with reading(world.engine) as session:
        assert described(session, made.archive, made.dataset.id) == SAID
        (record,) = list_records(session, origin=ORIGIN, since=world.clock())
        assert count_records(session, since=world.clock() + timedelta(seconds=1)) == 0
        bodies = session.exec(select(AuditEntry.body)).all()
    assert record.creators[0].name == "Filmfabriek"
    assert record.keywords == (("film", "nl"), ("newsreel", "en"))
    assert record.modified == world.clock()
    assert sum(b"dataset:changed" in body for body in bodies) == 1


def test_only_the_archive_says_something_of_its_dataset(world: World) -> None:
    """A user of data may not, and gets told so."""
    made, startup = world.a_published_dataset(), world.a_startup()
    with transaction(world.engine) as session, pytest.raises(NotAllowed):
        describe(session, startup.actor, made.dataset.id, SAID, at=world.clock())


def test_a_withdrawn_offer_changes_the_record(world: World) -> None:
    """Catalogues hear that nobody can ask any more, and hear of the next offer."""
    made = world.a_published_dataset()
    world.clock.advance(minutes=1)
    with transaction(world.engine) as session:
        withdraw_offer(session, made.archive, made.offer.id, at=world.clock())
    found = [_only_change(world)]
    world.clock.advance(minutes=1)
    with transaction(world.engine) as session:
        replace_offer(session, made.archive, made.edition.id, origin=ORIGIN, at=world.clock())
    found.append(_only_change(world))
    assert found == ["NON_PUBLIC", "RESTRICTED"]


def _only_change(world: World) -> str:
    """The access that the one record tells of that changed this moment."""
    with reading(world.engine) as session:
        (record,) = list_records(session, origin=ORIGIN, since=world.clock())
    return record.content.access


def test_statements_are_those_of_the_newest_count(world: World) -> None:
    """What the rights ledger took out of an edition stands in no record."""
    made = world.a_published_dataset()
    counted = [{"facts": {"rights": "urn:a"}, "closed_in": "", "items": 12}]
    with transaction(world.engine) as session:
        session.add(EditionCount(edition_id=made.edition.id, moment=1, classes=counted))
    with reading(world.engine) as session:
        (record,) = list_records(session, origin=ORIGIN)
    assert record.content.statements == ("urn:a",)


def test_pages_follow_each_other(world: World) -> None:
    """From beyond an id on, each dataset once."""
    archive = world.an_archive()
    for seed in (1, 2, 3):
        world.a_published_dataset(archive, items=20, seed=seed)
    with reading(world.engine) as session:
        first = list_records(session, origin=ORIGIN, limit=2)
        rest = list_records(session, origin=ORIGIN, limit=2, after=first[-1].id)
        assert len({one.id for one in [*first, *rest]}) == count_records(session) == 3


def test_few_items_name_no_statement() -> None:
    """Statements of fewer than ten items are counted together."""
    assert named({"a": 9, "b": 10, "c": 400}) == (("c", "b"), 9)


def test_publishing_again_ends_a_tombstone(world: World) -> None:
    """A withdrawn dataset is in no catalogue, and another edition brings it back."""
    made = world.a_published_dataset()
    reason = Tombstone(reason_nl="De deling is fout.", reason_en="The cut is wrong.")
    with transaction(world.engine) as session:
        withdraw_dataset(session, made.archive, made.dataset.id, reason, at=world.clock())
    with reading(world.engine) as session:
        assert list_records(session, origin=ORIGIN) == []
        assert [one.withdrawn for one in list_changes(session, limit=9)] == [True]
        with pytest.raises(Gone):
            find_dataset(session, None, made.name)
        assert find_dataset(session, made.archive, made.name).offer is None
    delivery = world.a_delivery(made.archive, made.dataset, seed=2)
    run_check(world.engine, world.ports, delivery.id)
    world.publish(made.archive, made.dataset, delivery)
    with reading(world.engine) as session:
        assert find_dataset(session, None, made.name).offer is not None
        assert [one.withdrawn for one in list_changes(session, limit=9)] == [False]
