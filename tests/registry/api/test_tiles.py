"""The log as tiles over HTTP: what is public, what is hidden, and what never changes."""

import pytest

from registry.audit import TreeHead, VerifierKey, open_checkpoint
from registry.audit.merkle import leaf_hash, root_of
from registry.audit.tiles import TilePlace
from tests.registry.api.world import World


@pytest.mark.parametrize(
    ("path", "number", "width"),
    [
        ("000", 0, 256),
        ("067", 67, 256),
        ("000.p/17", 0, 17),
        ("x001/x234/067", 1_234_067, 256),
        ("x001/000.p/255", 1000, 255),
    ],
)
def test_a_tiles_path_is_read_and_written(path: str, number: int, width: int) -> None:
    """Groups of three digits, all but the last with an `x` (C2SP tlog-tiles)."""
    assert TilePlace.parse(path) == TilePlace(number, width)
    assert str(TilePlace(number, width)) == path


@pytest.mark.parametrize(
    "path",
    ["", "0", "00", "0000", "x000/000", "x001", "x001/67", "000.p/0", "000.p/256", "000.p/007",
     "000.p/", "/000", "000/", "entries", "-01", "٠٠٠", "x001/x000/x000/x000/x000/x000/000"],
)  # fmt: skip
def test_any_other_spelling_is_no_tile(path: str) -> None:
    """Each tile has one address, so that caches hold it once."""
    assert TilePlace.parse(path) is None


def test_hashes_are_public_and_entries_are_not(world: World) -> None:
    """Anyone computes the signed root from the tiles; entries are for who may read all."""
    anyone, auditor, archive = world.anyone.http, world.auditor.http, world.archive.http
    world.app.state.background.integrate()
    key = anyone.get(f"{world.origin}/v1/keys/log").text.strip()
    got = anyone.get(f"{world.origin}/audit/v1/checkpoint")
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    head: TreeHead = open_checkpoint(got.text, [VerifierKey.parse(key)]).head
    assert 0 < head.size < 256
    address = f"{world.origin}/audit/v1/tile/0/000.p/{head.size}"
    tile = anyone.get(address)
    assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    leaves = [tile.content[at : at + 32] for at in range(0, len(tile.content), 32)]
    assert root_of(leaves) == head.root
    assert anyone.get(f"{world.origin}/audit/v1/tile/0/000.p/1").content == leaves[0]
    bundle = f"{world.origin}/audit/v1/tile/entries/000.p/{head.size}"
    assert anyone.get(bundle).status_code == 401
    refused = archive.get(bundle)
    assert (refused.status_code, refused.json()["code"]) == (403, "own-entries-only")
    full = auditor.get(bundle)
    assert full.headers["cache-control"] == "private, max-age=31536000, immutable"
    data, bodies = full.content, []
    while data:
        size = int.from_bytes(data[:2], "big")
        bodies.append(data[2 : 2 + size])
        data = data[2 + size :]
    assert [leaf_hash(body) for body in bodies] == leaves


@pytest.mark.parametrize(
    "path",
    ["tile/0/000", "tile/1/000.p/1", "tile/0/001.p/1", "tile/8/000.p/1", "tile/00/000.p/1",
     "tile/0/0.p/1", "tile/x/000.p/1", "tile/-1/000.p/1", "tile/0/x999/999"],
)  # fmt: skip
def test_what_is_not_signed_yet_is_not_there(world: World, path: str) -> None:
    """Beyond the signed tree, and under another spelling, there is nothing."""
    assert world.auditor
    world.app.state.background.integrate()
    answer = world.anyone.http.get(f"{world.origin}/audit/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_bundles_end_with_the_signed_tree(world: World) -> None:
    """An auditor gets no entry beyond the last checkpoint."""
    for path in ("000", "001", "0"):
        answer = world.auditor.http.get(f"{world.origin}/audit/v1/tile/entries/{path}")
        assert answer.status_code == 404
