"""Checking a population offline: the rows are made again from the proof, and must be the same."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from registry.audit import lines
from registry.audit.checkpoint import Checkpoint, VerifierKey, encode, open_checkpoint
from registry.audit.entry import Entry
from registry.audit.findings import Findings, Tampering, Verification
from registry.audit.populations import (
    ACTS,
    HEADER,
    PROOF,
    REPORT,
    ROWS,
    Report,
    Sample,
    Selection,
    csv_line,
    row_of,
)
from registry.audit.verification import verify_export
from registry.audit.zips import damage_told_as
from registry.errors import InvalidInput, Text

FIRST_BYTES = b"PK\x03\x04"
"""How a ZIP file begins."""
_LARGEST_REPORT = 1_000_000


class NoPopulation(InvalidInput):
    """The file is no population, or one that was cut off."""

    def __init__(self) -> None:
        super().__init__(
            "no-population",
            Text(
                "Dit is geen hele populatie uit een auditlogboek.",
                "This is no whole population of an audit log.",
            ),
            Text("Haal haar opnieuw op.", "Take it out again."),
        )


def verify_population(
    path: Path, keys: Sequence[VerifierKey], known: Iterable[Checkpoint] = ()
) -> tuple[Report, Verification]:
    """Check a population against keys that the auditor obtained elsewhere.

    :raises NoPopulation: the file is no population.
    """
    with damage_told_as(NoPopulation), zipfile.ZipFile(path) as archive:
        with archive.open(REPORT) as file:
            report = Report.from_bytes(file.read(_LARGEST_REPORT))
        with _opened(archive, PROOF) as proof:
            result = verify_export(proof, keys, known)
        if not result.ok:
            return report, replace(result, unchecked=(*result.unchecked, _ROWS_UNSEEN))
        with _opened(archive, PROOF) as proof, _opened(archive, ROWS) as rows:
            return report, _Check(report, keys).run(result, proof, rows)


_ROWS_UNSEEN = Text(
    "Niet bekeken: de populatie zelf, want haar bewijs klopt niet.",
    "Not checked: the population itself, for its proof is not in order.",
)


def _opened(archive: zipfile.ZipFile, name: str) -> io.BufferedReader:
    """A file of the archive, whose lines can be read quickly."""
    return io.BufferedReader(cast("io.RawIOBase", archive.open(name)), 1 << 20)


class _Check:
    """One pass over the proof's entries beside the rows."""

    def __init__(self, report: Report, keys: Sequence[VerifierKey]) -> None:
        acts = frozenset(report.acts) | frozenset(ACTS.get(report.kind, ()))
        self.selection = Selection(acts, report.start, report.stop)
        self.report, self.keys, self.findings = report, keys, Findings()
        self.sample = Sample(report.seed, report.sample_size)
        self.numbers: list[int] = []
        self.count = 0
        self.shown: list[Entry] = []
        self.tree: tuple[int, str] = (0, "")

    def run(self, result: Verification, proof: BinaryIO, rows: BinaryIO) -> Verification:
        report = self.report
        self._rows(self._entries(proof), rows)
        self._boundaries()
        ends = (self.numbers[0], self.numbers[-1]) if self.numbers else (None, None)
        for name, stated, counted in (
            ("count", report.count, self.count),
            ("first", report.first, ends[0]),
            ("last", report.last, ends[1]),
            ("sample", report.sample, self.sample.numbers),
            ("tree", (report.tree_size, report.root), self.tree),
        ):
            if stated != counted:
                self.findings.add(
                    Tampering.EDITED,
                    None,
                    f"het rapport geeft {name} {stated}, het logboek {counted}",
                    f"the report gives {name} {stated}, the log {counted}",
                )
        return replace(
            result,
            findings=(*result.findings, *self.findings.told),
            unchecked=(*result.unchecked, *self._unchecked()),
        )

    def _entries(self, proof: BinaryIO) -> Iterator[tuple[int, Entry]]:
        """The archive's entries that the proof shows, with their indices."""
        for line in iter(lambda: proof.readline(lines.LARGEST_LINE), b""):
            if lines.is_leaf(line):
                index, _, body = lines.read_leaf(line)
                entry = None if body is None else Entry.from_bytes(body)
                if entry is not None and entry.archive == self.report.archive:
                    self.shown = [*self.shown[:1], entry]
                    yield index, entry
            elif not isinstance(note := lines.read_other(line), lines.Header | lines.End):
                head = open_checkpoint(note, self.keys).head
                self.tree = (head.size, encode(head.root))

    def _rows(self, entries: Iterator[tuple[int, Entry]], rows: BinaryIO) -> None:
        read = iter(lambda: rows.readline(lines.LARGEST_LINE), b"")
        same = next(read, b"") == csv_line(HEADER)
        for index, entry in entries:
            if not self.selection.holds(entry):
                continue
            self.count += 1
            self.numbers = [*self.numbers[:1], entry.number]
            self.sample.offer(entry.number, entry.id)
            if same and next(read, b"") != csv_line(tuple(row_of(index, entry).values())):
                same = False
                self._differs(index, entry.number)
        if not same and not self.findings.told:
            self._differs(None, 0)
        elif same and next(read, b""):
            self.findings.add(
                Tampering.INSERTED,
                None,
                f"`{ROWS}` heeft meer regels dan het logboek",
                f"`{ROWS}` has more rows than the log",
            )

    def _differs(self, index: int | None, number: int) -> None:
        self.findings.add(
            Tampering.EDITED,
            index,
            f"`{ROWS}` is vanaf nummer {number} niet wat het logboek geeft",
            f"`{ROWS}` is from number {number} on not what the log gives",
        )

    def _boundaries(self) -> None:
        """What stands before and after the period must be there to see, or not exist."""
        before = bool(self.shown) and (
            self.shown[0].number == 1 or not self.selection.is_within(self.shown[0].time)
        )
        after = bool(self.shown) and (
            self.shown[-1].id == self.report.record
            or not self.selection.is_within(self.shown[-1].time)
        )
        if before and after:
            return
        self.findings.add(
            Tampering.WITHHELD,
            None,
            "de regels van het archief net voor en na de periode ontbreken",
            "the archive's entries just before and after the period are missing",
        )

    def _unchecked(self) -> Iterator[Text]:
        yield Text(
            "Niet bekeken: het Parquet-bestand; de regels van het CSV-bestand zijn dezelfde als die"
            " van het logboek.",
            "Not checked: the Parquet file; the rows of the CSV file are those of the log.",
        )
        if not self.shown:
            return
        first, last = self.shown[0].number, self.shown[-1].number
        yield Text(
            f"Niet bekeken: nummers buiten {first}–{last}. Van deze periode kan daar alleen iets"
            " staan als de klok is teruggezet; een export van het hele logboek laat dat zien.",
            f"Not checked: numbers outside {first}–{last}. Something of this period can stand there"
            " only if the clock was set back; an export of the whole log shows that.",
        )


def drawn(path: Path, seed: str, size: int) -> list[str]:
    """The rows of a population that a seed draws, after their header.

    :raises NoPopulation: the file is no population.
    """
    sample = Sample(seed, size)
    with damage_told_as(NoPopulation), zipfile.ZipFile(path) as archive:
        with _text(archive) as rows:
            for row in csv.DictReader(rows):
                sample.offer(int(row["number"]), row["id"])
        numbers = set(sample.numbers)
        with _text(archive) as rows:
            return [
                line
                for at, line in enumerate(rows)
                if at == 0 or int(line.partition(",")[0]) in numbers
            ]


def _text(archive: zipfile.ZipFile) -> io.TextIOWrapper:
    return io.TextIOWrapper(_opened(archive, ROWS), encoding="utf-8")


def told(report: Report) -> Text:
    """What the population is, in one sentence."""
    numbers = "" if report.first is None else f", {report.first}–{report.last}"
    drawn = ", ".join(map(str, report.sample))
    nl = f" Steekproef met `{report.seed}`: {drawn}." if report.sample else ""
    en = f" Sample with `{report.seed}`: {drawn}." if report.sample else ""
    return Text(
        f"Populatie `{report.kind}` van `{report.archive}`, {report.since} t/m {report.until}"
        f" ({report.start} tot {report.stop}): {report.count} regels{numbers}.{nl}",
        f"Population `{report.kind}` of `{report.archive}`, {report.since} to {report.until}"
        f" ({report.start} up to {report.stop}): {report.count} entries{numbers}.{en}",
    )
