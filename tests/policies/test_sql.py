"""What a filter refuses to become SQL for, and that values are only ever bound."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from policies import FilterError, Operator, RowFilter, compile_filter
from policies.rowfilter import (
    Atom,
    Compare,
    Constant,
    Not,
    Surely,
    Within,
    all_of,
    any_of,
    negate,
)


def test_a_fact_without_a_column_is_refused() -> None:
    """A condition is never left out (F5)."""
    both = all_of(Compare("opt_out", Operator.EQ, False), Compare("rights", Operator.EQ, "a"))
    with pytest.raises(FilterError) as caught:
        compile_filter(both, {"rights": "_rights"})
    assert caught.value.path == "opt_out"
    assert "`opt_out`" in caught.value.problem
    assert "`opt_out`" in caught.value.probleem
    assert caught.value.remedy != caught.value.uitweg


def test_values_and_column_names_cannot_break_out() -> None:
    """Values are bound, each once, and quotes in a column's name are doubled (F5)."""
    evil = "'; DROP TABLE items; --"
    either = Not(Within("rights", frozenset({evil, "b"})))
    sql = compile_filter(all_of(either, Compare("rights", Operator.GT, evil)), {"rights": 'a"b'})
    assert sql.text == '(NOT ("a""b" IN ($v0, $v1))) AND ("a""b" > $v0)'
    assert sql.params == {"v0": evil, "v1": "b"}


def test_true_and_one_are_bound_apart() -> None:
    """Values that are equal in Python and of another type in SQL do not share a parameter."""
    one: Any = 1
    parts = all_of(Compare("opt_out", Operator.EQ, True), Compare("opt_out", Operator.GTEQ, one))
    params = compile_filter(parts, {"opt_out": "o"}).params
    assert [type(value) for value in params.values()] == [bool, int]


def test_inside_a_negation_surely_is_kept() -> None:
    """IS TRUE may be dropped only where a row would not pass anyway."""
    open_ = Not(Surely(Compare("opt_out", Operator.EQ, True)))
    assert [atom.fact for atom in open_.atoms()] == ["opt_out"]
    sql = compile_filter(open_, {"opt_out": "o"})
    assert sql.text == 'NOT (("o" = $v0) IS TRUE)'


def test_a_filter_of_another_make_is_refused() -> None:
    """Only the closed set of filters has a SQL form."""

    class Odd(RowFilter):
        def truth(self, row: Mapping[str, object]) -> bool | None:
            return bool(row)

        def atoms(self) -> Iterator[Atom]:
            return Constant(None).atoms()

    assert list(Odd().atoms()) == []
    assert Odd().matches({"a": 1})
    with pytest.raises(FilterError, match="filter: `Odd` has no SQL form"):
        compile_filter(Odd(), {})


def test_values_of_one_fact_become_one_list() -> None:
    """Equalities joined by `or`, and inequalities joined by `and`, as a person would type them."""
    columns = {"rights": "r", "opt_out": "o"}
    parts = [Compare("rights", Operator.EQ, value) for value in ("b", "a")]
    named = any_of(parts[0], Compare("opt_out", Operator.EQ, True), parts[1])
    assert compile_filter(named, columns).text == '("r" IN ($v0, $v1)) OR ("o" = $v2)'
    assert compile_filter(negate(named), columns).text == (
        '(NOT ("r" IN ($v0, $v1))) AND ("o" <> $v2)'
    )
    assert any_of(parts[0], parts[0]) == parts[0]
    mixed = all_of(
        parts[0], Within("rights", frozenset({"a"})), Not(Within("rights", frozenset("b")))
    )
    assert compile_filter(mixed, columns).text == (
        '("r" = $v0) AND ("r" IN ($v1)) AND (NOT ("r" IN ($v0)))'
    )
