"""Taking proof out of the service: receipts, and exports that anyone can check offline."""

from dataclasses import dataclass
from typing import BinaryIO

from sqlmodel import Session

from registry.audit import lines, store
from registry.audit.checkpoint import VerifierKey
from registry.audit.merkle import cover, inclusion_path
from registry.audit.receipts import Receipt
from registry.errors import NotFound, Text

CHECKPOINTS_APART = 8192
"""An export holds the last checkpoint, and one of every so many entries before it."""


def receipt(session: Session, entry_id: str) -> str | None:
    """The tlog-proof of an entry; ``None`` until a checkpoint covers it.

    The checkpoint is the newest that enough witnesses have cosigned; where there is none of that
    kind over the entry, the one published last.

    :raises NotFound: there is no entry of this id.
    """
    row = store.find(session, entry_id)
    if row is None:
        raise NotFound(
            "no-such-entry",
            Text("Er is geen auditregel met dit nummer.", "There is no audit entry of this id."),
        )
    last = store.published(session, "")
    if last is None or row.tree_index is None or row.tree_index >= last.size:
        return None
    last = store.witnessed(session, "", row.tree_index) or last
    path = inclusion_path(row.tree_index, last.size, store.tiles(session).node)
    return Receipt(row.tree_index, tuple(path), last.note, row.body).to_text()


@dataclass(frozen=True)
class Exported:
    """What went into an export.

    :param first: index of the first leaf.
    :param size: size of the tree under its last checkpoint.
    :param entries: entries written in full; the other leaves are there as hashes.
    """

    first: int
    size: int
    entries: int
    checkpoints: int


def export(
    session: Session,
    out: BinaryIO,
    key: VerifierKey,
    *,
    archive: str | None = None,
    first: int = 0,
    beyond: int | None = None,
) -> Exported:
    """Write an export in the form of FORMAT.md section 4, up to the last published checkpoint.

    :param out: where to; written line by line, so that memory stays flat.
    :param archive: only this archive's entries in full, all others as hashes alone.
    :param first: index to begin at; the tree before it stands as a few hashes.
    :param beyond: end at the first checkpoint that covers the leaf of this index.
    :raises NotFound: nothing has been published beyond ``first`` yet.
    """
    notes = (
        store.checkpoints(session, first, CHECKPOINTS_APART)
        if beyond is None
        else store.checkpoint_beyond(session, beyond)
    )
    if not notes:
        raise NotFound(
            "nothing-published",
            Text(
                f"Er is nog geen controlepunt na regel {first}.",
                f"There is no checkpoint beyond entry {first} yet.",
            ),
        )
    size = max(notes)
    tiles = store.tiles(session)
    nodes = [tiles.node(height, index) for height, index in cover(0, first)]
    out.write(lines.header(key, archive, first, nodes))
    entries = 0
    for run in store.leaves(session, first, size):
        written = []
        for index, stream, leaf_hash, body in run:
            shown = archive is None or stream == archive
            entries += shown
            written.append(lines.leaf(index, leaf_hash, body if shown else None))
            if index + 1 in notes:
                written.append(lines.checkpoint(notes[index + 1]))
        out.write(b"".join(written))
    out.write(lines.end(entries, size - first, len(notes)))
    return Exported(first, size, entries, len(notes))
