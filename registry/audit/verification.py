"""Checking an export offline: what auditors run, in one pass and flat memory.

Three strands hold each other. *Structure*: the stated leaf hashes, in their order, give the roots
of the signed checkpoints. *Content*: each entry's bytes hash to its stated leaf and are canonical.
*Numbers*: each archive's entries count on without gap. Who changes one strand is found by another,
which usually also says where.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from registry.audit import lines
from registry.audit.checkpoint import Checkpoint, VerifierKey
from registry.audit.entry import Entry, MalformedEntry, read_entry
from registry.audit.findings import Findings, Tampering, Verification
from registry.audit.merkle import leaf_hash
from registry.audit.quorum import WitnessPolicy
from registry.audit.strands import Numbers, Structure
from registry.errors import InvalidInput, Text


class NoExport(InvalidInput):
    """The file is no export of an audit log at all."""

    def __init__(self) -> None:
        super().__init__(
            "no-audit-export",
            Text("Dit is geen export van een auditlogboek.", "This is no audit log export."),
            Text(
                "Maak er een met `vrijgave audit export`.",
                "Make one with `vrijgave audit export`.",
            ),
        )


def verify_export(
    file: BinaryIO,
    keys: Sequence[VerifierKey],
    known: Iterable[Checkpoint] = (),
    policy: WitnessPolicy | None = None,
) -> Verification:
    """Check an export against keys that the auditor obtained elsewhere.

    :param file: the export, read once from front to back.
    :param keys: the log's keys, of which the one before a rotation hands over to the next.
    :param known: checkpoints of this log that the auditor holds already, with their signatures
        checked: the export must agree with them and reach as far.
    :param policy: which witnesses must have cosigned the last checkpoint.
    :raises NoExport: the first line is not that of an export.
    """
    rows = iter(lambda: file.readline(lines.LARGEST_LINE), b"")
    try:
        header = lines.read_other(next(rows, b""))
    except lines.MalformedLineError:
        raise NoExport from None
    if not isinstance(header, lines.Header):
        raise NoExport
    check = _Check(header, keys, known)
    return check.run(rows, policy)


class _Check:
    """One pass over an export's lines, each handed to the strand that it belongs to."""

    def __init__(
        self, header: lines.Header, keys: Sequence[VerifierKey], known: Iterable[Checkpoint]
    ) -> None:
        self.header = header
        self.findings = Findings()
        self.structure = Structure(header, keys, known, self.findings)
        self.numbers = Numbers(header, self.findings)
        self.end: lines.End | None = None
        self.leaves = self.foreign = self.entries = 0

    def run(self, rows: Iterator[bytes], policy: WitnessPolicy | None) -> Verification:
        for row in rows:
            if self.end is not None:
                self.findings.add(
                    Tampering.INSERTED,
                    None,
                    "er staat nog iets na de slotregel",
                    "something stands after the closing line",
                )
                break
            if lines.is_leaf(row):
                self._leaf(row)
            else:
                self._other(row)
        self._closing()
        self.structure.finish(self.end is not None)
        witnesses = self._witnesses(policy) if policy else None
        return Verification(
            origin=self.header.origin,
            archive=self.header.archive,
            entries=self.entries,
            leaves=self.structure.proven - self.header.first,
            expected=self.structure.size - self.header.first,
            checkpoints=self.structure.checkpoints,
            streams=self.numbers.seen,
            findings=tuple(self.findings.told),
            unchecked=tuple(self._unchecked()),
            witnesses=witnesses,
        )

    def _witnesses(self, policy: WitnessPolicy) -> Text | None:
        """Who has cosigned the last checkpoint; a finding where they are too few."""
        size = self.structure.size
        try:
            enough, said = policy.judge(self.structure.note, size)
        except InvalidInput as problem:
            enough, said = False, problem.text
        if enough:
            return said
        self.findings.add(Tampering.UNWITNESSED, size, said.nl, said.en)
        return None

    def _leaf(self, row: bytes) -> None:
        try:
            index, stated, body = lines.read_leaf(row)
        except lines.MalformedLineError:
            self._unreadable()
            self.structure.skip()
            self.numbers.forget()
            return
        self.leaves += 1
        self.structure.leaf(index, stated)
        if body is not None:
            self._entry(index, stated, body)
            return
        self.foreign += 1
        if self.header.archive is None:
            self.numbers.forget()
            self.findings.add(
                Tampering.WITHHELD,
                index,
                "alleen de hash staat er, in een export die alles zou tonen",
                "only its hash stands there, in an export that should show everything",
            )

    def _unreadable(self) -> None:
        self.findings.add(
            Tampering.MALFORMED,
            self.structure.due,
            "hier staat een regel die geen export kan hebben",
            "a line stands here that no export can have",
        )

    def _entry(self, index: int, stated: bytes, body: bytes) -> None:
        if leaf_hash(body) != stated:
            self.numbers.forget()
            self.findings.add(
                Tampering.EDITED,
                index,
                "de tekst en de hash horen niet bij elkaar",
                "its text and its hash do not belong together",
            )
            return
        try:
            seen = read_entry(body)
        except MalformedEntry as problem:
            self.numbers.forget()
            self.findings.add(Tampering.MALFORMED, index, problem.problem.nl, problem.problem.en)
            return
        self.entries += 1
        self.numbers.entry(index, seen)
        if seen.act == "key:rotated":
            facts = Entry.from_bytes(body).facts
            self.structure.announce(index, str(facts.get("key")), str(facts.get("previous_key")))

    def _other(self, row: bytes) -> None:
        try:
            value = lines.read_other(row)
        except lines.MalformedLineError:
            return self._unreadable()
        if isinstance(value, lines.End):
            self.end = value
        elif isinstance(value, lines.Header):
            self._unreadable()
        else:
            self.structure.checkpoint(value)
        return None

    def _closing(self) -> None:
        counted = lines.End(self.leaves - self.foreign, self.leaves, self.structure.checkpoints)
        if self.end is None or self.end == counted:
            return
        fewer = (
            counted.leaves < self.end.leaves
            or counted.entries < self.end.entries
            or counted.checkpoints < self.end.checkpoints
        )
        self.findings.add(
            Tampering.DELETED if fewer else Tampering.INSERTED,
            None,
            f"de slotregel telt {_counts(self.end, 'regels', 'voluit', 'controlepunten')},"
            f" hier staan {_counts(counted, 'regels', 'voluit', 'controlepunten')}",
            f"the closing line counts {_counts(self.end, 'entries', 'in full', 'checkpoints')},"
            f" here are {_counts(counted, 'entries', 'in full', 'checkpoints')}",
        )

    def _unchecked(self) -> Iterator[Text]:
        if self.header.first:
            yield Text(
                f"Niet bekeken: de inhoud van de regels vóór {self.header.first}.",
                f"Not checked: the contents of the entries before {self.header.first}.",
            )
        if self.foreign:
            yield Text(
                f"Niet bekeken: de inhoud van {self.foreign} regels die er als hash staan.",
                f"Not checked: the contents of {self.foreign} entries present as hashes only.",
            )
        yield from self.structure.unchecked()


def _counts(end: lines.End, entries: str, full: str, checkpoints: str) -> str:
    return f"{end.leaves} {entries} ({end.entries} {full}) / {end.checkpoints} {checkpoints}"
