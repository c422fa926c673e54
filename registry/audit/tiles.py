"""The tree cut into tiles of 256 hashes, as C2SP tlog-tiles lays down (height 8).

Tile ``number`` of level ``l`` holds the roots of the perfect subtrees of height ``8 * l`` with
indices ``256 * number`` onwards. Only a level's last tile is partial; a full one never changes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from registry.audit.merkle import HASH_SIZE, perfect_root, subtree_root

WIDTH = 256
FULL = WIDTH * HASH_SIZE
"""Bytes of a full tile."""

Load = Callable[[int, int], bytes]
"""Gives the stored bytes of the tile of that level and number; may hold more than is asked."""


MOST_LEVELS = 8
"""Levels that a tree of 2^63 leaves can have."""
_PATH = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True)
class TilePlace:
    """Which tile, and how many hashes of it, a path asks for."""

    number: int
    width: int

    @classmethod
    def parse(cls, path: str) -> "TilePlace | None":
        """Read ``<N>[.p/<W>]`` of C2SP tlog-tiles; ``None`` where it is not its only spelling."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        number, width = int(match[1].replace("x", "").replace("/", "")), int(match[2] or WIDTH)
        partial = match[2] is not None
        if str(cls(number, width)) != path or (partial and width >= WIDTH):
            return None
        return cls(number, width)

    def __str__(self) -> str:
        digits = str(self.number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        return path if self.width == WIDTH else f"{path}.p/{self.width}"


class MissingTileError(LookupError):
    """A hash that the tree must have is not stored."""


class Tiles:
    """A tree over stored tiles, which it reads once and changes only in memory."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._held: dict[tuple[int, int], bytes] = {}

    def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._held:
            self._held[level, number] = self._load(level, number)
        return self._held[level, number]

    def hashes(self, level: int, number: int, start: int, stop: int) -> bytes:
        """Hashes of one tile; :class:`MissingTileError` where fewer are stored."""
        hashes = self._tile(level, number)[start * HASH_SIZE : stop * HASH_SIZE]
        if len(hashes) != (stop - start) * HASH_SIZE:
            raise MissingTileError(f"tile {level}/{number} ends before hash {stop - 1}")
        return hashes

    def node(self, height: int, index: int) -> bytes:
        """Root of a perfect subtree; :class:`MissingTileError` where the tree has no such."""
        level, above = divmod(height, 8)
        number, place = divmod(index, WIDTH >> above)
        at = place * HASH_SIZE
        found = _rows(self._tile(level, number))[above][at : at + HASH_SIZE]
        if len(found) < HASH_SIZE:
            raise MissingTileError(f"tile {level}/{number} does not fill {1 << above} hashes there")
        return found

    def root(self, size: int) -> bytes:
        """Root of the tree of the first ``size`` leaves."""
        return subtree_root(0, size, self.node)

    def grow(self, size: int, leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
        """Add leaf hashes to the tree of ``size`` leaves; the tiles that are new or changed."""
        changed: dict[tuple[int, int], bytes] = {}
        level, fresh = 0, b"".join(leaves)
        while fresh:
            number, width = divmod(size >> 8 * level, WIDTH)
            hashes = (self.hashes(level, number, 0, width) if width else b"") + fresh
            rows = [hashes[at : at + FULL] for at in range(0, len(hashes), FULL)]
            changed |= {(level, number + at): row for at, row in enumerate(rows)}
            fresh = b"".join(perfect_root(row) for row in rows if len(row) == FULL)
            level += 1
        self._held |= changed
        return changed

    def forget_full(self) -> None:
        """Let go of full tiles, so that a walk over a long log needs little memory."""
        self._held = {at: tile for at, tile in self._held.items() if len(tile) < FULL}


@lru_cache(maxsize=4096)  # 16 KiB each: a proof asks for hashes of few tiles, most of them again
def _rows(tile: bytes) -> tuple[bytes, ...]:
    """A tile's hashes, their parents, and so on up to the level above: of whole pairs only."""
    rows = [tile]
    for _ in range(8):
        below = rows[-1]
        pairs = len(below) // (2 * HASH_SIZE) * (2 * HASH_SIZE)
        row = (below[at : at + 2 * HASH_SIZE] for at in range(0, pairs, 2 * HASH_SIZE))
        rows.append(b"".join(sha256(b"\x01" + pair).digest() for pair in row))
    return tuple(rows)
