"""What stands for an item follows from its lines, and means the same in Python and in SQL."""

from datetime import date

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.ledger import (
    ADDED,
    COLUMNS,
    EVERYWHERE,
    Said,
    Standing,
    effective,
    open_in,
    snapshot,
    standing,
)

DAY = date(2030, 6, 1)


def line(number: int, kind: str, **facts: object) -> Said:
    """A line on the item `a`."""
    return Said(f"l{number}", "a", kind, **facts)  # type: ignore[arg-type] # named as its fields


def test_restrictions_add_up() -> None:
    """The latest embargo, every country of every claim, and an opt-out stand together."""
    found = standing(
        "a",
        [
            line(1, "embargo", until=date(2028, 1, 1)),
            line(2, "embargo", until=DAY),
            line(3, "dispute", territory="NL"),
            line(4, "opt_out", territory="BE"),
            line(5, "opt_out"),
        ],
    )
    assert found == Standing("a", opt_out=True, embargo_until=DAY, closed_in="BE NL")
    assert [found.closes(one) for one in ("NL", "BE", "DE", None)] == [True, True, False, True]


def test_a_named_line_ends_but_a_withdrawal_never() -> None:
    """A clearance that names a line takes its effect away; a tombstone stays."""
    ended = [line(1, "dispute"), line(2, "clearance", ends="l1")]
    assert standing("a", ended).says_nothing
    assert snapshot(ended) == []
    kept = standing("a", [line(1, "withdrawal"), line(2, "clearance", ends="l1")])
    assert kept.withdrawn
    assert kept.closes("NL")


def test_an_embargo_without_a_day_never_ends() -> None:
    """What cannot be dated stays closed."""
    assert standing("a", [line(1, "embargo")]).embargo_until == date.max


@pytest.mark.parametrize(
    ("shares", "cleared"),
    [
        ([("x", 100)], True),
        ([("x", 50), ("y", 50)], True),
        ([("x", 50), ("y", 49)], False),
        ([("x", 50), ("x", 50)], False),
    ],
)
def test_all_shares_must_be_cleared(shares: list[tuple[str, int]], cleared: bool) -> None:
    """One rightsholder cannot clear twice for another."""
    lines = [
        line(n, "clearance", rightsholder=who, share=share) for n, (who, share) in enumerate(shares)
    ]
    assert standing("a", lines).cleared is cleared


def test_a_clearance_does_not_lift_a_standing_line() -> None:
    """A later clearance of the item leaves an opt-out and a dispute that nobody ended."""
    found = standing("a", [line(1, "opt_out"), line(2, "dispute"), line(3, "clearance")])
    assert (found.opt_out, found.closed_in, found.cleared) == (True, EVERYWHERE, True)


STANDS = st.builds(
    Standing,
    item=st.just("a"),
    opt_out=st.booleans(),
    embargo_until=st.none() | st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    closed_in=st.sampled_from(["", EVERYWHERE, "NL", "BE NL"]),
    withdrawn=st.booleans(),
    cleared=st.booleans(),
)
FACTS = st.fixed_dictionaries(
    {
        "opt_out": st.none() | st.booleans(),
        "embargo_until": st.none() | st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    }
)
COUNTRY = st.sampled_from(["NL", "BE", "DE", None])


@given(st.lists(st.tuples(FACTS, st.none() | STANDS), min_size=1, max_size=20), COUNTRY)
def test_python_and_sql_agree(
    rows: list[tuple[dict[str, object], Standing | None]], country: str | None
) -> None:
    """Effective facts and openness are equal in both interpreters, unknowns included."""
    source = pa.table(
        {
            "_item": [str(n) for n in range(len(rows))],
            "_opt_out": pa.array([facts["opt_out"] for facts, _ in rows], pa.bool_()),
            "_embargo_until": pa.array([facts["embargo_until"] for facts, _ in rows], pa.date32()),
        }
    )
    said = [(str(n), stands) for n, (_, stands) in enumerate(rows) if stands is not None]
    overlay = pa.table(
        {
            "_item": pa.array([item for item, _ in said], pa.string()),
            "_opt_out": pa.array([one.opt_out for _, one in said], pa.bool_()),
            "_embargo_until": pa.array([one.embargo_until for _, one in said], pa.date32()),
            "_closed_in": pa.array([one.closed_in or None for _, one in said], pa.string()),
            "_withdrawn": pa.array([one.withdrawn for _, one in said], pa.bool_()),
            "_cleared": pa.array([one.cleared for _, one in said], pa.bool_()),
        }
    )
    condition, bound = open_in(country)
    names = {**COLUMNS, **ADDED}
    chosen = ", ".join(f"{text} AS {name}" for name, text in names.items())
    with duckdb.connect() as connection:
        connection.register("s", source)
        connection.register("o", overlay)
        found = connection.execute(
            f"SELECT _opt_out, _embargo_until, _withdrawn, ({condition}) FROM (SELECT {chosen}, "  # noqa: S608 - our own
            "source._item AS item FROM s AS source LEFT JOIN o AS overlay "
            "ON overlay._item = source._item) ORDER BY item::INT",
            bound,
        ).fetchall()
    expected = []
    for facts, stands in rows:
        after = effective(facts, stands)
        expected.append(
            (
                after["opt_out"],
                after["embargo_until"],
                stands is not None and stands.withdrawn,
                stands is None or not stands.closes(country),
            )
        )
    assert found == expected


def test_a_snapshot_has_one_row_an_item() -> None:
    """Lines of several items in any order give one row each, sorted by id."""
    found = snapshot(
        [Said("1", "b", "opt_out"), Said("2", "a", "dispute"), Said("3", "b", "dispute")]
    )
    assert [one.item for one in found] == ["a", "b"]
