"""The second head store and the signing keys on disk."""

import stat
import threading
from pathlib import Path

import pytest
from pydantic import HttpUrl

from registry.audit import MalformedNote, TreeHead
from registry.audit.heads import FileHeadStore, LogMismatch
from registry.audit.keys import open_head_store, open_signer, write_once
from registry.settings import Settings


def head(size: int) -> TreeHead:
    """A head of this size."""
    return TreeHead("a.example/log", size, bytes([size % 256]) * 32)


def test_a_head_is_exchanged_only_for_the_one_expected(tmp_path: Path) -> None:
    """What stands there must be named to be replaced; nothing else changes the file."""
    heads = FileHeadStore(tmp_path / "deep" / "audit.head")
    assert heads.load() is None
    with pytest.raises(LogMismatch, match=r"is -, not `a\.example/log` 1 "):
        heads.swap(head(1), head(2))
    heads.swap(None, head(1))
    heads.swap(head(1), head(2))
    for wrong in (None, head(1), head(3)):
        with pytest.raises(LogMismatch):
            heads.swap(wrong, head(4))
    assert heads.load() == head(2)
    assert (tmp_path / "deep" / "audit.head").read_text() == head(2).body()


def test_a_spoiled_head_is_refused(tmp_path: Path) -> None:
    """A head file that holds something else is an error, not an empty store."""
    (tmp_path / "audit.head").write_text("a.example/log\n7\n")
    with pytest.raises(MalformedNote):
        FileHeadStore(tmp_path / "audit.head").load()


def test_only_one_exchange_wins(tmp_path: Path) -> None:
    """Of many that exchange the same head at once, exactly one succeeds."""
    heads = FileHeadStore(tmp_path / "audit.head")
    heads.swap(None, head(0))
    won = []

    def exchange(size: int) -> None:
        try:
            heads.swap(head(0), head(size))
        except LogMismatch:
            return
        won.append(size)

    threads = [threading.Thread(target=exchange, args=(size,)) for size in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [heads.load()] == [head(size) for size in won]


def test_keys_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    """The first start makes a key of mode 0600; later starts, at any address, read the same."""
    settings = Settings(home=tmp_path, base_url=HttpUrl("https://vrijgave.example/"))
    key = open_signer(settings)
    assert key.name == "vrijgave.example/audit/v1"
    assert stat.S_IMODE((tmp_path / "keys" / "audit.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    moved = settings.model_copy(update={"base_url": HttpUrl("https://other.example/")})
    assert open_signer(moved) == key
    manifests = open_signer(settings, "manifests")
    assert manifests.name == "vrijgave.example/manifests/v1"
    assert manifests.seed != key.seed
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == [
        "audit.key",
        "manifests.key",
    ]
    assert open_head_store(settings).load() is None


def test_two_first_starts_agree_on_a_key(tmp_path: Path) -> None:
    """Of two processes that make the key at once, the first file stands."""
    write_once(tmp_path / "audit.key", "first")
    write_once(tmp_path / "audit.key", "second")
    assert (tmp_path / "audit.key").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["audit.key"]
