"""Reading and writing the tree's rows, for the sequencer, the check at the start and the proofs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, text
from sqlmodel import Session

from registry.audit.checkpoint import Checkpoint, TreeHead
from registry.audit.entry import Entry
from registry.audit.merkle import EMPTY_ROOT, leaf_hash
from registry.audit.tiles import WIDTH, Tiles
from registry.db import Statement, UtcDateTime

# PostgreSQL: one number for all sequencers of a database, held until the transaction ends. SQLite:
# the write lock, taken when the transaction began, is lock enough.
_LOCK = {
    "postgresql": text("SELECT pg_try_advisory_xact_lock(7021861246151)"),
    "sqlite": text("SELECT 1"),
}
_HEAD = text("SELECT size, root FROM audit_head WHERE id = 1")
_SAVE_HEAD = text(
    "INSERT INTO audit_head (id, size, root) VALUES (1, :size, :root)"
    " ON CONFLICT (id) DO UPDATE SET size = :size, root = :root"
)
_TILE = Statement("SELECT hashes FROM audit_tile WHERE level = :level AND number = :number")
_SAVE_TILE = text(
    "INSERT INTO audit_tile (level, number, hashes) VALUES (:level, :number, :hashes)"
    " ON CONFLICT (level, number) DO UPDATE SET hashes = :hashes"
)
_FIND = text("SELECT tree_index, body FROM audit_entry WHERE id = :id")
_CHECKPOINT = text("SELECT size, root, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
_SAVE_CHECKPOINT = text(
    "INSERT INTO audit_checkpoint (size, root, note, published_at)"
    " VALUES (:size, :root, :note, :published_at)"
).bindparams(bindparam("published_at", type_=UtcDateTime))
_NOTE = text("SELECT note FROM audit_checkpoint WHERE size = :size")
_COSIGN = text(
    "UPDATE audit_checkpoint SET note = :note, witnessed_at = coalesce(witnessed_at, :at)"
    " WHERE size = :size"
).bindparams(bindparam("at", type_=UtcDateTime))
_WITNESSED = text(
    "SELECT size, root, note FROM audit_checkpoint"
    " WHERE witnessed_at IS NOT NULL AND size > :index ORDER BY size DESC LIMIT 1"
)
_RETIRE = text("INSERT INTO audit_retired_key (verifier, entry) VALUES (:verifier, :entry)")
_RETIRED = text(
    "SELECT until, tree_index FROM audit_retired_key JOIN audit_entry ON id = entry"
    " WHERE verifier = :verifier"
)
_SIGNED_LAST = text("UPDATE audit_retired_key SET until = :until WHERE verifier = :verifier")
_LAST_OF = text("SELECT verifier FROM audit_retired_key WHERE until = :size")
_PREDECESSORS = text(
    "SELECT verifier FROM audit_retired_key WHERE until IS NOT NULL ORDER BY until DESC"
)
_PENDING = {
    # An act may commit after a later one: the index of what is pending knows.
    "postgresql": text(
        "SELECT position, id, stream, number, body, leaf_hash FROM audit_entry"
        " WHERE tree_index IS NULL ORDER BY position LIMIT :limit"
    ),
    "sqlite": text(
        "SELECT position, id, stream, number, body, leaf_hash FROM audit_entry"
        " WHERE tree_index IS NULL AND position > coalesce((SELECT position FROM audit_entry"
        " WHERE tree_index IS NOT NULL ORDER BY tree_index DESC LIMIT 1), 0)"
        " ORDER BY position LIMIT :limit"
    ),
}
_PLACE = Statement("UPDATE audit_entry SET tree_index = :tree_index WHERE position = :position")
_PUT_BACK = Statement(
    "INSERT INTO audit_entry (id, stream, number, body, leaf_hash, tree_index)"
    " VALUES (:id, :stream, :number, :body, :leaf_hash, :tree_index)"
    " ON CONFLICT (id) DO UPDATE SET tree_index = excluded.tree_index"
)
_COUNT_ON = Statement(
    "INSERT INTO audit_stream (name, last) VALUES (:stream, :number) ON CONFLICT (name) DO UPDATE"
    " SET last = excluded.last WHERE audit_stream.last < excluded.last"
)
_INTEGRATED = text(
    "SELECT tree_index IS NOT NULL FROM audit_entry WHERE stream = :stream AND number = :number"
)
_WALK = text(
    "SELECT tree_index, id, stream, number, body, leaf_hash FROM audit_entry"
    " WHERE tree_index >= :first AND tree_index < :stop ORDER BY tree_index LIMIT :limit"
)
_LEAVES = Statement(
    "SELECT tree_index, stream, leaf_hash, body FROM audit_entry"
    " WHERE tree_index >= :first AND tree_index < :stop ORDER BY tree_index LIMIT :limit"
)
_CUTS = text(
    "SELECT size, note FROM audit_checkpoint WHERE size > :first AND (size IN"
    " (SELECT max(size) FROM audit_checkpoint WHERE size > :first GROUP BY size / :apart)"
    " OR size IN (SELECT until FROM audit_retired_key)) ORDER BY size"
)
_BEYOND = text("SELECT size, note FROM audit_checkpoint WHERE size > :index ORDER BY size LIMIT 1")
_STREAM = text("SELECT 1 FROM audit_stream WHERE name = :name")
_COUNTS = text(
    "SELECT name, last, count(number) FROM audit_stream"
    " LEFT JOIN audit_entry ON stream = name GROUP BY name, last ORDER BY name"
)
_ENDS = text(
    "SELECT name, last, (SELECT max(number) FROM audit_entry WHERE stream = name)"
    " FROM audit_stream ORDER BY name"
)
WALK_ROWS = 4096


def lock(session: Session) -> bool:
    """Become the one sequencer until the transaction ends; whether that was possible."""
    return bool(session.scalar(_LOCK[session.get_bind().dialect.name]))


def head(session: Session, origin: str) -> TreeHead:
    """The tree that the rows hold."""
    row = session.execute(_HEAD).one_or_none()
    return TreeHead(origin, 0, EMPTY_ROOT) if row is None else TreeHead(origin, *row)


def save_head(session: Session, new: TreeHead) -> None:
    """Let the rows hold this tree."""
    session.execute(_SAVE_HEAD, {"size": new.size, "root": new.root})


def tiles(session: Session) -> Tiles:
    """The tree's tiles as stored."""

    def load(level: int, number: int) -> bytes:
        row = _TILE.row(session, {"level": level, "number": number})
        return row[0] if row else b""

    return Tiles(load)


def hash_tile(session: Session, level: int, number: int, width: int) -> bytes | None:
    """Hashes of a tile under the checkpoint published last; ``None`` where it has fewer."""
    last = published(session, "")
    under = ((last.size if last else 0) >> 8 * level) - number * WIDTH
    if width > under:
        return None
    return tiles(session).hashes(level, number, 0, width)


def entry_bundle(session: Session, number: int, width: int) -> bytes | None:
    """The entries of a level-0 tile, each after its length; ``None`` where there are fewer."""
    last = published(session, "")
    first = number * WIDTH
    if first + width > (last.size if last else 0):
        return None
    bodies = [row.body for row in walk(session, first, first + width)]
    return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)


def save_tiles(session: Session, changed: Mapping[tuple[int, int], bytes]) -> None:
    """Store new and grown tiles."""
    rows = [
        {"level": level, "number": number, "hashes": hashes}
        for (level, number), hashes in changed.items()
    ]
    session.execute(_SAVE_TILE, rows)


def published(session: Session, origin: str) -> Checkpoint | None:
    """The checkpoint published last."""
    row = session.execute(_CHECKPOINT).one_or_none()
    return None if row is None else Checkpoint(TreeHead(origin, row.size, row.root), row.note)


def publish(session: Session, checkpoint: Checkpoint, at: datetime) -> None:
    """Make a checkpoint the one that everybody sees."""
    row = {"size": checkpoint.size, "root": checkpoint.root, "note": checkpoint.note}
    session.execute(_SAVE_CHECKPOINT, {**row, "published_at": at})


def note_of(session: Session, size: int) -> str:
    """The note of a published checkpoint, with the cosignatures it has by now."""
    note: str = session.execute(_NOTE, {"size": size}).scalar_one()
    return note


def cosign(session: Session, size: int, note: str, witnessed_at: datetime | None) -> None:
    """Keep a checkpoint's note with more cosignatures, and since when they are enough."""
    session.execute(_COSIGN, {"size": size, "note": note, "at": witnessed_at})


def witnessed(session: Session, origin: str, index: int) -> Checkpoint | None:
    """The newest checkpoint over an index that enough witnesses have cosigned."""
    row = session.execute(_WITNESSED, {"index": index}).one_or_none()
    return None if row is None else Checkpoint(TreeHead(origin, row.size, row.root), row.note)


def retire(session: Session, verifier: str, entry: str) -> None:
    """Note that this entry names the key's successor."""
    session.execute(_RETIRE, {"verifier": verifier, "entry": entry})


def retired(session: Session, verifier: str) -> tuple[int | None, int | None] | None:
    """Of a key with a successor: the last size it signed, and where the entry says so stands."""
    row = session.execute(_RETIRED, {"verifier": verifier}).one_or_none()
    return None if row is None else (row.until, row.tree_index)


def sign_last(session: Session, verifier: str, size: int) -> None:
    """Note the last checkpoint that a key with a successor signs."""
    session.execute(_SIGNED_LAST, {"verifier": verifier, "until": size})


def last_of(session: Session, size: int) -> str | None:
    """The key whose last checkpoint was the one of this size, if one's was."""
    verifier: str | None = session.scalar(_LAST_OF, {"size": size})
    return verifier


def predecessors(session: Session) -> list[str]:
    """The keys that signed before, the latest first."""
    return list(session.execute(_PREDECESSORS).scalars())


def pending(session: Session, limit: int) -> list[Row[Any]]:
    """Entries that are committed and not in the tree yet, in order of writing."""
    query = _PENDING[session.get_bind().dialect.name]
    return list(session.execute(query, {"limit": limit}))


def place(session: Session, rows: list[Row[Any]], first: int) -> None:
    """Give the entries their indices, from ``first`` on."""
    places = [{"tree_index": first + at, "position": row.position} for at, row in enumerate(rows)]
    _PLACE.run_each(session, places)


def put_back(session: Session, first: int, found: Iterable[tuple[Entry, bytes]]) -> Sequence[bytes]:
    """Store entries under their indices, from ``first`` on; the leaf hashes of their bytes.

    Those that were waiting for an index get it.
    """
    rows: list[dict[str, Any]] = [
        {
            "id": entry.id,
            "stream": entry.archive,
            "number": entry.number,
            "body": body,
            "leaf_hash": leaf_hash(body),
            "tree_index": index,
        }
        for index, (entry, body) in enumerate(found, first)
    ]
    _PUT_BACK.run_each(session, rows)
    _COUNT_ON.run_each(
        session, [{"stream": row["stream"], "number": row["number"]} for row in rows]
    )
    return [row["leaf_hash"] for row in rows]


def is_integrated(session: Session, stream: str, number: int) -> bool:
    """Whether the stream's entry of that number is in the tree."""
    return bool(session.scalar(_INTEGRATED, {"stream": stream, "number": number}))


def walk(session: Session, first: int, stop: int) -> Iterator[Row[Any]]:
    """The entries in the tree from index ``first`` up to ``stop``, as they are stored."""
    while rows := session.execute(_WALK, {"first": first, "stop": stop, "limit": WALK_ROWS}).all():
        yield from rows
        first = rows[-1].tree_index + 1


def leaves(
    session: Session, first: int, stop: int
) -> Iterator[list[tuple[int, str, bytes, bytes]]]:
    """Index, stream, leaf hash and bytes of the entries in the tree, in runs of some thousands."""
    while rows := _LEAVES.rows(session, {"first": first, "stop": stop, "limit": WALK_ROWS}):
        yield rows
        first = rows[-1][0] + 1


def counts(session: Session) -> list[tuple[str, int, int]]:
    """Of every stream: its name, the last number given and how many entries it has."""
    return [(row[0], row[1], row[2]) for row in session.execute(_COUNTS)]


def ends(session: Session) -> list[tuple[str, int, int | None]]:
    """Of every stream: its name, the last number given and the highest that an entry has."""
    return [(row[0], row[1], row[2]) for row in session.execute(_ENDS)]


def find(session: Session, entry_id: str) -> Row[Any] | None:
    """Tree index and bytes of an entry; ``None`` where there is none of that id."""
    return session.execute(_FIND, {"id": entry_id}).one_or_none()


def checkpoints(session: Session, first: int, apart: int) -> dict[int, str]:
    """Published notes by size, from beyond ``first``: the last one, and one each ``apart``.

    Also those with which one key handed over to the next.
    """
    return {row.size: row.note for row in session.execute(_CUTS, {"first": first, "apart": apart})}


def checkpoint_beyond(session: Session, index: int) -> dict[int, str]:
    """The first published note that covers the leaf of this index, by its size."""
    return {row.size: row.note for row in session.execute(_BEYOND, {"index": index})}


def has_stream(session: Session, name: str) -> bool:
    """Whether any entry was ever written for this archive."""
    return session.scalar(_STREAM, {"name": name}) is not None
