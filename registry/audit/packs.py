"""Evidence packs: what belongs to one agreement or case in one ZIP file, signed, checked offline.

FORMAT.md section 5.1. The index names every other file with its SHA-256; the note signs the index
with the service's manifest key; receipts in the pack prove their entries with the log's key.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from registry.audit.checkpoint import MalformedNote, UntrustedNote, VerifierKey, open_note
from registry.audit.receipts import verify_receipt
from registry.audit.zips import damage_told_as
from registry.errors import Text

FORM = "vrijgave/evidence-pack@v1"
INDEX, NOTE, RECEIPTS = "index.json", "index.note", "receipts/"
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes of one file of a pack; a reader refuses larger ones before it unpacks them."""


def signed_text(name: str, index: bytes) -> str:
    """What the note signs: key name, form, and the SHA-256 of the index's bytes."""
    return f"{name}\n{FORM}\nsha256:{hashlib.sha256(index).hexdigest()}\n"


def is_pack(file: Path) -> bool:
    """Whether a ZIP file says that it is an evidence pack."""
    try:
        with zipfile.ZipFile(file) as pack:
            return INDEX in pack.namelist()
    except zipfile.BadZipFile:
        return False


def verify_pack(file: Path, keys: Sequence[VerifierKey]) -> tuple[bool, list[Text]]:
    """Check a pack; whether all is as it was signed, and sentences that say what was checked.

    :raises MalformedNote: it is no pack.
    :raises UntrustedNote: the index is not signed with a given key.
    """
    with damage_told_as(_no_pack), zipfile.ZipFile(file) as pack:
        index = _signed_index(pack, keys)
        return _verify(pack, index, keys)


def _no_pack() -> MalformedNote:
    return MalformedNote(
        f"Dit is geen bewijspakket ({FORM}).", f"This is no evidence pack ({FORM})."
    )


def _signed_index(pack: zipfile.ZipFile, keys: Sequence[VerifierKey]) -> dict[str, Any]:
    content, note = _read(pack, INDEX), _read(pack, NOTE).decode()
    signed = open_note(note, keys)
    if signed != signed_text(signed.partition("\n")[0], content):
        raise UntrustedNote(
            "De inhoudsopgave is niet die welke ondertekend is.",
            "The index is not the one that was signed.",
        )
    index: dict[str, Any] = json.loads(content)
    return index


def _read(pack: zipfile.ZipFile, name: str) -> bytes:
    info = pack.getinfo(name)
    if info.file_size > LARGEST_FILE:
        raise ValueError(name)
    return pack.read(info)


def _verify(
    pack: zipfile.ZipFile, index: dict[str, Any], keys: Sequence[VerifierKey]
) -> tuple[bool, list[Text]]:
    stated: dict[str, str] = index["files"]
    there = [name for name in pack.namelist() if name not in {INDEX, NOTE}]
    wrong = sorted(set(stated) ^ set(there) | {name for name in there if there.count(name) > 1})
    for name in sorted(set(stated) & set(there)):
        content = _read(pack, name)
        if hashlib.sha256(content).hexdigest() != stated[name]:
            wrong.append(name)
        elif name.startswith(RECEIPTS):
            verify_receipt(content.decode(), keys)
    receipts = sum(name.startswith(RECEIPTS) for name in stated)
    told = [
        Text(
            f"Pakket van {index['about']}: {len(stated)} bestanden en {receipts} ontvangstbewijzen"
            " bekeken.",
            f"Pack of {index['about']}: {len(stated)} files and {receipts} receipts checked.",
        )
    ]
    told += [
        Text(f"`{name}` is niet wat ondertekend is.", f"`{name}` is not what was signed.")
        for name in wrong
    ]
    verdict = Text("NIET in orde.", "NOT good.") if wrong else Text("In orde.", "Good.")
    return not wrong, [*told, verdict]
