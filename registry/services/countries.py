"""Which two letters are a country: ISO 3166-1 as the CLDR lists it."""

from functools import cache

from babel import Locale

from registry.services.wording import invalid

_NO_COUNTRIES = frozenset(
    {"AC", "CP", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
)
"""What the CLDR also lists: groupings, exceptional reservations, and codes for tests."""


@cache
def _countries() -> frozenset[str]:
    listed = map(str, Locale("en").territories)
    return frozenset(code for code in listed if len(code) == 2) - _NO_COUNTRIES


def known_country(path: str, code: str) -> None:
    """Pass, or ``InvalidInput`` for this field: a typing error would deny everything later."""
    if code in _countries():
        return
    raise invalid(
        path,
        f"`{code}` is geen landcode.",
        f"`{code}` is no country code.",
        "Gebruik twee letters volgens ISO 3166-1, zoals NL of GB.",
        "Use two letters of ISO 3166-1, such as NL or GB.",
    )
