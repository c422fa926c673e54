"""A second judge written by others reads our log over HTTP: `aics-tlog`, with witnesses."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.fetching import LOOPBACK
from registry.api.witness import witness_app
from registry.app import create_app
from registry.audit import TreeHead
from registry.audit.checkpoint import COSIGNATURE, SigningKey, sign_checkpoint
from registry.audit.cosigning import Cosigning
from registry.audit.keys import open_head_store, open_signer
from registry.audit.log import integrate
from registry.audit.quorum import WitnessPolicy
from registry.audit.witness import Heads, Witness
from registry.clock import system_clock
from registry.db import open_engine
from registry.runtime import bring_up_to_date
from registry.settings import Settings
from tests.registry.api.world import serving
from tests.registry.audit.conftest import World, entries
from tests.support.clients import aics_tlog
from tests.support.service import free_port


@dataclass
class Judged:
    """A service that runs, whose log two witnesses have cosigned, and what the referee may know."""

    world: World
    origin: str
    witnesses: list[SigningKey]
    folder: Path

    def judge(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """The referee's verdict, with the log's key."""
        given = [str(argument) for argument in arguments]
        command = [str(aics_tlog()), *given, "--log-key", str(self.world.key.verifier)]
        return subprocess.run(command, capture_output=True, text=True)

    @property
    def tiles(self) -> list[str]:
        """Where the log is, for the referee."""
        return ["--tiles", f"{self.origin}/audit/v1"]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    """A log of 700 entries behind the real service, grown in two steps."""
    aics_tlog()
    folder, port = tmp_path_factory.mktemp("judged"), free_port()
    settings = Settings(home=folder / "home", base_url=f"http://127.0.0.1:{port}")
    bring_up_to_date(settings)
    engine = open_engine(settings.sqlalchemy_url)
    world = World(engine, open_head_store(settings), open_signer(settings))
    keys = [SigningKey.generate(f"w{at}.example", COSIGNATURE) for at in range(2)]
    with ExitStack() as running:
        lines = []
        for at, key in enumerate(keys):
            witness = Witness(key, [world.key.verifier], Heads(folder / f"w{at}.sqlite"))
            place = free_port()
            running.enter_context(serving(witness_app(witness, system_clock), place))
            lines.append(f"witness w{at} {key.verifier} http://127.0.0.1:{place}")
        policy = WitnessPolicy.parse("\n".join([*lines, "group g all w0 w1", "quorum g"]))
        for name, count in (("old", 300), ("new", 400)):
            world.acts(count, "org_a", "org_b")
            integrate(engine, world.key, world.heads, world.now)
            made = Cosigning(engine, policy, world.key.name, LOOPBACK).ask(system_clock())
            assert made is not None
            (folder / name).write_text(made.note)
        running.enter_context(serving(create_app(settings), port))
        yield Judged(world, settings.origin, keys, folder)
    engine.dispose()


@pytest.mark.conformance
def test_c2sp_aics_tlog_referee_accepts_checkpoint_and_witnesses(judged: Judged) -> None:
    """The checkpoint over HTTP carries our signature and two good cosignatures."""
    keys = [word for key in judged.witnesses for word in ("--witness-key", key.verifier)]
    done = judged.judge("verify-checkpoint", *judged.tiles, *keys, "--quorum", 2)
    assert done.returncode == 0, done.stderr
    assert judged.judge("verify-checkpoint", *judged.tiles, *keys, "--quorum", 3).returncode != 0


@pytest.mark.conformance
def test_c2sp_aics_tlog_referee_accepts_growth(judged: Judged) -> None:
    """From our tiles it proves that the log of 700 extends the one of 300."""
    old = ["--old-checkpoint", judged.folder / "old"]
    done = judged.judge("verify-consistency", *judged.tiles, *old)
    assert done.returncode == 0, done.stderr


@pytest.mark.conformance
@pytest.mark.parametrize("index", [0, 255, 256, 511, 640, 699])
def test_c2sp_aics_tlog_referee_finds_entries(judged: Judged, index: int) -> None:
    """From our tiles it proves an entry to be in the log, and not a changed one."""
    leaf = judged.folder / "leaf"
    body = entries(judged.world)[index].to_bytes()
    for data, good in ((body, True), (body.replace(b"ds_1", b"ds_2"), False)):
        leaf.write_bytes(data)
        done = judged.judge("verify-inclusion", *judged.tiles, "--leaf", leaf, "--index", index)
        assert (done.returncode == 0) is good, done.stderr


@pytest.mark.conformance
def test_c2sp_aics_tlog_referee_refuses_another_history(judged: Judged) -> None:
    """A checkpoint that our key signed for another tree does not grow into this one."""
    forked = sign_checkpoint(TreeHead(judged.world.key.name, 300, bytes(32)), judged.world.key)
    (judged.folder / "forked").write_text(forked.note)
    old = ["--old-checkpoint", judged.folder / "forked"]
    assert judged.judge("verify-consistency", *judged.tiles, *old).returncode != 0
