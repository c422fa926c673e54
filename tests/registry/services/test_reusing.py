"""The same extract again takes the files that are there, and only where they are still right."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import Session

from connectors.ports import Extractor, ExtractPlan, ExtractResult
from registry.access.tables import Extract
from registry.db import reading, transaction
from registry.digests import digest
from registry.services import cutting, extract_life, publishing, reusing
from registry.services.extracts import parts_of
from registry.services.lineage.files import without_lineage
from registry.services.reading import Readable
from registry.services.refusal import Refused
from tests.support.extracting import Scene
from tests.support.ledgers import Ledger


@dataclass
class Counting:
    """The real extractor, and how often it was asked."""

    inner: Extractor
    times: int = 0

    def extract(self, plan: ExtractPlan, **named: Any) -> ExtractResult:
        """As the extractor."""
        self.times += 1
        return self.inner.extract(plan, **named)


@pytest.fixture
def extractor(scene: Scene) -> Counting:
    """What the scene's extracts are cut with."""
    return Counting(scene.world.ports.extractor)


def _keys(scene: Scene, extract: Extract) -> list[str]:
    with reading(scene.world.engine) as session:
        return [part.key for part in parts_of(session, extract)]


def _drop(scene: Scene, extract: Extract) -> None:
    with transaction(scene.world.engine) as session:
        actor, at = scene.startup.actor, scene.world.clock()
        extract_life.drop_extract(session, actor, extract.id, at=at)


def test_a_repeat_is_not_cut(scene: Scene, extractor: Counting) -> None:
    """It has the same files, and a manifest, entry, lineage and access record of its own."""
    first, second = scene.cut(extractor), scene.cut(extractor)
    assert extractor.times == 1
    assert _keys(scene, first) == _keys(scene, second) != []
    assert (second.state, second.rows, second.bytes) == ("ready", first.rows, first.bytes)
    assert second.manifest["extract"] == second.id
    noted = {one.ids["extract"]: one.facts for one in scene.entries("extract:made")}
    assert noted.keys() == {first.id, second.id}
    assert noted[second.id]["manifest_digest"] == digest(second.manifest)
    with reading(scene.world.engine) as session:
        assert without_lineage(session) == []
    opened = scene.open(second)
    assert isinstance(opened, Readable)
    scene.sent(scene.range(opened, 0, 10), 10)
    scene.world.check_log()


def test_other_columns_are_cut(on_sqlite: Scene) -> None:
    """Fewer columns, or the same in another order, are another extract."""
    world, extractor = on_sqlite.world, Counting(on_sqlite.world.ports.extractor)
    for columns in (("date", "title_nl"), ("title_nl", "date"), ("date",)):
        ordered = world.an_ordered_extract(on_sqlite.startup, on_sqlite.agreement, columns)
        ports = on_sqlite.with_extractor(extractor)
        cutting.run_extract(world.engine, ports, ordered.id)
    assert extractor.times == 3


def test_what_the_ledger_closed_since_is_not_given_again(scene: Scene, extractor: Counting) -> None:
    """After an act the same order is cut anew, without the item, though the old files stand."""
    book, first = Ledger(scene), scene.cut(extractor)
    held = book.items(first)[0]
    book.enter({"item": held, "kind": "dispute"})
    second = scene.cut(extractor)
    assert extractor.times == 2
    assert held not in book.items(second)
    assert isinstance(scene.open(first), Refused)
    assert isinstance(scene.open(second), Readable)
    third = scene.cut(extractor)
    assert extractor.times == 2
    assert _keys(scene, third) == _keys(scene, second)


def test_an_act_between_the_cut_and_its_repeat_stops_both(scene: Scene) -> None:
    """A repeat made before the act is refused after it, as the first is: each looks for itself."""
    book, first, second = Ledger(scene), scene.cut(), scene.cut()
    assert isinstance(scene.open(second), Readable)
    book.enter({"item": book.items(first)[0], "kind": "dispute"})
    for one in (first, second):
        assert isinstance(scene.open(one), Refused)
        assert scene.extract(one.id).stopped_at is not None
    assert scene.extract(first.id).successor_id != scene.extract(second.id).successor_id


def test_files_outlive_the_first_of_their_users(scene: Scene, extractor: Counting) -> None:
    """Dropping one extract leaves the other's files; dropping both removes them, and one is cut."""
    store, engine = scene.world.ports.store, scene.world.engine
    first, second = scene.cut(extractor), scene.cut(extractor)
    _drop(scene, first)
    assert extract_life.remove_files(engine, store) == 0
    assert isinstance(scene.open(second), Readable)
    assert scene.cut(extractor).state == "ready"
    assert extractor.times == 1
    for one in (second, scene.cut(extractor)):
        _drop(scene, one)
    scene.revoke()
    scene.world.clock.now += extract_life.KEPT_AFTER
    with transaction(engine) as session:
        extract_life.expire_extracts(session, at=scene.world.clock())
    assert extract_life.remove_files(engine, store) == 1
    assert list(store.keys("parts/")) == []


def test_a_file_that_is_gone_is_made_again(on_sqlite: Scene) -> None:
    """An example whose file is lost, or shorter than it was, is none."""
    extractor = Counting(on_sqlite.world.ports.extractor)
    (key,) = _keys(on_sqlite, on_sqlite.cut(extractor))
    on_sqlite.world.ports.store.delete(key)
    assert on_sqlite.cut(extractor).state == "ready"
    (again,) = _keys(on_sqlite, on_sqlite.extract(on_sqlite.cut(extractor).id))
    assert extractor.times == 2
    path = on_sqlite.world.ports.store.path(again)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    found = on_sqlite.cut(extractor)
    assert extractor.times == 3
    assert found.state == "ready" or found.problem["code"]


def test_other_terms_are_said_in_other_files(on_sqlite: Scene) -> None:
    """The same rows under a new offer are cut anew: a part names the offer it came under."""
    world, extractor = on_sqlite.world, Counting(on_sqlite.world.ports.extractor)
    first = on_sqlite.cut(extractor)
    with transaction(world.engine) as session:
        offer = publishing.replace_offer(
            session,
            on_sqlite.published.archive,
            on_sqlite.published.edition.id,
            origin=world.settings.origin,
            at=world.clock(),
        )
        session.expunge(offer)
    on_sqlite.agreement = world.an_agreement(on_sqlite.startup, on_sqlite.published)
    second = on_sqlite.cut(extractor)
    assert second.manifest["offer"]["id"] == offer.id != first.manifest["offer"]["id"]
    assert first.identity == second.identity
    assert extractor.times == 2


def test_an_example_dropped_meanwhile_is_no_example(
    on_sqlite: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropped after it was found and before its files are named: the extract is cut after all."""
    extractor = Counting(on_sqlite.world.ports.extractor)
    first = on_sqlite.cut(extractor)
    find = reusing.cut_before

    def found_then_dropped(session: Session, *given: Any) -> Any:
        found = find(session, *given)
        _drop(on_sqlite, first)
        return found

    monkeypatch.setattr(cutting, "cut_before", found_then_dropped)
    second = on_sqlite.cut(extractor)
    assert (second.state, extractor.times) == ("ready", 2)
    assert isinstance(on_sqlite.open(second), Readable)
