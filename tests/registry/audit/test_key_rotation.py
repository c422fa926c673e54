"""The log's key can be replaced: the old one signs its successor, and no more after that."""

import io
from pathlib import Path

import pytest
from sqlalchemy import Engine

from registry.audit import (
    Tampering,
    UntrustedNote,
    Verification,
    lines,
    taking,
    verify_export,
)
from registry.audit.checkpoint import SigningKey, TreeHead, VerifierKey
from registry.audit.entry import Entry
from registry.audit.heads import KeyReplacedError
from registry.audit.keyring import KeyRing
from registry.audit.keys import open_head_store, open_signer
from registry.audit.log import check_log
from registry.audit.taking import former_keys, rotate_key
from registry.settings import Settings
from tests.registry.audit import exports
from tests.registry.audit.conftest import World, entries


@pytest.fixture
def rotated(world: World, tmp_path: Path) -> tuple[World, Settings]:
    """A log of a service whose settings the commands take."""
    settings = Settings(home=tmp_path / "home")
    world.key, world.heads = open_signer(settings), open_head_store(settings)
    world.acts(5, "org_a", "org_b")
    world.integrate()
    return world, settings


def rotate(world: World, settings: Settings) -> tuple[SigningKey, SigningKey]:
    """Rotate; the old key and the new one, with which the world goes on."""
    old = world.key
    assert rotate_key(settings, world.engine) == open_signer(settings).verifier
    world.key = open_signer(settings)
    return old, world.key


def found(world: World, *keys: VerifierKey) -> Verification:
    """What an auditor with these keys finds in the whole log."""
    return verify_export(io.BytesIO(world.export()), keys)


def test_the_old_key_hands_over(rotated: tuple[World, Settings]) -> None:
    """After a rotation the log goes on under one origin; who has the first key needs no other."""
    world, settings = rotated
    first, second = rotate(world, settings)
    assert first.name == second.name
    world.acts(3)
    world.integrate()
    _, third = rotate(world, settings)
    world.acts(3)
    world.integrate()
    world.check()
    assert former_keys(world.engine) == [str(second.verifier), str(first.verifier)]
    acts = [entry for entry in entries(world) if entry.act == "key:rotated"]
    assert [entry.facts["previous_key"] for entry in acts] == [
        str(first.verifier),
        str(second.verifier),
    ]
    assert found(world, first.verifier).ok
    assert found(world, third.verifier, first.verifier, second.verifier).ok
    kinds = {finding.kind for finding in found(world, third.verifier).findings}
    assert kinds == {Tampering.OTHER_KEY}


def test_a_process_with_the_old_key_stops(rotated: tuple[World, Settings]) -> None:
    """A process that was not started anew signs nothing more, and says what to do."""
    world, settings = rotated
    old, new = rotate(world, settings)
    world.act()
    world.key = old
    with pytest.raises(KeyReplacedError) as caught:
        world.integrate()
    assert caught.value.help.en == "Start the service again."
    world.key = new
    assert world.integrate() is not None
    world.check()


def test_the_check_knows_both_keys(rotated: tuple[World, Settings]) -> None:
    """Right after a rotation the last checkpoint is the old key's, which is as it must be."""
    world, settings = rotated
    rotate(world, settings)
    world.check()
    stranger = SigningKey.generate(world.key.name)
    world.act()
    world.integrate()
    with pytest.raises(Exception, match="not of this key"):
        check_log(world.engine, stranger.verifier, world.heads)


@pytest.mark.parametrize("step", ["_record_rotation", "integrate", "put_next_signer"])
@pytest.mark.parametrize("after", [False, True])
def test_a_rotation_that_was_cut_off_is_finished(
    rotated: tuple[World, Settings], monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    """A crash before or after each step: the next call brings the log to one new key."""
    world, settings = rotated
    honest = getattr(taking, step)

    def crash(*arguments: object) -> None:
        if after:
            honest(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(taking, step, crash)
    with pytest.raises(KeyboardInterrupt):
        rotate_key(settings, world.engine)
    monkeypatch.undo()
    first = world.key
    world.act()
    rotate(world, settings)
    world.acts(2)
    world.integrate()
    world.check()
    assert found(world, first.verifier).ok


class _Down:
    """A head store that cannot be reached."""

    def load(self) -> TreeHead | None:
        """Nothing stands here yet, as before the first head."""
        return None

    def swap(self, old: TreeHead | None, new: TreeHead) -> None:
        """The power fails."""
        raise KeyboardInterrupt


def test_what_was_staged_before_is_signed_first(world: World, tmp_path: Path) -> None:
    """A head that a crash kept from being signed is no last word of the old key yet."""
    settings = Settings(home=tmp_path / "home")
    world.key, world.heads = open_signer(settings), _Down()
    world.acts(3)
    with pytest.raises(KeyboardInterrupt):
        world.integrate()
    world.heads = open_head_store(settings)
    rotate(world, settings)
    world.act()
    world.integrate()
    last = world.check()
    assert last is not None
    assert last.size == 5


def test_a_crash_before_the_next_key_was_cleared(rotated: tuple[World, Settings]) -> None:
    """A leftover of the key that is in use already is not taken for its own successor."""
    world, settings = rotated
    rotate(world, settings)
    keys = settings.home / "keys"
    (keys / "audit.next.key").write_bytes((keys / "audit.key").read_bytes())
    before, after = rotate(world, settings)
    assert before != after
    world.act()
    world.integrate()
    world.check()


def handed_over(previous: SigningKey, key: str) -> list[bytes]:
    """Entries of which number 20 hands the log over."""
    bodies = list(exports.BODIES)
    facts = {"key": key, "previous_key": str(previous.verifier)}
    said = Entry.from_bytes(bodies[20]).__dict__ | {"act": "key:rotated", "facts": facts, "ids": {}}
    bodies[20] = Entry(**said).to_bytes()
    return bodies


NEW = SigningKey(exports.KEY.name, bytes(range(7, 39)))


def signed(bodies: list[bytes], *signers: tuple[int, SigningKey]) -> list[bytes]:
    """An export of these entries with checkpoints of these sizes by these keys."""
    rows = exports.make(bodies, checkpoints=tuple(size for size, _ in signers))
    for at, row in enumerate(rows):
        for size, key in signers:
            if row.startswith(b'{"checkpoint"') and f"\\n{size}\\n".encode() in row:
                rows[at] = lines.checkpoint(exports.a_checkpoint(size, key, bodies).note)
    return rows


def test_the_old_key_is_done() -> None:
    """What the old key signs after it has handed over is refused, naming the entry."""
    bodies = handed_over(exports.KEY, str(NEW.verifier))
    good = signed(bodies, (16, exports.KEY), (25, exports.KEY), (40, NEW))
    assert exports.verify(good).ok
    bad = signed(bodies, (16, exports.KEY), (25, exports.KEY), (40, exports.KEY))
    [finding, *_] = exports.verify(bad).findings
    assert finding.kind == Tampering.OTHER_KEY
    assert "replaced at entry 20" in finding.text.en


@pytest.mark.parametrize(
    ("previous", "key", "told"),
    [
        (exports.KEY, "rubbish", ""),
        (NEW, str(NEW.verifier), "Entry 20 announces the key"),
    ],
)
def test_a_hand_over_must_come_from_the_key_that_is_trusted(
    previous: SigningKey, key: str, told: str
) -> None:
    """A key that only hands over to itself, or to nobody, is not trusted."""
    bodies = handed_over(previous, key)
    rows = signed(bodies, (25, exports.KEY), (40, NEW))
    finding = next(one for one in exports.verify(rows).findings if one.index == 40)
    assert finding.kind == Tampering.OTHER_KEY
    assert told in finding.text.en


def test_a_hand_over_counts_once_it_is_proven() -> None:
    """A key ring trusts what is announced only when a checkpoint covers it."""
    ring = KeyRing([exports.KEY.verifier])
    ring.announce(5, str(NEW.verifier), str(exports.KEY.verifier))
    ring.settle(5)
    assert str(NEW.verifier) not in ring
    ring.settle(6)
    assert str(NEW.verifier) in ring
    head = TreeHead(NEW.name, 9, bytes(32))
    ring.open(NEW.sign(head.body()))
    both = NEW.sign(head.body()) + exports.KEY.sign(head.body()).rpartition("\n\n")[2]
    ring.open(both)
    with pytest.raises(UntrustedNote, match="replaced"):
        ring.open(exports.KEY.sign(head.body()))


def test_an_empty_log_has_no_former_key(engine: Engine) -> None:
    """No key has a predecessor in an empty log."""
    assert former_keys(engine) == []
