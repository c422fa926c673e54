"""From a registered dataset to an edition with an offer; nothing goes out that was not declared."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, func, select

from catalog.mapping import KINDS, Mapping
from catalog.tables import Dataset, Delivery, Edition, Offer, RightsClass
from catalog.terms import ResidencyRule
from connectors.local import sha256_of
from registry.accounts.actors import Actor
from registry.accounts.tables import Organisation
from registry.db import reading, transaction
from registry.demo import generator
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.services import catalogue, checking, proposing, publishing, receiving, registration
from registry.services.publishing import PublishEdition
from tests.support.world import PublishedDataset, World


@pytest.fixture
def archive(sqlite_world: World) -> Actor:
    """A verified archive on SQLite."""
    return sqlite_world.an_archive()


def publish(world: World, archive: Actor, delivery: Delivery, **more: bool) -> publishing.Published:
    """Publish a delivery as the next edition."""
    command = PublishEdition(dataset_id=delivery.dataset_id, delivery_id=delivery.id, **more)
    with transaction(world.engine) as session:
        return publishing.publish(
            session, archive, command, origin=world.settings.origin, at=world.clock()
        )


def refused(world: World, archive: Actor, delivery: Delivery) -> InvalidInput:
    """What publishing is refused with; nothing of the attempt stays."""
    with pytest.raises(InvalidInput) as problem:
        publish(world, archive, delivery)
    with reading(world.engine) as session:
        assert session.exec(select(func.count()).select_from(Edition)).one() == 0
        assert session.get_one(Dataset, delivery.dataset_id).state == "draft"
    return problem.value


def checked(world: World, archive: Actor, **made: Any) -> Delivery:
    """A delivery that was mapped and checked."""
    delivery = world.a_delivery(archive, world.a_dataset(archive), **made)
    checking.run_check(world.engine, world.ports, delivery.id)
    with reading(world.engine) as session:
        found = session.get_one(Delivery, delivery.id)
        session.expunge(found)
        return found


def dataset_of(world: World, delivery: Delivery) -> Dataset:
    """The dataset of a delivery as it is now."""
    with reading(world.engine) as session:
        return session.get_one(Dataset, delivery.dataset_id)


def test_counts_add_up(world: World) -> None:
    """An edition's items are its rights classes' items, and hard-blocked rows are in neither."""
    archive = world.an_archive()
    made = world.a_published_dataset(archive, items=400)
    with reading(world.engine) as session:
        items = session.exec(
            select(func.sum(RightsClass.items)).where(
                col(RightsClass.edition_id) == made.edition.id
            )
        ).one()
        assert items == made.edition.items
        assert 0 < made.edition.items < made.edition.rows == 400
        found = catalogue.find_dataset(session, None, made.name)
        assert found.reference == f"{made.name}@1"
        assert found.offer == made.offer
        assert catalogue.list_editions(session, made.dataset) == [made.edition]
    path = world.ports.store.path(made.edition.key)
    assert sha256_of(path) == made.edition.sha256
    assert path.stat().st_size == made.edition.bytes
    assert list(world.ports.scratch.iterdir()) == []
    world.check_log()


def test_editions_follow_each_other(world: World) -> None:
    """A second delivery becomes edition 2; edition 1 stays as it was and can still be named."""
    first = world.a_published_dataset()
    archive = first.archive
    delivery = world.a_delivery(archive, first.dataset, items=50, seed=2, form=".parquet")
    checking.run_check(world.engine, world.ports, delivery.id)
    second = publish(world, archive, delivery).edition
    assert second.number == 2
    with reading(world.engine) as session:
        assert catalogue.find_dataset(session, None, first.name).edition == second
        assert catalogue.find_dataset(session, None, f"{first.name}@1").edition == first.edition
        with pytest.raises(NotFound):
            catalogue.find_dataset(session, None, f"{first.name}@3")
        assert len(registration.list_deliveries(session, archive, first.dataset.id)) == 2


def test_a_delivery_becomes_one_edition(sqlite_world: World, archive: Actor) -> None:
    """Publishing the same delivery again is told so, and mapping it again is too late."""
    made = sqlite_world.a_published_dataset(archive)
    with reading(sqlite_world.engine) as session:
        delivery = session.get_one(Delivery, made.edition.delivery_id)
    with pytest.raises(Conflict, match="delivery-published"):
        publish(sqlite_world, archive, delivery)
    with transaction(sqlite_world.engine) as session, pytest.raises(Conflict, match="busy"):
        registration.map_delivery(
            session, archive, delivery.id, generator.mapping(), at=sqlite_world.clock()
        )


def test_undeclared_blocks(sqlite_world: World, archive: Actor) -> None:
    """Each kind that was not declared is named, with terms and residency; then nothing is."""
    delivery = checked(sqlite_world, archive)
    told = {field.path for field in refused(sqlite_world, archive, delivery).fields}
    assert told == {f"{kind}.{kind}" for kind in (*KINDS, "terms", "residency")}
    sqlite_world.declare(archive, dataset_of(sqlite_world, delivery), delivery)
    with reading(sqlite_world.engine) as session:
        assert publishing.gaps(session, archive, delivery.dataset_id) == ()
    assert publish(sqlite_world, archive, delivery).edition.number == 1


def test_one_missing_declaration_blocks(sqlite_world: World, archive: Actor) -> None:
    """All kinds but one is not enough, whichever one it is."""
    delivery = checked(sqlite_world, archive, items=20)
    dataset = dataset_of(sqlite_world, delivery)
    sqlite_world.declare(archive, dataset, delivery)
    for kind in KINDS:
        with transaction(sqlite_world.engine) as session:
            row = session.get_one(Dataset, dataset.id)
            said = row.declarations
            row.declarations = {k: v for k, v in said.items() if k != kind}
        told = refused(sqlite_world, archive, delivery)
        assert [field.path for field in told.fields] == [f"{kind}.{kind}"]
        with transaction(sqlite_world.engine) as session:
            session.get_one(Dataset, dataset.id).declarations = said


def test_declarations_and_columns_must_agree(sqlite_world: World, archive: Actor) -> None:
    """Declaring that there is no personal data, while a column says otherwise, blocks."""
    delivery = checked(sqlite_world, archive)
    dataset = dataset_of(sqlite_world, delivery)
    sqlite_world.declare(archive, dataset, delivery)
    with transaction(sqlite_world.engine) as session:
        registration.declare(
            session,
            archive,
            dataset.id,
            registration.Declarations(kinds={"personal_data": "none"}),
            at=sqlite_world.clock(),
        )
    told = refused(sqlite_world, archive, delivery)
    assert [field.path for field in told.fields] == ["disagreement.personal_data"]


def test_what_was_declared_is_on_record(sqlite_world: World, archive: Actor) -> None:
    """A declaration says by whom and when, and later ones leave the others alone."""
    dataset = sqlite_world.a_dataset(archive)
    for kind in ("opt_out", "embargo"):
        with transaction(sqlite_world.engine) as session:
            command = registration.Declarations(kinds={kind: "none"})
            registration.declare(session, archive, dataset.id, command, at=sqlite_world.clock())
    with reading(sqlite_world.engine) as session:
        said = session.get_one(Dataset, dataset.id).declarations
    assert {kind: (one["how"], one["by"]) for kind, one in said.items()} == {
        "opt_out": ("none", archive.id),
        "embargo": ("none", archive.id),
    }
    assert said["embargo"]["at"] == sqlite_world.clock().isoformat()


@pytest.mark.parametrize("kinds", [{}, {"weather": "none"}])
def test_unknown_kinds_are_not_declared(
    sqlite_world: World, archive: Actor, kinds: dict[str, str]
) -> None:
    """A declaration names kinds that exist, and at least one."""
    dataset = sqlite_world.a_dataset(archive)
    with transaction(sqlite_world.engine) as session, pytest.raises(InvalidInput, match="opt_out"):
        registration.declare(
            session,
            archive,
            dataset.id,
            registration.Declarations(kinds=kinds),
            at=sqlite_world.clock(),
        )


def test_nothing_is_allowed_by_suggestion_alone(sqlite_world: World, archive: Actor) -> None:
    """Terms with only unconfirmed lines publish an offer that permits nothing."""
    delivery = checked(sqlite_world, archive)
    dataset = dataset_of(sqlite_world, delivery)
    sqlite_world.declare(archive, dataset, delivery)
    with transaction(sqlite_world.engine) as session:
        suggested = publishing.suggested_terms(session, archive, delivery.id)
        assert suggested.lines
        assert not any(line.confirmed for line in suggested.lines)
        publishing.set_terms(session, archive, dataset.id, suggested, at=sqlite_world.clock())
        gaps = publishing.gaps(session, archive, dataset.id)
    assert {gap.kind for gap in gaps} == {"statement"}
    assert not any(gap.blocks for gap in gaps)
    made = publish(sqlite_world, archive, delivery)
    offered = PublishedDataset(archive, dataset, made.edition, made.offer)
    filed = sqlite_world.a_request(sqlite_world.a_startup(), offered)
    assert [(one.part, one.state) for one in filed.decisions] == [("deny", "denied")]
    assert filed.decisions[0].items == made.edition.items
    assert filed.agreements == ()


def test_an_unverified_archive_does_not_publish(sqlite_world: World, archive: Actor) -> None:
    """An archive that nobody has checked may prepare everything, and publish nothing."""
    delivery = checked(sqlite_world, archive)
    sqlite_world.declare(archive, dataset_of(sqlite_world, delivery), delivery)
    with transaction(sqlite_world.engine) as session:
        session.get_one(Organisation, archive.organisation_id).state = "unverified"
    with pytest.raises(NotAllowed, match="archive-unverified"):
        publish(sqlite_world, archive, delivery)


def test_a_delivery_of_another_dataset_is_not_found(sqlite_world: World, archive: Actor) -> None:
    """A dataset is published from its own deliveries."""
    delivery = checked(sqlite_world, archive, items=20)
    other = sqlite_world.a_dataset(archive)
    command = PublishEdition(dataset_id=other.id, delivery_id=delivery.id)
    with transaction(sqlite_world.engine) as session, pytest.raises(NotFound):
        publishing.publish(session, archive, command, origin="o", at=sqlite_world.clock())


def test_most_rows_refused_needs_a_yes(sqlite_world: World, archive: Actor) -> None:
    """Where more than half is refused, publishing waits for the owner to say that this is right."""
    delivery = checked(sqlite_world, archive, items=40, faults=30)
    sqlite_world.declare(archive, dataset_of(sqlite_world, delivery), delivery)
    told = refused(sqlite_world, archive, delivery)
    assert told.fields[0].path == "accept_refused"
    edition = publish(sqlite_world, archive, delivery, accept_refused=True).edition
    assert edition.rows < 20


def test_refused_rows_are_kept_for_their_owner(sqlite_world: World, archive: Actor) -> None:
    """The check keeps the refused rows in a file, and says how many there are and why."""
    delivery = checked(sqlite_world, archive, items=100, faults=8)
    found = checking.report_of(delivery)
    assert found is not None
    assert found.refused == 8
    key = checking.refused_key(delivery)
    assert key is not None
    assert len(sqlite_world.ports.store.path(key).read_text().splitlines()) == 9


def test_an_unchecked_delivery_is_not_published(sqlite_world: World, archive: Actor) -> None:
    """Before the check there is nothing to publish and nothing to suggest terms from."""
    delivery = sqlite_world.a_delivery(archive, sqlite_world.a_dataset(archive), items=20)
    with pytest.raises(Conflict, match="delivery-not-checked"):
        publish(sqlite_world, archive, delivery)
    with reading(sqlite_world.engine) as session:
        with pytest.raises(Conflict, match="delivery-not-checked"):
            publishing.suggested_terms(session, archive, delivery.id)
        gaps = publishing.gaps(session, archive, delivery.dataset_id)
    assert "delivery" in {gap.kind for gap in gaps}


def test_a_file_that_is_none_fails_plainly(sqlite_world: World, archive: Actor) -> None:
    """A Parquet file that is none fails its check with a reason, and may be mapped again."""
    path = sqlite_world.settings.home / "rubbish.parquet"
    path.write_bytes(b"PAR1 but not really")
    delivery = _received(sqlite_world, archive, path)
    with transaction(sqlite_world.engine) as session:
        registration.map_delivery(
            session, archive, delivery.id, generator.mapping(), at=sqlite_world.clock()
        )
    for _ in range(2):
        checking.run_check(sqlite_world.engine, sqlite_world.ports, delivery.id)
    with reading(sqlite_world.engine) as session:
        found = session.get_one(Delivery, delivery.id)
        assert found.state == "failed"
        assert set(found.problem) == {"code", "nl", "en"}
    with transaction(sqlite_world.engine) as session:
        again = registration.map_delivery(
            session, archive, delivery.id, generator.mapping(), at=sqlite_world.clock()
        )
        assert (again.state, again.problem) == ("checking", {})
    sqlite_world.check_log()


def _received(world: World, archive: Actor, path: Path) -> Delivery:
    file = receiving.ReceivedFile(path, path.name, path.stat().st_size, sha256_of(path))
    dataset, at = world.a_dataset(archive), world.clock()
    with (
        receiving.stored(world.engine, world.ports.store, file, at=at) as delivery_id,
        transaction(world.engine) as session,
    ):
        return receiving.receive_delivery(session, archive, dataset.id, file, delivery_id, at=at)


@pytest.mark.parametrize(("name", "content"), [("empty.csv", b""), ("photo.jpeg", b"\xff\xd8")])
def test_a_file_we_do_not_take(
    sqlite_world: World, archive: Actor, name: str, content: bytes
) -> None:
    """An empty file and one of another kind are refused before anything is kept."""
    path = sqlite_world.settings.home / name
    path.write_bytes(content)
    with pytest.raises(InvalidInput):
        _received(sqlite_world, archive, path)
    assert list(sqlite_world.ports.store.keys("deliveries/")) == []


def test_a_mapping_that_cannot_be(sqlite_world: World, archive: Actor) -> None:
    """A mapping without an identifier names the field that is wrong."""
    delivery = sqlite_world.a_delivery(archive, sqlite_world.a_dataset(archive), items=20)
    checking.run_check(sqlite_world.engine, sqlite_world.ports, delivery.id)
    with transaction(sqlite_world.engine) as session, pytest.raises(InvalidInput) as problem:
        registration.map_delivery(
            session, archive, delivery.id, Mapping(columns=()), at=sqlite_world.clock()
        )
    assert problem.value.code == "mapping-refused"
    assert problem.value.fields


def test_a_mapping_is_proposed(sqlite_world: World, archive: Actor) -> None:
    """A file that is not mapped gets a proposal, one that is gets what was last given."""
    path = sqlite_world.settings.home / "some.csv"
    generator.write(path, 20)
    delivery = _received(sqlite_world, archive, path)
    with reading(sqlite_world.engine) as session:
        proposed = proposing.propose_mapping(
            session, archive, delivery.id, ports=sqlite_world.ports
        )
    assert {column.source for column in proposed.columns} >= {"identifier", "rights"}
    with transaction(sqlite_world.engine) as session:
        registration.map_delivery(
            session, archive, delivery.id, generator.mapping(), at=sqlite_world.clock()
        )
        again = proposing.propose_mapping(session, archive, delivery.id, ports=sqlite_world.ports)
    assert again == generator.mapping()


def test_a_proposal_for_rubbish_says_so(sqlite_world: World, archive: Actor) -> None:
    """What cannot be read as the format of its name is told as a problem of the file."""
    path = sqlite_world.settings.home / "rubbish.parquet"
    path.write_bytes(b"not a Parquet file at all")
    delivery = _received(sqlite_world, archive, path)
    with reading(sqlite_world.engine) as session, pytest.raises(InvalidInput) as problem:
        proposing.propose_mapping(session, archive, delivery.id, ports=sqlite_world.ports)
    assert problem.value.fields[0].path == "file"


def test_a_dataset_is_registered_once(sqlite_world: World, archive: Actor) -> None:
    """Two datasets of one archive do not share a name; those of two archives may."""
    command = registration.NewDataset(slug="nieuws", title_nl="Nieuws", title_en="News")
    other = sqlite_world.an_archive()
    with transaction(sqlite_world.engine) as session:
        registration.register_dataset(session, archive, command, at=sqlite_world.clock())
        registration.register_dataset(session, other, command, at=sqlite_world.clock())
        with pytest.raises(Conflict, match="dataset-exists"):
            registration.register_dataset(session, archive, command, at=sqlite_world.clock())


def test_withdrawing_and_replacing_an_offer(world: World) -> None:
    """An edition has one offer in force at most; withdrawing twice is no error."""
    made = world.a_published_dataset()
    origin, at = world.settings.origin, world.clock()
    with transaction(world.engine) as session:
        fresh = publishing.replace_offer(
            session, made.archive, made.edition.id, origin=origin, at=at
        )
        assert session.get_one(Offer, made.offer.id).state == "withdrawn"
        assert catalogue.find_dataset(session, None, made.name).offer == fresh
        for _ in range(2):
            publishing.withdraw_offer(session, made.archive, fresh.id, at=at)
        assert catalogue.find_dataset(session, None, made.name).offer is None
    world.check_log()


@pytest.mark.parametrize(
    ("field", "value"),
    [("use", "sing"), ("user_classes", ("pirates",)), ("outcome", "perhaps")],
)
def test_terms_in_words_nobody_knows(
    sqlite_world: World, archive: Actor, field: str, value: Any
) -> None:
    """A use, a user class or an outcome that does not exist is named by its field."""
    delivery = checked(sqlite_world, archive, items=20)
    with transaction(sqlite_world.engine) as session:
        suggested = publishing.suggested_terms(session, archive, delivery.id)
        line = replace(suggested.lines[0], **{field: value})
        wrong = replace(suggested, lines=(line,))
        with pytest.raises(InvalidInput) as problem:
            publishing.set_terms(
                session, archive, delivery.dataset_id, wrong, at=sqlite_world.clock()
            )
    assert problem.value.code == "terms-refused"
    assert problem.value.fields[0].path


def test_a_residency_nobody_knows(sqlite_world: World, archive: Actor) -> None:
    """A region that does not exist is refused, and terms from plain data name every wrong field."""
    dataset = sqlite_world.a_dataset(archive)
    rule = ResidencyRule(process=("Atlantis",))
    with transaction(sqlite_world.engine) as session, pytest.raises(InvalidInput):
        publishing.set_residency(session, archive, dataset.id, rule, at=sqlite_world.clock())
    with pytest.raises(InvalidInput) as problem:
        publishing.parse_terms({"lines": [{"statement": 1}], "agreement_days": "long"})
    assert {field.path.split(".")[0] for field in problem.value.fields} == {"terms"}
    assert len(problem.value.fields) > 2
    with pytest.raises(InvalidInput) as problem:
        publishing.parse_residency({"process": 1})
    assert problem.value.fields[0].path.startswith("residency")
    assert publishing.parse_residency({"process": ["EU"]}) == ResidencyRule(process=("EU",))


@pytest.mark.parametrize(
    "name", ["", "archive", "a/b@0", "a/b@x", "A/B", "a/b/c", "a/b@" + "9" * 20]
)
def test_names_that_are_none(name: str) -> None:
    """A reference that is no name of a dataset says how one is written."""
    with pytest.raises(InvalidInput) as problem:
        catalogue.parse_reference(name, "datasets.0")
    assert problem.value.fields[0].path == "datasets.0"


def test_catalogue_pages(sqlite_world: World, archive: Actor) -> None:
    """Listing goes on from the last one seen, and ends; the archive also sees its drafts."""
    made = [sqlite_world.a_published_dataset(archive, items=20).dataset.id for _ in range(2)]
    draft = sqlite_world.a_dataset(archive)
    with reading(sqlite_world.engine) as session:
        first = catalogue.list_datasets(session, None, limit=1)
        second = catalogue.list_datasets(session, None, after=first[0].dataset.id, limit=5)
        seen = [listing.dataset.id for listing in first + second]
        assert sorted(seen) == sorted(made)
        own = catalogue.list_datasets(session, archive)
        assert {listing.dataset.id for listing in own} == {*made, draft.id}
        found = catalogue.find_dataset(
            session, archive, f"{archive.organisation_slug}/{draft.slug}"
        )
        assert found.reference == found.name
