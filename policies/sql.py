"""Row filters and column masks as SQL for DuckDB: the same as in Python, missing facts included.

Values are only ever bound as parameters, and a fact that has no column is refused: a filter is
never widened by leaving a condition out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from policies.errors import FilterError
from policies.rowfilter import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    Not,
    RowFilter,
    Surely,
    Within,
    passing,
)
from policies.vocabulary import Operator

_SIGNS = {
    Operator.EQ: "=",
    Operator.NEQ: "<>",
    Operator.LT: "<",
    Operator.LTEQ: "<=",
    Operator.GT: ">",
    Operator.GTEQ: ">=",
}
_CONSTANTS = {True: "TRUE", False: "FALSE", None: "CAST(NULL AS BOOLEAN)"}


@dataclass(frozen=True, slots=True)
class Sql:
    """A condition for a WHERE clause and the parameters it binds as ``$name``."""

    text: str
    params: dict[str, object]


def compile_filter(row_filter: RowFilter, columns: Mapping[str, str]) -> Sql:
    """The filter as a WHERE condition over ``columns`` (fact → column name, quoted here).

    It is true for the rows that :meth:`RowFilter.matches`; for others it is false or NULL.

    :raises FilterError: for a fact without a column.
    """
    writer = _Writer(columns)
    return Sql(writer.write(passing(row_filter)), writer.params)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows, and of each column in which of them it is shown.

    :param shown: by column a condition, or the constant ``TRUE`` or ``FALSE``; where it is not
        true the column is to be NULL.
    """

    where: str
    shown: dict[str, str]
    params: dict[str, object]


def compile_selection(
    row_filter: RowFilter, shown: Mapping[str, RowFilter], columns: Mapping[str, str]
) -> Selection:
    """The filter and, by column, the mask as conditions that share their parameters.

    :raises FilterError: for a fact without a column.
    """
    writer = _Writer(columns)
    where = writer.write(passing(row_filter))
    conditions = {column: writer.write(passing(mask)) for column, mask in shown.items()}
    return Selection(where, conditions, writer.params)


@dataclass
class _Writer:
    columns: Mapping[str, str]
    params: dict[str, object] = field(default_factory=dict)
    names: dict[tuple[type, object], str] = field(default_factory=dict)

    def write(self, part: RowFilter) -> str:
        match part:
            case Constant(value):
                return _CONSTANTS[value]
            case Compare(fact, operator, value):
                return f"{self.column(fact)} {_SIGNS[operator]} {self.bind(value)}"
            case Within(fact, values):
                bound = ", ".join(self.bind(value) for value in sorted(values, key=repr))
                return f"{self.column(fact)} IN ({bound})"
            case Not(inner):
                return f"NOT ({self.write(inner)})"
            case Surely(inner):
                return f"({self.write(inner)}) IS TRUE"
            case AllOf(parts):
                return " AND ".join(f"({self.write(inner)})" for inner in parts)
            case AnyOf(parts):
                return " OR ".join(f"({self.write(inner)})" for inner in parts)
        raise FilterError("filter", f"`{type(part).__name__}` has no SQL form")

    def column(self, fact: str) -> str:
        if fact not in self.columns:
            raise FilterError(
                fact,
                f"the filter reads `{fact}`, which has no column here",
                "map it to a column, or leave the rows out",
                probleem=f"het filter leest `{fact}`, en dat heeft hier geen kolom",
                uitweg="wijs er een kolom voor aan, of laat de rijen weg",
            )
        return '"' + self.columns[fact].replace('"', '""') + '"'

    def bind(self, value: object) -> str:
        name = self.names.setdefault((type(value), value), f"v{len(self.names)}")
        self.params[name] = value
        return f"${name}"
