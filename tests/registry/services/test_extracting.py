"""What leaves is exactly what was cleared, whole or not at all, and every reading is checked."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlmodel import col, select

from catalog.tables import Edition, RightsClass
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
from registry.access.tables import Access, AccessRange, Agreement, Extract
from registry.accounts.tables import Environment
from registry.audit.checkpoint import SigningKey, UntrustedNote, open_note
from registry.audit.entry import Entry
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.digests import digest
from registry.errors import Conflict, Gone, InvalidInput, NotAllowed, NotFound
from registry.services import agreeing, asking, auditing, extracts, machines
from registry.services import reading as readings
from registry.services.agreeing import Revoke
from registry.services.cutting import run_extract
from registry.services.extracts import NewExtract
from registry.services.reading import ABANDONED, WINDOW, Readable
from registry.services.refusal import Refused
from tests.support.world import PublishedDataset, Startup, World


@dataclass
class Scene:
    """A dataset, someone with an agreement on its clear part, and the world they live in."""

    world: World
    published: PublishedDataset
    startup: Startup
    agreement: Agreement

    def entries(self, act: str) -> list[Entry]:
        """The entries of this act, oldest first."""
        with reading(self.world.engine) as session:
            rows = session.exec(select(AuditEntry.body).order_by(col(AuditEntry.id))).all()
        return [entry for body in rows if (entry := Entry.from_bytes(body)).act == act]

    def order(self, **facts: Any) -> Extract | Refused:
        """Order an extract."""
        command = NewExtract(agreement_id=self.agreement.id, **facts)
        with transaction(self.world.engine) as session:
            return extracts.order_extract(
                session,
                self.startup.actor,
                command,
                origin=self.world.settings.origin,
                at=self.world.clock(),
            )

    def cut(self, extractor: Extractor | None = None) -> Extract:
        """Order an extract and run its job once, on another extractor where one is given."""
        ordered = self.world.an_ordered_extract(self.startup, self.agreement)
        ports = self.world.ports
        if extractor is not None:
            ports = replace(ports, extractor=extractor)
        run_extract(self.world.engine, ports, ordered.id)
        return self.extract(ordered.id)

    def extract(self, extract_id: str) -> Extract:
        """The extract as it is now."""
        with reading(self.world.engine) as session:
            found = session.get_one(Extract, extract_id)
            session.expunge(found)
            return found

    def open(
        self, extract: Extract, number: int = 1, address: str = "192.0.2.9", **changed: Any
    ) -> Readable | Refused:
        """Ask to read a part."""
        actor = replace(self.startup.actor, **changed)
        with transaction(self.world.engine) as session:
            return readings.check_part(
                session,
                actor,
                extract.id,
                number,
                address=address,
                origin=self.world.settings.origin,
                at=self.world.clock(),
            )

    def range(self, readable: Readable, start: int, stop: int) -> int:
        """Note that a range will leave."""
        with transaction(self.world.engine) as session:
            return readings.open_range(
                session, self.startup.actor, readable, start, stop, at=self.world.clock()
            )

    def sent(self, range_id: int, count: int) -> None:
        """Note how much of it left."""
        with transaction(self.world.engine) as session:
            readings.close_range(session, range_id, count)

    def close_windows(self) -> int:
        """Close the accesses that are over."""
        with transaction(self.world.engine) as session:
            return readings.close_windows(session, at=self.world.clock())


@pytest.fixture
def scene(world: World) -> Scene:
    """An agreement in force on a dataset of 400 items."""
    published = world.a_published_dataset(items=400)
    startup = world.a_startup()
    return Scene(world, published, startup, world.an_agreement(startup, published))


@pytest.fixture
def on_sqlite(sqlite_world: World) -> Scene:
    """The same, where the kind of database makes no difference."""
    published = sqlite_world.a_published_dataset(items=60)
    startup = sqlite_world.a_startup()
    return Scene(sqlite_world, published, startup, sqlite_world.an_agreement(startup, published))


# --- what an extract holds -------------------------------------------------------------------


def test_an_extract_holds_exactly_what_is_cleared(scene: Scene) -> None:
    """Row by row, the extract has the items that the policy engine permits, and no others."""
    made = scene.cut()
    with reading(scene.world.engine) as session:
        decision = extracts.decide(
            session, scene.agreement, scene.world.settings.origin, scene.world.clock()
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
    _revoke(on_sqlite)
    with pytest.raises(Gone, match="agreement-revoked"):
        on_sqlite.order()
    assert on_sqlite.entries("extract:ordered") == []


def _revoke(scene: Scene) -> None:
    command = Revoke(agreement_id=scene.agreement.id, reason="Bezwaar van de maker.")
    with transaction(scene.world.engine) as session:
        agreeing.revoke(session, scene.published.archive, command, at=scene.world.clock())


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
    asking._classes.clear()
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


@pytest.mark.parametrize("code", ["disk-full", "job-died"])
def test_a_job_that_cannot_go_on_says_why(on_sqlite: Scene, code: str) -> None:
    """A full disk or a dead child ends the extract with a problem, and another may be ordered."""
    _failed_closed(on_sqlite, on_sqlite.cut(Failing(code)), code)
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
        extract_id = plan.out_dir.name.removeprefix("extract-")
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


# --- reading ---------------------------------------------------------------------------------


@pytest.fixture
def ready(scene: Scene) -> Extract:
    """An extract that can be read."""
    return scene.cut()


def _readable(answer: Readable | Refused) -> Readable:
    assert isinstance(answer, Readable), answer
    return answer


def _refused(answer: Readable | Refused) -> str:
    assert isinstance(answer, Refused)
    return answer.error.code


def test_ranges_of_five_minutes_are_one_access(scene: Scene, ready: Extract) -> None:
    """Opened before the first byte, closed with what they came to, counted once."""
    readable = _readable(scene.open(ready))
    first = scene.range(readable, 0, 100)
    (opened,) = scene.entries("access:opened")
    assert opened.facts["bytes"] == readable.part.bytes
    scene.sent(first, 100)
    scene.world.clock.advance(minutes=4)
    second = scene.range(readable, 100, 300)
    assert scene.close_windows() == 0
    scene.sent(second, 50)
    scene.world.clock.advance(minutes=1)
    assert scene.close_windows() == 1
    assert scene.close_windows() == 0
    (closed,) = scene.entries("access:closed")
    assert (closed.facts["ranges"], closed.facts["bytes"]) == (2, 150)
    assert closed.facts["ranges_digest"] == digest([[0, 100, 100], [100, 300, 50]])
    scene.range(readable, 0, 10)
    assert len(scene.entries("access:opened")) == 2
    scene.world.check_log()


def test_a_range_that_never_ends_is_counted_whole(scene: Scene, ready: Extract) -> None:
    """A reader that is gone holds its access open for an hour; then all it asked for counts."""
    scene.range(_readable(scene.open(ready)), 10, 110)
    scene.world.clock.now += WINDOW
    assert scene.close_windows() == 0
    scene.world.clock.now += ABANDONED
    assert scene.close_windows() == 1
    (closed,) = scene.entries("access:closed")
    assert closed.facts["bytes"] == 100


def test_revocation_refuses_the_next_request(scene: Scene, ready: Extract) -> None:
    """Between two ranges an archive revokes: the second is refused, and that is on record."""
    _readable(scene.open(ready))
    _revoke(scene)
    assert _refused(scene.open(ready)) == "agreement-revoked"
    (entry,) = scene.entries("access:refused")
    assert entry.facts["reasons"] == ["agreement-revoked"]
    scene.world.check_log()


def test_the_end_of_an_agreement_refuses(on_sqlite: Scene) -> None:
    """A lapsed agreement gives nothing from its last moment on."""
    ready = on_sqlite.cut()
    on_sqlite.world.clock.now = on_sqlite.agreement.valid_until - timedelta(seconds=1)
    _readable(on_sqlite.open(ready))
    on_sqlite.world.clock.advance(seconds=1)
    assert _refused(on_sqlite.open(ready)) == "agreement-lapsed"


def _changed(scene: Scene, **facts: Any) -> None:
    with transaction(scene.world.engine) as session:
        environment = session.get_one(Environment, scene.startup.environment.id)
        for name, value in facts.items():
            setattr(environment, name, value)


def test_the_environment_is_looked_at_every_time(on_sqlite: Scene) -> None:
    """Another token's environment, another network, a move or a closure: each refuses by name."""
    ready = on_sqlite.cut()
    own = on_sqlite.startup.environment.id
    _readable(on_sqlite.open(ready, environment_id=own))
    assert _refused(on_sqlite.open(ready, environment_id="env_other")) == "other-environment"
    _changed(on_sqlite, networks=["192.0.2.0/24", "2001:db8::/32"])
    for address in ("192.0.2.1", "2001:db8::1"):
        _readable(on_sqlite.open(ready, address=address))
    for address in ("198.51.100.1", "2001:db9::1", "", "unix"):
        assert _refused(on_sqlite.open(ready, address=address)) == "other-network"
    _changed(on_sqlite, networks=[], country="US", operator_country="US")
    assert _refused(on_sqlite.open(ready)) == "not-permitted"
    with transaction(on_sqlite.world.engine) as session:
        machines.close_environment(
            session, on_sqlite.startup.actor, own, at=on_sqlite.world.clock()
        )
    assert _refused(on_sqlite.open(ready)) == "environment-closed"
    assert len(on_sqlite.entries("access:refused")) == 7


def test_an_extract_under_way_is_not_read(on_sqlite: Scene) -> None:
    """Before it is ready there is nothing to read, and a part that is not there is not found."""
    ordered = on_sqlite.world.an_ordered_extract(on_sqlite.startup, on_sqlite.agreement)
    with pytest.raises(Conflict, match="extract-not-ready") as problem:
        on_sqlite.open(ordered)
    assert problem.value.headers["Retry-After"]
    with pytest.raises(NotFound):
        on_sqlite.open(on_sqlite.cut(), 99)


def test_two_readers_have_two_accesses(on_sqlite: Scene) -> None:
    """Ranges of two callers never fold into one access."""
    readable = _readable(on_sqlite.open(on_sqlite.cut()))
    on_sqlite.range(readable, 0, 10)
    colleague = replace(on_sqlite.startup.actor, id="client_robot")
    with transaction(on_sqlite.world.engine) as session:
        readings.open_range(session, colleague, readable, 0, 10, at=on_sqlite.world.clock())
    with reading(on_sqlite.world.engine) as session:
        assert len(session.exec(select(Access)).all()) == 2
        assert len(session.exec(select(AccessRange)).all()) == 2


# --- the log, as auditors and archives read it -----------------------------------------------


@pytest.fixture
def told(scene: Scene) -> Scene:
    """A scene with a whole journey in its log."""
    scene.cut()
    scene.world.check_log()
    return scene


def test_an_auditor_reads_all_and_an_archive_its_own(told: Scene) -> None:
    """Entries come newest first, go on from a place, and have receipts once in the tree."""
    auditor = told.world.an_auditor()
    told.world.check_log()
    with reading(told.world.engine) as session:
        everything = auditing.list_entries(session, auditor, limit=500)
        own = auditing.list_entries(session, told.published.archive, limit=500)
        first = auditing.list_entries(session, auditor, limit=2)
        rest = auditing.list_entries(session, auditor, before=first[-1][0], limit=500)
        asked = auditing.list_entries(
            session, auditor, archive=told.published.archive.organisation_id, limit=500
        )
        receipt = auditing.entry_receipt(session, auditor, everything[0][1].id)
        checkpoint = auditing.last_checkpoint(session)
    assert first + rest == everything
    assert own == asked
    assert 0 < len(own) < len(everything)
    assert {entry.archive for _, entry in own} == {told.published.archive.organisation_id}
    assert receipt is not None
    assert checkpoint is not None
    assert checkpoint.size == len(everything)


def test_taking_the_log_out_is_an_act(told: Scene) -> None:
    """An export is written down before it is written out, whole or of one archive."""
    import io

    auditor, archive = told.world.an_auditor(), told.published.archive
    for who, asked in ((auditor, None), (archive, None)):
        with transaction(told.world.engine) as session:
            stream = auditing.record_export(session, who, archive=asked, at=told.world.clock())
        told.world.check_log()
        out = io.BytesIO()
        with reading(told.world.engine) as session:
            written = auditing.write_export(session, out, told.world.ports.signer, stream)
        assert written.entries > 0
        assert out.getvalue()
    kinds = {entry.facts["kind"] for entry in told.entries("audit:exported")}
    assert kinds == {"whole", "archive"}
