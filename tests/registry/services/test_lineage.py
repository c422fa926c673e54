"""Lineage both ways: from an extract to its items and who decided, from an item to its readers."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sqlmodel import col, select

from catalog.ingest import item_id
from catalog.tables import Edition
from connectors.errors import SourceChanged
from connectors.local import sha256_of
from registry.access.lineage_tables import LineageFile
from registry.access.tables import Access, Extract, Part
from registry.accounts.actors import Actor
from registry.audit.log import pseudonym
from registry.db import reading, transaction
from registry.errors import Conflict, NotFound
from registry.services.catching_up import catch_up
from registry.services.extract_life import drop_extract, remove_files
from registry.services.extracts import parts_of
from registry.services.lineage import keeping
from registry.services.lineage.asking import (
    ExtractLineage,
    Received,
    extract_lineage,
    item_lineage,
)
from registry.services.lineage.files import slot_of
from registry.services.lineage.keeping import keep_lineage
from registry.services.reading import Readable
from registry.services.withdrawing import Withdraw, withdraw
from tests.support.extracting import Scene, a_scene
from tests.support.world import World


def of_item(scene: Scene, actor: Actor, item: str = "", **named: str) -> list[Received]:
    """Who received an item."""
    world = scene.world
    with reading(world.engine) as session:
        dataset = scene.published.dataset.id
        return item_lineage(
            session, world.ports, actor, dataset, at=world.clock(), item=item, **named
        )


def of_extract(
    scene: Scene, actor: Actor, extract: Extract, after: str = "", limit: int = 100
) -> ExtractLineage:
    """What an extract holds."""
    world = scene.world
    with reading(world.engine) as session:
        return extract_lineage(
            session, world.ports, actor, extract.id, at=world.clock(), after=after, limit=limit
        )


def items_of(scene: Scene, extract: Extract) -> dict[str, str]:
    """Items and their rights, as the extract's own files have them."""
    keys = [part.key for part in _parts(scene, extract)]
    tables = [pq.read_table(scene.world.ports.store.path(key)) for key in keys]
    return {
        row["_item"]: row["_rights"]
        for table in tables
        for row in table.select(["_item", "_rights"]).to_pylist()
    }


def _parts(scene: Scene, extract: Extract) -> list[Part]:
    with reading(scene.world.engine) as session:
        return parts_of(session, extract)


def read(scene: Scene, extract: Extract, count: int = 100, address: str = "192.0.2.9") -> None:
    """Read so many bytes of the first part, and let the window close."""
    readable = scene.open(extract, address=address)
    assert isinstance(readable, Readable)
    scene.sent(scene.range(readable, 0, count), count)
    scene.world.clock.advance(minutes=6)
    scene.close_windows()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are made of few accesses, and merged when there are few of them."""
    monkeypatch.setattr(keeping, "ENOUGH", 1)
    monkeypatch.setattr(keeping, "FAN", 2)
    monkeypatch.setattr(keeping, "FILE_ROWS", 40)


def test_from_an_extract_to_its_items_and_who_decided(scene: Scene) -> None:
    """Every item once, in pages, each under the rights it was cleared with; on each database."""
    extract = scene.cut()
    owner = scene.published.archive
    whole = items_of(scene, extract)
    seen: dict[str, str] = {}
    after = ""
    while page := of_extract(scene, owner, extract, after, limit=200).items:
        seen |= {one.item: one.rights for one in page}
        after = page[-1].item
    assert seen == whole
    told = of_extract(scene, owner, extract).received
    assert told.agreement_id == scene.agreement.id
    assert told.decision_id == scene.agreement.decision_id
    assert told.decided == "", "the offer's own terms decided"
    assert told.recipient_id == scene.startup.actor.organisation_id


def test_from_an_item_to_everyone_who_received_and_read_it(on_sqlite: Scene, few: None) -> None:
    """The same answer from rows, from files and from merged files."""
    scene = on_sqlite
    extract = scene.cut()
    scene.world.clock.advance(minutes=1)
    later = scene.cut()
    item = next(iter(items_of(scene, extract)))
    owner = scene.published.archive
    assert [one.extract_id for one in of_item(scene, owner, item)] == [later.id, extract.id]
    assert of_item(scene, owner, item)[1].reads == []
    answers = []
    for _ in range(2):
        read(scene, extract)
        answers.append(of_item(scene, owner, item))
        keep_lineage(scene.world.engine, scene.world.ports)
        answers.append(of_item(scene, owner, item))
    for count, (before, after) in enumerate(zip(answers[::2], answers[1::2], strict=True), 1):
        assert sum(one.accesses for one in before[1].reads) == count
        assert sum(one.bytes for one in before[1].reads) == 100 * count
        assert sum(one.bytes for one in after[1].reads) == 100 * count
        (reader,) = {one.actor for one in (*before[1].reads, *after[1].reads)}
        assert reader == _name(scene)
    with reading(scene.world.engine) as session:
        kinds = set(session.exec(select(LineageFile.kind, LineageFile.level)).all())
        unfiled = session.exec(select(Access).where(col(Access.lineage).is_(None))).all()
    assert {("items", 1), ("accesses", 1)} <= kinds
    assert unfiled == []


def _name(scene: Scene) -> str:
    with transaction(scene.world.engine) as session:
        return pseudonym(session, scene.startup.actor.id)


def test_merging_keeps_every_row_and_the_evidence(on_sqlite: Scene, few: None) -> None:
    """Nothing is lost or doubled; an extract's own file stays, other merged files go."""
    extracts = [on_sqlite.cut() for _ in range(2)]
    world = on_sqlite.world
    keep_lineage(world.engine, world.ports)
    with reading(world.engine) as session:
        files = session.exec(select(LineageFile)).all()
    alive = [file for file in files if file.merged_at is None]
    assert sum(file.rows for file in alive) == sum(extract.rows for extract in extracts)
    assert len(alive) == -(-sum(file.rows for file in alive) // 40)
    assert min(file.low for file in alive) == 0
    item = next(iter(items_of(on_sqlite, extracts[0])))
    found = of_item(on_sqlite, on_sqlite.published.archive, item)
    assert {one.extract_id for one in found} == {extract.id for extract in extracts}
    world.clock.advance(minutes=11)
    keep_lineage(world.engine, world.ports)
    kept = set(world.ports.store.keys("lineage/"))
    with reading(world.engine) as session:
        rows = session.exec(select(LineageFile)).all()
    assert kept == {row.key for row in rows}
    assert {row.extract_id for row in rows if row.merged_at} == {one.id for one in extracts}
    assert of_extract(on_sqlite, on_sqlite.published.archive, extracts[0]).items


def test_two_processes_that_merge_at_once_count_nothing_twice(
    on_sqlite: Scene, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes second takes its own files away again."""
    extracts = [on_sqlite.cut() for _ in range(2)]
    world = on_sqlite.world
    inner: Callable[..., None] = keeping._replace
    merged: list[bool] = []

    def other_first(*arguments: object) -> None:
        if not merged:
            merged.append(True)
            keep_lineage(world.engine, world.ports)
        inner(*arguments)

    monkeypatch.setattr(keeping, "_replace", other_first)
    keep_lineage(world.engine, world.ports)
    with reading(world.engine) as session:
        rows = session.exec(select(LineageFile)).all()
    alive = sum(row.rows for row in rows if row.merged_at is None)
    assert alive == sum(extract.rows for extract in extracts)
    assert set(world.ports.store.keys("lineage/")) == {row.key for row in rows}


def test_an_extract_whose_lineage_was_missed_gets_it(on_sqlite: Scene) -> None:
    """From its own files, at the next round; no answer leaves it out, no clean-up takes them."""
    extract = on_sqlite.cut()
    world = on_sqlite.world
    with transaction(world.engine) as session:
        session.delete(session.exec(select(LineageFile)).one())
        drop_extract(session, on_sqlite.startup.actor, extract.id, at=world.clock())
    item = next(iter(items_of(on_sqlite, extract)))
    with pytest.raises(Conflict, match="lineage-unfinished"):
        of_extract(on_sqlite, on_sqlite.published.archive, extract)
    with pytest.raises(Conflict, match="lineage-unfinished"):
        of_item(on_sqlite, on_sqlite.published.archive, item)
    assert remove_files(world.engine, world.ports.store) == 0
    keep_lineage(world.engine, world.ports)
    assert len(of_extract(on_sqlite, on_sqlite.published.archive, extract).items) == extract.rows


def test_who_may_ask_for_what(sqlite_world: World) -> None:
    """The owner and an auditor all, a recipient its own; a competitor not even that it is there."""
    scene = a_scene(sqlite_world, 60)
    extract = scene.cut()
    item = next(iter(items_of(scene, extract)))
    rival_startup = sqlite_world.a_startup()
    other = Scene(
        sqlite_world,
        scene.published,
        rival_startup,
        sqlite_world.an_agreement(rival_startup, scene.published),
    )
    theirs = other.cut()
    both = {extract.id, theirs.id}
    auditor = sqlite_world.an_auditor()
    assert {one.extract_id for one in of_item(scene, scene.published.archive, item)} == both
    assert {one.extract_id for one in of_item(scene, auditor, item)} == both
    (own,) = of_item(scene, scene.startup.actor, item)
    assert own.extract_id == extract.id
    assert of_extract(scene, scene.startup.actor, extract).items
    strangers = (sqlite_world.an_archive(), sqlite_world.a_startup().actor)
    for stranger in strangers:
        with pytest.raises(NotFound):
            of_item(scene, stranger, item)
    for stranger in (*strangers, rival_startup.actor):
        hidden, absent = (_refusal(scene, stranger, one) for one in (extract.id, "ext_none"))
        assert hidden.replace(extract.id, "ext_none") == absent
    with pytest.raises(NotFound), reading(sqlite_world.engine) as session:
        item_lineage(
            session, sqlite_world.ports, auditor, "ds_none", at=sqlite_world.clock(), item=item
        )


def _refusal(scene: Scene, actor: Actor, extract_id: str) -> str:
    with pytest.raises(NotFound) as refused, reading(scene.world.engine) as session:
        extract_lineage(
            session, scene.world.ports, actor, extract_id, at=scene.world.clock(), limit=1
        )
    return str(refused.value)


def test_the_owner_asks_by_its_own_identifier(on_sqlite: Scene) -> None:
    """The archive knows its items by its own numbers; nobody else's number means anything."""
    extract = on_sqlite.cut()
    items = items_of(on_sqlite, extract)
    owner, dataset = on_sqlite.published.archive, on_sqlite.published.dataset
    known = {item_id(dataset.item_key, one): one for n in range(100) if (one := f"NJ-{n:08}")}
    identifier = known[next(iter(items))]
    assert of_item(on_sqlite, owner, identifier=identifier)[0].extract_id == extract.id
    assert of_item(on_sqlite, on_sqlite.startup.actor, identifier=identifier) == []


def test_what_is_hard_blocked_now_is_seen_by_its_owner_alone(on_sqlite: Scene) -> None:
    """An item that the newest edition blocks is gone from what anyone else is told."""
    extract = on_sqlite.cut()
    item = next(iter(items_of(on_sqlite, extract)))
    _block(on_sqlite, item)
    auditor = on_sqlite.world.an_auditor()
    for actor in (auditor, on_sqlite.startup.actor):
        assert of_item(on_sqlite, actor, item) == []
        assert item not in {one.item for one in of_extract(on_sqlite, actor, extract).items}
    owner = on_sqlite.published.archive
    assert of_item(on_sqlite, owner, item)
    assert item in {one.item for one in of_extract(on_sqlite, owner, extract).items}


def _block(scene: Scene, item: str) -> None:
    """A next edition in which this item is hard-blocked."""
    world, edition = scene.world, scene.published.edition
    table = pq.read_table(world.ports.store.path(edition.key))
    blocked = pc.or_(table["_blocked"], pc.equal(table["_item"], item))
    at = table.schema.get_field_index("_blocked")
    path: Path = world.ports.scratch / "blocked.parquet"
    pq.write_table(table.set_column(at, "_blocked", blocked.cast(pa.bool_())), path)
    stored = world.ports.store.put("editions/blocked.parquet", path)
    with transaction(world.engine) as session:
        facts = edition.model_dump() | {
            "id": "ed_next",
            "number": edition.number + 1,
            "key": stored.key,
            "sha256": sha256_of(path),
            "bytes": stored.bytes,
        }
        session.add(Edition(**facts))


def test_an_item_taken_back_is_seen_as_such_both_ways(scene: Scene) -> None:
    """Who still has it is told with since when it was withdrawn, and when the extract stopped."""
    extract, world = scene.cut(), scene.world
    item, other = list(items_of(scene, extract))[:2]
    world.clock.advance(minutes=1)
    at = world.clock()
    command = Withdraw(
        dataset_id=scene.published.dataset.id, items=(item,), reason="Verzoek van de maker."
    )
    with transaction(world.engine) as session:
        withdraw(session, scene.published.archive, command, ports=world.ports, at=at)
    catch_up(world.engine, world.ports)
    for actor in (scene.published.archive, scene.startup.actor, world.an_auditor()):
        (received,) = of_item(scene, actor, item)
        assert (received.withdrawn_at, received.state) == (at, "ready")
        assert received.stopped_at is not None
        (untouched,) = of_item(scene, actor, other)
        assert untouched.withdrawn_at is None
        held = of_extract(scene, actor, extract, limit=1000).items
        assert {one.item: one.withdrawn_at for one in held if one.withdrawn_at} == {item: at}


def test_a_lineage_file_that_changed_gives_no_answer(on_sqlite: Scene) -> None:
    """A flipped bit is an error, never another lineage."""
    extract = on_sqlite.cut()
    item = next(iter(items_of(on_sqlite, extract)))
    with reading(on_sqlite.world.engine) as session:
        path = on_sqlite.world.ports.store.path(session.exec(select(LineageFile)).one().key)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    with pytest.raises(SourceChanged):
        of_item(on_sqlite, on_sqlite.published.archive, item)


def test_slots_are_the_same_in_both_languages(on_sqlite: Scene) -> None:
    """Python finds a row where DuckDB put it."""
    on_sqlite.cut()
    with reading(on_sqlite.world.engine) as session:
        path = on_sqlite.world.ports.store.path(session.exec(select(LineageFile)).one().key)
    rows = pq.read_table(path).to_pylist()
    assert [row["slot"] for row in rows] == [slot_of(row["item"]) for row in rows]
    assert rows == sorted(rows, key=lambda row: (row["slot"], row["item"]))
