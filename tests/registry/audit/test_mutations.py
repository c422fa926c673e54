"""Random tampering, and exports of a real log: all is found, and nothing falsely."""

import io
import json
import random
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.audit import (
    NoExport,
    verify_export,
)
from registry.audit.checkpoint import encode
from registry.audit.merkle import leaf_hash
from tests.registry.audit.conftest import World
from tests.registry.audit.exports import (
    BODIES,
    EXPORT,
    KEY,
)


@cache
def whole() -> bytes:
    """The export as one run of bytes."""
    return b"".join(EXPORT)


def mutate(data: bytes, dice: random.Random) -> bytes:
    """One random change: a byte, a piece gone, doubled or moved, or a line so treated."""
    rows = data.splitlines(keepends=True)
    one, other = dice.randrange(len(rows)), dice.randrange(len(rows))
    at = dice.randrange(len(data))
    end = min(len(data), at + dice.randrange(1, 40))
    kind = dice.randrange(8)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return data[:at] + data[end:]
    if kind == 2:
        return data[:end] + data[at:end] + data[end:]
    if kind == 3:
        return data[:at] + dice.randbytes(end - at) + data[end:]
    if kind == 4:
        return data[:at]
    if kind == 5:
        rows[one], rows[other] = rows[other], rows[one]
    elif kind == 6:
        del rows[one]
    else:
        rows.insert(other, rows[one])
    return b"".join(rows)


def finds(data: bytes) -> bool:
    """Whether the verifier sees that something is wrong."""
    try:
        return not verify_export(io.BytesIO(data), [KEY.verifier]).ok
    except NoExport:
        return True


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_random_mutations_are_all_found(seed: int) -> None:
    """Of random changes to an export every one that changes a byte is found, none falsely."""
    dice = random.Random(seed)
    for _ in range(100):
        changed = mutate(whole(), dice)
        assert finds(changed) == (changed != whole()), (seed, changed)


def test_ten_thousand_mutations_are_all_found() -> None:
    """The figure that the product promises: 10,000 random changes, all found, none falsely."""
    dice = random.Random(20261123)
    missed = 0
    for _ in range(10_000):
        changed = mutate(whole(), dice)
        missed += finds(changed) != (changed != whole())
    assert missed == 0


def test_exports_of_a_real_log(world: World) -> None:
    """What the service writes is what FORMAT.md says, whole, per archive and per period."""
    world.acts(9, "org_a", "org_b", "org_c")
    first = world.integrate()
    world.acts(300, "org_a", "org_b")
    last = world.integrate()
    assert first is not None
    assert last is not None
    result = world.verify(world.export(), first, last)
    assert result.ok
    assert (result.entries, result.checkpoints) == (309, 1)
    mine = world.verify(world.export("org_c"), last)
    assert mine.ok
    assert (mine.entries, mine.leaves, mine.streams) == (3, 309, {"org_c": (1, 3)})
    later = world.verify(world.export(first=200), last)
    assert later.ok
    assert (later.entries, later.leaves) == (109, 109)


def test_an_exports_checkpoints_stand_apart(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many checkpoints an export holds the last one and one each so many entries."""
    monkeypatch.setattr("registry.audit.exporting.CHECKPOINTS_APART", 10)
    for _ in range(25):
        sqlite_world.act()
        sqlite_world.integrate()
    data = sqlite_world.export()
    sizes = [
        int(json.loads(row)["checkpoint"].split("\n")[1])
        for row in data.splitlines()
        if row.startswith(b'{"checkpoint"')
    ]
    assert sizes == [9, 19, 25]
    assert sqlite_world.verify(data).ok


def test_export_bytes_are_final() -> None:
    """An export of these entries has these bytes; they never change."""
    assert EXPORT[1] == (
        b'{"entry":' + BODIES[0] + b',"index":0,"leaf":"' + encode(leaf_hash(BODIES[0])).encode()
        + b'"}\n'
    )  # fmt: skip
    assert (
        sha256(whole()).hexdigest()
        == "c8d7d7b19e2a04c531642a33281615089e84157666b6b8641f87e72b6e961c16"
    )
