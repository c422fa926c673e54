"""Our log and its witnesses, over real HTTP: cosignatures are gathered, kept and demanded."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from connectors.fetching import LOOPBACK
from registry.api.witness import witness_app
from registry.audit import Tampering, store, verify_receipt
from registry.audit.checkpoint import COSIGNATURE, SigningKey
from registry.audit.cosigning import ALARM, Cosigning
from registry.audit.log import FileHeadStore
from registry.audit.quorum import WitnessPolicy
from registry.audit.witness import LARGEST_REQUEST, Heads, Witness
from registry.db import transaction
from tests.registry.api.world import serving
from tests.registry.audit.conftest import ORIGIN, START, World
from tests.support.service import free_port


@dataclass
class Town:
    """Witnesses that run, and the policy that names them."""

    world: World
    folder: Path
    running: ExitStack
    lines: list[str] = field(default_factory=list)

    def witness(self, name: str) -> SigningKey:
        """One more honest witness."""
        key = SigningKey.generate(f"{name}.example", COSIGNATURE)
        heads = Heads(self.folder / f"{name}.sqlite")
        witness = Witness(key, [self.world.key.verifier], heads)
        self.add(name, key, witness_app(witness, lambda: START))
        return key

    def add(self, name: str, key: SigningKey, app: Starlette) -> None:
        """One more witness that runs this."""
        port = free_port()
        self.running.enter_context(serving(app, port))
        self.lines.append(f"witness {name} {key.verifier} http://127.0.0.1:{port}/")

    def policy(self, quorum: str) -> WitnessPolicy:
        """The policy of all of them."""
        return WitnessPolicy.parse("\n".join([*self.lines, quorum]))

    def cosigning(self, quorum: str) -> Cosigning:
        """Our side, as a process that has just started has it."""
        return Cosigning(self.world.engine, self.policy(quorum), ORIGIN, LOOPBACK)


@pytest.fixture
def town(world: World, tmp_path: Path) -> Iterator[Town]:
    """A log without witnesses yet."""
    with ExitStack() as running:
        yield Town(world, tmp_path, running)


def test_enough_witnesses_see_every_checkpoint(town: Town) -> None:
    """Two of three cosign as the log grows; export and receipt prove it to who has the policy."""
    town.witness("a")
    town.witness("b")
    gone = SigningKey.generate("gone.example", COSIGNATURE)
    town.lines.append(f"witness c {gone.verifier} http://127.0.0.1:{free_port()}")
    silent = SigningKey.generate("silent.example", COSIGNATURE)
    town.lines.append(f"witness d {silent.verifier}")
    ours = town.cosigning("group g 2 a b c d\nquorum g")
    assert ours.ask(START) is None
    for count in (1, 4, 300):
        ids = town.world.acts(count, "org_a", "org_b")
        town.world.integrate()
        made = ours.ask(START)
        assert made is not None
        assert ours.policy.witnessed_by(made.note) == ["a", "b"]
    assert {name: trouble.code for name, trouble in ours.troubles.items()} == {"c": "unreachable"}
    assert ours.ask(START) == made
    town.world.check()
    result = town.world.verify(town.world.export(), policy=ours.policy)
    assert result.ok
    assert "seen by 2 of 4 witnesses: a, b" in "".join(result.sentences("en"))
    proof = town.world.receipt(ids[7])
    assert proof is not None
    _, checkpoint = verify_receipt(proof, [town.world.key.verifier])
    assert ours.policy.reached(set(ours.policy.witnessed_by(checkpoint.note)))


def test_a_receipt_prefers_what_was_witnessed(town: Town) -> None:
    """A checkpoint that no witness has seen yet is in a receipt only where there is no other."""
    town.witness("a")
    [first] = town.world.acts(1)
    town.world.integrate()
    seen = town.cosigning("quorum a").ask(START)
    [second] = town.world.acts(1)
    town.world.integrate()
    assert seen is not None
    sizes = {}
    for entry in (first, second):
        proof = town.world.receipt(entry)
        assert proof is not None
        sizes[entry] = verify_receipt(proof, [town.world.key.verifier])[1].size
    assert sizes == {first: seen.size, second: seen.size + 1}


def test_a_fresh_process_learns_where_each_witness_stands(town: Town) -> None:
    """Without knowing what it sent before, our side asks, is told, and proves from there."""
    town.witness("a")
    for _ in range(2):
        town.world.acts(3)
        town.world.integrate()
        ours = town.cosigning("quorum a")
        ours.ask(START)
        assert not ours.troubles


def test_too_few_witnesses_are_told_by_the_verifier(town: Town) -> None:
    """An auditor's own policy decides: what it asks and is not there is a finding."""
    key = town.witness("a")
    other = SigningKey.generate("b.example", COSIGNATURE)
    town.world.act()
    town.world.integrate()
    town.cosigning("quorum a").ask(START)
    lines = [f"witness a {key.verifier}", f"witness b {other.verifier}"]
    policy = WitnessPolicy.parse("\n".join([*lines, "group g all a b", "quorum g"]))
    result = town.world.verify(town.world.export(), policy=policy)
    assert [finding.kind for finding in result.findings] == [Tampering.UNWITNESSED]
    assert "fewer than the policy asks" in result.findings[0].text.en


def test_another_history_alarms(
    town: Town, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A witness that saw another history does not cosign this one; people are told, once."""
    town.witness("a")
    fork = World(town.world.engine, town.world.heads, town.world.key)
    town.world.acts(4)
    town.world.integrate()
    town.cosigning("quorum a").ask(START)
    for table in ("audit_entry", "audit_stream", "audit_tile", "audit_head", "audit_checkpoint"):
        fork.run(f"DELETE FROM {table}")  # noqa: S608  # our own names
    fork.heads = FileHeadStore(tmp_path / "fork.head")
    ours = town.cosigning("quorum a")
    for count in (3, 1, 1):  # behind what the witness saw, as large, larger
        fork.acts(count, "org_b")
        fork.integrate()
        with caplog.at_level(logging.WARNING):
            ours.ask(START)
        assert ours.troubles["a"].code == ALARM
    assert "saw another history" in caplog.text
    caplog.clear()
    ours.ask(START)
    assert not caplog.records


def test_another_process_may_be_quicker(town: Town) -> None:
    """A witness that already has the newer checkpoint of our own log is no alarm."""
    town.witness("a")
    town.world.acts(2)
    old = town.world.integrate()
    town.world.acts(2)
    town.world.integrate()
    town.cosigning("quorum a").ask(START)
    ours = town.cosigning("quorum a")
    assert old is not None
    assert ours._cosignature(ours.policy.witnesses[0], old) == ""
    assert not ours.troubles


@contextmanager
def _sequencing(world: World) -> Iterator[None]:
    """Another process holds the sequencer's lock for a while."""
    with transaction(world.engine) as session:
        assert store.lock(session)
        yield


@pytest.mark.postgres
def test_a_busy_sequencer_goes_first(town: Town) -> None:
    """While the sequencer is at work cosignatures wait for the next turn."""
    if town.world.engine.dialect.name == "sqlite":
        # it has one lock for every writer, so the case that is tested cannot come about
        pytest.skip("on SQLite the writer waits for the lock instead")
    town.witness("a")
    town.world.act()
    town.world.integrate()
    ours = town.cosigning("quorum a")
    with _sequencing(town.world):
        assert ours.ask(START) == town.world.check()
    made = ours.ask(START)
    assert made is not None
    assert ours.policy.witnessed_by(made.note) == ["a"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, ""),
        (200, "rubbish\n"),
        (200, SigningKey("b.example", bytes(32), COSIGNATURE).cosign("other\n1\nx\n", 1)),
        (200, SigningKey(f"a.{ORIGIN}", bytes(32), COSIGNATURE).cosign("other\n1\nx\n", 1)),
        (403, "no\n"),
        (409, "not a size\n"),
    ],
)
def test_a_witness_that_speaks_nonsense(town: Town, status: int, body: str) -> None:
    """What is no valid cosignature is not kept, and the trouble says what was answered."""

    async def answer(_request: Request) -> PlainTextResponse:
        return PlainTextResponse(body, status)

    key = SigningKey(f"a.{ORIGIN}", bytes(32), COSIGNATURE)
    app = Starlette(routes=[Route("/add-checkpoint", answer, methods=["POST"])])
    town.add("a", key, app)
    town.world.act()
    last = town.world.integrate()
    ours = town.cosigning("quorum a")
    assert ours.ask(START) == last
    assert ours.troubles["a"].code == (ALARM if status == 409 else "refused")
    town.world.check()


def test_a_witness_takes_no_flood(town: Town) -> None:
    """A body beyond any submission is refused before it is held."""
    town.witness("a")
    url = town.policy("quorum a").witnesses[0].url
    answer = httpx2.post(f"{url}add-checkpoint", content=b"x" * (LARGEST_REQUEST + 1))
    assert answer.status_code == 413
    assert httpx2.get(f"{url}add-checkpoint").status_code == 405
