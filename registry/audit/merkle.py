"""The Merkle tree of RFC 6962 section 2.1 (SHA-256): hashes, growing trees and proofs.

A *perfect* subtree of height ``h`` and index ``i`` covers the leaves from ``i * 2**h`` up to
``(i + 1) * 2**h``. Proofs are cut from perfect subtrees, so whoever can look those up can prove.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

Nodes = Callable[[int, int], bytes]
"""Gives the hash of the perfect subtree of that height and index."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry as a leaf: SHA-256(0x00 ‖ entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees side by side: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The roots of the perfect subtrees that a growing tree consists of: all that appending needs.

    :param nodes: those roots for a tree of ``size`` leaves, largest subtree first.
    """

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        if len(nodes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} nodes")
        self.size = size
        self.nodes = list(nodes)

    def append(self, leaf: bytes) -> None:
        """Add the hash of one more leaf."""
        size, nodes = self.size, self.nodes
        while size & 1:
            leaf = sha256(b"\x01" + nodes.pop() + leaf).digest()
            size >>= 1
        nodes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The tree's root hash so far."""
        return fold(self.nodes)


def fold(nodes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees of falling height, the first the largest."""
    if not nodes:
        return EMPTY_ROOT
    root = nodes[-1]
    for node in nodes[-2::-1]:
        root = node_hash(node, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root hash over these leaf hashes."""
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def perfect_root(hashes: bytes) -> bytes:
    """The root over a power of two of hashes that lie one after the other."""
    row = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def cover(start: int, stop: int) -> list[tuple[int, int]]:
    """Height and index of the perfect subtrees of which leaves ``start`` to ``stop`` consist.

    ``start`` must be a multiple of the largest power of two below ``stop - start``, as it is
    wherever RFC 6962 splits a tree.
    """
    subtrees = []
    while start < stop:
        height = (stop - start).bit_length() - 1
        subtrees.append((height, start >> height))
        start += 1 << height
    return subtrees


def subtree_root(start: int, stop: int, nodes: Nodes) -> bytes:
    """Root over the leaves from ``start`` up to ``stop``, as RFC 6962 splits them."""
    return fold([nodes(height, index) for height, index in cover(start, stop)])


def _split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_path(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The audit path of RFC 6962 section 2.1.1, the leaf's sibling first."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path, start, stop = [], 0, size
    while (stop - start).bit_count() > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(subtree_root(middle, stop, nodes))
            stop = middle
        else:
            path.append(subtree_root(start, middle, nodes))
            start = middle
    # What is left is a perfect subtree: there the path is the index with one bit turned at a time.
    heights = range((stop - start).bit_length() - 1)
    return [nodes(height, index >> height ^ 1) for height in heights] + path[::-1]


def consistency_path(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """The consistency proof of RFC 6962 section 2.1.2 between trees of these sizes."""
    if not 0 < old <= new:
        raise ValueError(f"there is no consistency proof from {old} to {new} leaves")
    path, start, stop = [], 0, new
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(subtree_root(middle, stop, nodes))
            stop = middle
        else:
            path.append(subtree_root(start, middle, nodes))
            start = middle
    if start:
        path.append(subtree_root(start, stop, nodes))
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Whether the path proves the leaf hash to be at ``index`` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the path proves that the new tree only adds leaves (RFC 9162 section 2.1.4.2)."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    steps = list(path) if old & (old - 1) else [old_root, *path]
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, step)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
