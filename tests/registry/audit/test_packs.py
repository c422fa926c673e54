"""What is no evidence pack is told apart, and a file too large in one is not read."""

import zipfile
from pathlib import Path

import pytest

from registry.audit import packs, sequencing, store
from registry.audit.checkpoint import MalformedNote


def test_a_file_that_is_no_zip_is_no_pack(tmp_path: Path) -> None:
    """A text with the name of a pack is none."""
    path = tmp_path / "pack.zip"
    path.write_text("no ZIP at all")
    assert not packs.is_pack(path)


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack cannot make its checker unpack without end."""
    monkeypatch.setattr(packs, "LARGEST_FILE", 10)
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr(packs.INDEX, "x" * 11)
    with pytest.raises(MalformedNote):
        packs.verify_pack(path, [])


def test_a_key_signs_on_until_its_successor_is_in_the_tree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hand-over that is recorded but not yet integrated changes nothing."""
    signed: list[object] = []
    monkeypatch.setattr(store, "retired", lambda *_: (None, None))
    monkeypatch.setattr(store, "sign_last", lambda *told: signed.append(told))
    sequencing._retire(None, "key", 5)  # type: ignore[arg-type]  # nothing is read from it
    assert signed == []
