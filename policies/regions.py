"""Which country lies within which set of countries, as dated data.

A place is the set of all regions it lies in: ``NL`` is in ``NL``, ``EU`` and ``EEA``. Sets change,
so a day always goes with the question. A country that is not two capital letters lies nowhere, so
no rule about places is ever satisfied by it.
"""

from bisect import bisect_right
from datetime import date, timedelta
from functools import cache

from policies.vocabulary import _read

_SETS = {entry["term"]: entry for entry in _read("regions")["sets"]}
_MEMBERS = {term: frozenset(entry["members"]) for term, entry in _SETS.items()}
_PERIODS: dict[tuple[str, str], tuple[date, date]] = {
    (term, country): (
        date.fromisoformat(said.get("from", "0001-01-01")),
        date.fromisoformat(said.get("until", "9999-12-31")),
    )
    for term, entry in _SETS.items()
    for country, said in entry.get("dated", {}).items()
}
_ALWAYS = date.min, date.max

DATED = frozenset(term for term, _ in _PERIODS)
"""The sets that change: for others the day does not matter."""

DAYS = tuple(
    sorted(
        {date.min}
        | {first for first, _ in _PERIODS.values()}
        | {last + timedelta(days=1) for _, last in _PERIODS.values() if last < date.max}
    )
)
"""The days on which some set changes, and the first of all: between two of them none does."""


def is_country(code: str) -> bool:
    """Whether the code has the form of an ISO 3166-1 alpha-2 code."""
    return len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()


def is_region(code: str) -> bool:
    """Whether a policy may name it: a country or one of the sets."""
    return code in _SETS or is_country(code)


def regions_of(country: str | None, day: date) -> frozenset[str] | None:
    """Every region the country lies in, itself included; None where the country is unknown.

    :param day: the day of use, Europe/Amsterdam.
    """
    return _regions(country, DAYS[bisect_right(DAYS, day) - 1])


@cache
def _regions(country: str | None, day: date) -> frozenset[str] | None:
    if country is None or not is_country(country):
        return None
    within = {term for term, found in _MEMBERS.items() if country in found}
    return frozenset({country}) | {term for term in within if _is_in(term, country, day)}


def _is_in(term: str, country: str, day: date) -> bool:
    first, last = _PERIODS.get((term, country), _ALWAYS)
    return first <= day <= last


def members(region: str) -> frozenset[str]:
    """The countries that ever lie in a region; a country is its own only member."""
    return _MEMBERS.get(region, frozenset({region}))


def region_label(region: str, language: str) -> str:
    """The region's name in Dutch or English; a country shows as its code."""
    return str(_SETS[region][language]) if region in _SETS else region
