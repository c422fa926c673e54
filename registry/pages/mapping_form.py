"""The form that says what each column is and what is declared, read into commands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from catalog.licences import STATEMENTS
from catalog.mapping import KINDS, NONE, ColumnRole, Mapping, MappingError, parse_mapping
from connectors.ports import SourceColumn
from registry.errors import FieldProblem, InvalidInput, Text
from registry.pages.forms import Posted
from registry.pages.words import Words
from registry.services.registration import mapping_refused

COLUMN = "column"
VALUE = "value"
_WITH_ABSENCE = tuple(kind for kind in KINDS if kind != "rights")
_WITH_VALUE = ("rights", "rightsholder", "personal_data")


@dataclass(frozen=True)
class ColumnField:
    """A column of the delivery as the form shows it."""

    number: int
    source: str
    samples: tuple[str, ...]
    role: str
    name: str
    empty: str | None
    values: str
    type: str
    title_nl: str
    title_en: str


@dataclass(frozen=True)
class KindField:
    """A kind of sensitive data as the form asks about it; `how` is empty until it is answered."""

    kind: str
    how: str
    value: str

    @property
    def choices(self) -> tuple[str, ...]:
        """The answers one can give."""
        absence = (NONE,) if self.kind in _WITH_ABSENCE else ()
        value = (VALUE,) if self.kind in _WITH_VALUE else ()
        return (COLUMN, *absence, *value)


def column_fields(mapping: Mapping, profile: tuple[SourceColumn, ...]) -> list[ColumnField]:
    """The mapping's columns, then those of the file that it does not speak of."""
    samples = {column.name: column.samples for column in profile}
    fields = [
        ColumnField(
            number,
            one.source,
            samples.get(one.source, ())[:3],
            one.role.value,
            one.name,
            one.empty,
            "\n".join(f"{raw} = {meaning}" for raw, meaning in one.values.items()),
            one.type or "",
            one.title_nl,
            one.title_en,
        )
        for number, one in enumerate(mapping.columns)
    ]
    known = {one.source for one in mapping.columns}
    rest = (column for column in profile if column.name not in known)
    return fields + [
        ColumnField(number, one.name, one.samples[:3], "ignored", "", None, "", "", "", "")
        for number, one in enumerate(rest, start=len(fields))
    ]


def kind_fields(mapping: Mapping, declared: dict[str, Any]) -> list[KindField]:
    """What the mapping and earlier declarations say of each kind; nothing is filled in for them."""
    return [_kind_field(kind, mapping, declared) for kind in KINDS]


def _kind_field(kind: str, mapping: Mapping, declared: dict[str, Any]) -> KindField:
    if mapping.of(ColumnRole(kind)):
        return KindField(kind, COLUMN, "")
    said = mapping.declared.get(kind) or str(declared.get(kind, {}).get("how", ""))
    if said in {"", COLUMN}:
        return KindField(kind, "", "")
    return KindField(kind, NONE, "") if said == NONE else KindField(kind, VALUE, said)


def read_columns(posted: Posted) -> Mapping:
    """The mapping that the form makes up, or `InvalidInput` naming what is wrong."""
    columns = [column for number in range(_count(posted)) if (column := _column(posted, number))]
    try:
        return parse_mapping({"records": posted.text("records"), "columns": columns})
    except MappingError as wrong:
        raise mapping_refused(wrong) from wrong


def _count(posted: Posted) -> int:
    return min(int(posted.text("count") or 0), 2000) if posted.text("count").isdigit() else 0


def _column(posted: Posted, number: int) -> dict[str, Any]:
    field = f"column-{number}-"
    column: dict[str, Any] = {
        name: posted.text(f"{field}{name}")
        for name in ("source", "role", "name", "type", "title_nl", "title_en")
        if posted.text(f"{field}{name}")
    }
    if posted.text(f"{field}empty"):
        column["empty"] = posted.text(f"{field}empty")
    values = dict(_values(posted, f"{field}values"))
    return {**column, "values": values} if values else column


def _values(posted: Posted, field: str) -> Iterator[tuple[str, str]]:
    for line in posted.lines(field):
        raw, equals, meaning = line.rpartition("=")
        if not equals:
            text = Text(f"Schrijf “{line[:60]} = betekenis”.", f"Write “{line[:60]} = meaning”.")
            raise InvalidInput("invalid-input", text, fields=(FieldProblem(field, text),))
        yield raw.strip(), meaning.strip()


def read_declarations(posted: Posted, mapping: Mapping) -> dict[str, str]:
    """What is declared of each kind; it may not say something else than the columns do."""
    declared = {kind: how for kind in KINDS if (how := _how(posted, kind))}
    fields = tuple(
        FieldProblem(f"declare-{kind}", _clash(by_column=how == COLUMN))
        for kind, how in declared.items()
        if (how == COLUMN) != bool(mapping.of(ColumnRole(kind)))
    )
    if fields:
        raise InvalidInput("declarations-disagree", _DISAGREE, fields=fields)
    return declared


def _how(posted: Posted, kind: str) -> str:
    how = posted.text(f"declare-{kind}")
    return posted.text(f"declare-{kind}-value") if how == VALUE else how


_DISAGREE = Text(
    "Uw verklaringen en de kolommen zeggen niet hetzelfde.",
    "Your declarations and the columns do not say the same.",
)


def _clash(*, by_column: bool) -> Text:
    if by_column:
        return Text(
            "U verklaart dat een kolom dit zegt, maar geen kolom heeft die rol.",
            "You declare that a column says this, but no column has that role.",
        )
    return Text(
        "Een kolom heeft deze rol: verklaar dan dat de kolom het zegt.",
        "A column has this role: declare then that the column says it.",
    )


def statement_options(t: Words) -> list[tuple[str, str]]:
    """The rights statements and licences that a person can choose from."""
    return [(one.iri, t.pick(one)) for one in STATEMENTS]
