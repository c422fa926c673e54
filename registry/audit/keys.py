"""Signing keys: made at the first start, kept in files that only the service reads."""

import os
import secrets
from pathlib import Path

from registry.audit.checkpoint import SigningKey
from registry.audit.heads import FileHeadStore, replace_durably
from registry.settings import Settings

HEAD_FILE = "audit.head"


def key_name(settings: Settings, use: str = "audit") -> str:
    """The name of a new key: the service's address without scheme, its use and ``v1``.

    For the log this is its origin, as C2SP tlog-tiles recommends.
    """
    return f"{settings.origin.split('://', 1)[1]}/{use}/v1"


def open_signer(settings: Settings, use: str = "audit") -> SigningKey:
    """The key for one use, made under ``keys`` in the home folder where there is none yet.

    Each use has a key of its own: what the log's key signs must be a checkpoint and nothing else.
    The name in the file stands for good: moving the service to another address does not change it,
    nor with it the log's origin.
    """
    path = settings.home / "keys" / f"{use}.key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, SigningKey.generate(key_name(settings, use)).to_text() + "\n")
    return SigningKey.parse(path.read_text(encoding="utf-8"))


def open_secret(settings: Settings, use: str) -> bytes:
    """A secret of 32 random bytes for one use, made where there is none yet."""
    path = settings.home / "keys" / f"{use}.secret"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, secrets.token_hex(32) + "\n")
    return bytes.fromhex(path.read_text(encoding="utf-8").strip())


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
