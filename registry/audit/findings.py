"""What checking an export found and what it covered, in words for an auditor."""

from dataclasses import dataclass, field
from enum import StrEnum

from registry.errors import Text


class Tampering(StrEnum):
    """The kinds of difference between an export and the log that was signed."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    FORKED = "forked"
    OTHER_KEY = "other-key"
    OTHER_LOG = "other-log"
    WITHHELD = "withheld"
    UNWITNESSED = "unwitnessed"
    MALFORMED = "malformed"


_WORDS = {
    Tampering.EDITED: Text("gewijzigd", "edited"),
    Tampering.DELETED: Text("verwijderd", "deleted"),
    Tampering.INSERTED: Text("ingevoegd", "inserted"),
    Tampering.REORDERED: Text("verplaatst", "reordered"),
    Tampering.TRUNCATED: Text("afgekapt", "truncated"),
    Tampering.REWRITTEN: Text("herschreven", "rewritten"),
    Tampering.FORKED: Text("gesplitst logboek", "forked"),
    Tampering.OTHER_KEY: Text("andere sleutel", "signed with another key"),
    Tampering.OTHER_LOG: Text("ander logboek", "another log"),
    Tampering.WITHHELD: Text("achtergehouden", "withheld"),
    Tampering.UNWITNESSED: Text("te weinig getuigen", "too few witnesses"),
    Tampering.MALFORMED: Text("onleesbaar", "malformed"),
}


@dataclass(frozen=True)
class Finding:
    """One difference.

    :param index: index in the tree of the first leaf concerned; ``None`` for the export as a whole.
    """

    kind: Tampering
    index: int | None
    text: Text

    def sentence(self, language: str) -> str:
        """Kind, index and what is wrong."""
        where = "" if self.index is None else f" [{self.index}]"
        return (
            f"{_WORDS[self.kind].in_language(language)}{where}: {self.text.in_language(language)}"
        )


MOST_TOLD = 1000


class Findings:
    """Collects differences; the first thousand are told in full."""

    def __init__(self) -> None:
        self.told: list[Finding] = []

    def add(self, kind: Tampering, index: int | None, nl: str, en: str) -> None:
        """Note one difference, in both languages."""
        if len(self.told) < MOST_TOLD:
            self.told.append(Finding(kind, index, Text(nl, en)))


@dataclass(frozen=True)
class Verification:
    """What was checked, what was found, and what could not be checked.

    :param entries: entries read in full, canonical and equal to their leaf.
    :param leaves: leaves proven by a signed checkpoint.
    :param expected: leaves that the last signed checkpoint covers, from the export's first on.
    :param streams: first and last number seen of each archive's stream.
    """

    origin: str
    archive: str | None
    entries: int
    leaves: int
    expected: int
    checkpoints: int
    streams: dict[str, tuple[int, int]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[Text, ...] = ()
    witnesses: Text | None = None
    """Who has cosigned the last checkpoint, where a policy names who may."""

    @property
    def ok(self) -> bool:
        """Whether everything that an export can prove is proven."""
        return not self.findings

    def sentences(self, language: str = "en") -> list[str]:
        """The whole result, one sentence a line, in Dutch (``nl``) or English."""
        return [
            self._checked().in_language(language),
            *([self.witnesses.in_language(language)] if self.witnesses else []),
            *(f"✗ {finding.sentence(language)}" for finding in self.findings),
            *(f"– {text.in_language(language)}" for text in self.unchecked),
            self._verdict().in_language(language),
        ]

    def _checked(self) -> Text:
        foreign = max(self.leaves - self.entries, 0)
        leaves, expected, entries = f"{self.leaves:,}", f"{self.expected:,}", f"{self.entries:,}"
        english = (
            f"{leaves} of {expected} entries of `{self.origin}` stand in the signed tree:"
            f" {entries} read in full, {foreign:,} as hashes; {self.checkpoints:,} checkpoints."
        )
        dutch = (
            f"{_dutch(self.leaves)} van {_dutch(self.expected)} regels van `{self.origin}` staan"
            f" in de ondertekende boom: {_dutch(self.entries)} voluit gelezen,"
            f" {_dutch(foreign)} als hash; {_dutch(self.checkpoints)} controlepunten."
        )
        return Text(dutch, english)

    def _verdict(self) -> Text:
        if self.ok:
            return Text("In orde: er is niets gewijzigd.", "Good: nothing was changed.")
        count = len(self.findings)
        return Text(
            f"NIET in orde: {_dutch(count)} verschil(len).",
            f"NOT good: {count:,} difference(s).",
        )


def _dutch(count: int) -> str:
    return f"{count:,}".replace(",", ".")
