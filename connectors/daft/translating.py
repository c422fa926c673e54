"""Conditions of our own, as DuckDB's parser reads them, in the words of Daft.

A closed set: each expression here is held to DuckDB's answer over edge values by a table of tests,
and any other is refused. Texts compare by code points, dates by day, false before true; what is
NULL is unknown.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import daft
import duckdb
import pyarrow as pa

from connectors.errors import error

_KINDS = {pa.string(): "text", pa.bool_(): "boolean", pa.date32(): "date"}
_BOUND = {str: "text", bool: "boolean", date: "date"}
_COMPARISONS = {
    "COMPARE_EQUAL": "__eq__",
    "COMPARE_NOTEQUAL": "__ne__",
    "COMPARE_LESSTHAN": "__lt__",
    "COMPARE_LESSTHANOREQUALTO": "__le__",
    "COMPARE_GREATERTHAN": "__gt__",
    "COMPARE_GREATERTHANOREQUALTO": "__ge__",
}


@dataclass(frozen=True)
class Typed:
    """An expression and its kind: `text`, `boolean`, `date`, or `other`, which is only passed on.

    `value` is that of a constant.
    """

    kind: str
    expression: daft.Expression
    value: object = None


Names: TypeAlias = dict[tuple[str, ...], Typed]
"""Columns by what SQL calls them: a name, or a table and a name."""


def column(name: str, arrow_type: pa.DataType) -> Typed:
    """A column of a data frame."""
    return Typed(_KINDS.get(arrow_type, "other"), daft.col(name))


class Translator:
    """Reads texts over these columns, named as in SQL, and parameters."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        columns: Names,
        params: Mapping[str, Any],
    ) -> None:
        self._connection, self._columns, self._params = connection, columns, params

    def condition(self, text: str) -> daft.Expression:
        """A condition: true, false or NULL for every row."""
        return _as("boolean", self.expression(text)).expression

    def expression(self, text: str) -> Typed:
        """Any expression of the closed set."""
        query = f"SELECT ({text}\n)"
        asked = self._connection.execute("SELECT json_serialize_sql($query)", {"query": query})
        read: Any = json.loads(str(asked.fetchall()[0][0]))
        match read:
            case {
                "error": False,
                "statements": [{"node": {"select_list": [one], "from_table": {"type": "EMPTY"}}}],
            }:
                return self._read(one)
        raise _refused("this text")

    def _read(self, node: Mapping[str, Any]) -> Typed:
        match node:
            case {"class": "COLUMN_REF", "column_names": names}:
                return self._column(tuple(names))
            case {"class": "PARAMETER", "identifier": name}:
                return _constant(self._params.get(name))
            case {"class": "CONSTANT", "literal": {"kind": "BOOLEAN", "text": text}}:
                return _constant(text == "true")
            case {"class": "CONSTANT", "literal": {"kind": "STRING", "text": text}}:
                return _constant(text)
            case {"class": "CAST", "try_cast": False, "child": child, "type_expr": wanted}:
                return self._cast(child, wanted["type_name"])
            case {"class": "COMPARISON", "type": kind, "left": left, "right": right}:
                return self._compared(kind, self._read(left), self._read(right))
            case {"class": "CONJUNCTION", "type": kind, "children": children}:
                return _joined(kind, [self._read(child) for child in children])
            case {"class": "OPERATOR", "type": kind, "children": children}:
                return _operated(kind, [self._read(child) for child in children])
            case {"class": "CASE", "case_checks": checks, "else_expr": last}:
                return self._chosen(checks, last)
            case {"class": "FUNCTION", "function_name": name, "arguments": given} if (
                not node["schema"] and not node["catalog"] and not node["distinct"]
            ):
                return _called(name, [self._read(one["expression"]) for one in given])
        raise _refused(f"`{node.get('type')}`")

    def _column(self, names: tuple[str, ...]) -> Typed:
        if names not in self._columns:
            raise _refused(f"the column `{'.'.join(names)}`")
        return self._columns[names]

    def _cast(self, child: Mapping[str, Any], wanted: str) -> Typed:
        """NULL as a boolean, a text as a date, and a boolean as itself."""
        match child, wanted:
            case {"class": "CONSTANT", "literal": {"kind": "NULL_LITERAL"}}, "BOOLEAN":
                return Typed("boolean", daft.lit(None).cast(daft.DataType.bool()))
            case {"class": "CONSTANT", "literal": {"kind": "STRING", "text": text}}, "DATE":
                return _constant(date.fromisoformat(text))
            case _, "BOOLEAN":
                return _as("boolean", self._read(child))
        raise _refused(f"a cast to `{wanted}`")

    def _compared(self, kind: str, left: Typed, right: Typed) -> Typed:
        if kind == "COMPARE_NOT_DISTINCT_FROM" and right.value is True:  # IS TRUE
            return Typed("boolean", _as("boolean", left).expression.fill_null(False))
        if kind not in _COMPARISONS or left.kind == "other":
            raise _refused(f"`{kind}` of these types")
        compare = getattr(left.expression, _COMPARISONS[kind])
        return Typed("boolean", compare(_as(left.kind, right).expression))

    def _chosen(self, checks: Sequence[Mapping[str, Any]], last: Mapping[str, Any]) -> Typed:
        found = self._read(last)
        for check in reversed(checks):
            when = _as("boolean", self._read(check["when_expr"])).expression.fill_null(False)
            then = _as(found.kind, self._read(check["then_expr"])).expression
            found = Typed(found.kind, when.if_else(then, found.expression))
        return found


def _constant(value: object) -> Typed:
    if type(value) not in _BOUND:
        raise _refused(f"a {type(value).__name__}")
    return Typed(_BOUND[type(value)], daft.lit(value), value)


def _as(kind: str, found: Typed) -> Typed:
    if found.kind != kind or kind == "other":
        raise _refused(f"{found.kind} where {kind} is meant")
    return found


def _joined(kind: str, parts: Sequence[Typed]) -> Typed:
    whole = _as("boolean", parts[0]).expression
    for part in parts[1:]:
        other = _as("boolean", part).expression
        whole = whole & other if kind == "CONJUNCTION_AND" else whole | other
    return Typed("boolean", whole)


def _operated(kind: str, parts: Sequence[Typed]) -> Typed:
    match kind, parts:
        case "OPERATOR_NOT", [one]:
            return Typed("boolean", ~_as("boolean", one).expression)
        case "OPERATOR_IS_NULL", [one]:
            return Typed("boolean", one.expression.is_null())
        case "OPERATOR_IS_NOT_NULL", [one]:
            return Typed("boolean", one.expression.not_null())
        case "OPERATOR_COALESCE", [one, other]:
            return Typed(one.kind, one.expression.fill_null(_as(one.kind, other).expression))
        case "COMPARE_IN", [one, *others] if all(part.value is not None for part in others):
            values = [_as(one.kind, part).value for part in others]
            return Typed("boolean", one.expression.is_in(values))
    raise _refused(f"`{kind}`")


def _called(name: str, given: Sequence[Typed]) -> Typed:
    match name, given:
        case "contains", [Typed("text") as one, Typed("text", value=str(part))]:
            return Typed("boolean", one.expression.contains(part))
        case "greatest", [Typed("date") as one, Typed("date") as other]:
            later = (one.expression >= other.expression).if_else(one.expression, other.expression)
            either = one.expression.fill_null(other.expression)
            return Typed("date", later.fill_null(either))
    raise _refused(f"`{name}`")


def _refused(what: str) -> Exception:
    return error("beyond-engine", what=what[:200])
