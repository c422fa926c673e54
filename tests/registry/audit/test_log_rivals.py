"""Several writers, kills, a database that goes down: no act without its entry, nor the reverse."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import text

from registry.audit import Entry
from registry.audit.log import FileHeadStore
from registry.db import open_engine, reading
from tests.registry.audit.conftest import World, create_tables
from tests.support.counterparts import absent

SCRIPT = Path(__file__).parents[2] / "support" / "postgres.sh"
SEED = 20261123
TABLE = "CREATE TABLE act (entry VARCHAR(36) PRIMARY KEY)"


@dataclass
class Rivals:
    """Writers and a sequencer on one log, each a process that can be killed."""

    world: World
    folder: Path
    acknowledged: list[str] = field(default_factory=list)
    _running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def address(self) -> Path:
        """The file that tells where the database is."""
        return self.folder / "url"

    def tell(self, url: str) -> None:
        """Tell them where the database is; whole, for they read it at any moment."""
        fresh = self.folder / "url.new"
        fresh.write_text(url)
        fresh.replace(self.address)

    def start(self, seed: int, *, sequencer: bool = False) -> None:
        """One more process."""
        command = [sys.executable, "-m", "tests.support.log_writer", str(self.address), str(seed)]
        if sequencer:
            command += [str(self.folder / "heads" / "audit.head"), self.world.key.to_text()]
        out = (self.folder / f"out-{seed}").open("w")
        with out:
            self._running.append(subprocess.Popen(command, stdout=out, text=True))

    def kill(self, which: int) -> None:
        """End one of them at once, wherever it is."""
        process = self._running.pop(which)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it had ended by itself"

    def end(self) -> None:
        """End them all, and take down what they acknowledged."""
        while self._running:
            self.kill(0)
        for out in self.folder.glob("out-*"):
            self.acknowledged += out.read_text().split("\n")[:-1]

    def count(self) -> int:
        """How many acts there are."""
        with reading(self.world.engine) as session:
            return int(session.execute(text("SELECT count(*) FROM act")).scalar_one())

    def hold(self) -> None:
        """Acts and entries are the same, numbers have no gap, and the whole log is as signed."""
        while self.world.integrate():
            pass
        last = self.world.check()
        with reading(self.world.engine) as session:
            acts = set(session.execute(text("SELECT entry FROM act")).scalars())
            bodies = session.execute(
                text("SELECT body FROM audit_entry ORDER BY tree_index")
            ).scalars()
            entries = [Entry.from_bytes(body) for body in bodies]
        assert {entry.id for entry in entries} == acts >= set(self.acknowledged)
        assert last is not None
        assert last.size == len(acts) > 20
        for stream in {entry.archive for entry in entries}:
            numbers = [entry.number for entry in entries if entry.archive == stream]
            assert numbers == list(range(1, len(numbers) + 1))
        assert self.world.verify(self.world.export(), last).ok


@pytest.fixture
def rivals(world: World, database_url: str, tmp_path: Path) -> Iterator[Rivals]:
    """An empty log on each kind of database."""
    made = Rivals(world, tmp_path)
    made.tell(database_url)
    world.run(TABLE)
    yield made
    made.end()


def test_kills_of_several_writers(rivals: Rivals) -> None:
    """Four processes on one log, killed at moments that a seed chooses, and started anew."""
    dice = random.Random(SEED)
    for number in range(4):
        rivals.start(number, sequencer=number == 3)
    until = time.monotonic() + 60
    while rivals.count() < 30 and time.monotonic() < until:
        time.sleep(0.05)
    for number in range(4, 10):
        time.sleep(dice.random() * 0.2)
        which = dice.randrange(4)
        rivals.kill(which)
        rivals.start(number, sequencer=number % 3 == 0)
    rivals.end()
    rivals.hold()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Path]:
    """A folder for a PostgreSQL of this test's own, which it may take down."""
    if shutil.which("pg_ctl") is None and not list(
        Path("/usr/lib").glob("postgresql/*/bin/pg_ctl")
    ):
        absent("PostgreSQL is not installed")
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    yield folder
    subprocess.run(["bash", SCRIPT, "stop", folder], check=True)
    shutil.rmtree(folder)


def _start(cluster: Path) -> str:
    return subprocess.check_output(["bash", SCRIPT, "start", cluster], text=True).strip()


@pytest.mark.postgres
def test_restarts_of_the_database(cluster: Path, tmp_path: Path) -> None:
    """PostgreSQL shut down, and killed outright, under writers: they go on where it comes back."""
    url = _start(cluster)
    create_tables(url)
    rivals = Rivals(
        World(open_engine(url), FileHeadStore(tmp_path / "heads" / "audit.head")), tmp_path
    )
    rivals.world.run(TABLE)
    rivals.tell(url)
    for number in range(3):
        rivals.start(number, sequencer=number == 2)
    try:
        for kill in (False, True):
            _grow(rivals)
            if kill:
                server = int((cluster / "data" / "postmaster.pid").read_text().split("\n")[0])
                os.kill(server, signal.SIGKILL)
            else:
                subprocess.run(["bash", SCRIPT, "stop", cluster], check=True)
            rivals.world.engine.dispose()
            url = _again(cluster)
            rivals.tell(url)
            rivals.world.engine = open_engine(url)
        _grow(rivals)
    finally:
        rivals.end()
    rivals.hold()
    rivals.world.engine.dispose()


def _grow(rivals: Rivals) -> None:
    before, until = rivals.count(), time.monotonic() + 60
    while rivals.count() < before + 20:
        assert time.monotonic() < until, "the writers do not go on"
        time.sleep(0.05)


def _again(cluster: Path) -> str:
    """Start it once more; right after a kill its children may still hold the memory they share."""
    for _ in range(20):
        try:
            return _start(cluster)
        except subprocess.CalledProcessError:
            time.sleep(0.5)
    raise AssertionError("PostgreSQL does not come back")
