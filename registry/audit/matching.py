"""Holding what is stored to what was signed; every difference is a :class:`LogMismatch`.

:func:`check_log` is what the service runs before it starts to serve.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Engine, Row
from sqlmodel import Session

from registry.audit import store
from registry.audit.checkpoint import Checkpoint, TreeHead, VerifierKey, open_checkpoint
from registry.audit.entry import Entry, MalformedEntry
from registry.audit.heads import HeadStore, LogMismatch
from registry.audit.merkle import EMPTY_ROOT, consistency_path, leaf_hash, verify_consistency
from registry.audit.tiles import WIDTH, MissingTileError, Tiles
from registry.db import snapshot
from registry.errors import InvalidInput, Text

TAIL = 8192
"""Entries that the quick check looks at; a whole number of tiles."""


def check_log(
    engine: Engine, key: VerifierKey, heads: HeadStore, *, quick: bool = False
) -> Checkpoint | None:
    """Check the log as it is stored; the checkpoint published last.

    Every entry is hashed again, every number counted, every tile and root recomputed, and the
    result held to the last checkpoint and to the second head store.

    The quick check does the same for the last :data:`TAIL` entries, and holds head, root,
    signature and second store as the whole one does, so that nothing is ever signed on top of
    another tree. An older entry that was changed in its place it leaves to the whole check, and to
    every receipt and export, in which it is found as well. A publication that a crash cut
    off is no fault: the next :func:`registry.audit.log.integrate` finishes it.

    :raises LogMismatch: something does not match; the service must not start.
    """
    with snapshot(engine) as session:
        head, last, stands = _settled(session, key.name, heads)
        refuse_other_history(head, last, stands)
        _refuse_other_signature(session, last, key)
        refuse_rewriting(store.tiles(session), last.head if last else empty(key.name), head)
        first = max(0, head.size - TAIL) // WIDTH * WIDTH if quick else 0
        try:
            _refuse_other_entries(session, head, first)
        except MissingTileError:
            raise _broken_tree(head) from None
        _refuse_lost_entries(session, whole=not first)
    return last


def _settled(
    session: Session, origin: str, heads: HeadStore
) -> tuple[TreeHead, Checkpoint | None, TreeHead | None]:
    """Both stores as of one moment, though another process may be publishing."""
    while True:
        stands = heads.load()
        head, last = store.head(session, origin), store.published(session, origin)
        if heads.load() == stands:
            return head, last, stands
        session.rollback()


def empty(origin: str) -> TreeHead:
    """The head of a log without entries."""
    return TreeHead(origin, 0, EMPTY_ROOT)


def refuse_other_history(head: TreeHead, last: Checkpoint | None, stands: TreeHead | None) -> None:
    """Hold the rows' head to the second store, which may lag by the head not yet published.

    :param last: the checkpoint published last.
    :param stands: what the second store holds.
    """
    before = last.head if last else empty(head.origin)
    if head.size <= before.size and head != before:
        raise LogMismatch(
            f"De database heeft een boom van {head.size} regels die zo niet ondertekend is.",
            f"The database has a tree of {head.size} entries that was not signed so.",
        )
    if stands is None and before.size:
        raise LogMismatch(
            f"De database heeft {head.size} regels, maar de laatst ondertekende kop ontbreekt.",
            f"The database has {head.size} entries, but the head signed last is missing.",
        )
    if stands not in (None, before, head):
        raise LogMismatch(
            f"De database heeft een logboek `{head.origin}` van {head.size} regels (wortel"
            f" {head.root.hex()[:8]}); het laatst is `{stands.origin}` van {stands.size} regels"
            f" ondertekend (wortel {stands.root.hex()[:8]}).",
            f"The database has a log `{head.origin}` of {head.size} entries (root"
            f" {head.root.hex()[:8]}); what was signed last is `{stands.origin}` of {stands.size}"
            f" entries (root {stands.root.hex()[:8]}).",
        )


def refuse_rewriting(tiles: Tiles, before: TreeHead, head: TreeHead) -> None:
    """Hold the stored tree to a head's root, and that head to the one it must extend."""
    try:
        same = tiles.root(head.size) == head.root
        if before.size:
            path = consistency_path(before.size, head.size, tiles.node)
            same &= verify_consistency(before.size, before.root, head.size, head.root, path)
    except MissingTileError:
        same = False
    if not same:
        raise _broken_tree(head)


def _broken_tree(head: TreeHead) -> LogMismatch:
    return LogMismatch(
        f"De opgeslagen boom geeft niet de wortel van de kop van {head.size} regels.",
        f"The stored tree does not give the root of the head of {head.size} entries.",
    )


def checked_leaves(rows: Sequence[Row[Any]]) -> list[bytes]:
    """Leaf hashes made anew from the stored bytes, each compared with what the row says."""
    leaves = []
    for row in rows:
        leaf = leaf_hash(row.body)
        try:
            entry = Entry.from_bytes(row.body)
        except MalformedEntry as problem:
            raise _changed(row, problem.problem) from None
        stated = (entry.id, entry.archive, entry.number, leaf)
        if stated != (row.id, row.stream, row.number, row.leaf_hash):
            raise _changed(row, Text("id, archief, nummer of hash", "id, archive, number or hash"))
        leaves.append(leaf)
    return leaves


def _changed(row: Row[Any], what: Text) -> LogMismatch:
    which = f"{row.id} ({row.stream} {row.number})"
    return LogMismatch(
        f"Auditregel {which} is gewijzigd na het schrijven ({what.nl}).",
        f"Audit entry {which} was changed after writing ({what.en}).",
    )


def missing(stream: str, number: int) -> LogMismatch:
    """The alarm that an entry which was written is not there any more."""
    return LogMismatch(
        f"Auditregel {number} van `{stream}` ontbreekt.",
        f"Audit entry {number} of `{stream}` is missing.",
    )


def _refuse_other_signature(session: Session, last: Checkpoint | None, key: VerifierKey) -> None:
    if last is None:
        return
    before = store.last_of(session, last.size)
    try:
        signed = open_checkpoint(last.note, [VerifierKey.parse(before) if before else key]).head
    except InvalidInput as problem:
        raise LogMismatch(
            f"Het laatste controlepunt is niet van deze sleutel. {problem.text.nl}",
            f"The last checkpoint is not of this key. {problem.text.en}",
        ) from None
    if signed != last.head:
        raise LogMismatch(
            f"Het controlepunt van {last.size} regels zegt iets anders dan is opgeslagen.",
            f"The checkpoint of {last.size} entries says something else than is stored.",
        )


def _refuse_other_entries(session: Session, head: TreeHead, first: int) -> None:
    stored = store.tiles(session)
    fresh = store.tiles(session) if first else Tiles(lambda _level, _number: b"")
    size = first
    numbers: dict[str, int] = {}
    for rows in _chunks(store.walk(session, first, head.size)):
        for at, row in enumerate(rows, size):
            if row.tree_index != at:
                raise _hole(at)
            due = numbers.get(row.stream, row.number - 1 if first else 0) + 1
            if row.number != due:
                raise missing(row.stream, due)
            numbers[row.stream] = row.number
        changed = fresh.grow(size, checked_leaves(rows))
        size += len(rows)
        _refuse_other_tiles(stored, changed)
        fresh.forget_full()
    if size != head.size:
        raise _hole(size)


def _chunks(rows: Iterator[Row[Any]]) -> Iterator[list[Row[Any]]]:
    while chunk := list(islice(rows, store.WALK_ROWS)):
        yield chunk


def _hole(index: int) -> LogMismatch:
    return LogMismatch(
        f"De regel met nummer {index} in de boom ontbreekt.",
        f"The entry at index {index} of the tree is missing.",
    )


def _refuse_other_tiles(stored: Tiles, changed: dict[tuple[int, int], bytes]) -> None:
    for (level, number), hashes in changed.items():
        if stored.hashes(level, number, 0, len(hashes) // 32) != hashes:
            raise LogMismatch(
                f"Tegel {level}/{number} van de boom volgt niet uit de regels.",
                f"Tile {level}/{number} of the tree does not follow from the entries.",
            )
    stored.forget_full()


def _refuse_lost_entries(session: Session, *, whole: bool) -> None:
    for stream, last, highest in store.ends(session):
        if highest != last:
            raise missing(stream, last)
    for stream, last, count in store.counts(session) if whole else ():
        if count != last:
            raise missing(stream, last)
