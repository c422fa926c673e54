"""What an operator takes out of the service: exports, checkpoints and receipts, as files."""

import os
from pathlib import Path

from sqlalchemy import Engine

from registry.audit import store
from registry.audit.acts import Act
from registry.audit.checkpoint import VerifierKey
from registry.audit.exporting import Exported, export, receipt
from registry.audit.keys import (
    open_head_store,
    open_next_signer,
    open_signer,
    put_next_signer,
)
from registry.audit.lines import FORM
from registry.audit.log import append
from registry.audit.sequencing import integrate
from registry.clock import system_clock
from registry.db import reading, transaction
from registry.errors import Conflict, NotFound, Text
from registry.settings import Settings


def take_export(
    settings: Settings, engine: Engine, out: Path, archive: str | None, first: int
) -> Exported:
    """Record the export, then write it; the file is whole or absent.

    The record is the last entry of the archive's stream in the export, and its number says how many
    came before it: an entry kept back at the end would leave a gap.

    :raises Conflict: the file exists already.
    :raises NotFound: no act of this archive has been recorded.
    """
    if out.exists():
        raise Conflict(
            "file-exists",
            Text(f"Het bestand `{out}` bestaat al.", f"The file `{out}` exists already."),
            Text("Kies een andere naam.", "Choose another name."),
        )
    at = system_clock()
    with transaction(engine) as session:
        if archive is not None and not store.has_stream(session, archive):
            raise NotFound(
                "no-such-archive",
                Text(
                    f"Er is niets vastgelegd van een archief `{archive}`.",
                    f"Nothing is recorded of an archive `{archive}`.",
                ),
                Text("Geef het id van de organisatie.", "Give the organisation's id."),
            )
        recorded = append(
            session,
            Act.AUDIT_EXPORTED,
            at=at,
            archive=archive,
            actor=None,
            organisation=None,
            ids={},
            facts={"format": FORM, "kind": "archive" if archive else "whole"},
        )
    take_receipt(settings, engine, recorded)
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file, reading(engine) as session:
            made = export(
                session, file, open_signer(settings).verifier, archive=archive, first=first
            )
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return made


def publish_all(settings: Settings, engine: Engine) -> None:
    """Bring everything committed into the tree."""
    signer, heads = open_signer(settings), open_head_store(settings)
    while integrate(engine, signer, heads, system_clock()) is not None:
        pass


def last_note(settings: Settings, engine: Engine) -> str:
    """The checkpoint published last, as a signed note.

    :raises NotFound: nothing has been recorded yet.
    """
    publish_all(settings, engine)
    with reading(engine) as session:
        last = store.published(session, open_signer(settings).name)
    if last is None:
        raise NotFound(
            "nothing-published",
            Text("Het auditlogboek is nog leeg.", "The audit log is still empty."),
        )
    return last.note


def take_receipt(settings: Settings, engine: Engine, entry_id: str) -> str:
    """The receipt of one entry, which is brought into the tree first where it is not yet.

    :raises NotFound: there is no entry of this id.
    """
    text = None
    while text is None:
        publish_all(settings, engine)  # on PostgreSQL another sequencer may be at it just now
        with reading(engine) as session:
            text = receipt(session, entry_id)
    return text


def rotate_key(settings: Settings, engine: Engine) -> VerifierKey:
    """Replace the log's key: the log names the new one, and the old signs that.

    Every step can be repeated: a rotation that a crash cut off is finished by the next call. The
    service's processes stop serving until they are started anew with the new key.
    """
    old, new = open_signer(settings), open_next_signer(settings)
    _record_rotation(engine, old.verifier, new.verifier)
    while not _has_signed_last(engine, old.verifier):
        integrate(engine, old, open_head_store(settings), system_clock())
    put_next_signer(settings, old)
    return new.verifier


def _record_rotation(engine: Engine, old: VerifierKey, new: VerifierKey) -> None:
    with transaction(engine) as session:
        if store.retired(session, str(old)) is not None:
            return
        recorded = append(
            session,
            Act.KEY_ROTATED,
            at=system_clock(),
            archive=None,
            actor=None,
            organisation=None,
            ids={},
            facts={"key": str(new), "previous_key": str(old)},
        )
        store.retire(session, str(old), recorded)


def _has_signed_last(engine: Engine, key: VerifierKey) -> bool:
    with reading(engine) as session:
        found = store.retired(session, str(key))
    return found is not None and found[0] is not None


def former_keys(engine: Engine) -> list[str]:
    """The verifier keys with which the log signed before, the latest first."""
    with reading(engine) as session:
        return store.predecessors(session)
