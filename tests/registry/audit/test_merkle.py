"""The tree against a slow reading of RFC 6962, its published values, and proofs of every size."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.audit.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_path,
    cover,
    inclusion_path,
    leaf_hash,
    perfect_root,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from registry.audit.tiles import MissingTileError, Tiles

# Leaves and roots published with the reference implementations of RFC 6962.
PUBLISHED_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
PUBLISHED_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(entries: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = largest(len(entries))
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, word for word."""
    if len(entries) == 1:
        return []
    k = largest(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2, word for word."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = largest(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def largest(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def entries_of(count: int) -> list[bytes]:
    """Distinct entries."""
    return [b"entry %d" % at for at in range(count)]


def tiles_of(entries: list[bytes]) -> Tiles:
    """The tiles of a tree over these entries."""
    tiles = Tiles(lambda _level, _number: b"")
    tiles.grow(0, [leaf_hash(entry) for entry in entries])
    return tiles


def test_empty_tree() -> None:
    """The root of no entries is the hash of nothing."""
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    """The trees of one to eight published leaves have the published roots."""
    leaves = [leaf_hash(entry) for entry in PUBLISHED_LEAVES[:size]]
    assert root_of(leaves).hex() == PUBLISHED_ROOTS[size - 1]
    assert mth(PUBLISHED_LEAVES[:size]).hex() == PUBLISHED_ROOTS[size - 1]


@pytest.mark.parametrize("size", [*range(1, 34), 255, 256, 257, 511, 512, 600])
def test_roots_equal_the_slow_reading(size: int) -> None:
    """Growing one by one, and in tiles, both give the root that the RFC's recursion gives."""
    entries = entries_of(size)
    expected = mth(entries)
    assert root_of(leaf_hash(entry) for entry in entries) == expected
    assert tiles_of(entries).root(size) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 21, 64, 65])
def test_proofs_equal_the_slow_reading(size: int) -> None:
    """Every inclusion and consistency proof of these trees is the RFC's, and verifies."""
    entries = entries_of(size)
    tiles, root = tiles_of(entries), mth(entries)
    for at in range(size):
        proof = inclusion_path(at, size, tiles.node)
        assert proof == path(at, entries)
        assert verify_inclusion(leaf_hash(entries[at]), at, size, proof, root)
    for old in range(1, size + 1):
        proof = consistency_path(old, size, tiles.node)
        assert proof == subproof(old, entries, True)
        assert verify_consistency(old, mth(entries[:old]), size, root, proof)


BIG = entries_of(70_000)
BIG_TILES = tiles_of(BIG)


@given(size=st.integers(1, 70_000), data=st.data())
def test_proofs_of_large_trees_verify(size: int, data: st.DataObject) -> None:
    """Proofs cut from tiles of several levels verify, and no other index or size does."""
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root = BIG_TILES.root(size)
    leaf = leaf_hash(BIG[index])
    proof = inclusion_path(index, size, BIG_TILES.node)
    assert verify_inclusion(leaf, index, size, proof, root)
    other = data.draw(st.integers(0, size))
    if other != index:
        assert not verify_inclusion(leaf, other, size, proof, root)
    growth = consistency_path(old, size, BIG_TILES.node)
    assert verify_consistency(old, BIG_TILES.root(old), size, root, growth)


@given(size=st.integers(2, 300), data=st.data())
def test_a_changed_proof_does_not_verify(size: int, data: st.DataObject) -> None:
    """Any bit flipped, hash dropped or hash added in a proof makes it void."""
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    root, leaf = BIG_TILES.root(size), leaf_hash(BIG[index])
    inclusion = inclusion_path(index, size, BIG_TILES.node)
    growth = consistency_path(old, size, BIG_TILES.node)
    for proof in (inclusion, growth):
        at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
        for changed in (
            [*proof[:at], flipped, *proof[at + 1 :]],
            [*proof[:at], *proof[at + 1 :]],
            [*proof, leaf],
        ):
            if proof is inclusion:
                assert not verify_inclusion(leaf, index, size, changed, root)
            if proof is growth:
                assert not verify_consistency(old, BIG_TILES.root(old), size, root, changed)


def test_impossible_proofs() -> None:
    """Indices and sizes outside the tree have no proof, and none verifies."""
    node = BIG_TILES.node
    for index, size in ((0, 0), (-1, 3), (3, 3)):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_path(index, size, node)
        assert not verify_inclusion(EMPTY_ROOT, index, size, [], EMPTY_ROOT)
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="no consistency proof"):
            consistency_path(old, new, node)
        assert not verify_consistency(old, EMPTY_ROOT, new, EMPTY_ROOT, [EMPTY_ROOT])
    assert not verify_consistency(1, BIG_TILES.root(1), 2, BIG_TILES.root(2), [])
    assert verify_consistency(3, EMPTY_ROOT, 3, EMPTY_ROOT, [])
    assert not verify_consistency(3, EMPTY_ROOT, 3, BIG_TILES.root(3), [])


@given(start=st.integers(0, 2000), more=st.integers(0, 700))
def test_a_tree_goes_on_from_its_nodes(start: int, more: int) -> None:
    """A tree continued from the roots of its perfect subtrees is the same tree."""
    nodes = [BIG_TILES.node(height, index) for height, index in cover(0, start)]
    tree = CompactRange(start, nodes)
    assert tree.root() == BIG_TILES.root(start)
    for entry in BIG[start : start + more]:
        tree.append(leaf_hash(entry))
    assert tree.root() == BIG_TILES.root(start + more)


def test_a_tree_needs_all_its_nodes() -> None:
    """A size with the wrong number of nodes is refused."""
    with pytest.raises(ValueError, match="2 nodes"):
        CompactRange(3, [EMPTY_ROOT])


@given(st.lists(st.integers(1, 900), min_size=1, max_size=6))
def test_tiles_grow_in_any_steps(steps: list[int]) -> None:
    """However the leaves arrive, the tiles are those of C2SP tlog-tiles for the final size."""
    stored: dict[tuple[int, int], bytes] = {}

    def load(level: int, number: int) -> bytes:
        return stored.get((level, number), b"")

    size = 0
    for step in steps:
        leaves = [leaf_hash(entry) for entry in BIG[size : size + step]]
        stored.update(Tiles(load).grow(size, leaves))
        size += step
    for (level, number), hashes in stored.items():
        width = 256**level
        wanted = [
            mth(BIG[at * width : (at + 1) * width])
            for at in range(number * 256, min((number + 1) * 256, size // width))
        ]
        assert hashes == b"".join(wanted)
    assert sum(len(hashes) // 32 for (level, _), hashes in stored.items() if level == 0) == size


def test_missing_tiles_are_told() -> None:
    """A node whose hashes are not stored is an error, never a wrong hash."""
    tiles = tiles_of(entries_of(300))
    with pytest.raises(MissingTileError):
        tiles.node(0, 300)
    with pytest.raises(MissingTileError):
        tiles.node(9, 0)


def test_perfect_root_of_one() -> None:
    """A single hash is its own root."""
    assert perfect_root(EMPTY_ROOT) == EMPTY_ROOT
