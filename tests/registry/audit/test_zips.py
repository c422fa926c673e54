"""ZIP files that were damaged: every way in which reading them fails is told as one problem."""

import struct
import zipfile
from pathlib import Path

import pytest

from registry.audit.zips import damage_told_as


class Damaged(Exception):  # stands for a problem of ours
    """The file is not whole."""


def _read(path: Path) -> bytes:
    with damage_told_as(Damaged), zipfile.ZipFile(path) as archive:
        return archive.read("one")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A whole ZIP file."""
    made = tmp_path / "made.zip"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("one", b"content")
    return made


def test_a_whole_file_is_read(path: Path) -> None:
    """Nothing is told of a file that is in order."""
    assert _read(path) == b"content"


def test_a_file_cut_off_is_told(path: Path) -> None:
    """Without its end a ZIP has no directory."""
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged):
        _read(path)


def test_a_place_before_the_beginning_is_told(path: Path) -> None:
    """A directory that says to start later moves the files to before the file's beginning."""
    data = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<L", data, len(data) - 6)
    struct.pack_into("<L", data, len(data) - 6, start + 8)
    path.write_bytes(data)
    with pytest.raises(Damaged) as told:
        _read(path)
    assert isinstance(told.value.__cause__, OSError)


def test_another_error_of_the_disk_stays_what_it_is(tmp_path: Path) -> None:
    """A file that is not there is not a damaged one."""
    with pytest.raises(FileNotFoundError):
        _read(tmp_path / "absent.zip")
