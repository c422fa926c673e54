"""The mark of a restored service: it serves nothing until what came after its backup is known.

It stands beside the second head store, outside the database, so that a restore that was cut off is
marked as well.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from registry.audit.heads import replace_durably
from registry.errors import Text, Unavailable
from registry.settings import Settings


@dataclass(frozen=True)
class Restored:
    """What was restored.

    :param made_at: when its backup was made, as in the manifest.
    :param size: of the log's tree in it.
    :param root: of that tree, in hex.
    :param whole: whether everything was put back.
    """

    made_at: str
    size: int
    root: str
    whole: bool


def mark(settings: Settings, restored: Restored) -> None:
    """Let the service serve nothing from now on."""
    path = _path(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_durably(path, json.dumps(asdict(restored)).encode() + b"\n")


def marked(settings: Settings) -> Restored | None:
    """What was restored and not opened again since."""
    try:
        return Restored(**json.loads(_path(settings).read_bytes()))
    except FileNotFoundError:
        return None


def unmark(settings: Settings) -> None:
    """Let the service serve again."""
    _path(settings).unlink()


def refuse_restored(settings: Settings) -> None:
    """Raise where the service was restored and is not opened again."""
    found = marked(settings)
    if found is not None:
        raise Unavailable(
            "restored",
            Text(
                f"Deze dienst is teruggezet uit een reservekopie van {found.made_at}; wat daarna"
                " is ingetrokken, is hier nog niet bekend.",
                f"This service was restored from a backup of {found.made_at}; what was revoked"
                " after that is not known here yet.",
            ),
            Text(
                "Geef met `vrijgave reopen` een latere export van het logboek, of verklaar daarmee"
                " dat er niets later was.",
                "Give a later export of the log by `vrijgave reopen`, or state by it that there"
                " was nothing later.",
            ),
        )


def _path(settings: Settings) -> Path:
    return settings.home / "keys" / "restored.json"
