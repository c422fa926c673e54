"""The forms for terms and for the place of processing, read into what the services take."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from catalog.terms import ResidencyRule, Terms
from registry.errors import FieldProblem, InvalidInput, Text
from registry.pages.forms import Posted
from registry.services.publishing import parse_residency, parse_terms

REGIONS = ("NL", "EU", "EEA", "adequate")
"""Regions that the form offers to tick; other countries are written by their codes."""
LONGEST_AGREEMENT = 36_500
"""Days."""


def read_terms(posted: Posted) -> Terms:
    """The terms that the form makes up, or `InvalidInput` naming what is wrong."""
    return parse_terms(
        {
            **_document(posted),
            "valid_until": _day(posted.text("valid_until")),
            "agreement_days": _days(posted.text("agreement_days")),
        }
    )


def readable_terms(posted: Posted) -> Terms | None:
    """As much of the form as can be read, to show it again; `None` where nothing can."""
    try:
        return parse_terms(_document(posted))
    except InvalidInput:
        return None


def _document(posted: Posted) -> dict[str, Any]:
    return {
        "lines": list(_lines(posted)),
        "personal_data": posted.text("personal_data") or "deny",
        "release_personal_content": posted.text("release_personal_content") == "yes",
        "release_media": posted.text("release_media") == "yes",
        "purposes": list(posted.all("purposes")) or None,
        "automatic": posted.text("automatic") == "yes",
        "newer_editions": posted.text("newer_editions") == "yes",
    }


def _lines(posted: Posted) -> Iterator[dict[str, Any]]:
    number = 0
    while f"line.{number}.statement" in posted:
        at = f"line.{number}"
        yield {
            "statement": posted.text(f"{at}.statement"),
            "user_classes": posted.text(f"{at}.user_classes").split(),
            "use": posted.text(f"{at}.use") or "any",
            "outcome": posted.text(f"{at}.outcome"),
            "duties": list(posted.all(f"{at}.duties")),
            "confirmed": "yes" in (posted.text(f"{at}.confirmed"), posted.text("confirm_all")),
        }
        number += 1


def _day(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat() if text else None
    except ValueError:
        wrong = Text("Schrijf een datum als 2027-12-31.", "Write a date as 2027-12-31.")
        raise _wrong("valid_until", wrong) from None


def _days(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= LONGEST_AGREEMENT:
        return int(text)
    sentence = Text(
        f"Vul een aantal dagen in van 1 tot en met {LONGEST_AGREEMENT}.",
        f"Fill in a number of days from 1 to {LONGEST_AGREEMENT}.",
    )
    raise _wrong("agreement_days", sentence)


def _wrong(field: str, text: Text) -> InvalidInput:
    return InvalidInput("invalid-input", text, fields=(FieldProblem(field, text),))


@contextmanager
def by_field(root: str) -> Iterator[None]:
    """Name what is wrong by the form's own fields: the services' paths begin with ``root``."""
    try:
        yield
    except InvalidInput as wrong:
        fields = tuple(
            FieldProblem(one.path.removeprefix(f"{root}."), one.text) for one in wrong.fields
        )
        raise InvalidInput(wrong.code, wrong.text, wrong.help, fields) from wrong


def read_residency(posted: Posted) -> ResidencyRule:
    """The residency rule that the form makes up, or `InvalidInput` naming what is wrong."""
    process, operator, store = _regions(posted, "process"), None, None
    if posted.text("operator_any") != "yes":
        # Nothing ticked and not said that it does not matter: that is no answer.
        operator = _regions(posted, "operator")
    if posted.text("store_any") == "no" or _regions(posted, "store"):
        store = _regions(posted, "store")
    for name, regions in (("process", process), ("operator", operator), ("store", store)):
        if regions == ():
            raise _wrong(name, Text("Kies ten minste één gebied.", "Choose at least one region."))
    secure_only = posted.text("secure_only") == "yes"
    return parse_residency(
        {
            "process": process,
            "operator": operator,
            "secure_only": secure_only,
            "store": store,
            "places": tuple(posted.lines("places")) or None,
        }
    )


def _regions(posted: Posted, name: str) -> tuple[str, ...]:
    more = posted.text(f"{name}_countries").upper().replace(",", " ").split()
    return tuple(dict.fromkeys((*posted.all(name), *more)))


def residency_fields(rule: ResidencyRule | None) -> Posted:
    """A rule as its form would have posted it; nothing is filled in where there is none."""
    if rule is None:
        return Posted({})
    return Posted(
        {
            **_region_fields("process", rule.process),
            **_region_fields("operator", rule.operator or ()),
            "operator_any": ["yes" if rule.operator is None else "no"],
            **_region_fields("store", rule.store or ()),
            "store_any": ["yes" if rule.store is None else "no"],
            "places": ["\n".join(rule.places or ())],
            "secure_only": ["yes" if rule.secure_only else "no"],
        }
    )


def _region_fields(name: str, regions: tuple[str, ...]) -> dict[str, list[str]]:
    return {
        name: [region for region in regions if region in REGIONS],
        f"{name}_countries": [", ".join(region for region in regions if region not in REGIONS)],
    }
