"""An object store on a disk.

A file becomes visible in one step, whole and synced, by `_publish`: the only helper in the product
that creates a file which is later served.
"""

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from connectors.errors import error
from connectors.ports import MIB, StoredObject

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_LONGEST_KEY = 512
_INCOMING = ".incoming"  # no key segment starts with a dot, so no key can reach it


class OpenFile:
    """A stored file, open for positioned reads; close it only when no read is under way."""

    waits = False

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        found = os.fstat(self._fd)
        self._size = found.st_size
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise IsADirectoryError(path)

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`."""
        if self._fd < 0:
            raise ValueError("read of a closed file")
        return os.pread(self._fd, length, offset)

    def close(self) -> None:
        """Give the descriptor back; a second call does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class LocalStore:
    """`connectors.ports.ObjectStore` on a directory, which is made if it is absent."""

    waits = False

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._incoming = self._root / _INCOMING
        _make_directories(self._incoming)

    def put(self, key: str, source: Path) -> StoredObject:
        """Copy, sync, then show under its key in one step; equal content again is a success."""
        target = self._place(key)
        temporary = self._incoming / secrets.token_hex(16)
        try:
            with full_disk_named():
                digest = _copy(source, temporary)
            return _show(key, temporary, target, digest)
        finally:
            temporary.unlink(missing_ok=True)

    def take(self, key: str, source: Path) -> StoredObject:
        """Sync, then move under its key in one step; from another disk it is copied."""
        target = self._place(key)
        source.chmod(0o444)
        with full_disk_named():
            sync_file(source)
        try:
            stored = _show(key, source, target, sha256_of(source))
        except OSError as problem:
            if problem.errno != errno.EXDEV:
                raise
            stored = self.put(key, source)
        source.unlink(missing_ok=True)
        return stored

    def open(self, key: str) -> OpenFile:
        """Open for positioned reads."""
        try:
            return OpenFile(self._place(key))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise error("no-such-object", key=key) from None

    def path(self, key: str) -> Path:
        """Where the file stands."""
        place = self._place(key)
        if not place.is_file():
            raise error("no-such-object", key=key)
        return place

    def delete(self, key: str) -> None:
        """Remove the key and sync its directory."""
        place = self._place(key)
        with suppress(FileNotFoundError, NotADirectoryError):
            place.unlink()
            _sync_directory(place.parent)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Sorted keys that start with `prefix`."""
        found = (
            str(path.relative_to(self._root))
            for path in self._root.rglob("*")
            if path.is_file() and self._incoming not in path.parents
        )
        yield from sorted(key for key in found if key.startswith(prefix))

    def check(self) -> None:
        """Whether its folder is there and may be written to."""
        if not os.access(self._incoming, os.R_OK | os.W_OK | os.X_OK):
            raise error("store-unavailable", bucket=str(self._root))

    def sweep(self) -> int:
        """Remove the copies that a crash left unfinished."""
        leftovers = list(self._incoming.iterdir())
        for leftover in leftovers:
            leftover.unlink()
        return len(leftovers)

    def _place(self, key: str) -> Path:
        return self._root.joinpath(*checked_key(key))


def checked_key(key: str) -> list[str]:
    """The segments of a key, or the error of one that cannot be."""
    segments = key.split("/")
    whole = all(_SEGMENT.fullmatch(segment) for segment in segments)
    if not whole or len(key) > _LONGEST_KEY:
        raise error("bad-key", key=key[:_LONGEST_KEY])
    return segments


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_file(path: Path) -> None:
    """Bring a file's bytes to the disk itself."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _show(key: str, file: Path, target: Path, digest: str) -> StoredObject:
    try:
        with full_disk_named():
            _make_directories(target.parent)
            _publish(file, target)
    except FileExistsError:
        if sha256_of(target) != digest:
            raise error("object-conflict", key=key) from None
    return StoredObject(key, target.stat().st_size, digest)


def _publish(temporary: Path, target: Path) -> None:
    """Show a synced file under its name, whole or not at all.

    A hard link, not a rename: it fails where the name exists, so that nothing is ever replaced,
    also when two processes publish at once. A crash between link and unlink leaves a second name
    in the incoming directory, which the sweep removes.
    """
    os.link(temporary, target)
    temporary.unlink()
    _sync_directory(target.parent)


def _copy(source: Path, temporary: Path) -> str:
    digest = hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with source.open("rb") as reader, os.fdopen(os.open(temporary, flags, 0o444), "wb") as writer:
        while block := reader.read(MIB):
            digest.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def _make_directories(place: Path) -> None:
    """Make a directory and those above it, each synced into its parent."""
    missing = [path for path in (place, *place.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        _sync_directory(path.parent)


def _sync_directory(place: Path) -> None:
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def full_disk_named() -> Iterator[None]:
    """Make of a full disk or quota the `DiskFull` it is."""
    try:
        yield
    except OSError as problem:
        if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise error("disk-full") from problem
        raise
