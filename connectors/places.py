"""A bucket that is not ours: read where it stands, written to never.

What is in it may change at any time. An object is therefore known by the hash it had when it was
registered, and is read whole, once, into a file of the caller's, which is nobody else's and goes
when the work is done.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import obstore

from connectors.errors import NoSuchObject, error
from connectors.local import full_disk_named
from connectors.ports import MIB, NEVER, ShouldStop, StoredObject
from connectors.s3 import S3Address, named_answers, open_bucket

_BLOCK = 16 * MIB
_LONGEST_KEY = 1024
_NOBODYS = "vrijgave-asks-whether-it-is-let-in"


class SourcePlace:
    """Objects below the prefix of a bucket; reads only.

    Errors: `NoSuchObject`, `StoreError` where we are not let in, `StoreUnavailable` where it does
    not answer, also after several tries within the address's patience.
    """

    def __init__(self, address: S3Address) -> None:
        self._store = open_bucket(address)
        self._bucket = urlsplit(address.url).netloc
        self._named = partial(named_answers, self._bucket)

    def knock(self) -> None:
        """Ask for a name that nobody gave and for what is there; an error tells what is wrong.

        The first tells keys that are refused, the second a bucket that is gone.
        """
        with suppress(NoSuchObject):
            self.size(_NOBODYS)
        with self._named(self._bucket):
            next(iter(obstore.list(self._store, chunk_size=1)), None)

    def size(self, key: str) -> int:
        """Bytes of an object."""
        with self._named(key):
            return int(obstore.head(self._store, _plain(key))["size"])

    def hash(self, key: str) -> StoredObject:
        """Size and SHA-256 of an object, read through once; nothing of it is kept."""
        return self._read(key, lambda _block: None, NEVER)

    def fetch(self, key: str, target: Path, should_stop: ShouldStop = NEVER) -> StoredObject:
        """Write an object to `target`; its size and SHA-256 as it was read.

        :raises JobCancelled: `should_stop` said so.
        """
        with full_disk_named(), target.open("xb") as file:
            return self._read(key, file.write, should_stop)

    def _read(
        self, key: str, take: Callable[[bytes], object], should_stop: ShouldStop
    ) -> StoredObject:
        digest, size = hashlib.sha256(), self.size(key)
        for start in range(0, size, _BLOCK):
            if should_stop():
                raise error("cancelled")
            block = self._block(key, start, min(start + _BLOCK, size))
            digest.update(block)
            take(block)
        return StoredObject(key, size, digest.hexdigest())

    def _block(self, key: str, start: int, stop: int) -> bytes:
        """One request each, so that patience is for a block and not for the whole."""
        with self._named(key):
            block = bytes(obstore.get_range(self._store, _plain(key), start=start, end=stop))
        if len(block) != stop - start:
            raise error("place-changed", key=key)
        return block


def _plain(key: str) -> str:
    """The key, where it can only mean an object below the prefix."""
    segments = key.split("/")
    if (
        not all(segments)
        or {".", ".."} & set(segments)
        or len(key.encode()) > _LONGEST_KEY
        or not key.isprintable()
    ):
        raise error("bad-object", key=key[:100])
    return key
