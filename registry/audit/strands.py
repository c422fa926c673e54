"""Two of the strands of an export: the tree under its checkpoints, and the numbers per archive."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from registry.audit import lines
from registry.audit.checkpoint import (
    Checkpoint,
    MalformedNote,
    TreeHead,
    UntrustedNote,
    VerifierKey,
    split_note,
)
from registry.audit.findings import Findings, Tampering
from registry.audit.glancing import Glimpse
from registry.audit.keyring import KeyRing
from registry.audit.merkle import CompactRange
from registry.errors import Text


class Numbers:
    """Each archive's numbers, which must rise by one from entry to entry."""

    def __init__(self, header: lines.Header, findings: Findings) -> None:
        self._archive = header.archive
        self._findings = findings
        self._start = 1 if header.first == 0 else None
        self._due: dict[str, int] = {}
        self.seen: dict[str, tuple[int, int]] = {}

    def forget(self) -> None:
        """After an entry that cannot be read, take the next number of every archive as it comes."""
        self._start = None
        self._due.clear()

    def entry(self, index: int, entry: Glimpse) -> None:
        """Hold one entry's archive and number to what must come."""
        stream, number = entry.archive, entry.number
        if self._archive not in (None, stream):
            self._findings.add(
                Tampering.INSERTED,
                index,
                f"een regel van `{stream}` in een export van `{self._archive}`",
                f"an entry of `{stream}` in an export of `{self._archive}`",
            )
            return
        due = self._due.get(stream, self._start)
        if due is not None and number != due:
            self._refuse(index, stream, number, due)
        self._due[stream] = number + 1
        first, last = self.seen.get(stream, (number, number))
        self.seen[stream] = (min(first, number), max(last, number))

    def _refuse(self, index: int, stream: str, number: int, due: int) -> None:
        if number > due:
            gone = f"{due}" if number == due + 1 else f"{due}–{number - 1}"
            self._findings.add(
                Tampering.DELETED,
                index,
                f"hiervoor ontbreekt nummer {gone} van `{stream}`",
                f"number {gone} of `{stream}` is missing before it",
            )
        else:
            self._findings.add(
                Tampering.INSERTED,
                index,
                f"nummer {number} van `{stream}` komt waar {due} moet staan",
                f"number {number} of `{stream}` comes where {due} must stand",
            )


class Structure:
    """The leaves in their order, and the checkpoints that sign them.

    :ivar due: index of the leaf that must come next.
    :ivar proven: up to where the leaves give the roots of signed checkpoints.
    :ivar size: of the largest signed checkpoint.
    :ivar note: that checkpoint's note.
    """

    def __init__(
        self,
        header: lines.Header,
        keys: Sequence[VerifierKey],
        known: Iterable[Checkpoint],
        findings: Findings,
    ) -> None:
        self._header, self._keys, self._findings = header, KeyRing(keys), findings
        self._known = sorted((held.head for held in known), key=lambda head: head.size)
        self._held = {head.size: head for head in self._known}
        self._gone: list[tuple[int, int]] = []
        self._differs: int | None = None
        self._last: TreeHead | None = None
        self._unproven = 0
        self.checkpoints = 0
        self.note = ""
        self.due = self.proven = self.size = header.first
        self._start()

    def _start(self) -> None:
        header = self._header
        self._broken = len(header.nodes) != header.first.bit_count()
        if self._broken:
            self._findings.add(
                Tampering.MALFORMED,
                None,
                "de kop geeft niet de boom waar de export op verder gaat",
                "the header does not give the tree that the export goes on from",
            )
            self._tree = CompactRange()
        else:
            self._tree = CompactRange(header.first, header.nodes)

    def announce(self, index: int, key: str, previous: str) -> None:
        """Remember that the log itself named a new key in this entry."""
        self._keys.announce(index, key, previous)

    def skip(self) -> None:
        """Pass over a leaf that cannot be read; later roots cannot be computed."""
        self.due += 1
        self._broken = True

    def leaf(self, index: int, stated: bytes) -> None:
        """Take the next leaf into the tree, or note that it stands out of place."""
        if index < self.due:
            self._out_of_place(index)
            return
        if index > self.due:
            self._gap(index)
        self.due = index + 1
        self._tree.append(stated)
        held = self._held.get(self.due)
        if held is not None and not self._broken and self._tree.root() != held.root:
            self._differs = self.due

    def _gap(self, stop: int) -> None:
        self._gone.append((self.due, stop))
        self._broken = True

    def _out_of_place(self, index: int) -> None:
        for at, (start, stop) in enumerate(self._gone):
            if start <= index < stop:
                left = [(start, index), (index + 1, stop)]
                self._gone[at : at + 1] = [part for part in left if part[0] < part[1]]
                self._findings.add(
                    Tampering.REORDERED,
                    index,
                    f"deze regel staat pas na {self.due - 1}",
                    f"this entry stands only after {self.due - 1}",
                )
                return
        self._findings.add(
            Tampering.INSERTED,
            index,
            f"een regel met dit nummer stond er al; hij komt na {self.due - 1}",
            f"an entry of this index was there already; it comes after {self.due - 1}",
        )

    def checkpoint(self, note: str) -> None:
        """Check a checkpoint's signature, and its root against the leaves so far."""
        self.checkpoints += 1
        try:
            head = TreeHead.parse(split_note(note)[0])
        except MalformedNote as problem:
            self._findings.add(Tampering.MALFORMED, self.due, problem.text.nl, problem.text.en)
            return
        if head.origin != self._header.origin:
            self._findings.add(
                Tampering.OTHER_LOG,
                self.due,
                f"een controlepunt van `{head.origin}`",
                f"a checkpoint of `{head.origin}`",
            )
            return
        try:
            self._keys.open(note)
        except UntrustedNote as problem:
            hint = self._keys.hint(note)
            nl, en = problem.text.nl + hint.nl, problem.text.en + hint.en
            self._findings.add(Tampering.OTHER_KEY, head.size, nl, en)
            return
        self._signed(head, note)

    def _signed(self, head: TreeHead, note: str) -> None:
        last = self._last
        if last is not None and head.size == last.size:
            self._same_size(last, head)
            return
        if head.size < self.due:
            self._findings.add(
                Tampering.INSERTED,
                head.size,
                f"het controlepunt van {head.size} regels komt pas na {self.due} regels",
                f"the checkpoint of {head.size} entries comes only after {self.due} entries",
            )
            return
        if head.size > self.due:
            self._gap(head.size)
            self.due = head.size
        self._last, self.size, self.note = head, head.size, note
        self._root(head)

    def _same_size(self, last: TreeHead, head: TreeHead) -> None:
        if head == last:
            kind, nl, en = Tampering.INSERTED, "staat er twee keer", "stands there twice"
        else:
            kind, nl, en = (
                Tampering.FORKED,
                "heeft twee ondertekende wortels: het logboek toont twee geschiedenissen",
                "has two signed roots: the log shows two histories",
            )
        self._findings.add(
            kind,
            head.size,
            f"het controlepunt van {head.size} regels {nl}",
            f"the checkpoint of {head.size} entries {en}",
        )

    def _root(self, head: TreeHead) -> None:
        if self._broken:
            self._unproven += 1
            return
        if self._tree.root() != head.root:
            self._broken = True
            self._findings.add(
                Tampering.REWRITTEN,
                self.proven,
                f"de regels {self.proven}–{head.size - 1} zijn niet die van het ondertekende"
                f" controlepunt van {head.size}",
                f"entries {self.proven}–{head.size - 1} are not those of the signed checkpoint"
                f" of {head.size}",
            )
            return
        self.proven = head.size
        self._keys.settle(head.size)
        if self._differs is not None:
            self._forked(self._differs)

    def _forked(self, size: int) -> None:
        self._differs = None
        self._findings.add(
            Tampering.FORKED,
            size,
            f"u hebt een controlepunt van {size} regels met een andere wortel",
            f"you hold a checkpoint of {size} entries with another root",
        )

    def finish(self, closed: bool) -> None:
        """Note what is missing when the last line has been read."""
        for start, stop in self._gone:
            self._findings.add(
                Tampering.DELETED,
                start,
                f"{stop - start} regel(s) ontbreken, van {start} tot en met {stop - 1}",
                f"{stop - start} entry(ies) missing, {start} to {stop - 1}",
            )
        if not closed:
            self._findings.add(
                Tampering.TRUNCATED,
                self.due,
                "de slotregel ontbreekt: de export is hier afgebroken",
                "the closing line is missing: the export was cut off here",
            )
        if self.due > self.size or not self.checkpoints:
            self._findings.add(
                Tampering.INSERTED if self.checkpoints else Tampering.TRUNCATED,
                self.size,
                "vanaf hier dekt geen ondertekend controlepunt de regels",
                "from here on no signed checkpoint covers the entries",
            )
        if self._header.key not in self._keys:
            self._findings.add(
                Tampering.OTHER_KEY,
                None,
                f"de export noemt een andere sleutel: {self._header.key}",
                f"the export names another key: {self._header.key}",
            )
        self._beyond()

    def _beyond(self) -> None:
        for one, other in pairwise(self._known):
            if (one.origin, one.size) == (other.origin, other.size) and one.root != other.root:
                self._findings.add(
                    Tampering.FORKED,
                    one.size,
                    f"u hebt twee controlepunten van {one.size} regels met verschillende wortels:"
                    " het logboek heeft twee geschiedenissen getoond",
                    f"you hold two checkpoints of {one.size} entries with different roots:"
                    " the log has shown two histories",
                )
        for head in self._known:
            if head.origin != self._header.origin:
                self._findings.add(
                    Tampering.OTHER_LOG,
                    None,
                    f"uw controlepunt is van `{head.origin}`",
                    f"the checkpoint you hold is of `{head.origin}`",
                )
            elif head.size > self.size:
                self._findings.add(
                    Tampering.TRUNCATED,
                    self.size,
                    f"u hebt een controlepunt van {head.size} regels, de export eindigt eerder",
                    f"you hold a checkpoint of {head.size} entries, the export ends before",
                )

    def unchecked(self) -> Iterator[Text]:
        """What this strand could not look at."""
        if self._unproven:
            yield Text(
                f"Niet bekeken: de wortels van {self._unproven} latere controlepunten.",
                f"Not checked: the roots of {self._unproven} later checkpoints.",
            )
        early = [head.size for head in self._known if head.size <= self._header.first]
        if early:
            yield Text(
                f"Niet bekeken: uw controlepunten van {early}, want de export begint later.",
                f"Not checked: the checkpoints you hold of {early}, for the export begins later.",
            )
        if not self._known:
            yield Text(
                "Niet bekeken: of het logboek anderen iets anders toonde. Geef daarvoor een"
                " controlepunt op dat u langs een andere weg kreeg.",
                "Not checked: whether the log showed others something else. Give a checkpoint"
                " that reached you by another way.",
            )
