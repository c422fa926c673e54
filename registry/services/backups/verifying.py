"""Whether a backup is whole: every file as its manifest says, and all of it one state.

Nothing of a running service is needed, nor a PostgreSQL: what was copied from one is an SQLite.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from connectors.local import LocalStore
from registry.audit.checkpoint import MalformedNote, SigningKey
from registry.audit.heads import FileHeadStore
from registry.audit.keys import HEAD_FILE
from registry.db import open_engine
from registry.errors import Text
from registry.migrate import upgrade
from registry.services.backups.manifest import (
    DATABASE,
    FILES,
    KEYS,
    Held,
    Manifest,
    files_of,
    held,
    read,
)
from registry.services.fsck import Finding, Promise, fsck

SIGNER = f"{KEYS}/audit.key"


@dataclass(frozen=True)
class Verified:
    """A backup and what is wrong with it."""

    manifest: Manifest
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether it can be restored."""
        return not self.findings


def verify(folder: Path) -> Verified:
    """Hold a backup's files to its manifest, and its rows, entries and files to each other.

    :raises InvalidInput: the folder is no backup.
    :raises Unavailable: it was made by a newer version of the product.
    """
    manifest = read(folder)
    findings = tuple(_changed(folder, manifest))
    # Of rows whose files are not those that were copied nothing need be told.
    return Verified(manifest, findings or tuple(_apart(folder)))


def _changed(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    named = {one.path: one for one in manifest.held}
    there = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
    for path in sorted(named.keys() | there.keys()):
        problem = _problem(folder, named.get(path), there.get(path))
        if problem is not None:
            yield Finding(Promise.WHOLE, path, problem)
    for needed in sorted({DATABASE, SIGNER} - named.keys()):
        yield Finding(Promise.WHOLE, needed, _GONE)


_GONE = Text("Het bestand ontbreekt.", "The file is missing.")


def _problem(folder: Path, wanted: Held | None, there: Path | None) -> Text | None:
    if wanted is None:
        return Text("Het manifest noemt dit bestand niet.", "The manifest does not name this file.")
    if there is None:
        return _GONE
    if held(folder, there) != wanted:
        return Text("De inhoud is veranderd.", "Its content has changed.")
    return None


def _apart(folder: Path) -> Iterator[Finding]:
    """What in the backup does not belong together."""
    try:
        key = SigningKey.parse((folder / SIGNER).read_text(encoding="utf-8")).verifier
    except MalformedNote as problem:
        yield Finding(Promise.SIGNED, SIGNER, problem.text)
        return
    with _opened(folder) as engine:
        heads = FileHeadStore(folder / KEYS / HEAD_FILE)
        yield from fsck(engine, LocalStore(folder / FILES), key, heads).findings


@contextmanager
def _opened(folder: Path) -> Iterator[Engine]:
    """The database of a backup, in the schema of this version; the backup stays as it is."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / DATABASE
        shutil.copyfile(folder / DATABASE, copy)
        engine = open_engine(f"sqlite:///{copy}")
        try:
            upgrade(engine)
            yield engine
        finally:
            engine.dispose()
