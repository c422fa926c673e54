"""Exports made by hand: small, known to the byte, and easy to tamper with."""

import io
import json
from dataclasses import replace

from registry.audit import (
    Checkpoint,
    Entry,
    Tampering,
    TreeHead,
    Verification,
    lines,
    verify_export,
)
from registry.audit.checkpoint import SigningKey, sign_checkpoint
from registry.audit.merkle import CompactRange, cover, leaf_hash
from registry.audit.tiles import Tiles
from tests.registry.audit.conftest import ORIGIN

KEY = SigningKey(ORIGIN, bytes(range(32)))
SIZE, FIRST_CHECKPOINT = 40, 16


def body(index: int, **changed: object) -> bytes:
    """The entry at this index of our log: three archives take turns."""
    entry = Entry(
        id=f"019aafd1-6e40-7a6b-8c1d-{index:012x}",
        time="2026-11-23T09:30:00.000Z",
        act="dataset:registered",
        archive=("org_a", "org_b", "operator")[index % 3],
        number=index // 3 + 1,
        ids={"dataset": f"ds_{index}"},
    )
    return replace(entry, **changed).to_bytes()  # type: ignore[arg-type]  # names are an entry's


def make(
    bodies: list[bytes],
    *,
    archive: str | None = None,
    first: int = 0,
    key: SigningKey = KEY,
    checkpoints: tuple[int, ...] = (FIRST_CHECKPOINT, SIZE),
) -> list[bytes]:
    """An honest export of these entries as lines."""
    leaves = [leaf_hash(each) for each in bodies]
    tiles = Tiles(lambda _level, _number: b"")
    tiles.grow(0, leaves)
    nodes = [tiles.node(height, index) for height, index in cover(0, first)]
    made = [lines.header(key.verifier, archive, first, nodes)]
    shown = 0
    for index in range(first, len(bodies)):
        show = archive is None or json.loads(bodies[index])["archive"] == archive
        shown += show
        made.append(lines.leaf(index, leaves[index], bodies[index] if show else None))
        if index + 1 in checkpoints:
            head = TreeHead(key.name, index + 1, tiles.root(index + 1))
            made.append(lines.checkpoint(sign_checkpoint(head, key).note))
    signed = sum(first < size for size in checkpoints)
    return [*made, lines.end(shown, len(bodies) - first, signed)]


BODIES = [body(index) for index in range(SIZE)]
EXPORT = make(BODIES)
LEAF = [1 + index + (index >= FIRST_CHECKPOINT) for index in range(SIZE)]
"""Where the line of each index stands."""


def verify(rows: list[bytes], *known: Checkpoint, key: SigningKey = KEY) -> Verification:
    """What an auditor with the right key finds."""
    return verify_export(io.BytesIO(b"".join(rows)), [key.verifier], known)


def found(result: Verification) -> list[tuple[Tampering, int | None]]:
    """Kinds and indices of what was found."""
    return [(finding.kind, finding.index) for finding in result.findings]


def a_checkpoint(size: int, key: SigningKey = KEY, bodies: list[bytes] = BODIES) -> Checkpoint:
    """The log's checkpoint of this size."""
    tree = CompactRange()
    for each in bodies[:size]:
        tree.append(leaf_hash(each))
    return sign_checkpoint(TreeHead(key.name, size, tree.root()), key)
