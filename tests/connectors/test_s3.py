"""The store on S3: what is its own, beside the contract of every store."""

from pathlib import Path

import obstore
import pytest

from connectors import NoSuchObject, SourceChanged, StoreError, StoreUnavailable, open_store
from connectors.s3 import S3ObjectStore
from tests.support.s3 import S3Server, moody_front


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file to put."""
    path = tmp_path / "source"
    path.write_bytes(b"newsreel" * 1000)
    return path


def _store(
    server: S3Server, scratch: Path, *, port: int | None = None, patience: float = 10
) -> S3ObjectStore:
    return S3ObjectStore(server.address("own", port=port, patience=patience), scratch)


def test_a_large_file_goes_in_several_pieces(s3: S3Server, tmp_path: Path) -> None:
    """What is larger than one request carries arrives whole, with its hash."""
    source = tmp_path / "large"
    source.write_bytes(bytes(range(256)) * 80_000)
    store = _store(s3, tmp_path / "staged")
    stored = store.put("large", source)
    with store.open("large") as file:
        assert (file.size, file.waits) == (stored.bytes, True)
        assert file.read(20_000_000, 512) == source.read_bytes()[20_000_000:20_000_512]
    assert store.path("large").read_bytes() == source.read_bytes()


def test_a_busy_bucket_is_asked_again(s3: S3Server, tmp_path: Path, source: Path) -> None:
    """Two answers of 503 cost time, not the file."""
    with moody_front(s3) as (mood, port):
        store = _store(s3, tmp_path / "staged", port=port)
        for refusals in (2, 1):
            mood.refusals = refusals
            store.put("busy", source)
        mood.refusals = 2
        assert store.path("busy").read_bytes() == source.read_bytes()
    assert mood.refusals == 0


def test_a_bucket_that_stays_silent_or_busy_is_named(s3: S3Server, tmp_path: Path) -> None:
    """After its patience the error says that later may help, and which bucket it is."""
    with moody_front(s3) as (mood, port):
        store = _store(s3, tmp_path / "staged", port=port, patience=1)
        mood.refusals = 1000
        with pytest.raises(StoreUnavailable, match="archive-files"):
            store.open("any")
        mood.refusals, mood.delay = 0, 3.0
        with pytest.raises(StoreUnavailable, match="archive-files"):
            store.open("any")


def test_wrong_keys_are_named(s3: S3Server, tmp_path: Path, source: Path) -> None:
    """A bucket that does not let us in is not one that is busy."""
    from dataclasses import replace

    address = replace(s3.address("own"), secret_key="wrong")
    with pytest.raises(StoreError) as caught:
        S3ObjectStore(address, tmp_path).put("a", source)
    assert caught.value.code == "store-refused"


def test_bytes_that_changed_in_the_bucket_are_not_staged(
    s3: S3Server, tmp_path: Path, source: Path
) -> None:
    """The claim's hash is checked whenever a file comes to this machine."""
    store = _store(s3, tmp_path / "staged")
    store.put("changed", source)
    obstore.put(store._store, "changed", b"\0" * source.stat().st_size)
    with pytest.raises(SourceChanged):
        store.path("changed")
    assert list((tmp_path / "staged").iterdir()) == []


def test_a_claim_whose_file_never_came_is_swept(s3: S3Server, tmp_path: Path, source: Path) -> None:
    """A crash between claim and file leaves no file, and nothing once swept."""
    store = S3ObjectStore(s3.address("swept"), tmp_path / "staged")
    store.put("kept", source)
    store.path("kept")
    obstore.put(store._store, ".claims/lost", b"00 1")
    with pytest.raises(NoSuchObject):
        store.open("lost")
    assert store.sweep() == 1
    assert list(store.keys()) == ["kept"]
    assert list((tmp_path / "staged").iterdir()) == []
    assert store.path("kept").read_bytes() == source.read_bytes()


def test_it_is_opened_by_its_address(s3: S3Server, tmp_path: Path) -> None:
    """An address without a bucket is refused by name."""
    address = s3.address("own")
    assert isinstance(open_store(address.url, address, tmp_path), S3ObjectStore)
    with pytest.raises(StoreError):
        S3ObjectStore(type(address)(url="s3://"), tmp_path)
