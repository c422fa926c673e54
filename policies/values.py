"""Right operands in documents: plain, typed and IRI values, of the kind their left operand has."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from policies.nodes import Node
from policies.policy import Moment, Value
from policies.regions import is_region
from policies.vocabulary import PURPOSES, Operand, compact, expand

XSD = "http://www.w3.org/2001/XMLSchema#"
_DATED_KINDS = {"date", "moment", "any"}
ORDERED_KINDS = _DATED_KINDS | {"number"}
"""Kinds of operands whose values have an order."""
_USE = {Moment.USE.value, expand(Moment.USE.value)}


def value_for(node: Node, operand: Operand) -> Value:
    """A right operand, checked against the kind of value its left operand has."""
    value = scalar(node)
    if value in _USE and operand.kind in _DATED_KINDS:
        return Moment.USE
    problem = _PROBLEMS[operand.kind](value)
    if problem:
        node.fail(f"`{value}` {problem}")
    if operand.values and value not in operand.values:
        node.fail(f"`{value}` is not known", f"use one of: {', '.join(operand.values)}")
    if operand.term == "odrl:purpose":
        value = compact(str(value))
        if value not in PURPOSES:
            node.fail(f"the purpose `{value}` is not known")
    return value


def moment(node: Node) -> datetime:
    """A moment with its time zone."""
    value = scalar(node)
    if not isinstance(value, datetime) or _not_moment(value):
        node.fail(f"`{value}` {_not_moment(value)}")
    return value


def _not_moment(value: Value) -> str:
    if isinstance(value, datetime):
        return "" if value.tzinfo else "has no time zone; add one, as in 2026-11-23T01:00:00Z"
    return "is not a moment; write {'@value': ..., '@type': 'xsd:dateTime'} with a time zone"


_PROBLEMS: dict[str, Callable[[Any], str]] = {
    "any": lambda value: "",
    "text": lambda value: "" if isinstance(value, str) else "is not a text",
    "iri": lambda value: "" if isinstance(value, str) else "is not an IRI",
    "boolean": lambda value: "" if isinstance(value, bool) else "is neither true nor false",
    "number": lambda value: "" if type(value) is int else "is not a whole number",
    "region": lambda value: "" if is_region(str(value)) else "is not a country or region we know",
    "date": lambda value: "" if type(value) is date else "is not a date (`xsd:date`)",
    "moment": _not_moment,
}


def scalar(node: Node) -> Value:
    """A plain, typed or IRI value; numbers that are not whole become decimals."""
    value = node.value
    if isinstance(value, dict) and set(value) == {"@value", "@type"}:
        return _typed(node, str(value["@value"]), str(value["@type"]))
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _typed(node, str(value), "xsd:decimal")
    return node.text()


def _typed(node: Node, text: str, data_type: str) -> Value:
    name = data_type.removeprefix("xsd:").removeprefix(XSD)
    if name not in _XSD_TYPES:
        node.fail(f"the data type `{data_type}` is not known")
    try:
        value = _XSD_TYPES[name](text)
    except (ValueError, KeyError, InvalidOperation):
        node.fail(f"`{text}` is not a valid {data_type}")
    if isinstance(value, Decimal) and not value.is_finite():
        node.fail(f"`{text}` is not a finite number")
    return value


def _date_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment


_XSD_TYPES: dict[str, Callable[[str], Value]] = {
    "string": str,
    "anyURI": compact,
    "boolean": lambda text: {"true": True, "1": True, "false": False, "0": False}[text.lower()],
    "integer": int,
    "decimal": Decimal,
    "double": Decimal,
    "date": date.fromisoformat,
    "dateTime": _date_time,
}
