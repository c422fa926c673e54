"""A checkup finds each kind of broken promise, and nothing in a service that kept them."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from catalog.tables import Delivery, Edition
from registry.audit.log import open_head_store, open_signer
from registry.db import open_engine, reading, transaction
from registry.migrate import upgrade
from registry.services.fsck import Checkup, Promise, fsck
from registry.services.reading import Readable
from registry.services.registration import delivery_key
from tests.support.clock import SetClock
from tests.support.extracting import Scene, a_scene
from tests.support.service import COMMAND
from tests.support.world import World


def checkup(world: World) -> Checkup:
    """What a checkup says of this world."""
    key = open_signer(world.settings).verifier
    return fsck(world.engine, world.ports.store, key, open_head_store(world.settings))


def lived_in(world: World) -> Scene:
    """A service in which everything was done once: a part was read, and its access closed."""
    scene = a_scene(world, 60)
    readable = scene.open(scene.cut())
    assert isinstance(readable, Readable)
    scene.sent(scene.range(readable, 0, 100), 100)
    world.clock.advance(minutes=6)
    assert scene.close_windows() == 1
    world.check_log()
    return scene


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Such a service on SQLite, to be copied."""
    home = tmp_path_factory.mktemp("original") / "home"
    home.mkdir()
    engine = open_engine(f"sqlite:///{home / 'vrijgave.sqlite'}")
    upgrade(engine)
    scene = lived_in(World(engine, home, SetClock()))
    engine.dispose()
    return scene


@pytest.fixture
def scene(original: Scene, tmp_path: Path) -> Iterator[Scene]:
    """A copy of it that a test may harm."""
    home = tmp_path / "home"
    shutil.copytree(original.world.settings.home, home)
    engine = open_engine(f"sqlite:///{home / 'vrijgave.sqlite'}")
    yield replace(original, world=World(engine, home, SetClock(original.world.clock())))
    engine.dispose()


def change(world: World, statement: str, **values: object) -> None:
    """Do to the database what no service does."""
    with transaction(world.engine) as session:
        session.execute(text(statement), values)


def break_file(scene: Scene, key: str) -> None:
    """Flip the last byte of a stored file."""
    path = scene.world.ports.store.path(key)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def _edition_file(scene: Scene) -> None:
    with reading(scene.world.engine) as session:
        break_file(scene, session.exec(select(Edition.key)).one())


def _lost_delivery(scene: Scene) -> None:
    with reading(scene.world.engine) as session:
        delivery = session.exec(select(Delivery)).one()
    scene.world.ports.store.delete(delivery_key(delivery.id))


def _other_rows(scene: Scene) -> None:
    change(scene.world, "UPDATE part SET rows = rows + 1")


def _no_parquet(scene: Scene) -> None:
    path = scene.world.ports.scratch / "broken"
    path.write_bytes(b"no Parquet at all")
    stored = scene.world.ports.store.put("parts/broken", path)
    change(
        scene.world,
        "UPDATE part SET key = :key, sha256 = :sha256, bytes = :bytes",
        key=stored.key,
        sha256=stored.sha256,
        bytes=stored.bytes,
    )


def _entry_changed(scene: Scene) -> None:
    change(scene.world, "UPDATE audit_entry SET body = leaf_hash WHERE tree_index = 3")


def _act_undone(scene: Scene) -> None:
    change(scene.world, "UPDATE agreement SET accepted_at = NULL, accepted_by = NULL")


def _act_without_entry(scene: Scene) -> None:
    change(scene.world, "UPDATE agreement SET state = 'revoked'")


def _other_terms(scene: Scene) -> None:
    change(scene.world, "UPDATE offer SET digest = 'sha256:other'")


def _row_gone(scene: Scene) -> None:
    change(scene.world, "DELETE FROM access_range")
    change(scene.world, "DELETE FROM access")


def _after_the_end(scene: Scene) -> None:
    change(
        scene.world,
        "UPDATE agreement SET ended_at = :at",
        at=scene.agreement.valid_from - timedelta(days=1),
    )


def _outside_its_window(scene: Scene) -> None:
    change(scene.world, "UPDATE access SET opened_at = until")


def _other_agreement(scene: Scene) -> None:
    other = scene.world.an_agreement(scene.startup, scene.published)
    change(scene.world, "UPDATE extract SET agreement_id = :other", other=other.id)


def _more_sent_than_asked(scene: Scene) -> None:
    change(scene.world, "UPDATE access_range SET sent = 101")


def _fewer_ranges(scene: Scene) -> None:
    change(scene.world, "DELETE FROM access_range")


def _opened_at(scene: Scene, position: int) -> None:
    (opened,) = scene.entries("access:opened")
    change(
        scene.world,
        "UPDATE audit_entry SET position = :position WHERE id = :id",
        position=position,
        id=opened.id,
    )


def _before_the_agreement(scene: Scene) -> None:
    _opened_at(scene, -1)


def _after_the_revocation(scene: Scene) -> None:
    scene.revoke()
    _opened_at(scene, 1_000_000)


@pytest.mark.parametrize(
    ("harm", "promise"),
    [
        (_edition_file, Promise.WHOLE),
        (_lost_delivery, Promise.WHOLE),
        (_other_rows, Promise.WHOLE),
        (_entry_changed, Promise.SIGNED),
        (_act_undone, Promise.RECORDED),
        (_act_without_entry, Promise.RECORDED),
        (_other_terms, Promise.RECORDED),
        (_row_gone, Promise.RECORDED),
        (_after_the_end, Promise.ALLOWED),
        (_outside_its_window, Promise.ALLOWED),
        (_other_agreement, Promise.ALLOWED),
        (_before_the_agreement, Promise.ALLOWED),
        (_after_the_revocation, Promise.ALLOWED),
        (_no_parquet, Promise.WHOLE),
        (_more_sent_than_asked, Promise.COUNTED),
        (_fewer_ranges, Promise.COUNTED),
    ],
)
def test_harm_is_found(scene: Scene, harm: Callable[[Scene], None], promise: Promise) -> None:
    """What someone or something broke shows under the promise that it breaks."""
    harm(scene)
    assert promise in {finding.promise for finding in checkup(scene.world).findings}


def test_nothing_is_found_where_all_is_well(world: World) -> None:
    """A service that was only used keeps every promise, and everything was looked at."""
    lived_in(world)
    done = checkup(world)
    assert done.ok, done.findings
    assert set(done.checked) == set(Promise)
    assert all(done.checked.values())


def test_the_command_says_what_is_wrong(scene: Scene) -> None:
    """`vrijgave fsck` counts what it checked, names what is broken, and ends with status 1."""
    environment = {**os.environ, "VRIJGAVE_HOME": str(scene.world.settings.home)}
    run = partial(subprocess.run, env=environment, capture_output=True, text=True)
    good = run([COMMAND, "fsck"])
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.splitlines()[0].startswith("signed: ")
    _edition_file(scene)
    bad = run([COMMAND, "fsck", "--lang", "nl"])
    assert bad.returncode == 1
    assert "De inhoud is veranderd." in bad.stdout
