"""The question: who wants to do what, with which edition, why, where and when."""

import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from policies.errors import RequestError
from policies.regions import is_country
from policies.vocabulary import ITEM_FACTS, PURPOSES, USER_CLASSES, USES, purpose_term, use_term

JsonScalar: TypeAlias = str | int | float | bool | None

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
"""Dates of rights are days here."""
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a recipient processes and stores, and who controls it.

    Countries are ISO 3166-1 alpha-2; None is unknown, and unknown satisfies no residency rule.

    :param country: where it is processed.
    :param operator_country: of the operator's ultimate parent.
    :param secure: whether it is a secure environment, which data cannot leave.
    :param stored_country: where it is stored.
    :param name: the data centre or room, as archives that trust it name it.
    """

    country: str | None
    operator_country: str | None
    secure: bool = False
    stored_country: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Request:
    """The facts asked about; values are checked against the vocabulary when it is made.

    :param use: what for, in the AI-use tree (``train.gen``) or an ODRL action (``odrl:read``).
    :param user_class: commercial, research, heritage, education or government.
    :param purpose: DPV purpose (IRI, ``dpv:`` term or bare name), or None where none is given.
    :param assignee: the organisation that asks, as policies name it; None for an anonymous one.
    :param target: the edition, ``archive/dataset@3``.
    :param at: the moment of use, with its time zone.
    :param facts: values of further left operands under their own terms (``odrl:payAmount``).
    :raises RequestError: for a value outside the vocabulary or a moment without zone.
    """

    use: str
    user_class: str
    purpose: str | None
    assignee: str | None
    target: str
    place: Place
    at: datetime
    facts: Mapping[str, JsonScalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what the vocabulary does not know, before it can be decided on."""
        object.__setattr__(self, "target", sys.intern(self.target))
        if use_term(self.use) is None:
            raise _unknown("use", self.use, ", ".join(term.removeprefix("vg:") for term in USES))
        if self.user_class not in USER_CLASSES:
            raise _unknown("user_class", self.user_class, ", ".join(USER_CLASSES))
        if self.purpose is not None and purpose_term(self.purpose) is None:
            raise _unknown("purpose", self.purpose, ", ".join(PURPOSES))
        for name in ("country", "operator_country", "stored_country"):
            code = getattr(self.place, name)
            if code is not None and not is_country(code):
                raise _unknown(f"place.{name}", code, "ISO 3166-1 alpha-2, as in NL")
        if self.at.tzinfo is None:
            raise RequestError(
                "at",
                "the moment has no time zone",
                "add one, as in 2026-11-23T01:00:00Z",
                probleem="het tijdstip heeft geen tijdzone",
                uitweg="zet er een tijdzone bij, zoals in 2026-11-23T01:00:00Z",
            )

    @cached_property
    def action(self) -> str:
        """The use as a prefixed action."""
        return use_term(self.use) or self.use

    @cached_property
    def dataset(self) -> str | None:
        """The collection that the asked edition belongs to: ``archive/dataset``."""
        return self._named[0] if self._named else None

    @cached_property
    def edition(self) -> int | None:
        """The number of the asked edition."""
        return int(self._named[1]) if self._named else None

    @cached_property
    def _named(self) -> tuple[str, str] | None:
        dataset, _, number = self.target.rpartition("@")
        return (dataset, number) if dataset and _NUMBER.fullmatch(number) else None

    @cached_property
    def day(self) -> date:
        """The day of use in Europe/Amsterdam."""
        return self.at.astimezone(AMSTERDAM).date()

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON; :func:`request_from_json` gives it back."""
        return {
            "use": self.use,
            "user_class": self.user_class,
            "purpose": self.purpose,
            "assignee": self.assignee,
            "target": self.target,
            "place": {
                name: value
                for name, value in asdict(self.place).items()
                if value is not None or name not in {"stored_country", "name"}
            },
            "at": self.at.astimezone(UTC).isoformat(),
            "facts": dict(self.facts),
        }


def request_from_json(document: Mapping[str, Any]) -> Request:
    """The request that :meth:`Request.to_json` wrote."""
    values = {**document, "place": Place(**document["place"])}
    return Request(**{**values, "at": datetime.fromisoformat(document["at"])})


def item_from_json(document: Mapping[str, Any]) -> dict[str, object]:
    """An item's facts as they come from JSON or YAML, where a date may be a text.

    :raises RequestError: for a fact we do not know, or a date that is none.
    """
    facts: dict[str, object] = {}
    for name, value in document.items():
        if name not in ITEM_FACTS:
            raise _unknown(f"item.{name}", name, ", ".join(ITEM_FACTS))
        facts[name] = value
        if ITEM_FACTS[name].kind == "date" and isinstance(value, str):
            try:
                facts[name] = date.fromisoformat(value)
            except ValueError:
                raise _unknown(f"item.{name}", value, "2026-11-23, as a date") from None
    return facts


def _unknown(field_name: str, value: str, known: str) -> RequestError:
    return RequestError(
        field_name,
        f"`{value}` is not known",
        f"use one of: {known}",
        probleem=f"`{value}` is niet bekend",
        uitweg=f"gebruik een van: {known}",
    )
