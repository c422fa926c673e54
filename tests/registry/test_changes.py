"""A mark stays equal only while nothing is committed, and what was found holds no longer."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from registry.changes import FRESH, Changes, Holding
from registry.clock import system_clock
from registry.db import reading, transaction

NOW = system_clock()


@pytest.fixture
def changes(engine: Engine) -> Iterator[Changes]:
    """Marks of a database with a table of numbers."""
    with transaction(engine) as session:
        session.execute(text("CREATE TABLE numbers (n INTEGER)"))
    found = Changes(engine)
    yield found
    found.close()
    with transaction(engine) as session:
        session.execute(text("DROP TABLE numbers"))


def _write(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(text("INSERT INTO numbers VALUES (1)"))


def test_marks_are_equal_while_nothing_is_committed(engine: Engine, changes: Changes) -> None:
    """Reading changes no mark."""
    before = changes.mark()
    with reading(engine) as session:
        session.execute(text("SELECT * FROM numbers")).all()
    assert changes.mark() == before


def test_every_commit_changes_the_mark(engine: Engine, changes: Changes) -> None:
    """No two of ten commits leave the same mark, whichever connection they use."""
    marks = {changes.mark()}
    for _ in range(10):
        _write(engine)
        marks.add(changes.mark())
    assert len(marks) == 11


def test_a_commit_under_way_at_the_mark_shows_in_the_next(engine: Engine, changes: Changes) -> None:
    """What was begun before a mark and committed after it is a change."""
    with transaction(engine) as session:
        session.execute(text("INSERT INTO numbers VALUES (1)"))
        session.flush()
        under_way = changes.mark()
        assert changes.mark() == under_way
    assert changes.mark() != under_way


def test_after_a_lost_connection_no_mark_equals_an_older_one(changes: Changes) -> None:
    """A new connection counts anew; its marks say nothing about the time before it."""
    before = changes.mark()
    changes.close()
    assert changes.mark() != before


def test_a_database_that_does_not_answer_gives_marks_that_equal_none(
    changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the mark cannot be had, nothing holds."""
    monkeypatch.setattr(changes, "_sql", "SELECT no_such_function_1()")
    assert changes.mark() != changes.mark()


def test_what_was_found_holds_until_a_commit_or_a_second(engine: Engine, changes: Changes) -> None:
    """The same key gives it, another none; a commit ends it, and so does the clock."""
    holding: Holding[str] = Holding(changes)
    mark, nothing = holding.look("key", NOW)
    holding.keep("key", mark, NOW, "found")
    assert nothing is None
    assert holding.look("key", NOW)[1] == "found"
    assert holding.look("other", NOW)[1] is None
    assert holding.look("key", NOW + FRESH)[1] is None
    assert holding.look("key", NOW - timedelta(microseconds=1))[1] is None
    _write(engine)
    assert holding.look("key", NOW)[1] is None


def test_what_was_found_before_a_commit_is_not_kept_after_it(
    engine: Engine, changes: Changes
) -> None:
    """A change between the mark and the keeping shows: the mark is the older one."""
    holding: Holding[str] = Holding(changes)
    mark, _ = holding.look("key", NOW)
    _write(engine)
    holding.keep("key", mark, NOW, "found")
    assert holding.look("key", NOW)[1] is None
