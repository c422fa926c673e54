"""Putting a backup back into an empty home, database and store."""

from pathlib import Path

from sqlalchemy import Engine

from connectors.local import LocalStore
from connectors.ports import ObjectStore
from registry.audit.heads import replace_durably
from registry.audit.log import check_log, open_head_store, open_signer
from registry.audit.restored import Restored, mark
from registry.errors import Conflict, InvalidInput, Text
from registry.services.backups.copying import copy_in, is_empty
from registry.services.backups.manifest import DATABASE, FILES, KEYS, Manifest
from registry.services.backups.verifying import verify
from registry.settings import Settings


def restore(settings: Settings, engine: Engine, store: ObjectStore, folder: Path) -> Manifest:
    """Put everything back; the service serves nothing until it is opened again.

    :param engine: on the database that the settings name, which is empty.
    :raises InvalidInput: the backup is not whole.
    :raises Conflict: there is a service here already.
    """
    manifest = _whole(folder)
    _refuse_occupied(settings, engine)
    made_at = manifest.made_at.isoformat(timespec="seconds")
    mark(settings, Restored(made_at, manifest.size, manifest.root, whole=False))
    _put_files(folder / FILES, store)
    copy_in(folder / DATABASE, engine, settings.home)
    for path in sorted((folder / KEYS).iterdir()):
        replace_durably(settings.home / KEYS / path.name, path.read_bytes())
    check_log(engine, open_signer(settings).verifier, open_head_store(settings), quick=True)
    mark(settings, Restored(made_at, manifest.size, manifest.root, whole=True))
    return manifest


def _whole(folder: Path) -> Manifest:
    found = verify(folder)
    if not found.ok:
        first = found.findings[0]
        raise InvalidInput(
            "backup-broken",
            Text(
                f"Deze reservekopie is niet heel: {first.subject}: {first.text.nl}",
                f"This backup is not whole: {first.subject}: {first.text.en}",
            ),
            Text("Neem een andere reservekopie.", "Take another backup."),
        )
    return found.manifest


def _refuse_occupied(settings: Settings, engine: Engine) -> None:
    keys = settings.home / KEYS
    if (keys.is_dir() and any(keys.iterdir())) or not is_empty(engine):
        raise Conflict(
            "not-empty",
            Text(
                "Hier staat al een dienst: er zijn sleutels, of rijen in de database.",
                "There is a service here already: it has keys, or rows in its database.",
            ),
            Text(
                "Zet terug in een lege map (VRIJGAVE_HOME) en een lege database.",
                "Restore into an empty folder (VRIJGAVE_HOME) and an empty database.",
            ),
        )


def _put_files(files: Path, store: ObjectStore) -> None:
    copied = LocalStore(files)
    for key in copied.keys():  # noqa: SIM118 -- a store, which is no mapping
        store.put(key, copied.path(key))
