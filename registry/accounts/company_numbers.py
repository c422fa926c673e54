"""Numbers under which an organisation is registered: KvK, and VAT of the member states of the EU.

Forms are those of the European Commission's VIES; check digits are computed where the member state
has published how. A number that passes may still be nobody's: the verifier looks it up.
"""

import re
from collections.abc import Callable

_VAT = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z]\d{7}[A-Z0-9]|\d{8}[A-Z]",
    "FI": r"\d{8}",
    "FR": r"[0-9A-HJ-NP-Z]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[0-9A-Z+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"\d{9}|\d{12}",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"\d{9}B\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
}


def _netherlands(body: str) -> bool:
    """The eleven test of a legal person's number, or ISO 7064 MOD 97-10 of a sole trader's."""
    weighed = sum(int(digit) * weight for digit, weight in zip(body, range(9, 1, -1), strict=False))
    spelled = "".join(str(int(sign, 36)) for sign in f"NL{body}")
    return weighed % 11 == int(body[8]) or int(spelled) % 97 == 1


def _mod_11_10(body: str) -> bool:
    """ISO 7064 MOD 11,10."""
    product = 10
    for digit in body[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (product + int(body[-1])) % 10 == 1


def _luhn(body: str) -> bool:
    doubled = (int(digit) * 2 for digit in body[-2::-2])
    return (sum(map(int, body[::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0


def _denmark(body: str) -> bool:
    weights = (2, 7, 6, 5, 4, 3, 2, 1)
    return sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11 == 0


def _france(body: str) -> bool:
    """Keys of two digits are computed from the SIREN; keys with a letter have no public rule."""
    return not body[:2].isdigit() or int(body[:2]) == (12 + 3 * (int(body[2:]) % 97)) % 97


_CHECKS: dict[str, Callable[[str], bool]] = {
    "BE": lambda body: 97 - int(body[:8]) % 97 == int(body[8:]),
    "DE": _mod_11_10,
    "DK": _denmark,
    "FR": _france,
    "HR": _mod_11_10,
    "IT": _luhn,
    "LU": lambda body: int(body[:6]) % 89 == int(body[6:]),
    "NL": _netherlands,
}


def plain_number(kind: str, number: str) -> str | None:
    """The number without spaces, points and dashes; ``None`` where it cannot be one.

    :param kind: ``kvk``, or ``vat`` with the country's prefix as VIES has it (Greece is ``EL``).
    """
    plain = re.sub(r"[\s.\-]", "", number).upper()
    if kind == "kvk":
        return plain if re.fullmatch(r"[0-9]{8}", plain) else None
    country, body = plain[:2], plain[2:]
    if not plain.isascii() or not re.fullmatch(_VAT.get(country, "(?!)"), body):
        return None
    check = _CHECKS.get(country)
    return plain if check is None or check(body) else None
