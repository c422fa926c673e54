"""The one sequencer: gives entries their place in the tree, and signs what has grown.

Three steps, each repeatable, so that a crash between any two is mended by the next run:

1. *stage*: in one transaction, give committed entries their indices, store the grown tiles and the
   new head. What late transactions commit meanwhile waits for the next run; nothing is skipped.
2. *exchange*: replace the previous head by the new one in the second head store.
3. *publish*: sign the head and store the checkpoint.

Only a head that stands in the second store is ever signed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row
from sqlmodel import Session

from registry.audit import store
from registry.audit.checkpoint import Checkpoint, SigningKey, TreeHead, sign_checkpoint
from registry.audit.heads import HeadStore, KeyReplacedError
from registry.audit.matching import (
    checked_leaves,
    empty,
    missing,
    refuse_other_history,
    refuse_rewriting,
)
from registry.db import transaction

BATCH = 10_000
"""Most entries integrated at once: bounds memory and how long writers wait."""


def integrate(
    engine: Engine, signer: SigningKey, heads: HeadStore, at: datetime
) -> Checkpoint | None:
    """Bring committed entries into the tree and publish a checkpoint.

    To be called every half second or sooner by one background task a service; several may call at
    once. ``None`` where there was nothing to do, or another sequencer is at work.

    :raises LogMismatch: what is stored is not what was signed: stop serving.
    """
    finished = _publish(engine, signer, heads, at)
    if not _stage(engine, signer.name):
        return finished
    return _publish(engine, signer, heads, at)


def _stage(engine: Engine, origin: str) -> bool:
    with transaction(engine) as session:
        mine = store.lock(session)
        head, last = store.head(session, origin), store.published(session, origin)
        rows = store.pending(session, BATCH)
        if not mine or not rows or head != (last.head if last else empty(origin)):
            return False
        leaves = checked_leaves(rows)
        _refuse_gaps(session, rows)
        tiles = store.tiles(session)
        refuse_rewriting(tiles, head, head)
        store.save_tiles(session, tiles.grow(head.size, leaves))
        store.place(session, rows, head.size)
        size = head.size + len(rows)
        store.save_head(session, TreeHead(origin, size, tiles.root(size)))
    return True


def _publish(
    engine: Engine, signer: SigningKey, heads: HeadStore, at: datetime
) -> Checkpoint | None:
    with transaction(engine) as session:
        mine = store.lock(session)
        head, last = store.head(session, signer.name), store.published(session, signer.name)
        before, stands = last.head if last else empty(signer.name), heads.load()
        if not mine or before == head == stands:
            return None
        refuse_other_history(head, last, stands)
        refuse_rewriting(store.tiles(session), before, head)
        if stands != head:
            heads.swap(stands, head)
        if head == before:
            return None
        _retire(session, str(signer.verifier), head.size)
        checkpoint = sign_checkpoint(head, signer)
        store.publish(session, checkpoint, at)
    return checkpoint


def _retire(session: Session, key: str, size: int) -> None:
    """Let a key with a successor sign once more, the first checkpoint over the entry saying so."""
    found = store.retired(session, key)
    if found is None:
        return
    until, index = found
    if until is not None:
        raise KeyReplacedError
    if index is not None and index < size:
        store.sign_last(session, key, size)


def _refuse_gaps(session: Session, rows: Sequence[Row[Any]]) -> None:
    due: dict[str, int] = {}
    for row in rows:
        expected = due.get(row.stream, row.number)
        if expected != row.number:
            raise missing(row.stream, expected)
        first = row.stream not in due and row.number > 1
        if first and not store.is_integrated(session, row.stream, row.number - 1):
            raise missing(row.stream, row.number - 1)
        due[row.stream] = row.number + 1
