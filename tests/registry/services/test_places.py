"""Files left in an archive's own bucket: cut from there, never kept, refused once they changed."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import obstore
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr
from sqlmodel import select

from catalog.tables import Delivery
from connectors import open_extractor
from connectors.errors import StoreUnavailable
from connectors.places import SourcePlace
from connectors.s3 import open_bucket
from registry.access.tables import Extract, Part
from registry.accounts.actors import Actor
from registry.audit.keys import open_signer
from registry.audit.log import open_head_store
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.delivering import leave
from registry.demo import generator
from registry.errors import InvalidInput, NotAllowed, NotFound, Unavailable
from registry.jobs.giving_up import give_up_extract
from registry.services import registration
from registry.services.checking import run_check
from registry.services.cutting import run_extract
from registry.services.fsck import fsck
from registry.services.places import LeaveInPlace, check_left, check_unused, own_places
from registry.services.proposing import propose_mapping
from registry.settings import Place
from tests.support.s3 import ACCESS, BUCKET, SECRET, Moody, S3Server, moody_front
from tests.support.world import PublishedDataset, Startup, World

KEY = "2024/journaals één.csv"
ITEMS = 400


@pytest.fixture
def front(s3: S3Server) -> Iterator[tuple[Moody, int]]:
    """What stands before the bucket, obliging unless told otherwise."""
    with moody_front(s3) as found:
        yield found


class Left:
    """An archive with a bucket of its own in which a file stands."""

    def __init__(self, world: World, s3: S3Server, port: int, folder: Path) -> None:
        self.world = world
        self.archive: Actor = world.an_archive()
        self.bucket = open_bucket(s3.address(folder.name))
        self.folder, self.file = folder.name, folder / "journaals.csv"
        generator.write(self.file, ITEMS, seed=3, faults=4)
        obstore.put(self.bucket, KEY, self.file)
        self.settle(
            archive=self.archive.organisation_slug,
            url=f"s3://{BUCKET}/{folder.name}",
            endpoint=f"http://127.0.0.1:{port}",
            country="NL",
            access_key=ACCESS,
            secret_key=SecretStr(SECRET),
            patience=1.0,
        )
        self.dataset = world.a_dataset(self.archive)

    def settle(self, **facts: object) -> None:
        """Set the place up, or change how it is."""
        known = self.world.settings.places.get("eigen")
        place = Place.model_validate({**(known.model_dump() if known else {}), **facts})
        self.use(places={"eigen": place})

    def use(self, **facts: object) -> None:
        """Change settings of the service."""
        world = self.world
        world.settings = world.settings.model_copy(update=facts)
        world.ports = replace(world.ports, settings=world.settings)

    def leave(self, key: str = KEY, place: str = "eigen", actor: Actor | None = None) -> Delivery:
        """Register the file."""
        command = LeaveInPlace(place=place, key=key)
        world, actor = self.world, actor or self.archive
        at = world.clock()
        return leave(world.engine, world.settings, actor, self.dataset.id, command, at=at)[0]

    def check(self) -> Delivery:
        """Register, map and check it."""
        world, delivery = self.world, self.leave()
        with transaction(world.engine) as session:
            registration.map_delivery(
                session, self.archive, delivery.id, generator.mapping(), at=world.clock()
            )
        run_check(world.engine, world.ports, delivery.id)
        return self.kept(delivery)

    def kept(self, delivery: Delivery) -> Delivery:
        """The row as it stands now."""
        with reading(self.world.engine) as session:
            return session.get_one(Delivery, delivery.id)

    def publish(self) -> PublishedDataset:
        """The whole way to an edition."""
        delivery = self.check()
        self.world.declare(self.archive, self.dataset, delivery)
        return self.world.publish(self.archive, self.dataset, delivery)

    def order(self) -> tuple[Startup, Extract]:
        """An extract of it that is still to be cut."""
        published, startup = self.publish(), self.world.a_startup()
        agreement = self.world.an_agreement(startup, published)
        return startup, self.world.an_ordered_extract(startup, agreement)

    def cut(self, extract: Extract) -> Extract:
        """Run its job; how it stands then."""
        run_extract(self.world.engine, self.world.ports, extract.id)
        with reading(self.world.engine) as session:
            return session.get_one(Extract, extract.id)

    def rows(self, extract: Extract) -> list[dict[str, object]]:
        """What was given out, without what tells one dataset's items from another's."""
        with reading(self.world.engine) as session:
            parts = session.exec(select(Part).where(Part.extract_id == extract.id)).all()
        found = [row for part in parts for row in pq.read_table(self._path(part)).to_pylist()]
        return sorted(({**row, "_item": ""} for row in found), key=str)

    def _path(self, part: Part) -> Path:
        return self.world.ports.store.path(part.key)


@pytest.fixture
def left(world: World, s3: S3Server, front: tuple[Moody, int], tmp_path: Path) -> Left:
    """An archive, its bucket and a dataset."""
    return Left(world, s3, front[1], tmp_path)


def test_an_extract_from_the_archives_bucket_has_the_same_rows(left: Left) -> None:
    """The same file, left where it is or delivered, gives the same rows to the same asker."""
    startup, ordered = left.order()
    extract = left.cut(ordered)
    assert extract.state == "ready", extract.problem

    other = left.world.a_dataset(left.archive)
    delivery = left.world.deliver(left.archive, other, left.file)
    run_check(left.world.engine, left.world.ports, delivery.id)
    left.world.declare(left.archive, other, delivery)
    twin = left.world.publish(left.archive, other, delivery)
    agreement = left.world.an_agreement(startup, twin)
    copied = left.world.a_ready_extract(startup, agreement)

    assert left.rows(extract) == left.rows(copied)
    assert extract.rows == copied.rows > 0


def test_the_other_engine_cuts_it_too(left: Left) -> None:
    """What was read anew is a file like any other to whatever engine cuts."""
    _, ordered = left.order()
    left.world.ports = replace(left.world.ports, extractor=open_extractor("daft"))
    extract = left.cut(ordered)
    assert extract.state == "ready", extract.problem
    assert extract.rows == len(left.rows(extract)) > 0


def test_nothing_of_the_content_is_kept(left: Left) -> None:
    """The store has our own columns of the edition alone, and no refused rows; scratch is empty."""
    published = left.publish()
    store, ports = left.world.ports.store, left.world.ports
    columns = pq.read_schema(store.path(published.edition.key)).names
    assert columns
    assert all(name.startswith("_") for name in columns)
    assert [key.partition("/")[0] for key in store.keys("")] == ["editions"]
    delivery = next(iter(_rows(left, Delivery)))
    assert delivery.report["report"]["refused"] > 0
    assert delivery.report["refused_file"] is None

    startup = left.world.a_startup()
    left.world.a_ready_extract(startup, left.world.an_agreement(startup, published))
    assert list(ports.scratch.iterdir()) == []


def _rows(left: Left, table: type[Delivery]) -> list[Delivery]:
    with reading(left.world.engine) as session:
        return list(session.exec(select(table)).all())


def test_the_mapping_is_proposed_from_where_it_stands(left: Left) -> None:
    """The proposal reads the file there, and keeps nothing of it."""
    delivery = left.leave()
    with reading(left.world.engine) as session:
        found = propose_mapping(session, left.archive, delivery.id, ports=left.world.ports)
    assert len(found.columns) == len(generator.mapping().columns)
    assert list(left.world.ports.scratch.iterdir()) == []


def test_the_same_object_again_is_the_same_delivery(left: Left) -> None:
    """A second registration of an unchanged object finds the first; a changed one is new."""
    first = left.leave()
    assert left.leave().id == first.id
    obstore.put(left.bucket, KEY, left.file.read_bytes() + b"\n")
    assert left.leave().id != first.id


def test_an_object_that_changed_is_cut_no_more(left: Left) -> None:
    """The extract fails with the reason and the way out; the check finds the same."""
    _, ordered = left.order()
    content = left.file.read_bytes()
    obstore.put(left.bucket, KEY, content.replace(b"a", b"b", 1))
    failed = left.cut(ordered)
    assert (failed.state, failed.problem["code"]) == ("failed", "place-changed")
    assert list(left.world.ports.store.keys("parts/")) == []
    with reading(left.world.engine) as session:
        ((name, problem),) = check_left(session, left.world.settings, left.world.clock())
    assert name == f"eigen/{KEY}"
    assert "changed" in problem


def test_an_object_that_is_gone_is_named(left: Left) -> None:
    """A deleted object fails the extract, and a registration of one that never was says which."""
    _, ordered = left.order()
    obstore.delete(left.bucket, KEY)
    assert left.cut(ordered).problem["code"] == "no-such-object"
    with pytest.raises(InvalidInput, match="no-such-object"):
        left.leave("2024/nooit.csv")


@pytest.mark.parametrize("key", ["../elders.csv", "a//b.csv", "/a.csv", "a/./b.csv", "a\x00.csv"])
def test_a_key_that_might_mean_something_else_is_refused(left: Left, key: str) -> None:
    """Only plain names below the prefix."""
    with pytest.raises(InvalidInput, match="bad-object"):
        left.leave(key)


def test_a_bucket_that_is_busy_for_a_moment_is_asked_again(
    left: Left, front: tuple[Moody, int]
) -> None:
    """Two refusals in a row are not noticed."""
    _, ordered = left.order()
    front[0].refusals = 2
    left.settle(patience=20.0)
    assert left.cut(ordered).state == "ready"


def test_a_bucket_that_stays_away_leaves_the_job_and_then_the_reason(
    left: Left, front: tuple[Moody, int]
) -> None:
    """The job is tried again; given up, its row says that the bucket does not answer."""
    _, ordered = left.order()
    front[0].refusals = 1000
    with pytest.raises(StoreUnavailable) as gone:
        left.cut(ordered)
    world = left.world
    give_up_extract(world.engine, world.clock, ordered.id, gone.value)
    with reading(world.engine) as session:
        assert session.get_one(Extract, ordered.id).problem["code"] == "store-unavailable"
        entries = [bytes(body) for body in session.exec(select(AuditEntry.body))]
    assert sum(b"store-unavailable" in entry for entry in entries) == 1
    with pytest.raises(Unavailable, match="store-unavailable"):
        left.leave()


@pytest.mark.parametrize("mood", [{"delay": 3.0}, {"cuts": 1000}])
def test_a_bucket_that_stalls_or_hangs_up_holds_nothing_open(
    left: Left, front: tuple[Moody, int], mood: dict[str, float]
) -> None:
    """Within its patience the job ends for now; no half file stays, and later it is cut."""
    _, ordered = left.order()
    for name, value in mood.items():
        setattr(front[0], name, value)
    with pytest.raises(StoreUnavailable):
        left.cut(ordered)
    assert list(left.world.ports.scratch.iterdir()) == []
    front[0].delay = front[0].cuts = 0
    assert left.cut(ordered).state == "ready"


def test_a_file_that_comes_too_slowly_ends_with_the_reason(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block by block it may take no longer than an extract may."""
    _, ordered = left.order()
    bound, clock = left.world.settings.extract_seconds, left.world.clock
    of_bytes = SourcePlace.size

    def slowly(place: SourcePlace, key: str) -> int:
        clock.advance(seconds=bound + 1)
        return of_bytes(place, key)

    monkeypatch.setattr(SourcePlace, "size", slowly)
    assert left.cut(ordered).problem["code"] == "time-limit"


def test_a_place_without_files_is_asked_for_a_list(left: Left) -> None:
    """It answers, or a sentence says why not; one with files is known by these."""
    tried: list[dict[str, object]] = [
        {},
        {"secret_key": SecretStr("another-secret")},
        {"secret_key": SecretStr(SECRET), "url": "s3://nobodys-bucket"},
    ]
    told: list[tuple[str, str]] = []
    for facts in tried:
        left.settle(**facts)
        with reading(left.world.engine) as session:
            told += check_unused(session, left.world.settings)
    assert [name for name, _ in told] == ["eigen"] * 3
    assert told[0][1] == ""
    assert "does not let us in" in told[1][1]
    assert told[2][1]
    left.settle(url=f"s3://{BUCKET}/{left.folder}")
    left.leave()
    with reading(left.world.engine) as session:
        assert list(check_unused(session, left.world.settings)) == []


def test_a_bucket_that_lets_us_not_in_is_named_and_no_secret_is_told(
    left: Left, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason says that the keys are wrong; neither it nor any log or entry holds one."""
    caplog.set_level(logging.DEBUG)
    _, ordered = left.order()
    left.settle(secret_key=SecretStr("another-secret-that-nobody-may-see"))
    failed = left.cut(ordered)
    assert failed.problem["code"] == "store-refused"
    with reading(left.world.engine) as session:
        entries = [bytes(body) for body in session.exec(select(AuditEntry.body))]
    told = [caplog.text, str(failed.problem), str(left.world.settings), *map(str, entries)]
    assert not any(secret in one for one in told for secret in (SECRET, "another-secret"))


def test_a_node_elsewhere_may_not_read_it(left: Left, front: tuple[Moody, int]) -> None:
    """The rule names where it is read: at registration, when it is cut and when it is checked."""
    _, ordered = left.order()
    left.use(node_region="US")
    assert left.cut(ordered).problem["code"] == "service-elsewhere"
    with pytest.raises(NotAllowed, match="node-elsewhere"):
        left.leave()
    asked = len(front[0].asked)
    with reading(left.world.engine) as session:
        ((_, problem),) = check_left(session, left.world.settings, left.world.clock())
    assert "may only be read in" in problem
    assert len(front[0].asked) == asked
    left.use(node_region="DE")
    assert left.leave()


def test_without_a_rule_it_is_read_in_its_own_country(left: Left) -> None:
    """Before the archive says where, only a node where the bucket stands may read."""
    left.use(node_region="DE")
    with pytest.raises(NotAllowed, match="node-elsewhere"):
        left.leave()
    left.use(node_region="")
    delivery = left.leave()
    left.use(node_region="DE")
    with transaction(left.world.engine) as session:
        registration.map_delivery(
            session, left.archive, delivery.id, generator.mapping(), at=left.world.clock()
        )
    run_check(left.world.engine, left.world.ports, delivery.id)
    assert left.kept(delivery).problem["code"] == "node-elsewhere"


def test_a_place_elsewhere_is_no_place_to_read_from(left: Left) -> None:
    """A bucket in a country that the rule does not name gives nothing."""
    _, ordered = left.order()
    left.settle(country="US")
    assert left.cut(ordered).problem["code"] == "service-elsewhere"


def test_a_place_that_is_not_set_up_any_more_is_named(left: Left) -> None:
    """The operator took it away: the extract says so."""
    _, ordered = left.order()
    left.use(places={})
    assert left.cut(ordered).problem["code"] == "place-gone"
    with reading(left.world.engine) as session:
        assert (
            "not set up"
            in next(iter(check_left(session, left.world.settings, left.world.clock())))[1]
        )


def test_places_are_their_archives_alone(left: Left) -> None:
    """Another archive sees no place, and may register nothing from it."""
    other = left.world.an_archive()
    with reading(left.world.engine) as session:
        assert list(own_places(session, left.archive, left.world.settings)) == ["eigen"]
        assert not own_places(session, other, left.world.settings)
    left.dataset = left.world.a_dataset(other)
    with pytest.raises(NotFound):
        left.leave(actor=other)


def test_what_is_stored_of_it_holds(left: Left) -> None:
    """The check of all that is stored finds nothing wrong, and does not miss the delivered file."""
    _, ordered = left.order()
    left.cut(ordered)
    world = left.world
    world.check_log()
    verifier = open_signer(world.settings).verifier
    done = fsck(world.engine, world.ports.store, verifier, open_head_store(world.settings))
    assert not done.findings
    with reading(world.engine) as session:
        assert [problem for _, problem in check_left(session, world.settings, world.clock())] == [
            ""
        ]
