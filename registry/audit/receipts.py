"""Receipts: a C2SP tlog-proof that one entry is in the log, checked without the service.

``extra`` carries the entry's own bytes, so that a receipt shows what it proves. FORMAT.md
section 5.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.audit.checkpoint import (
    Checkpoint,
    MalformedNote,
    UntrustedNote,
    VerifierKey,
    decode,
    encode,
    open_checkpoint,
)
from registry.audit.entry import Entry
from registry.audit.merkle import HASH_SIZE, leaf_hash, verify_inclusion

FIRST_LINE = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Receipt:
    """Index, audit path and checkpoint, with the bytes of the entry that they prove."""

    index: int
    path: tuple[bytes, ...]
    note: str
    entry: bytes

    def to_text(self) -> str:
        """The tlog-proof."""
        lines = [FIRST_LINE, f"extra {encode(self.entry)}", f"index {self.index}"]
        return "\n".join([*lines, *map(encode, self.path), "", self.note])

    @classmethod
    def parse(cls, text: str) -> "Receipt":
        """Read a tlog-proof that carries its entry; :class:`MalformedNote` if it is none."""
        top, blank, note = text.partition("\n\n")
        lines = top.split("\n")
        if not blank or len(lines) < 3 or lines[0] != FIRST_LINE:
            raise _bad_receipt()
        index = _INDEX.fullmatch(lines[2])
        if index is None or not lines[1].startswith("extra "):
            raise _bad_receipt()
        return cls(int(index[1]), _path(lines[3:]), note, _decoded(lines[1][6:]))


def _bad_receipt() -> MalformedNote:
    return MalformedNote(
        f"Dit is geen ontvangstbewijs ({FIRST_LINE}).", f"This is no receipt ({FIRST_LINE})."
    )


def _decoded(text: str) -> bytes:
    try:
        return decode(text)
    except ValueError:
        raise _bad_receipt() from None


def _path(lines: Sequence[str]) -> tuple[bytes, ...]:
    path = tuple(_decoded(line) for line in lines)
    if any(len(node) != HASH_SIZE for node in path):
        raise _bad_receipt()
    return path


def verify_receipt(text: str, keys: Iterable[VerifierKey]) -> tuple[Entry, Checkpoint]:
    """The entry that a receipt proves to be in the log of one of these keys.

    :raises MalformedNote: it is no receipt.
    :raises MalformedEntry: what it carries is no audit entry.
    :raises UntrustedNote: the checkpoint is not signed with a given key, or the path does not lead
        from the entry to it.
    """
    receipt = Receipt.parse(text)
    checkpoint = open_checkpoint(receipt.note, keys)
    leaf = leaf_hash(receipt.entry)
    if not verify_inclusion(leaf, receipt.index, checkpoint.size, receipt.path, checkpoint.root):
        raise UntrustedNote(
            f"De regel met nummer {receipt.index} staat niet zo in het ondertekende logboek.",
            f"The entry at index {receipt.index} does not stand so in the signed log.",
        )
    return Entry.from_bytes(receipt.entry), checkpoint
