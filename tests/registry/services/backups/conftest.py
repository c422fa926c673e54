"""A service that was lived in, and empty places to restore it to."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from registry.audit.log import open_head_store, open_signer
from registry.audit.taking import take_export
from registry.db import open_engine, transaction
from registry.services.backups.manifest import Manifest
from registry.services.backups.reopening import Reopened, reopen
from registry.services.backups.restoring import restore
from registry.services.backups.taking import take
from registry.services.fsck import Finding, fsck
from registry.services.ports import open_files
from registry.services.reading import Readable
from registry.settings import Settings
from tests.support.clock import SetClock
from tests.support.extracting import Scene, a_scene
from tests.support.postgres import empty_database
from tests.support.world import World


@dataclass
class Elsewhere:
    """A home, a database and a store with nothing in them yet."""

    settings: Settings
    engine: Engine

    def restore(self, folder: Path) -> Manifest:
        """Put a backup back here."""
        return restore(self.settings, self.engine, open_files(self.settings), folder)

    def findings(self) -> tuple[Finding, ...]:
        """What a checkup says of what is here."""
        key, heads = open_signer(self.settings).verifier, open_head_store(self.settings)
        return fsck(self.engine, open_files(self.settings), key, heads).findings


@dataclass
class Backed:
    """A service of which a backup was made, and where that can be restored."""

    scene: Scene
    folder: Path
    elsewhere: Elsewhere

    @property
    def world(self) -> World:
        """The service that goes on."""
        return self.scene.world

    def export(self) -> Path:
        """An export of its log as it is now."""
        out = self.folder.parent / "later.jsonl"
        out.unlink(missing_ok=True)
        take_export(self.world.settings, self.world.engine, out, None, 0)
        return out

    def reopen(self, later: Path | None, withdrawn: Path | None = None) -> Reopened:
        """Open the restored service again."""
        at = self.world.clock()
        here = self.elsewhere
        return reopen(here.settings, here.engine, later, withdrawn, at=at)


def back_up(world: World, folder: Path) -> Manifest:
    """Take a backup of a world."""
    return take(world.settings, world.engine, world.ports.store, folder, at=world.clock())


_SUCCEED = text("UPDATE extract SET successor_id = :second WHERE id = :first")


def lived_in(world: World) -> Scene:
    """A service in which an extract was cut and a part of it read."""
    scene = a_scene(world, 60)
    readable = scene.open(scene.cut())
    assert isinstance(readable, Readable)
    scene.sent(scene.range(readable, 0, 100), 100)
    named = {"first": readable.extract.id, "second": scene.cut().id}
    with transaction(world.engine) as session:  # a row that names one written after it
        session.execute(_SUCCEED, named)
    return scene


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A backup that was made once, to be copied."""
    room = tmp_path_factory.mktemp("original")
    shutil.copyfile(sqlite_template, room / "vrijgave.sqlite")
    engine = open_engine(f"sqlite:///{room / 'vrijgave.sqlite'}")
    world = World(engine, room / "home", SetClock())
    lived_in(world)
    back_up(world, room / "backup")
    engine.dispose()
    return room / "backup"


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A backup that a test may harm."""
    return shutil.copytree(original, tmp_path / "backup")


@pytest.fixture
def elsewhere(engine: Engine, tmp_path: Path) -> Iterator[Elsewhere]:
    """Room for a restore, on a database of the same kind."""
    home = tmp_path / "elsewhere"
    home.mkdir()
    if engine.dialect.name == "sqlite":
        yield from on(home, f"sqlite:///{home / 'restored.sqlite'}")
    else:
        with empty_database() as url:
            yield from on(home, url)


def on(home: Path, url: str) -> Iterator[Elsewhere]:
    """A home with that database."""
    engine = open_engine(url)
    yield Elsewhere(Settings(home=home, database_url=url), engine)
    engine.dispose()


@pytest.fixture
def backed(world: World, elsewhere: Elsewhere, tmp_path: Path) -> Backed:
    """A backup of a service on a database of each kind."""
    scene, folder = lived_in(world), tmp_path / "backup"
    back_up(world, folder)
    return Backed(scene, folder, elsewhere)


@pytest.fixture
def on_sqlite(sqlite_world: World, tmp_path: Path) -> Iterator[Backed]:
    """The same on SQLite, where the kind of database makes no difference."""
    scene, folder = lived_in(sqlite_world), tmp_path / "backup"
    back_up(sqlite_world, folder)
    home = tmp_path / "elsewhere"
    home.mkdir()
    for place in on(home, f"sqlite:///{home / 'restored.sqlite'}"):
        yield Backed(scene, folder, place)
