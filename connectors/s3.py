"""An object store on S3, by obstore.

Beside each file stands a small claim with its hash and size, made with `If-None-Match`: whoever
makes it first decides what the key holds. Claims stand under `.claims/`, which no key can reach.
What DuckDB reads is staged on this machine's disk, checked, and removed when it was not used for an
hour; the caller sees to it that this machine stands in a region where the data may be.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import obstore
from obstore import exceptions
from obstore.store import S3Store

from connectors.errors import error
from connectors.local import checked_key, sha256_of
from connectors.ports import MIB, StoredObject

_CLAIMS = ".claims/"
STAGED_FOR = timedelta(hours=1)
_BLOCK = 8 * MIB


@dataclass(frozen=True)
class S3Address:
    """How a bucket is reached.

    :param url: `s3://bucket/prefix`; the prefix may be empty.
    :param endpoint: address of a server other than Amazon's, or empty.
    :param patience: seconds within which a request is tried again while the server answers with an
        error of its own (5xx), drops the connection or does not answer.
    """

    url: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    patience: float = 20.0


class S3ObjectStore:
    """`connectors.ports.ObjectStore` on a bucket, which must exist."""

    waits = True

    def __init__(self, address: S3Address, scratch: Path) -> None:
        self._store = open_bucket(address)
        self._named = partial(named_answers, urlsplit(address.url).netloc)
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, source: Path) -> StoredObject:
        """Claim the key for this content, then bring the bytes; equal content is a success."""
        checked_key(key)
        stored = StoredObject(key, source.stat().st_size, sha256_of(source))
        with self._named(key):
            if self._claim(stored) != stored:
                raise error("object-conflict", key=key)
            if self._size(key) != stored.bytes:
                obstore.put(self._store, key, source)
        return stored

    def take(self, key: str, source: Path) -> StoredObject:
        """As `put`, and then `source` is gone."""
        stored = self.put(key, source)
        source.unlink()
        return stored

    def _claim(self, wanted: StoredObject) -> StoredObject:
        """What the key is claimed for: by us now, or by whoever came first."""
        text = f"{wanted.sha256} {wanted.bytes}".encode()
        try:
            obstore.put(self._store, _CLAIMS + wanted.key, text, mode="create")
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            return self._claimed(wanted.key)
        return wanted

    def _claimed(self, key: str) -> StoredObject:
        text = bytes(obstore.get(self._store, _CLAIMS + key).bytes()).decode()
        digest, _, size = text.partition(" ")
        return StoredObject(key, int(size), digest)

    def _size(self, key: str) -> int | None:
        try:
            return int(obstore.head(self._store, key)["size"])
        except FileNotFoundError:
            return None

    def open(self, key: str) -> "S3File":
        """Open for positioned reads, each of which asks the bucket."""
        checked_key(key)
        with self._named(key):
            return S3File(self, key, int(obstore.head(self._store, key)["size"]))

    def read(self, key: str, start: int, stop: int) -> bytes:
        """Bytes of a file; `stop` lies within it."""
        with self._named(key):
            return bytes(obstore.get_range(self._store, key, start=start, end=stop))

    def path(self, key: str) -> Path:
        """A staged copy on this machine, fetched where there is none, with the claimed hash."""
        checked_key(key)
        staged = self._scratch / hashlib.sha256(key.encode()).hexdigest()
        self._drop_stale()
        if not staged.exists():
            self._stage(key, staged)
        os.utime(staged)
        return staged

    def _stage(self, key: str, staged: Path) -> None:
        fresh = staged.with_name(f"{staged.name}.{secrets.token_hex(8)}")
        digest = hashlib.sha256()
        try:
            with self._named(key), fresh.open("wb") as file:
                wanted = self._claimed(key)
                for block in obstore.get(self._store, key).stream(min_chunk_size=_BLOCK):
                    digest.update(block)
                    file.write(block)
            if digest.hexdigest() != wanted.sha256:
                raise error("source-changed")
            fresh.replace(staged)
        finally:
            fresh.unlink(missing_ok=True)

    def _drop_stale(self) -> None:
        stale = time.time() - STAGED_FOR.total_seconds()  # as the file system counts
        for one in self._scratch.iterdir():
            if one.stat().st_mtime < stale:
                one.unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        """Remove the file, its claim and what is staged of it."""
        checked_key(key)
        with self._named(key):
            for name in (key, _CLAIMS + key):
                obstore.delete(self._store, name)
        (self._scratch / hashlib.sha256(key.encode()).hexdigest()).unlink(missing_ok=True)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Sorted keys that start with `prefix`."""
        yield from sorted(key for key in self._names() if key.startswith(prefix))

    def _names(self, below: str = "") -> Iterator[str]:
        with self._named(below):
            for page in obstore.list(self._store, prefix=below or None):
                for one in page:
                    if below or not one["path"].startswith(_CLAIMS):
                        yield one["path"]

    def check(self) -> None:
        """Whether the bucket lets us in."""
        with self._named(_CLAIMS):
            next(iter(obstore.list(self._store, prefix=_CLAIMS, chunk_size=1)), None)

    def sweep(self) -> int:
        """Remove claims whose file never came, and what is staged here."""
        there = set(self._names())
        orphans = [name for name in self._names(_CLAIMS) if name.removeprefix(_CLAIMS) not in there]
        with self._named(_CLAIMS):
            for name in orphans:
                obstore.delete(self._store, name)
        for staged in self._scratch.iterdir():
            staged.unlink()
        return len(orphans)


@contextmanager
def named_answers(bucket: str, key: str) -> Iterator[None]:
    """Name what the bucket answers; what is only slow or busy was tried again before."""
    try:
        yield
    except FileNotFoundError:
        raise error("no-such-object", key=key) from None
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as refused:
        raise error("store-refused", bucket=bucket) from refused
    except exceptions.BaseError as failed:
        raise error("store-unavailable", bucket=bucket) from failed


class S3File:
    """A stored file, open for positioned reads."""

    waits = True

    def __init__(self, store: S3ObjectStore, key: str, size: int) -> None:
        self._store, self._key, self._size = store, key, size
        self._closed = False

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`."""
        if self._closed:
            raise ValueError("read of a closed file")
        stop = min(offset + length, self._size)
        return self._store.read(self._key, offset, stop) if offset < stop else b""

    def close(self) -> None:
        """Nothing is held; a second call does nothing."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_bucket(address: S3Address) -> S3Store:
    """The bucket of an address, as seen from below its prefix; nothing is asked of it yet."""
    parts = urlsplit(address.url)
    if parts.scheme != "s3" or not parts.netloc:
        raise error("unknown-store", url=address.url)
    patience = timedelta(seconds=address.patience)
    options: dict[str, Any] = {
        "region": address.region,
        "virtual_hosted_style_request": not address.endpoint,
        "client_options": {
            "timeout": patience,
            "connect_timeout": timedelta(seconds=5),
            "allow_http": address.endpoint.startswith("http://"),
        },
        "retry_config": {"max_retries": 5, "retry_timeout": patience},
    }
    if address.endpoint:
        options["endpoint"] = address.endpoint
    if address.access_key:
        options |= {
            "access_key_id": address.access_key,
            "secret_access_key": address.secret_key,
        }
    return S3Store(parts.netloc, prefix=parts.path.strip("/") or None, **options)
