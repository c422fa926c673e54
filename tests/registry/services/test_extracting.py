"""What leaves is exactly what was cleared, whole or not at all."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pyarrow.parquet as pq
import pytest
from sqlmodel import col, select

from catalog.tables import Edition, RightsClass
from connectors import open_extractor
from connectors.errors import error
from connectors.ports import (
    NEVER,
    NO_PROGRESS,
    Extractor,
    ExtractPlan,
    ExtractResult,
    OnProgress,
    ShouldStop,
)
from policies import Outcome
from registry.access.tables import Extract
from registry.accounts.tables import Environment
from registry.audit.checkpoint import SigningKey, UntrustedNote, open_note
from registry.db import reading, transaction
from registry.digests import digest
from registry.errors import Conflict, Gone, InvalidInput, NotAllowed
from registry.services import counting, extracts
from registry.services.cutting import run_extract
from registry.services.refusal import Refused
from tests.support.extracting import Scene
from tests.support.ledgers import Ledger
from tests.support.world import World


def test_an_extract_holds_exactly_what_is_cleared(scene: Scene) -> None:
    """Row by row, the extract has the items that the policy engine permits, and no others."""
    made = scene.cut()
    with reading(scene.world.engine) as session:
        decision = extracts.decide(
            session,
            scene.agreement,
            made.edition_id,
            scene.world.settings.origin,
            scene.world.clock(),
        )
        edition = session.get_one(Edition, scene.published.edition.id)
        parts = extracts.parts_of(session, made)
    facts = {"rights", "rightsholder", "embargo_until", "opt_out", "personal_data"}
    whole = pq.read_table(scene.world.ports.store.path(edition.key)).to_pylist()
    cleared = {
        row["_item"]
        for row in whole
        if not row["_blocked"]
        and decision.verdict({name: row[f"_{name}"] for name in facts}).outcome is Outcome.PERMIT
    }
    rows = [
        row
        for part in parts
        for row in pq.read_table(scene.world.ports.store.path(part.key)).to_pylist()
    ]
    assert {row["_item"] for row in rows} == cleared
    assert len(rows) == len(cleared) == made.rows == sum(part.rows for part in parts)
    by_item = {row["_item"]: row for row in whole}
    masked = set(made.manifest["masked"])
    assert masked == {"persons", "media_url"}
    for row in rows:
        assert set(row) == {"_item", "_rights", *made.columns}
        for name, value in row.items():
            assert value == (None if name in masked else by_item[row["_item"]][name])
    scene.world.check_log()


def test_the_manifest_says_what_left_and_what_did_not(scene: Scene) -> None:
    """Signed, complete, and silent about hard-blocked items."""
    made = scene.cut()
    manifest = made.manifest
    key = scene.world.ports.signer
    signed = open_note(made.signature, [key.verifier])
    assert signed.splitlines() == [key.name, made.id, digest(manifest)]
    with pytest.raises(UntrustedNote):
        open_note(made.signature, [SigningKey.generate(key.name).verifier])
    assert sum(manifest["rows_per_statement"].values()) == manifest["rows"] == made.rows
    left_out = sum(line["items"] for line in manifest["left_out"])
    assert left_out + made.rows == scene.published.edition.items < scene.published.edition.rows
    assert all(line["nl"] and line["en"] for line in manifest["left_out"])
    assert manifest["agreement"]["digest"] == scene.agreement.digest
    assert manifest["offer"]["digest"] == scene.published.offer.digest
    assert manifest["recipient"]["id"] == scene.startup.actor.organisation_id
    assert manifest["edition"]["name"] == f"{scene.published.name}@1"
    for part in manifest["parts"]:
        with reading(scene.world.engine) as session:
            (row,) = [p for p in extracts.parts_of(session, made) if p.sha256 == part["sha256"]]
        content = scene.world.ports.store.path(row.key).read_bytes()
        assert hashlib.sha256(content).hexdigest() == part["sha256"]
        assert len(content) == part["bytes"]
    (entry,) = scene.entries("extract:made")
    assert entry.facts["manifest_digest"] == digest(manifest)


def test_a_part_says_only_what_holds_for_everyone(scene: Scene) -> None:
    """Equal extracts of two recipients share their parts; the recipient stands in the manifest."""
    made = scene.cut()
    other = scene.world.a_startup()
    twin = scene.world.a_ready_extract(other, scene.world.an_agreement(other, scene.published))
    with reading(scene.world.engine) as session:
        ours, theirs = (extracts.parts_of(session, one) for one in (made, twin))
    assert [part.sha256 for part in ours] == [part.sha256 for part in theirs]
    assert made.identity == twin.identity
    assert made.manifest["recipient"] != twin.manifest["recipient"]
    path = scene.world.ports.store.path(ours[0].key)
    told = pq.read_metadata(path).metadata
    assert told[b"vrijgave.edition"].decode() == f"{scene.published.name}@1"
    assert told[b"vrijgave.offer.digest"].decode() == scene.published.offer.digest
    assert b"vrijgave.attribution" in told
    content = path.read_bytes()
    for private in (scene.agreement.id, scene.startup.actor.organisation_id, made.id):
        assert private.encode() not in content


def test_the_other_engine_cuts_the_same(on_sqlite: Scene) -> None:
    """Policy, masks and a ledger of a real agreement: equal rows, columns, types and metadata."""
    book = Ledger(on_sqlite)
    book.enter({"item": book.items(on_sqlite.cut())[0], "kind": "dispute"})
    store, tables = on_sqlite.world.ports.store, []
    engines: tuple[Literal["duckdb", "daft"], ...] = ("duckdb", "daft")
    for engine in engines:
        made = on_sqlite.cut(open_extractor(engine))
        assert (made.state, made.problem) == ("ready", {})
        with reading(on_sqlite.world.engine) as session:
            (part,) = extracts.parts_of(session, made)
        tables.append(pq.read_table(store.path(part.key)).sort_by("_item"))
        store.delete(part.key)  # so that the second is not the first again
    assert tables[0].num_rows > 0
    assert tables[0].equals(tables[1])
    assert tables[0].schema.equals(tables[1].schema, check_metadata=True)


def test_columns_may_be_chosen(on_sqlite: Scene) -> None:
    """A subset comes in the order asked for, and is another extract than the whole."""
    whole = on_sqlite.cut()
    part = on_sqlite.world.a_ready_extract(
        on_sqlite.startup, on_sqlite.agreement, ("date", "title_nl")
    )
    with reading(on_sqlite.world.engine) as session:
        (file,) = extracts.parts_of(session, part)
    names = pq.read_schema(on_sqlite.world.ports.store.path(file.key)).names
    assert names == ["_item", "_rights", "date", "title_nl"]
    assert part.identity != whole.identity
    assert part.manifest["masked"] == []


@pytest.mark.parametrize("columns", [(), ("nothing",), ("date", "date"), ("_blocked",)])
def test_columns_that_are_not_there(on_sqlite: Scene, columns: tuple[str, ...]) -> None:
    """Columns that the edition does not show, twice the same, or none: refused with the choice."""
    with pytest.raises(InvalidInput) as problem:
        on_sqlite.order(columns=columns)
    assert problem.value.fields[0].path == "columns"
    assert "title_nl" in problem.value.help.en


def test_released_columns_are_not_masked(sqlite_world: World) -> None:
    """What the owner's terms release is given out as it is."""
    published = sqlite_world.a_published_dataset(
        items=60, release_personal_content=True, release_media=True
    )
    startup = sqlite_world.a_startup()
    made = sqlite_world.a_ready_extract(startup, sqlite_world.an_agreement(startup, published))
    assert made.manifest["masked"] == []
    with reading(sqlite_world.engine) as session:
        (file,) = extracts.parts_of(session, made)
    table = pq.read_table(sqlite_world.ports.store.path(file.key))
    assert table.column("media_url").null_count < table.num_rows


# --- ordering --------------------------------------------------------------------------------


def test_ordering_needs_an_agreement_in_force(on_sqlite: Scene) -> None:
    """A revoked agreement orders nothing; one not accepted yet neither."""
    world = on_sqlite.world
    proposed = world.a_request(on_sqlite.startup, on_sqlite.published).agreements[0]
    with pytest.raises(Conflict, match="agreement-not-accepted"):
        replace(on_sqlite, agreement=proposed).order()
    on_sqlite.revoke()
    with pytest.raises(Gone, match="agreement-revoked"):
        on_sqlite.order()
    assert on_sqlite.entries("extract:ordered") == []


def test_an_order_is_decided_anew(scene: Scene) -> None:
    """Where the environment has moved since, the order is refused, and the refusal is on record."""
    with transaction(scene.world.engine) as session:
        moved = session.get_one(Environment, scene.startup.environment.id)
        moved.country = moved.operator_country = "US"
    answer = scene.order()
    assert isinstance(answer, Refused)
    assert isinstance(answer.error, NotAllowed)
    assert answer.error.text.nl != answer.error.text.en
    (entry,) = scene.entries("extract:refused")
    assert entry.facts["reasons"]
    with reading(scene.world.engine) as session:
        assert session.exec(select(Extract)).all() == []
        assert extracts.list_extracts(session, scene.startup.actor) == []


def test_orders_are_listed(on_sqlite: Scene) -> None:
    """Newest first, going on from the last one seen."""
    made = []
    for _ in range(3):
        on_sqlite.world.clock.advance(seconds=1)
        made.append(on_sqlite.world.an_ordered_extract(on_sqlite.startup, on_sqlite.agreement).id)
    with reading(on_sqlite.world.engine) as session:
        first = extracts.list_extracts(session, on_sqlite.startup.actor, limit=2)
        rest = extracts.list_extracts(session, on_sqlite.startup.actor, after=first[-1].id)
        assert extracts.parts_of(session, first[0]) == []
    assert [one.id for one in first + rest] == made[::-1]


def test_cancelling(on_sqlite: Scene) -> None:
    """What was cancelled before its job ran is never cut; what is ready cannot be cancelled."""
    world = on_sqlite.world
    ordered = world.an_ordered_extract(on_sqlite.startup, on_sqlite.agreement)
    for _ in range(2):
        with transaction(world.engine) as session:
            extracts.cancel_extract(session, on_sqlite.startup.actor, ordered.id, at=world.clock())
    run_extract(world.engine, world.ports, ordered.id)
    assert on_sqlite.extract(ordered.id).state == "cancelled"
    ready = on_sqlite.cut()
    with transaction(world.engine) as session, pytest.raises(Conflict, match="extract-finished"):
        extracts.cancel_extract(session, on_sqlite.startup.actor, ready.id, at=world.clock())
    assert len(on_sqlite.entries("extract:cancelled")) == 1
    with pytest.raises(Gone, match="extract-cancelled"):
        on_sqlite.open(on_sqlite.extract(ordered.id))


# --- the job ---------------------------------------------------------------------------------


def test_a_job_that_runs_again_changes_nothing(scene: Scene) -> None:
    """A second run finds the work done: the same parts, one entry, nothing in scratch."""
    made = scene.cut()
    run_extract(scene.world.engine, scene.world.ports, made.id)
    assert scene.extract(made.id) == made
    assert len(scene.entries("extract:made")) == 1
    assert list(scene.world.ports.scratch.iterdir()) == []


def test_counts_that_disagree_let_nothing_out(scene: Scene) -> None:
    """Where the rows written are not those counted at publication, the extract fails closed."""
    with transaction(scene.world.engine) as session:
        rows = session.exec(
            select(RightsClass).where(col(RightsClass.edition_id) == scene.published.edition.id)
        ).all()
        for row in rows:
            row.items += 1
    counting._classes.clear()
    _failed_closed(scene, scene.cut(), "rows-disagree")


def _failed_closed(scene: Scene, made: Extract, code: str) -> None:
    assert (made.state, made.problem["code"]) == ("failed", code)
    assert made.problem["nl"] != made.problem["en"]
    assert made.manifest == {}
    assert list(scene.world.ports.store.keys("parts/")) == []
    assert list(scene.world.ports.scratch.iterdir()) == []
    (entry,) = scene.entries("extract:failed")
    assert entry.facts["reason"] == code
    with pytest.raises(Gone, match="extract-failed"):
        scene.open(made)
    scene.world.check_log()


@dataclass
class Swapping:
    """An extractor that writes as many rows as were cleared, but others."""

    inner: Extractor
    plans: list[ExtractPlan] = field(default_factory=list)

    def extract(
        self,
        plan: ExtractPlan,
        *,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> ExtractResult:
        """Cut with the columns as planned and the statement of every row changed."""
        columns = tuple(
            replace(one, expression="_item") if one.name == "_rights" else one
            for one in plan.columns
        )
        self.plans.append(plan)
        return self.inner.extract(
            replace(plan, columns=columns), on_progress=on_progress, should_stop=should_stop
        )


def test_other_rows_than_counted_let_nothing_out(on_sqlite: Scene) -> None:
    """The right number of rows under the wrong statements is a disagreement too."""
    swapping = Swapping(on_sqlite.world.ports.extractor)
    _failed_closed(on_sqlite, on_sqlite.cut(swapping), "rows-disagree")
    assert len(swapping.plans) == 1


def test_a_source_that_changed_lets_nothing_out(on_sqlite: Scene) -> None:
    """A flipped bit in the edition's file ends the job with that reason."""
    path = on_sqlite.world.ports.store.path(on_sqlite.published.edition.key)
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    _failed_closed(on_sqlite, on_sqlite.cut(), "source-changed")


@dataclass
class Failing:
    """An extractor that ends with an error of its kind."""

    code: str

    def extract(self, *_given: Any, **_named: Any) -> ExtractResult:
        """Fail."""
        raise error(self.code)


def test_a_job_that_cannot_go_on_says_why(on_sqlite: Scene) -> None:
    """A full disk ends the extract with a problem, and another may be ordered."""
    _failed_closed(on_sqlite, on_sqlite.cut(Failing("disk-full")), "disk-full")
    assert on_sqlite.cut().state == "ready"


@dataclass
class Watching:
    """An extractor whose job is cancelled while it works."""

    scene: Scene
    seen: list[int] = field(default_factory=list)

    def extract(
        self,
        plan: ExtractPlan,
        *,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> ExtractResult:
        """Report half, have it cancelled, and stop when told."""
        world = self.scene.world
        on_progress(0.5)
        extract_id = plan.out_dir.parent.name.removeprefix("extract-")
        self.seen.append(self.scene.extract(extract_id).progress)
        assert not should_stop()
        with transaction(world.engine) as session:
            extracts.cancel_extract(session, self.scene.startup.actor, extract_id, at=world.clock())
        while not should_stop():
            pass
        raise error("cancelled")


def test_cancelling_under_way(on_sqlite: Scene) -> None:
    """Progress is seen while the job works; a cancelled one stops and leaves nothing."""
    watching = Watching(on_sqlite)
    made = on_sqlite.cut(watching)
    assert watching.seen == [50]
    assert made.state == "cancelled"
    assert list(on_sqlite.world.ports.scratch.iterdir()) == []
    assert on_sqlite.entries("extract:made") == on_sqlite.entries("extract:failed") == []
