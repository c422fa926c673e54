"""What a backup holds: a folder whose manifest names every file of it with size and hash."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, ValidationError

from connectors.local import sha256_of
from registry.audit.heads import replace_durably
from registry.errors import InvalidInput, Text

FORM: Final = "vrijgave/backup@v1"
MANIFEST = "manifest.json"
DATABASE = "database.sqlite"
KEYS = "keys"
FILES = "files"


class Held(BaseModel, frozen=True, extra="forbid"):
    """A file of a backup, by its path in the folder.

    :param bytes: its size.
    :param sha256: of its content, in hex.
    """

    path: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Manifest(BaseModel, frozen=True, extra="forbid"):
    """What a backup is of, and all that it holds.

    :param version: of the product that made it.
    :param step: last step of the schema that its database has.
    :param origin: of the log.
    :param size: of the log's tree under the checkpoint published last; ``root`` its root in hex.
    """

    form: Literal["vrijgave/backup@v1"] = FORM
    made_at: datetime
    version: str
    step: str
    origin: str
    size: int
    root: str
    held: tuple[Held, ...]


def held(folder: Path, path: Path) -> Held:
    """A file of the folder as it is now."""
    name = path.relative_to(folder).as_posix()
    return Held(path=name, bytes=path.stat().st_size, sha256=sha256_of(path))


def files_of(folder: Path) -> Iterator[Path]:
    """Every file of a backup but its manifest, sorted."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() != MANIFEST:
            yield path


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest: with it the backup is whole."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n"
    replace_durably(folder / MANIFEST, text.encode())


def read(folder: Path) -> Manifest:
    """The manifest of a backup.

    :raises InvalidInput: the folder is no backup, or one that was never finished.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        raise InvalidInput(
            "no-backup",
            Text(f"`{folder}` is geen reservekopie.", f"`{folder}` is no backup."),
            Text(
                "Noem de map die `vrijgave backup` heeft gemaakt, met `manifest.json` erin.",
                "Name the folder that `vrijgave backup` made, with `manifest.json` in it.",
            ),
        ) from None
