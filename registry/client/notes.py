"""Signed notes (C2SP signed-note, Ed25519) as a reader checks them."""

import base64
import binascii
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from registry.client.errors import NotVerified

_ED25519 = b"\x01"


def open_note(note: str, verifier_key: str) -> str:
    """The text that the key (`name+id+base64`) signed; `NotVerified` when it did not."""
    name, public = _parse_key(verifier_key)
    key_id = sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]
    text, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise NotVerified("the manifest is not a signed note")
    signed = text + "\n"
    for line in tail.splitlines():
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—" or parts[1] != name:
            continue
        blob = _decode(parts[2])
        if blob[:4] == key_id and _signed_by(public, blob[4:], signed.encode()):
            return signed
    raise NotVerified(
        f"the manifest is not signed with the key of {name}",
        "Do not use the files; ask the archive for the service's key by another way.",
    )


def _signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parse_key(text: str) -> tuple[str, bytes]:
    name, _, rest = text.strip().partition("+")
    data = _decode(rest.partition("+")[2])
    if not name or len(data) != 33 or data[:1] != _ED25519:
        raise NotVerified("the service's key is not of the form name+id+base64")
    return name, data[1:]


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
