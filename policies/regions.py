"""Which country lies within which set of countries, as dated data.

A place is the set of all regions it lies in: ``NL`` is in ``NL``, ``EU`` and ``EEA``. A country
that is not two capital letters lies nowhere, so no rule about places is ever satisfied by it.
"""

from functools import cache

from policies.vocabulary import _read

_SETS = {entry["term"]: entry for entry in _read("regions")["sets"]}
_MEMBERS = {term: frozenset(entry["members"]) for term, entry in _SETS.items()}


def is_country(code: str) -> bool:
    """Whether the code has the form of an ISO 3166-1 alpha-2 code."""
    return len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()


def is_region(code: str) -> bool:
    """Whether a policy may name it: a country or one of the sets."""
    return code in _SETS or is_country(code)


@cache
def regions_of(country: str | None) -> frozenset[str] | None:
    """Every region the country lies in, itself included; None where the country is unknown."""
    if country is None or not is_country(country):
        return None
    return frozenset({country}) | {term for term, members in _MEMBERS.items() if country in members}


def members(region: str) -> frozenset[str]:
    """The countries of a region; a country is its own only member."""
    return _MEMBERS.get(region, frozenset({region}))


def region_label(region: str, language: str) -> str:
    """The region's name in Dutch or English; a country shows as its code."""
    return str(_SETS[region][language]) if region in _SETS else region
