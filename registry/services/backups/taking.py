"""Taking a backup while the service runs.

Files never change under their name and stand before the rows that name them. So what stands in the
store is copied, then the database as of one moment, then what came meanwhile: every file that the
copied rows name is there, also one that the service removed in between.
"""

import os
import shutil
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

import registry
from connectors.errors import NoSuchObject
from connectors.local import LocalStore
from connectors.ports import ObjectStore
from registry.audit import store as rows
from registry.audit.acts import Act
from registry.audit.checkpoint import TreeHead
from registry.audit.heads import FileHeadStore, replace_durably
from registry.audit.keys import HEAD_FILE, open_head_store, open_signer
from registry.audit.sequencing import integrate
from registry.db import open_engine, reading, transaction
from registry.errors import Conflict, Text
from registry.migrate import stands_at
from registry.services.backups.copying import copy_out, settle
from registry.services.backups.manifest import (
    DATABASE,
    FILES,
    FORM,
    KEYS,
    Manifest,
    files_of,
    held,
    write,
)
from registry.services.noting import note
from registry.settings import Settings


def take(
    settings: Settings, engine: Engine, store: ObjectStore, folder: Path, *, at: datetime
) -> Manifest:
    """Record the backup, then make it; the folder is whole or absent.

    :raises Conflict: the folder exists already.
    """
    if folder.exists():
        raise Conflict(
            "folder-exists",
            Text(f"De map `{folder}` bestaat al.", f"The folder `{folder}` exists already."),
            Text("Kies een andere naam.", "Choose another name."),
        )
    with transaction(engine) as session:
        facts = {"format": FORM}
        note(session, Act.BACKUP_MADE, at=at, actor=None, archive=None, ids={}, facts=facts)
    integrate(engine, open_signer(settings), open_head_store(settings), at)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        partial.mkdir(mode=0o700, parents=True)
        manifest = _fill(partial, settings, engine, store, at)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _fill(
    folder: Path, settings: Settings, engine: Engine, store: ObjectStore, at: datetime
) -> Manifest:
    files, copied = LocalStore(folder / FILES), set[str]()
    _copy_files(store, files, copied)
    copy_out(engine, folder / DATABASE)
    _copy_files(store, files, copied)
    head, step = _copied_head(folder, open_signer(settings).name)
    _copy_keys(settings.home / KEYS, folder / KEYS, head)
    manifest = Manifest(
        made_at=at,
        version=registry.__version__,
        step=step,
        origin=head.origin,
        size=head.size,
        root=head.root.hex(),
        held=tuple(held(folder, path) for path in files_of(folder)),
    )
    write(folder, manifest)
    return manifest


def _copy_files(store: ObjectStore, files: LocalStore, copied: set[str]) -> None:
    for key in store.keys():  # noqa: SIM118 -- a store, which is no mapping
        if key not in copied:
            try:
                files.put(key, store.path(key))
            except NoSuchObject:
                continue  # removed since it was listed: no row names it any more
            copied.add(key)


def _copied_head(folder: Path, origin: str) -> tuple[TreeHead, str]:
    """The head that was published last in the copied rows, and the step of their schema."""
    copy = open_engine(f"sqlite:///{folder / DATABASE}")
    with reading(copy) as session:
        last = rows.published(session, origin)
        head = last.head if last else rows.head(session, origin)
    step = stands_at(copy)
    settle(copy)
    return head, step


def _copy_keys(source: Path, target: Path, head: TreeHead) -> None:
    """The keys, and the head of the copied rows: the service's own may be ahead of them by now."""
    target.mkdir(mode=0o700)
    for path in sorted(source.iterdir()):
        if path.suffix in {".key", ".secret"}:
            replace_durably(target / path.name, path.read_bytes())
    if head.size:
        FileHeadStore(target / HEAD_FILE).swap(None, head)
        (target / f"{HEAD_FILE}.lock").unlink()
