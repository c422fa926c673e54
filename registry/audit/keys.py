"""The log's signing key: made at the first start, kept in a file that only the service reads."""

import os
from pathlib import Path

from registry.audit.checkpoint import SigningKey
from registry.audit.heads import FileHeadStore, replace_durably
from registry.settings import Settings

KEY_FILE = "audit.key"
HEAD_FILE = "audit.head"


def log_origin(settings: Settings) -> str:
    """The name a new log gets: its address without scheme, as C2SP tlog-tiles asks."""
    return settings.origin.split("://", 1)[1] + "/audit/v1"


def open_signer(settings: Settings) -> SigningKey:
    """The log's key, made under ``keys`` in the home folder where there is none yet.

    The name in the file is the log's origin for good: moving the service to another address does
    not change it.
    """
    path = settings.home / "keys" / KEY_FILE
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, SigningKey.generate(log_origin(settings)).to_text() + "\n")
    return SigningKey.parse(path.read_text(encoding="utf-8"))


def open_head_store(settings: Settings) -> FileHeadStore:
    """The second head store of this service, beside its keys and outside its database."""
    return FileHeadStore(settings.home / "keys" / HEAD_FILE)


def _write_once(path: Path, text: str) -> None:
    # Two processes may start at once: both write a key, the first link wins, both then read it.
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    replace_durably(fresh, text.encode())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
