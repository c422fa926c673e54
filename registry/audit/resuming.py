"""Going on after a restore without a second history.

A restored log that went on by itself would sign other entries under indices that were signed
before. What an export taken later proves to have followed is therefore put back first, under its
own indices; the tree then has the root that was signed, and grows from there.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from registry.audit import lines, store
from registry.audit.acts import Act
from registry.audit.checkpoint import Checkpoint, TreeHead, VerifierKey, split_note
from registry.audit.entry import Entry
from registry.audit.heads import LogMismatch
from registry.audit.verification import verify_export
from registry.errors import Conflict, InvalidInput, Text


@dataclass(frozen=True)
class Later:
    """What a log was given back.

    :param first: index of the first entry, which is the size that the log had.
    :param count: how many entries.
    :param entries: those of the acts that the caller asked for, in order.
    """

    first: int
    count: int
    entries: tuple[Entry, ...]


def take_in(session: Session, key: VerifierKey, export: Path, acts: Collection[Act]) -> Later:
    """Put back the entries of an export that stand beyond the stored tree.

    The next :func:`registry.audit.log.integrate` after the caller's transaction signs the head
    again that was signed over them.

    :param key: of the log, as the restored key folder holds it.
    :raises InvalidInput: the file is no whole export of this log, or something in it was changed.
    :raises Conflict: the key was replaced in what it holds, so this one may sign no longer.
    :raises LogMismatch: what is stored and what it holds are two histories.
    """
    last, size = store.published(session, key.name), store.head(session, key.name).size
    keys = [key, *map(VerifierKey.parse, store.predecessors(session))]
    _refuse_unproven(export, keys, [last] if last else [])
    try:
        with export.open("rb") as file:
            return _put_back(session, file, key, size, acts)
    except IntegrityError:
        raise _two_histories() from None


def _refuse_unproven(export: Path, keys: list[VerifierKey], known: list[Checkpoint]) -> None:
    with export.open("rb") as file:
        found = verify_export(file, keys, known)
    if found.ok and found.archive is None:
        return
    nl, en = (" ".join(found.sentences(language)) for language in ("nl", "en"))
    raise InvalidInput(
        "export-unproven",
        Text(nl, en),
        Text(
            "Geef een export van het hele logboek (`vrijgave audit export`), van na de kopie.",
            "Give an export of the whole log (`vrijgave audit export`) from after the backup.",
        ),
    )


def _put_back(
    session: Session, file: BinaryIO, key: VerifierKey, size: int, acts: Collection[Act]
) -> Later:
    tiles, at = store.tiles(session), size
    kept: list[Entry] = []
    notes: list[str] = []
    bodies = _beyond(file, size, notes)
    while chunk := list(islice(bodies, store.WALK_ROWS)):
        entries = [Entry.from_bytes(body) for body in chunk]
        _refuse_successor(entries, key)
        leaves = store.put_back(session, at, zip(entries, chunk, strict=True))
        store.save_tiles(session, tiles.grow(at, leaves))
        at += len(chunk)
        kept += [entry for entry in entries if entry.act in acts]
    head = TreeHead(key.name, at, tiles.root(at))
    if head != TreeHead.parse(split_note(notes[-1])[0]):
        raise _two_histories()
    store.save_head(session, head)
    return Later(size, at - size, tuple(kept))


def _beyond(file: BinaryIO, size: int, notes: list[str]) -> Iterator[bytes]:
    """The bodies of a proven export's entries from that index on; its checkpoints go to `notes`."""
    for row in file:
        if not lines.is_leaf(row):
            found = lines.read_other(row)
            notes += [found] if isinstance(found, str) else []
            continue
        index, _, body = lines.read_leaf(row)
        if index >= size and body is not None:
            yield body


def _refuse_successor(entries: list[Entry], key: VerifierKey) -> None:
    for entry in entries:
        if entry.act == Act.KEY_ROTATED and entry.facts["previous_key"] == str(key):
            raise Conflict(
                "key-replaced",
                Text(
                    "De sleutel van het logboek is na deze reservekopie vervangen.",
                    "The log's key was replaced after this backup.",
                ),
                Text(
                    "Zet een reservekopie terug die na het vervangen is gemaakt.",
                    "Restore a backup that was made after that.",
                ),
            )


def _two_histories() -> LogMismatch:
    return LogMismatch(
        "De teruggezette database en de export hebben verschillende regels onder één nummer.",
        "The restored database and the export have different entries under one number.",
    )
