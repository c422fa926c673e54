"""One meaning, two interpreters: a filter passes the same rows in Python and in DuckDB."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies import (
    Conflict,
    Constraint,
    Duty,
    Effect,
    Kind,
    Logical,
    Moment,
    Operator,
    Outcome,
    Place,
    Policy,
    Request,
    RowFilter,
    Rule,
    cleared,
    compile_filter,
    evaluate,
)
from policies.policy import Condition, Connective
from policies.rowfilter import (
    FALSE,
    TRUE,
    UNKNOWN,
    AllOf,
    AnyOf,
    Compare,
    Not,
    Surely,
    Within,
    all_of,
    any_of,
    exactly_one,
    negate,
    passing,
    possibly,
    surely,
)

TYPES = {
    "rights": "VARCHAR",
    "rightsholder": "VARCHAR",
    "embargo_until": "DATE",
    "opt_out": "BOOLEAN",
    "personal_data": "VARCHAR",
}
COLUMNS = {fact: f"_{fact}" for fact in TYPES}
TEXTS = [
    "",
    "a",
    "B",
    "ä",
    "none",
    "ordinary",
    "special",
    "'; DROP TABLE items; --",
    '"',
    "\U0001f3de",
]
DAYS = [date.min, date(1900, 2, 28), date(2026, 11, 23), date(2026, 11, 24), date.max]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "rights": st.sampled_from(TEXTS),
    "rightsholder": st.sampled_from(TEXTS),
    "embargo_until": st.sampled_from(DAYS),
    "opt_out": st.booleans(),
    "personal_data": st.sampled_from(TEXTS),
}
ROWS = st.lists(
    st.fixed_dictionaries({fact: st.none() | value for fact, value in VALUES.items()}),
    min_size=1,
    max_size=20,
)
ORDER = [Operator.EQ, Operator.NEQ, Operator.LT, Operator.LTEQ, Operator.GT, Operator.GTEQ]


def _atoms(fact: str) -> st.SearchStrategy[RowFilter]:
    compare = st.builds(Compare, st.just(fact), st.sampled_from(ORDER), VALUES[fact])
    within = st.builds(Within, st.just(fact), st.frozensets(VALUES[fact], min_size=1))
    return compare | within


def _grown(inner: st.SearchStrategy[RowFilter]) -> st.SearchStrategy[RowFilter]:
    several = st.lists(inner, min_size=1, max_size=4)
    return st.one_of(
        several.map(lambda parts: all_of(*parts)),
        several.map(lambda parts: any_of(*parts)),
        several.map(lambda parts: exactly_one(*parts)),
        inner.map(negate),
        inner.map(surely),
        inner.map(possibly),
        inner.map(Not),
        inner.map(Surely),
    )


FILTERS = st.recursive(
    st.sampled_from(list(TYPES)).flatmap(_atoms) | st.sampled_from([TRUE, FALSE, UNKNOWN]),
    _grown,
    max_leaves=12,
)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB."""
    with duckdb.connect() as connection:
        yield connection


def _passing_in_sql(
    database: duckdb.DuckDBPyConnection, row_filter: RowFilter, rows: list[dict[str, Any]]
) -> list[bool]:
    columns = ", ".join(f"{COLUMNS[fact]} {kind}" for fact, kind in TYPES.items())
    database.execute(f"CREATE OR REPLACE TABLE items (n INTEGER, {columns})")
    database.executemany(
        "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)",
        [[n, *(row[fact] for fact in TYPES)] for n, row in enumerate(rows)],
    )
    sql = compile_filter(row_filter, COLUMNS)
    found = database.execute(f"SELECT n FROM items WHERE {sql.text}", sql.params or None).fetchall()  # noqa: S608 - the compiled text is what is tested
    passed = {n for (n,) in found}
    return [n in passed for n in range(len(rows))]


@given(FILTERS, ROWS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_filter_passes_the_same_rows_in_python_and_sql(
    database: duckdb.DuckDBPyConnection, row_filter: RowFilter, rows: list[dict[str, Any]]
) -> None:
    """Random filters over random rows, missing facts among them (F2, F5)."""
    assert _passing_in_sql(database, row_filter, rows) == [row_filter.matches(r) for r in rows]


@given(FILTERS, ROWS)
@settings(max_examples=200, deadline=None)
def test_simplifying_keeps_the_truth(row_filter: RowFilter, rows: list[dict[str, Any]]) -> None:
    """Negation, surely, possibly and passing mean what they say, whatever they simplify."""
    for row in rows:
        truth = row_filter.truth(row)
        assert negate(row_filter).truth(row) is (None if truth is None else not truth)
        assert surely(row_filter).truth(row) is (truth is True)
        assert possibly(row_filter).truth(row) is (truth is not False)
        assert passing(row_filter).matches(row) is (truth is True)


FEW = st.sampled_from(["a", "B", "ä"])
_WITHIN = st.builds(Within, st.just("rights"), st.frozensets(FEW, min_size=1))
_EQUAL = st.builds(
    Compare, st.just("rights"), st.sampled_from([Operator.EQ, Operator.NEQ, Operator.LT]), FEW
)
ALIKE = st.lists(
    _WITHIN | _EQUAL | _WITHIN.map(Not) | st.sampled_from([TRUE, FALSE, UNKNOWN]), max_size=4
)
"""Parts that speak of one fact, so that joining them has something to simplify."""


@given(ALIKE, st.none() | FEW)
@settings(max_examples=500, deadline=None)
def test_joining_keeps_the_truth(parts: list[RowFilter], value: str | None) -> None:
    """All of and any of mean their parts' conjunction and disjunction, whatever they merge."""
    row = {"rights": value}
    assert all_of(*parts).truth(row) is AllOf(tuple(parts)).truth(row)
    assert any_of(*parts).truth(row) is AnyOf(tuple(parts)).truth(row)
    assert all_of(*parts, FALSE) == FALSE
    assert any_of(*parts, TRUE) == TRUE


CONSTRAINTS = st.one_of(
    *(
        st.builds(
            Constraint,
            st.just(left),
            st.sampled_from([Operator.EQ, Operator.NEQ, *more]),
            VALUES[fact].map(lambda value: (value,)),
        )
        for left, fact, more in (
            ("vg:rights", "rights", (Operator.IS_ANY_OF, Operator.IS_NONE_OF)),
            ("vg:rightsholder", "rightsholder", (Operator.IS_A, Operator.IS_ALL_OF)),
            ("vg:embargoUntil", "embargo_until", (Operator.LT, Operator.GTEQ)),
            ("vg:optOut", "opt_out", ()),
        )
    ),
    st.just(Constraint("vg:embargoUntil", Operator.GT, (Moment.USE,))),
    st.just(Constraint("vg:processedIn", Operator.IS_NONE_OF, ("EU",))),
    st.just(Constraint("odrl:purpose", Operator.EQ, ("dpv:PublicBenefit",))),
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3, unique=True).map(
        lambda values: Constraint("vg:personalData", Operator.IS_NONE_OF, tuple(values))
    ),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    CONSTRAINTS,
    lambda inner: st.builds(
        Logical,
        st.sampled_from(list(Connective)),
        st.lists(inner, min_size=1, max_size=3).map(tuple),
    ),
    max_leaves=4,
)


@st.composite
def _rules(draw: st.DrawFn) -> Rule:
    permission = draw(st.booleans())
    duties = st.lists(
        st.sampled_from([Duty("odrl:obtainConsent"), Duty("odrl:attribute")]), max_size=2
    )
    return Rule(
        effect=Effect.PERMISSION if permission else Effect.PROHIBITION,
        uid=f"rule-{draw(st.integers(0, 99))}",
        action=draw(st.sampled_from(["odrl:use", "vg:train", "vg:search"])),
        target="archive/films@3",
        constraints=tuple(draw(st.lists(CONDITIONS, max_size=3))),
        duties=tuple(draw(duties)) if permission else (),
    )


POLICIES = st.builds(
    Policy,
    st.just(Kind.SET),
    st.just("https://example.org/policies/1"),
    st.lists(_rules(), min_size=1, max_size=6).map(tuple),
    conflict=st.sampled_from(list(Conflict)),
)
REQUESTS = st.builds(
    Request,
    use=st.sampled_from(["train.gen", "train", "search"]),
    user_class=st.just("commercial"),
    purpose=st.sampled_from([None, "PublicBenefit"]),
    assignee=st.none(),
    target=st.just("archive/films@3"),
    place=st.builds(Place, st.sampled_from(["NL", "US", None]), st.just("NL")),
    at=st.just(datetime(2026, 11, 23, 23, 30, tzinfo=UTC)),
)


@given(POLICIES, REQUESTS, ROWS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_three_filters_partition_the_rows(
    database: duckdb.DuckDBPyConnection,
    policy: Policy,
    request_: Request,
    rows: list[dict[str, Any]],
) -> None:
    """Each row passes exactly one filter, in Python and in SQL: that of its verdict (F1, F4)."""
    answer = evaluate(policy, request_)
    verdicts = [answer.verdict(row).outcome for row in rows]
    assert [answer.outcome(row) for row in rows] == verdicts
    for outcome in Outcome:
        row_filter = cleared(answer, outcome)
        expected = [verdict is outcome for verdict in verdicts]
        assert [row_filter.matches(row) for row in rows] == expected
        assert _passing_in_sql(database, row_filter, rows) == expected


@given(POLICIES, REQUESTS, ROWS)
@settings(max_examples=100, deadline=None)
def test_learning_a_fact_never_turns_a_permit_out_of_the_unknown(
    policy: Policy, request_: Request, rows: list[dict[str, Any]]
) -> None:
    """An item of which nothing is known is permitted only if every item like it would be."""
    answer = evaluate(policy, request_)
    blank: Mapping[str, object] = dict.fromkeys(TYPES)
    if policy.conflict is not Conflict.INVALID and answer.outcome(blank) is Outcome.PERMIT:
        assert all(answer.outcome(row) is Outcome.PERMIT for row in rows)
