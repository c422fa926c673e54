"""A witness of other parties' logs: C2SP tlog-witness, small enough for a partner archive to run.

It keeps one tree head a log and cosigns only what extends it. That is all its worth: so the head
is on the disk before the cosignature leaves, and two requests at once cannot both win.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.audit.checkpoint import (
    Checkpoint,
    MalformedNote,
    SigningKey,
    TreeHead,
    UntrustedNote,
    VerifierKey,
    decode,
    encode,
    open_checkpoint,
    split_note,
)
from registry.audit.merkle import EMPTY_ROOT, HASH_SIZE, verify_consistency

LARGEST_REQUEST = 65_536
MOST_PROOF_LINES = 63
TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


@dataclass(frozen=True)
class Answer:
    """What the witness says, as HTTP says it."""

    status: int
    body: str
    media_type: str = TEXT


@dataclass(frozen=True)
class Submission:
    """A checkpoint, and the proof that it extends the tree of size ``old``."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def to_text(self) -> str:
        """The body of an ``add-checkpoint`` request."""
        return "\n".join([f"old {self.old}", *map(encode, self.proof), "", self.note])

    @classmethod
    def parse(cls, text: str) -> "Submission":
        """Read :meth:`to_text` back; :class:`MalformedNote` if it is none."""
        top, blank, note = text.partition("\n\n")
        first, *proof = top.split("\n")
        word, _, old = first.partition(" ")
        good = blank and word == "old" and old.isascii() and old.isdigit() and len(old) < 20
        if not good or str(int(old)) != old or len(proof) > MOST_PROOF_LINES:
            raise _bad_submission()
        try:
            path = tuple(map(decode, proof))
        except ValueError:
            raise _bad_submission() from None
        if any(len(node) != HASH_SIZE for node in path):
            raise _bad_submission()
        return cls(int(old), path, note)


def _bad_submission() -> MalformedNote:
    return MalformedNote(
        "Dit is geen aangeboden controlepunt.", "This is no submission of a checkpoint."
    )


class Heads:
    """The last cosigned tree head of each log, in one SQLite file with full durability."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self.exchange() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS head"
                " (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL)"
            )

    @contextmanager
    def exchange(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other request can come between; committed where it ends well."""
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=10)
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()


class Witness:
    """Cosigns checkpoints of the logs it was given.

    :param logs: verifier keys of the logs; a log may have several, one after another.
    """

    def __init__(self, key: SigningKey, logs: Iterable[VerifierKey], heads: Heads) -> None:
        self._key, self._logs, self._heads = key, tuple(logs), heads

    def add_checkpoint(self, body: bytes, now: int) -> Answer:
        """Answer one ``add-checkpoint`` request.

        :param now: seconds since 1970, stated in the cosignature.
        """
        try:
            asked = Submission.parse(body.decode())
            head = TreeHead.parse(split_note(asked.note)[0])
        except (UnicodeDecodeError, MalformedNote):
            return Answer(400, "this is no submission of a checkpoint\n")
        if head.origin not in {key.name for key in self._logs}:
            return Answer(404, f"the log {head.origin} is not known here\n")
        try:
            checkpoint = open_checkpoint(asked.note, self._logs)
        except UntrustedNote:
            return Answer(403, f"this is not signed with a known key of {head.origin}\n")
        if asked.old > head.size:
            return Answer(400, "the old size is beyond the checkpoint's\n")
        with self._heads.exchange() as connection:
            return self._exchanged(connection, asked, checkpoint, now)

    def _exchanged(
        self, connection: sqlite3.Connection, asked: Submission, new: Checkpoint, now: int
    ) -> Answer:
        row = connection.execute(
            "SELECT size, root FROM head WHERE origin = ?", (new.head.origin,)
        ).fetchone()
        size, root = row or (0, EMPTY_ROOT)
        if asked.old != size or (size == new.size and root != new.root):
            return Answer(409, f"{size}\n", SIZE)
        grows = (
            verify_consistency(size, root, new.size, new.root, asked.proof)
            if size
            else not asked.proof
        )
        if not grows:
            return Answer(422, "the proof does not lead from the old tree to the new one\n")
        connection.execute(
            "INSERT INTO head (origin, size, root) VALUES (?, ?, ?) ON CONFLICT (origin)"
            " DO UPDATE SET size = excluded.size, root = excluded.root",
            (new.head.origin, new.size, new.root),
        )
        return Answer(200, self._key.cosign(new.head.body(), now))
