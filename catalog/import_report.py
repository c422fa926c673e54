"""What an import gave, in our words: the report of a dry run.

Pure: an importer has counted, by the columns of `catalog.ingest.layout`; here the counts become
statements, reasons and classes, with Dutch and English texts.
"""

from collections import Counter
from collections.abc import Mapping as Lookup
from collections.abc import Sequence
from datetime import date
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from catalog import licences
from catalog.ingest import BLOCKED, CANONICAL, FACTS
from catalog.mapping import Mapping
from catalog.problems import Problem, problem


class _Column(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def sql_type(self) -> str: ...


class _File(Protocol):
    @property
    def bytes(self) -> int: ...
    @property
    def sha256(self) -> str: ...


class Counts(Protocol):
    """What an importer counted; `connectors.LaidOut` is one."""

    @property
    def rows_read(self) -> int:
        """Rows in the delivery."""
        ...

    @property
    def accepted(self) -> int:
        """Rows that were laid out."""
        ...

    @property
    def refused(self) -> int:
        """Rows that were not."""
        ...

    @property
    def reasons(self) -> Lookup[str, int]:
        """Refused rows per reason code."""
        ...

    @property
    def columns(self) -> Sequence[_Column]:
        """The laid-out columns."""
        ...

    @property
    def nulls(self) -> Lookup[str, int]:
        """NULLs per laid-out column."""
        ...

    @property
    def tallies(self) -> Lookup[str, Lookup[str | None, int]]:
        """Rows per value, of the columns that asked for it."""
        ...

    @property
    def groups(self) -> Sequence[tuple[Sequence[object], int]]:
        """Rows that are not blocked, per combination of `FACTS`."""
        ...

    @property
    def file(self) -> _File:
        """The laid-out file."""
        ...

    @property
    def delivery_sha256(self) -> str:
        """Hash of the delivery."""
        ...


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReasonCount(_Part):
    """How many rows were refused for one reason; `column` where the reason concerns one."""

    code: str
    column: str | None
    rows: int
    nl: str
    en: str


class RightsCount(_Part):
    """How many accepted rows carry one statement."""

    iri: str
    code: str
    nl: str
    en: str
    rows: int


class FactCount(_Part):
    """Of one canonical column: in how many accepted rows it is known, and unknown (closed)."""

    name: str
    known: int
    unknown: int


class RightsClassCount(_Part):
    """Items, hard-blocked ones left out, that share all facts a policy may ask about."""

    facts: dict[str, str | bool | None]
    items: int


class EditionColumn(_Part):
    """A column of content: DuckDB type, role and titles."""

    name: str
    type: str
    role: str
    title_nl: str
    title_en: str


class ImportReport(_Part):
    """What an import would give. `blocked` is for the owner's eyes only, and so is `accepted`.

    `items` is the total that everyone else sees: accepted rows without the hard-blocked ones.
    """

    rows_read: int
    accepted: int
    refused: int
    reasons: tuple[ReasonCount, ...]
    rights: tuple[RightsCount, ...]
    facts: tuple[FactCount, ...]
    blocked: int
    items: int
    classes: tuple[RightsClassCount, ...]
    undeclared: tuple[str, ...]
    columns: tuple[EditionColumn, ...]
    sha256: str
    bytes: int
    delivery_sha256: str

    def statements(self) -> tuple[str, ...]:
        """Statements of items that are not hard-blocked, those with the most items first.

        Terms are made of these alone: a line for a statement that only hard-blocked items carry, or
        its place among the others, would tell of them in the offer.
        """
        found: Counter[str] = Counter()
        for each in self.classes:
            found[str(each.facts["rights"])] += each.items
        return tuple(sorted(found, key=lambda iri: (-found[iri], iri)))

    def problem(self, *, accept_refused: bool = False) -> Problem | None:
        """What keeps this import from becoming an edition, if anything."""
        if self.accepted == 0:
            return problem("all-refused", "file")
        if self.refused * 2 > self.rows_read and not accept_refused:
            return problem(
                "most-refused", "accept_refused", refused=self.refused, rows=self.rows_read
            )
        return None


def report(mapping: Mapping, counts: Counts) -> ImportReport:
    """The report of an import that was laid out by `layout(mapping)` and grouped by `FACTS`."""
    blocked = counts.tallies[BLOCKED].get("true", 0)
    return ImportReport(
        rows_read=counts.rows_read,
        accepted=counts.accepted,
        refused=counts.refused,
        reasons=tuple(_reason(code, rows) for code, rows in counts.reasons.items()),
        rights=_rights(counts.tallies["_rights"]),
        facts=tuple(_fact_count(fact.name, counts) for fact in CANONICAL),
        blocked=blocked,
        items=counts.accepted - blocked,
        classes=tuple(_rights_class(values, items) for values, items in counts.groups),
        undeclared=mapping.undeclared(),
        columns=_edition_columns(mapping, counts.columns),
        sha256=counts.file.sha256,
        bytes=counts.file.bytes,
        delivery_sha256=counts.delivery_sha256,
    )


def reason_text(code: str) -> Problem:
    """The sentences of one reason code, as it stands in the file of refused rows."""
    bare, _, column = code.partition(":")
    return problem(bare, column or "row", **({"column": column} if column else {}))


def _reason(code: str, rows: int) -> ReasonCount:
    bare, _, column = code.partition(":")
    text = reason_text(code)
    return ReasonCount(code=bare, column=column or None, rows=rows, nl=text.nl, en=text.en)


def _rights(tally: Lookup[str | None, int]) -> tuple[RightsCount, ...]:
    found = []
    for iri, rows in sorted(tally.items(), key=lambda line: (-line[1], line[0] or "")):
        known = licences.statement(iri or "")
        if known is not None:
            found.append(
                RightsCount(iri=known.iri, code=known.code, nl=known.nl, en=known.en, rows=rows)
            )
    return tuple(found)


def _fact_count(name: str, counts: Counts) -> FactCount:
    unknown = counts.nulls[name]
    return FactCount(name=name, known=counts.accepted - unknown, unknown=unknown)


def _rights_class(values: Sequence[object], items: int) -> RightsClassCount:
    facts = {
        name.removeprefix("_"): value.isoformat() if isinstance(value, date) else value
        for name, value in zip(FACTS, values, strict=True)
    }
    return RightsClassCount.model_validate({"facts": facts, "items": items})


def _edition_columns(mapping: Mapping, laid: Sequence[_Column]) -> tuple[EditionColumn, ...]:
    types = {column.name: column.sql_type for column in laid}
    return tuple(
        EditionColumn(
            name=column.shown_name,
            type=types[column.shown_name],
            role=column.role.value,
            title_nl=column.title_nl or column.shown_name,
            title_en=column.title_en or column.shown_name,
        )
        for column in mapping.shown()
    )
