"""A witness cosigns one history of a log and no other."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry.audit import TreeHead, VerifierKey
from registry.audit.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    SigningKey,
    encode,
    open_note,
    sign_checkpoint,
)
from registry.audit.merkle import EMPTY_ROOT, consistency_path, leaf_hash
from registry.audit.tiles import Tiles
from registry.audit.witness import SIZE, TEXT, Answer, Heads, Submission, Witness
from tests.registry.audit.conftest import ORIGIN

LOG = SigningKey(ORIGIN, bytes(range(32)))
KEY = SigningKey("witness.example/w1", bytes(range(1, 33)), COSIGNATURE)
NOW = 1_795_000_000


def history(size: int, word: str = "honest") -> Tiles:
    """The tree of a log whose entries are these."""
    tiles = Tiles(lambda _level, _number: b"")
    tiles.grow(0, [leaf_hash(f"{word} {at}".encode()) for at in range(size)])
    return tiles


HONEST, FORK = history(40), history(40, "other")


def checkpoint(size: int, tiles: Tiles = HONEST, key: SigningKey = LOG) -> Checkpoint:
    """The log's checkpoint of this size."""
    return sign_checkpoint(TreeHead(key.name, size, tiles.root(size)), key)


def submission(old: int, size: int, tiles: Tiles = HONEST, **changed: object) -> bytes:
    """A request as the log makes it."""
    proof = consistency_path(old, size, tiles.node) if 0 < old < size else []
    made = Submission(old, tuple(proof), checkpoint(size, tiles).note)
    return Submission(**{**made.__dict__, **changed}).to_text().encode()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """A witness that has seen nothing yet."""
    return Witness(KEY, [LOG.verifier], Heads(tmp_path / "witness.sqlite"))


def test_what_extends_is_cosigned(witness: Witness) -> None:
    """From nothing, then from each size to the next, and once more what it saw last."""
    for old, size in ((0, 3), (3, 16), (16, 17), (17, 17), (17, 40)):
        answer = witness.add_checkpoint(submission(old, size), NOW)
        assert (answer.status, answer.media_type) == (200, TEXT)
        body = checkpoint(size).head.body()
        assert open_note(f"{body}\n{answer.body}", [KEY.verifier]) == body


def test_a_cosignature_is_of_its_time(witness: Witness) -> None:
    """The time stands before the signature and is signed with the text (C2SP tlog-cosignature)."""
    line = witness.add_checkpoint(submission(0, 3), NOW).body
    body = checkpoint(3).head.body()
    assert line == KEY.cosign(body, NOW) != KEY.cosign(body, NOW + 1)
    assert VerifierKey.parse(str(KEY.verifier)) == KEY.verifier
    assert SigningKey.parse(KEY.to_text()) == KEY


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (submission(5, 9), 200),
        (submission(0, 9), 409),
        (submission(9, 20), 409),
        (submission(5, 9, FORK), 422),
        (submission(5, 9, proof=()), 422),
        (submission(5, 9, proof=(bytes(32),)), 422),
        (submission(5, 5, FORK), 409),
        (submission(5, 5, proof=(bytes(32),)), 422),
        (submission(9, 5), 400),
        (submission(5, 9, note=checkpoint(9, key=SigningKey.generate(ORIGIN)).note), 403),
        (submission(5, 9, note=checkpoint(9, key=SigningKey.generate("b.example")).note), 404),
        (submission(5, 9, note=KEY.sign("not a checkpoint\n")), 400),
        (submission(5, 9, proof=(bytes(31),)), 400),
        (submission(5, 9, proof=(bytes(32),) * 64), 400),
        (submission(5, 9).replace(b"old 5", b"old 05"), 400),
        (submission(5, 9).replace(b"old 5", b"old -5"), 400),
        (submission(5, 9).replace(b"old 5", b"old " + "\u0665".encode()), 400),
        (submission(5, 9).replace(b"old 5", b"new 5"), 400),
        (submission(5, 9, proof=(bytes(32),)).replace(encode(bytes(32)).encode(), b"=="), 400),
        (b"\xff", 400),
        (b"", 400),
    ],
)
def test_each_answer_is_the_standards(witness: Witness, body: bytes, status: int) -> None:
    """Having seen 5 entries, the witness answers as tlog-witness says, and changes nothing else."""
    assert witness.add_checkpoint(submission(0, 5), NOW).status == 200
    answer = witness.add_checkpoint(body, NOW)
    assert answer.status == status
    if status == 409:
        assert answer == Answer(409, "5\n", SIZE)
    stands = 9 if status == 200 else 5
    assert witness.add_checkpoint(submission(stands, 30), NOW).status == 200


def test_nothing_comes_before_the_first(witness: Witness) -> None:
    """A first checkpoint comes with no proof, and an empty log has the empty root."""
    assert witness.add_checkpoint(submission(0, 5, proof=(bytes(32),)), NOW).status == 422
    empty = sign_checkpoint(TreeHead(ORIGIN, 0, EMPTY_ROOT), LOG)
    assert witness.add_checkpoint(Submission(0, (), empty.note).to_text().encode(), 1).status == 200
    forged = sign_checkpoint(TreeHead(ORIGIN, 0, bytes(32)), LOG)
    body = Submission(0, (), forged.note).to_text().encode()
    assert witness.add_checkpoint(body, NOW).status == 409


def test_what_was_seen_outlives_the_witness(tmp_path: Path) -> None:
    """A witness that is started anew still refuses the other history."""
    for body, status in ((submission(0, 5), 200), (submission(5, 9, FORK), 422)):
        fresh = Witness(KEY, [LOG.verifier], Heads(tmp_path / "witness.sqlite"))
        assert fresh.add_checkpoint(body, NOW).status == status


def test_of_two_at_once_one_wins(witness: Witness) -> None:
    """Many requests from one size at once: exactly one is cosigned, the others are told."""
    witness.add_checkpoint(submission(0, 5), NOW)
    bodies = [submission(5, size) for size in range(6, 16)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: witness.add_checkpoint(body, NOW), bodies))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 9
