"""Vague dates count at the bound that keeps an item closed longest."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.dates import NEVER, closing_date


@pytest.mark.parametrize(
    ("raw", "last"),
    [
        ("2030-02-01", date(2030, 2, 1)),
        ("20300201", date(2030, 2, 1)),
        ("2030", date(2030, 12, 31)),
        ("2030-02", date(2030, 2, 28)),
        ("2032-02", date(2032, 2, 29)),
        ("1-2-2030", date(2030, 2, 1)),
        ("2-1-2030", date(2030, 2, 1)),
        ("31-12-2030", date(2030, 12, 31)),
        ("12/31/2030", date(2030, 12, 31)),
        ("2030/02/01", date(2030, 2, 1)),
        ("1 februari 2030", date(2030, 2, 1)),
        ("1 feb. 2030", date(2030, 2, 1)),
        ("February 1st, 2030", date(2030, 2, 1)),
        ("mei 2030", date(2030, 5, 31)),
        ("ca. 1985", date(1986, 12, 31)),
        ("circa 1985", date(1986, 12, 31)),
        ("1985?", date(1986, 12, 31)),
        ("1985~", date(1986, 12, 31)),
        ("198X", date(1989, 12, 31)),
        ("198x", date(1989, 12, 31)),
        ("19XX", date(1999, 12, 31)),
        ("jaren 80", date(1989, 12, 31)),
        ("de jaren tachtig", date(1989, 12, 31)),
        ("1980s", date(1989, 12, 31)),
        ("jaren 20", date(2029, 12, 31)),
        ("19e eeuw", date(1900, 12, 31)),
        ("20th century", date(2000, 12, 31)),
        ("voor 1990", date(1990, 12, 31)),
        ("t/m 31 mei 2030", date(2030, 5, 31)),
        ("eind 2030", date(2030, 12, 31)),
        ("zomer 2030", date(2030, 9, 30)),
        ("winter 2030", date(2031, 3, 31)),
        ("2030-24", date(2031, 3, 31)),
        ("1980-1985", date(1985, 12, 31)),
        ("tussen 1980 en 1985", date(1985, 12, 31)),
        ("1984 of 1985", date(1985, 12, 31)),
        ("1980/1985", date(1985, 12, 31)),
        ("[1667,1668..1670]", date(1670, 12, 31)),
        ("na 2030", NEVER),
        ("after 1 May 2030", NEVER),
        ("2030/..", NEVER),
        ("Y170000002", NEVER),
        ("2030-01-01T00:00:00+01:00", date(2030, 1, 1)),
        ("2029-12-31T23:00:00Z", date(2030, 1, 1)),
        ("2030-01-01T12:00:00", date(2030, 1, 2)),
        ("9999-12-31T23:59:59Z", NEVER),
    ],
)
def test_a_vague_date_ends_at_its_latest_day(raw: str, last: date) -> None:
    """Dutch, English and EDTF forms give the latest day they can mean."""
    assert closing_date(raw) == last


@pytest.mark.parametrize(
    "raw",
    ["", "  ", "ooit", "onbekend", "2030-13", "2030-02-30", "29 februari 2031", "1-2-30",
     "2030-W05",
     "'; DROP TABLE item; --", "9" * 90, "?" * 50, "x" * 10_000, "٢٠٣٠", "0e eeuw"],
)  # fmt: skip
def test_what_is_no_date_is_not_read(raw: str) -> None:
    """An unreadable date is nothing: the row is refused, not opened."""
    assert closing_date(raw) is None


def test_the_day_that_means_no_embargo_cannot_be_delivered_by_accident() -> None:
    """1 January of the year 1 is our own sign; no date in a file turns into it."""
    assert closing_date("0001-01-01") == date(1, 1, 2)


@settings(max_examples=150)
@given(st.dates(min_value=date(1, 1, 2), max_value=date(9997, 12, 31)))
def test_doubt_never_opens_earlier(day: date) -> None:
    """Whatever is said less exactly closes at least as long as the day itself."""
    vaguer = (day.isoformat(), f"{day.year:04}", f"{day.year:04}?", f"ca. {day.year:04}",
              f"{day.year // 10:03}X")  # fmt: skip
    bounds = [closing_date(text) for text in vaguer]
    assert bounds[0] == day
    assert all(bound is not None and bound >= day for bound in bounds)


@settings(max_examples=150)
@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - a moment without zone is the case under test
def test_a_moment_closes_its_own_day(moment: datetime) -> None:
    """An embargo that ends during a day is over the next day."""
    found = closing_date(moment.isoformat(timespec="seconds"))
    whole = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    assert found == moment.date() + timedelta(days=0 if whole else 1)


@settings(max_examples=200)
@given(st.text(alphabet="0123456789-/XxuY?~%.[]{},T:Z ejanuri", max_size=30))
def test_reading_never_fails(raw: str) -> None:
    """Any text gives a date or nothing, never an exception."""
    found = closing_date(raw)
    assert found is None or isinstance(found, date)
