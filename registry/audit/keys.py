"""Signing keys: made at the first start, kept in files that only the service reads."""

import os
import secrets
from pathlib import Path

from registry.audit.checkpoint import SigningKey
from registry.audit.heads import FileHeadStore, replace_durably
from registry.audit.quorum import WitnessPolicy
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
    return _opened(_key_file(settings, use), key_name(settings, use))


def open_next_signer(settings: Settings) -> SigningKey:
    """The key that is to follow the log's present one, under the same origin."""
    path, present = _key_file(settings, "audit.next"), open_signer(settings)
    if _opened(path, present.name) == present:
        path.unlink()  # a crash left it when it had taken its place
    return _opened(path, present.name)


def put_next_signer(settings: Settings, old: SigningKey) -> None:
    """Let the next key be the log's key; the old one is kept under its id."""
    present, kept = _key_file(settings, "audit"), f"audit.{old.verifier.key_id.hex()}"
    replace_durably(_key_file(settings, kept), (old.to_text() + "\n").encode())
    replace_durably(present, _key_file(settings, "audit.next").read_bytes())
    _key_file(settings, "audit.next").unlink()


def _key_file(settings: Settings, use: str) -> Path:
    return settings.home / "keys" / f"{use}.key"


def _opened(path: Path, name: str) -> SigningKey:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(path, SigningKey.generate(name).to_text() + "\n")
    return SigningKey.parse(path.read_text(encoding="utf-8"))


def open_secret(settings: Settings, use: str) -> bytes:
    """A secret of 32 random bytes for one use, made where there is none yet."""
    path = settings.home / "keys" / f"{use}.secret"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(path, secrets.token_hex(32) + "\n")
    return bytes.fromhex(path.read_text(encoding="utf-8").strip())


def open_head_store(settings: Settings) -> FileHeadStore:
    """The second head store of this service, beside its keys and outside its database."""
    return FileHeadStore(settings.home / "keys" / HEAD_FILE)


def open_witness_policy(settings: Settings) -> WitnessPolicy | None:
    """Who must witness the log, where a setting names the file that says so.

    :raises MalformedPolicy: the file is no witness policy.
    """
    if settings.witness_policy is None:
        return None
    return WitnessPolicy.parse(settings.witness_policy.read_text(encoding="utf-8"))


def write_once(path: Path, text: str) -> None:
    """Write a file that must not change once it is there; of several writers one wins."""
    # Two processes may start at once: both write a key, the first link wins, both then read it.
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    replace_durably(fresh, text.encode())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
