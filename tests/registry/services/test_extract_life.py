"""Room for an extract, another try, and its end with its files."""

from datetime import timedelta

import pytest
from sqlmodel import col, update

from registry.access.tables import Extract
from registry.db import reading, transaction
from registry.errors import Conflict, Gone
from registry.services import extract_life as life
from registry.services.cutting import run_extract
from registry.services.extracts import parts_of
from tests.support.extracting import Scene, a_scene
from tests.support.world import World


@pytest.fixture
def scene(world: World) -> Scene:
    """An agreement to cut extracts under, on a database of each kind."""
    return a_scene(world, 60)


def _expire(scene: Scene) -> int:
    with transaction(scene.world.engine) as session:
        return life.expire_extracts(session, at=scene.world.clock())


def test_it_expires_a_day_after_its_agreement(scene: Scene) -> None:
    """Then its files go, its entry says so, and nothing is there to read."""
    ready, store = scene.cut(), scene.world.ports.store
    scene.revoke()
    assert _expire(scene) == 0
    scene.world.clock.now += life.KEPT_AFTER
    assert _expire(scene) == 1
    assert _expire(scene) == 0
    (entry,) = scene.entries("extract:expired")
    assert (entry.facts["reason"], entry.facts["files"]) == ("agreement-ended", 1)
    assert life.remove_files(scene.world.engine, store) == 1
    assert list(store.keys("parts/")) == []
    assert life.remove_files(scene.world.engine, store) == 0
    with pytest.raises(Gone, match="extract-expired"):
        scene.open(ready)
    scene.world.check_log()


def test_a_lapsed_agreement_expires_it_too(scene: Scene) -> None:
    """The end of its term counts as a revocation does."""
    scene.cut()
    scene.world.clock.now = scene.agreement.valid_until + timedelta(days=1)
    assert _expire(scene) == 1


def test_files_that_another_extract_has_stay(scene: Scene) -> None:
    """Equal extracts share files: dropping one leaves the other whole."""
    first, second = scene.cut(), scene.cut()
    with reading(scene.world.engine) as session:
        keys = {part.key for one in (first, second) for part in parts_of(session, one)}
    with transaction(scene.world.engine) as session:
        at, actor = scene.world.clock(), scene.startup.actor
        assert life.drop_extract(session, actor, first.id, at=at).state == "expired"
        assert life.drop_extract(session, actor, first.id, at=at).state == "expired"
    removed = life.remove_files(scene.world.engine, scene.world.ports.store)
    assert removed == len(keys) - 1
    assert not isinstance(scene.open(second), Conflict)
    assert len(scene.entries("extract:expired")) == 1


def test_a_quota_is_held(scene: Scene) -> None:
    """Once its extracts fill it no more are ordered; dropping one makes room."""
    ready, actor = scene.cut(), scene.startup.actor
    with transaction(scene.world.engine) as session:
        life.refuse_beyond(session, actor, 0)
        life.refuse_beyond(session, actor, ready.bytes + 1)
        with pytest.raises(Conflict, match="quota-reached"):
            life.refuse_beyond(session, actor, ready.bytes)
        life.drop_extract(session, actor, ready.id, at=scene.world.clock())
        life.refuse_beyond(session, actor, ready.bytes)


def test_a_failed_one_is_tried_again(scene: Scene) -> None:
    """It is ordered anew and made; a ready one is not, nor one whose agreement ended."""
    ready, actor = scene.cut(), scene.startup.actor
    with transaction(scene.world.engine) as session:
        session.exec(update(Extract).where(col(Extract.id) == ready.id).values(state="cancelled"))
    ordered = scene.world.an_ordered_extract(scene.startup, scene.agreement)
    with transaction(scene.world.engine) as session:
        failed = session.get_one(Extract, ordered.id)
        failed.state, failed.problem = "failed", {"code": "job-died"}
    with transaction(scene.world.engine) as session:
        life.retry_extract(session, actor, ordered.id, at=scene.world.clock())
    run_extract(scene.world.engine, scene.world.ports, ordered.id)
    made = scene.extract(ordered.id)
    assert (made.state, made.problem) == ("ready", {})
    scene.revoke()
    with transaction(scene.world.engine) as session:
        with pytest.raises(Conflict, match="extract-not-ended"):
            life.retry_extract(session, actor, ordered.id, at=scene.world.clock())
        with pytest.raises(Gone, match="agreement-revoked"):
            life.retry_extract(session, actor, ready.id, at=scene.world.clock())
