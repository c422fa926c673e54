"""Getting an extract whole: resume by Range, check every hash and the manifest's signature.

A part is written beside its place as ``<name>.partial`` and takes its own name once its hash
holds, so a file under its own name is always whole and checked.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from registry.client.errors import NotMade, NotVerified, Unreachable
from registry.client.http import TRIES, Service
from registry.client.notes import open_note

_BLOCK = 1024 * 1024
_POLL_SECONDS = 0.5


class Progress(Protocol):
    """What is told of the progress: bytes of a part that are there, of how many."""

    def waiting(self, percent: int) -> None:
        """The extract is still being made."""
        ...

    def part(self, name: str, there: int, of: int) -> None:
        """So many bytes of the part are here."""
        ...


@dataclass(frozen=True)
class Pulled:
    """What is now on disk: the folder, its checked files, and the bytes fetched this time."""

    folder: Path
    files: tuple[Path, ...]
    rows: int
    fetched: int
    signed_by: str


@dataclass(frozen=True)
class _Part:
    name: str
    address: str
    bytes: int
    sha256: str


def split_address(address: str) -> tuple[str, str]:
    """The service's origin and the extract's id from any address of an extract."""
    parts = urlsplit(address)
    pieces = [piece for piece in parts.path.split("/") if piece]
    if parts.scheme not in {"http", "https"} or "extracts" not in pieces[:-1]:
        raise Unreachable(
            f"`{address}` is not the address of an extract.",
            "Copy it from the extract's page: https://…/v1/extracts/…",
        )
    return f"{parts.scheme}://{parts.netloc}", pieces[pieces.index("extracts") + 1]


def pull(
    service: Service,
    extract_id: str,
    folder: Path,
    progress: Progress,
    *,
    key: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Pulled:
    """Bring the extract into `folder`; what is there already and whole is not fetched again.

    :param key: the verifier key to hold the manifest to; the service is asked for it otherwise.
    :raises NotVerified: a hash or the signature is wrong.
    :raises NotMade: the extract failed, was cancelled or has expired.
    """
    _wait_until_ready(service, extract_id, progress, sleep)
    signing_key = key or service.text("/v1/keys/manifest").strip()
    note = service.text(f"/v1/extracts/{extract_id}/manifest.note")
    document = service.bytes(f"/v1/extracts/{extract_id}/manifest")
    manifest = _checked(document, note, signing_key, extract_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_bytes(document)
    (folder / "manifest.note").write_text(note, encoding="utf-8")
    parts = list(_parts(manifest, extract_id))
    fetched = sum(_fetch(service, part, folder, progress, sleep) for part in parts)
    return Pulled(
        folder,
        tuple(folder / part.name for part in parts),
        int(manifest["rows"]),
        fetched,
        signing_key.partition("+")[0],
    )


def _checked(document: bytes, note: str, key: str, extract_id: str) -> Any:
    """The manifest, once its bytes are the ones that were signed for this extract."""
    lines = open_note(note, key).splitlines()
    signed = f"sha256:{hashlib.sha256(document).hexdigest()}"
    if lines[1:] != [extract_id, signed]:
        raise NotVerified("the manifest is not the one that was signed for this extract")
    return json.loads(document)


def _wait_until_ready(
    service: Service, extract_id: str, progress: Progress, sleep: Callable[[float], None]
) -> None:
    while True:
        extract = service.get(f"/v1/extracts/{extract_id}")
        match extract["state"]:
            case "ready":
                return
            case "ordered" | "running":
                progress.waiting(int(extract["progress"]))
                sleep(_POLL_SECONDS)
            case state:
                problem = extract.get("problem") or {}
                raise NotMade(
                    f"the extract is {state}: {problem.get('detail') or 'it has no files'}",
                    "Order it again under its agreement.",
                )


def _parts(manifest: Any, extract_id: str) -> Iterator[_Part]:
    # Names and addresses are made here: what a document says must not choose where we write.
    for number, part in enumerate(manifest["parts"], start=1):
        address = f"/v1/extracts/{extract_id}/parts/{number}"
        name = f"part-{number}.parquet"
        yield _Part(name, address, int(part["bytes"]), str(part["sha256"]))


def _fetch(
    service: Service,
    part: _Part,
    folder: Path,
    progress: Progress,
    sleep: Callable[[float], None],
) -> int:
    """Bytes fetched to have this part whole."""
    final, partial = folder / part.name, folder / f"{part.name}.partial"
    if final.exists() and _hash_of(final).hexdigest() == part.sha256:
        progress.part(part.name, part.bytes, part.bytes)
        return 0
    fetched = 0
    for attempt in range(1, TRIES + 1):
        try:
            fetched += _continue(service, part, partial, progress)
            break
        except Unreachable:
            if attempt == TRIES:
                raise
            sleep(attempt)
    if _hash_of(partial).hexdigest() != part.sha256:
        partial.unlink()
        raise NotVerified(
            f"{part.name} does not have the hash that the manifest states",
            "It was removed; run the same command again.",
        )
    partial.replace(final)
    return fetched


def _continue(service: Service, part: _Part, partial: Path, progress: Progress) -> int:
    there = partial.stat().st_size if partial.exists() else 0
    if there == part.bytes:
        return 0
    if there > part.bytes:
        partial.unlink()
        there = 0
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers |= {"Range": f"bytes={there}-", "If-Range": f'"{part.sha256}"'}
    fetched = 0
    with service.stream(part.address, headers) as response:
        resumed = response.status_code == 206
        at = there if resumed else 0
        with partial.open("ab" if resumed else "wb") as file:
            for block in response.iter_bytes(_BLOCK):
                file.write(block)
                fetched += len(block)
                progress.part(part.name, at + fetched, part.bytes)
            file.flush()
            os.fsync(file.fileno())
    if at + fetched < part.bytes:
        raise Unreachable("the connection ended early", "Run the same command again to resume.")
    return fetched


def _hash_of(path: Path) -> "hashlib._Hash":
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")
