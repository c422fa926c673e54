"""What is left of a policy when the request is known and the item is not: a filter over rows.

A filter's truth is True, False or None (unknown), as in SQL: a fact that is missing makes a
comparison unknown, ``and``, ``or`` and ``not`` follow Kleene, and a row passes only on True.
:mod:`policies.sql` gives the same filters their second meaning; tests hold the two equal.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeAlias, final

from policies.vocabulary import ITEM_FACTS, Operator

Scalar: TypeAlias = str | bool | date

IS_KIND: dict[str, Callable[[object], bool]] = {
    "text": lambda value: isinstance(value, str),
    "iri": lambda value: isinstance(value, str),
    "boolean": lambda value: value in (True, False),
    "date": lambda value: isinstance(value, date) and not isinstance(value, datetime),
}
"""Whether a value is of the kind that a fact is declared to have."""

COMPARISONS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: eq,
    Operator.NEQ: ne,
    Operator.LT: lt,
    Operator.LTEQ: le,
    Operator.GT: gt,
    Operator.GTEQ: ge,
}


class RowFilter(ABC):
    """A condition over the facts of one item."""

    @abstractmethod
    def truth(self, row: Mapping[str, object]) -> bool | None:
        """True, False, or None where a missing fact leaves it open."""

    @abstractmethod
    def atoms(self) -> Iterator["Atom"]:
        """Every comparison in it."""

    def matches(self, row: Mapping[str, object]) -> bool:
        """Whether the row passes: only on True."""
        return self.truth(row) is True


@final
@dataclass(frozen=True, slots=True)
class Constant(RowFilter):
    """The same for every row."""

    value: bool | None

    def truth(self, row: Mapping[str, object]) -> bool | None:
        """The value."""
        return self.value

    def atoms(self) -> Iterator["Atom"]:
        """None: it reads no fact."""
        return iter(())


TRUE, FALSE, UNKNOWN = Constant(True), Constant(False), Constant(None)


class Atom(RowFilter):
    """A comparison of one fact with fixed values."""

    __slots__ = ()
    fact: str

    def truth(self, row: Mapping[str, object]) -> bool | None:
        """Unknown where the fact is missing or not of its declared kind."""
        value = row.get(self.fact)
        return self.holds(value) if IS_KIND[ITEM_FACTS[self.fact].kind](value) else None

    @abstractmethod
    def holds(self, value: object) -> bool:
        """Whether a known value satisfies it."""

    def atoms(self) -> Iterator["Atom"]:
        """Itself."""
        yield self


@final
@dataclass(frozen=True, slots=True)
class Compare(Atom):
    """``fact operator value``, with one of the six comparison operators."""

    fact: str
    operator: Operator
    value: Scalar

    def holds(self, value: object) -> bool:
        """Compare; text in code-point order, false before true."""
        return COMPARISONS[self.operator](value, self.value)


@final
@dataclass(frozen=True, slots=True)
class Within(Atom):
    """``fact`` is one of ``values``, of which there is at least one."""

    fact: str
    values: frozenset[Scalar]

    def holds(self, value: object) -> bool:
        """Membership."""
        return value in self.values


@final
@dataclass(frozen=True, slots=True)
class Not(RowFilter):
    """True for False, False for True, unknown for unknown."""

    of: RowFilter

    def truth(self, row: Mapping[str, object]) -> bool | None:
        """Kleene's negation."""
        value = self.of.truth(row)
        return None if value is None else not value

    def atoms(self) -> Iterator[Atom]:
        """Those of what it negates."""
        return self.of.atoms()


@final
@dataclass(frozen=True, slots=True)
class Surely(RowFilter):
    """True where the inner filter is true, else False: SQL's ``IS TRUE``."""

    of: RowFilter

    def truth(self, row: Mapping[str, object]) -> bool | None:
        """Never unknown."""
        return self.of.truth(row) is True

    def atoms(self) -> Iterator[Atom]:
        """Those of what it asks."""
        return self.of.atoms()


class _Joined(RowFilter):
    __slots__ = ()
    of: tuple[RowFilter, ...]

    def atoms(self) -> Iterator[Atom]:
        """Those of every part."""
        for part in self.of:
            yield from part.atoms()


@final
@dataclass(frozen=True, slots=True)
class AllOf(_Joined):
    """Kleene's conjunction."""

    of: tuple[RowFilter, ...]

    def truth(self, row: Mapping[str, object]) -> bool | None:
        """False if any part is, else unknown if any part is, else True."""
        answer: bool | None = True
        for part in self.of:
            value = part.truth(row)
            if value is False:
                return False
            if value is None:
                answer = None
        return answer


@final
@dataclass(frozen=True, slots=True)
class AnyOf(_Joined):
    """Kleene's disjunction."""

    of: tuple[RowFilter, ...]

    def truth(self, row: Mapping[str, object]) -> bool | None:
        """True if any part is, else unknown if any part is, else False."""
        answer: bool | None = False
        for part in self.of:
            value = part.truth(row)
            if value is True:
                return True
            if value is None:
                answer = None
        return answer


def all_of(*parts: RowFilter) -> RowFilter:
    """The conjunction, simplified where a part is constant or several exclude values of a fact."""
    whole = _join(AllOf, parts, TRUE, FALSE)
    if isinstance(whole, AllOf):
        return _join(AllOf, _one_membership_a_fact(whole.of, negated=True), TRUE, FALSE)
    return whole


def any_of(*parts: RowFilter) -> RowFilter:
    """The disjunction, simplified where a part is constant or several name values of a fact."""
    whole = _join(AnyOf, parts, FALSE, TRUE)
    if isinstance(whole, AnyOf):
        return _join(AnyOf, _one_membership_a_fact(whole.of, negated=False), FALSE, TRUE)
    return whole


def _one_membership_a_fact(parts: tuple[RowFilter, ...], *, negated: bool) -> Iterator[RowFilter]:
    """Equalities and memberships of one fact (or their negations) as one, where the first stood."""
    named: dict[str, frozenset[Scalar]] = {}
    memberships = [_membership(part, negated=negated) for part in parts]
    for found in memberships:
        if found is not None:
            named[found.fact] = named.get(found.fact, frozenset()) | found.values
    for part, found in zip(parts, memberships, strict=True):
        if found is None:
            yield part
        elif (values := named.pop(found.fact, None)) is not None:
            whole = Within(found.fact, values)
            yield part if values == found.values else Not(whole) if negated else whole


def _membership(part: RowFilter, *, negated: bool) -> Within | None:
    match part:
        case Compare(fact, operator, value):
            equal = Operator.NEQ if negated else Operator.EQ
            return Within(fact, frozenset({value})) if operator is equal else None
        case Not(Within() as inner):
            return inner if negated else None
        case Within():
            return None if negated else part
        case _:
            return None


def _join(
    kind: type[AllOf] | type[AnyOf],
    parts: Iterable[RowFilter],
    neutral: Constant,
    absorbing: Constant,
) -> RowFilter:
    flat: dict[RowFilter, None] = {}
    for part in parts:
        flat.update(dict.fromkeys(part.of if isinstance(part, kind) else (part,)))
    flat.pop(neutral, None)
    if absorbing in flat:
        return absorbing
    if len(flat) > 1:
        return kind(tuple(flat))
    return next(iter(flat), neutral)


_OPPOSITES = {
    Operator.EQ: Operator.NEQ,
    Operator.LT: Operator.GTEQ,
    Operator.LTEQ: Operator.GT,
}
_OPPOSITES |= {opposite: operator for operator, opposite in _OPPOSITES.items()}


def negate(part: RowFilter) -> RowFilter:
    """The negation, pushed down to the comparisons, where it leaves unknown unknown."""
    match part:
        case Constant(value):
            return part if value is None else Constant(not value)
        case Not(inner):
            return inner
        case Compare(fact, operator, value):
            return Compare(fact, _OPPOSITES[operator], value)
        case AllOf(parts):
            return any_of(*map(negate, parts))
        case AnyOf(parts):
            return all_of(*map(negate, parts))
        case _:
            return Not(part)


def surely(part: RowFilter) -> RowFilter:
    """True only where the part is true: how a permission reads its conditions."""
    match part:
        case Constant(value):
            return Constant(value is True)
        case Surely():
            return part
        case AllOf(parts):
            return all_of(*map(surely, parts))
        case AnyOf(parts):
            return any_of(*map(surely, parts))
        case _:
            return Surely(part)


def possibly(part: RowFilter) -> RowFilter:
    """True where the part is true or unknown: how a prohibition reads its conditions."""
    return negate(surely(negate(part)))


def passing(part: RowFilter) -> RowFilter:
    """A simpler filter that passes the same rows, though it may be unknown where this is False."""
    match part:
        case Surely(inner):
            return passing(inner)
        case AllOf(parts):
            return all_of(*map(passing, parts))
        case AnyOf(parts):
            return any_of(*map(passing, parts))
        case _:
            return part


def exactly_one(*parts: RowFilter) -> RowFilter:
    """True where one part is and every other is not: ODRL's ``xone``."""
    others = (
        all_of(*(negate(p) for j, p in enumerate(parts) if j != i)) for i in range(len(parts))
    )
    return any_of(*(all_of(part, rest) for part, rest in zip(parts, others, strict=True)))
