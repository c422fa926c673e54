"""Identifiers tell their kind and sort by the time of their birth."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from registry.ids import new_id

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds of a strategy are naive


@given(MOMENTS, st.integers(1, 10**12))
def test_ids_sort_by_time(at: datetime, milliseconds: int) -> None:
    """An id made a millisecond later or more is the greater one."""
    assert new_id("ds", at) < new_id("ds", at + timedelta(milliseconds=milliseconds))


def test_ids_are_unique_within_a_moment() -> None:
    """Eighty random bits tell ids of one moment apart."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    assert len({new_id("ds", at) for _ in range(1000)}) == 1000
    assert new_id("ds", at).startswith("ds_")
