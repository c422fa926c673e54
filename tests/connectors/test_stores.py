"""Every store keeps the same promises, on a disk and on S3: whole files or none, fixed keys."""

import itertools
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from connectors import ConnectorError, NoSuchObject, ObjectConflict, StoreError, open_store
from connectors.errors import TEXTS, error
from connectors.local import LocalStore, sha256_of
from connectors.ports import ObjectStore
from connectors.s3 import S3ObjectStore
from tests.support.s3 import S3Server

_NUMBERS = itertools.count(1)


@pytest.fixture
def disk(tmp_path: Path) -> LocalStore:
    """An empty store on a disk."""
    return LocalStore(tmp_path / "store")


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind."""
    if request.param == "disk":
        found: ObjectStore = request.getfixturevalue("disk")
        return found
    server: S3Server = request.getfixturevalue("s3")
    return S3ObjectStore(server.address(f"contract-{next(_NUMBERS)}"), tmp_path / "staged")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file to put."""
    path = tmp_path / "source"
    path.write_bytes(b"newsreel")
    return path


def test_what_is_put_can_be_read_in_ranges(store: ObjectStore, source: Path) -> None:
    """Size, hash and any range of a stored file are those of its source, which stays."""
    stored = store.put("editions/a.parquet", source)
    assert (stored.bytes, stored.sha256) == (8, sha256_of(source))
    with store.open("editions/a.parquet") as file:
        assert (file.size, file.read(0, 4), file.read(4, 100), file.read(8, 1)) == (
            8, b"news", b"reel", b"",
        )  # fmt: skip
    assert store.path("editions/a.parquet").read_bytes() == source.read_bytes()


def test_a_closed_file_reads_nothing(store: ObjectStore, source: Path) -> None:
    """A closed file is an error, not another file that got its descriptor."""
    store.put("a", source)
    file = store.open("a")
    file.close()
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read(0, 1)


def test_a_key_is_never_overwritten(store: ObjectStore, source: Path, tmp_path: Path) -> None:
    """The same content again is a success; other content is refused and changes nothing."""
    store.put("a", source)
    assert store.put("a", source).sha256 == sha256_of(source)
    other = tmp_path / "other"
    other.write_bytes(b"something else")
    with pytest.raises(ObjectConflict):
        store.put("a", other)
    assert store.path("a").read_bytes() == b"newsreel"
    assert store.sweep() == 0


@pytest.mark.parametrize(
    "key",
    ["", "/", "/a", "a/", "a//b", "..", "a/../b", ".incoming/x", ".a", "a b", "a\x00b", "ä", "a\nb",
     "x" * 600],
)  # fmt: skip
def test_a_key_cannot_leave_the_store(store: ObjectStore, source: Path, key: str) -> None:
    """No key names anything outside the store or among its unfinished files."""
    for act in (lambda: store.put(key, source), lambda: store.open(key), lambda: store.path(key)):
        with pytest.raises(StoreError) as caught:
            act()
        assert caught.value.code == "bad-key"


def test_a_file_is_taken_without_a_copy(disk: LocalStore, source: Path) -> None:
    """A file that becomes the store's own is moved: the same bytes on disk, under one name."""
    store = disk
    number, digest = source.stat().st_ino, sha256_of(source)
    assert store.take("a/b", source).sha256 == digest
    assert store.path("a/b").stat().st_ino == number
    assert store.path("a/b").stat().st_nlink == 1
    assert not source.exists()
    twin = store.path("a/b").with_name("twin")
    twin.write_bytes(store.path("a/b").read_bytes())
    assert store.take("a/b", twin).sha256 == digest
    assert not twin.exists()
    other = store.path("a/b").with_name("other")
    other.write_bytes(b"something else")
    with pytest.raises(ObjectConflict):
        store.take("a/b", other)
    assert sha256_of(store.path("a/b")) == digest


# memory is the one other disk that a test can write to without being root; not every machine has it
@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no other disk to take from")
def test_a_file_is_taken_from_another_disk(disk: LocalStore, source: Path) -> None:
    """Where a file cannot be moved it is copied, and still gone from where it was."""
    store = disk
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        moved = Path(shutil.copy(source, elsewhere))
        assert store.take("a", moved).sha256 == sha256_of(source)
        assert not moved.exists()
    assert store.path("a").read_bytes() == source.read_bytes()


def test_what_is_taken_is_gone_where_it_was(store: ObjectStore, source: Path) -> None:
    """Every store takes a file over, whole, from under its old name."""
    content = source.read_bytes()
    store.take("taken", source)
    assert not source.exists()
    assert store.path("taken").read_bytes() == content


def test_what_is_absent_is_named(store: ObjectStore, source: Path) -> None:
    """A missing key, a directory and a key below a file are no objects."""
    store.put("a/b", source)
    for key in ("x", "a", "a/b/c"):
        with pytest.raises(NoSuchObject):
            store.open(key)


def test_deleting_twice_is_fine(store: ObjectStore, source: Path) -> None:
    """A deleted file is gone, or still to be read by who opened it; its key may be used again."""
    store.put("a", source)
    with store.open("a") as file:
        store.delete("a")
        store.delete("a")
        with suppress(NoSuchObject):
            assert file.read(0, 8) == b"newsreel"
    assert list(store.keys()) == []
    source.write_bytes(b"other")
    assert store.put("a", source).bytes == 5


def test_keys_are_listed_by_prefix(store: ObjectStore, source: Path) -> None:
    """Keys come sorted, and unfinished files are never among them."""
    for key in ("b", "a/2", "a/1"):
        store.put(key, source)
    assert list(store.keys()) == ["a/1", "a/2", "b"]
    assert list(store.keys("a/")) == ["a/1", "a/2"]


def test_the_sweep_removes_what_a_crash_left(disk: LocalStore, source: Path) -> None:
    """Unfinished copies are no keys, and go; stored files stay."""
    store = disk
    store.put("a", source)
    (store.path("a").parent / ".incoming" / "half").write_bytes(b"x")
    assert list(store.keys()) == ["a"]
    assert store.sweep() == 1
    assert list(store.keys()) == ["a"]


def _put(store: ObjectStore, source: Path) -> bool:
    try:
        store.put("shared", source)
    except ObjectConflict:
        return False
    return True


def test_of_four_writers_one_wins(store: ObjectStore, tmp_path: Path) -> None:
    """Different content put under one key at once leaves one whole file."""
    sources = [tmp_path / str(number) for number in range(4)]
    for number, one in enumerate(sources):
        one.write_bytes(str(number).encode() * 200_000)
    with ThreadPoolExecutor(4) as writers:
        won = list(writers.map(_put, [store] * 4, sources))
    assert sum(won) == 1
    assert store.path("shared").read_bytes() == sources[won.index(True)].read_bytes()


def test_a_store_is_opened_by_its_address(tmp_path: Path) -> None:
    """A path and a file address open a store; anything else is refused by name."""
    assert list(open_store(str(tmp_path / "a")).keys()) == []
    assert list(open_store(f"file://{tmp_path}/b").keys()) == []
    for url in ("s3://bucket", "http://x", ""):
        with pytest.raises(StoreError):
            open_store(url)


def test_every_error_text_can_be_filled_in() -> None:
    """Each code has a Dutch and an English sentence that its facts complete."""
    facts = dict.fromkeys(
        ("key", "url", "record", "records", "byte", "limit", "columns", "column", "path", "problem",
         "seconds", "bucket", "what", "engine"), "1",
    )  # fmt: skip
    for code in TEXTS:
        found = error(code, **facts)
        assert isinstance(found, ConnectorError)
        assert found.nl != found.en
