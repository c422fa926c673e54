"""What a person chooses from, for the select and choice macros."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from catalog.licences import Statement, statement
from registry.accounts.actors import Scope
from registry.accounts.tables import Environment
from registry.pages.terms_form import REGIONS
from registry.pages.words import Words
from registry.services.asking import PrecheckReason
from registry.services.catalogue import Listing


def dataset_options(listings: Iterable[Listing], t: Words) -> list[tuple[str, str]]:
    """Reference and title of each listing that has an offer."""
    return [(one.reference, t.pick(one.dataset, "title")) for one in listings if one.offer]


def dataset_choices(listings: Iterable[Listing], t: Words) -> list[tuple[str, str, str]]:
    """The same with the archive's name and the size as a hint."""
    return [
        (one.reference, t.pick(one.dataset, "title"), f"{one.archive.name} · {one.reference}")
        for one in listings
    ]


def environment_options(environments: Iterable[Environment]) -> list[tuple[str, str]]:
    """Id, name and country of each environment."""
    return [(one.id, f"{one.name} ({one.country})") for one in environments]


def scope_choices(scopes: Iterable[Scope], t: Words) -> list[tuple[str, str, str]]:
    """Each scope, with what it is for."""
    return [(scope.value, t.of("scope", scope.value.replace(":", "_")), "") for scope in scopes]


class _About(Protocol):
    @property
    def listing(self) -> Listing: ...


def titles_of(decided: Iterable[_About], t: Words) -> list[str]:
    """The titles of the datasets that these parts are of, each once."""
    return list(dict.fromkeys(t.pick(one.listing.dataset, "title") for one in decided))


_MEANING = {
    "permitted": "permit",
    "approved": "permit",
    "in_force": "permit",
    "pending": "review",
    "proposed": "review",
    "denied": "deny",
    "refused": "deny",
    "revoked": "deny",
}


def meaning_of(state: str) -> str:
    """Which of the three meanings a state has, if any: permit, review or deny."""
    return _MEANING.get(state, "")


def purpose_choices(t: Words) -> list[tuple[str, str, str]]:
    """The purposes an owner may accept."""
    return [(term, text, "") for term, text in t.purposes()]


def region_choices(t: Words) -> list[tuple[str, str, str]]:
    """The regions a residency rule may name: the Netherlands, and sets of countries."""
    return [(code, t.country(code), "") for code in REGIONS]


def statement_choices(
    statements: Iterable[tuple[str, Statement | None]], t: Words
) -> list[tuple[str, str, str]]:
    """Each rights statement by its name, or by its IRI where it has none."""
    return [(iri, t.pick(known) if known else iri, "") for iri, known in statements]


@dataclass
class Reason:
    """Why a number of items fares so, with the rights statements it concerns."""

    outcome: str
    nl: str
    en: str
    amount: int
    rights: dict[str, Statement | None]


def merged(lines: Iterable[Mapping[str, Any]], amount: str = "count") -> list[Reason]:
    """Lines that read the same as one; rules may tell apart what people need not."""
    found: dict[tuple[str, str], Reason] = {}
    for line in lines:
        key = (line["outcome"], line["nl"])
        reason = found.setdefault(key, Reason(line["outcome"], line["nl"], line["en"], 0, {}))
        reason.amount += line[amount]
        reason.rights.update((iri, statement(iri)) for iri in line.get("rights", ()))
    return sorted(found.values(), key=lambda one: (_ORDER.get(one.outcome, 3), -one.amount))


def merged_answer(reasons: Iterable[PrecheckReason]) -> list[Reason]:
    """The same for the reasons of a pre-check, by their shares in per cents."""
    lines = (
        {"outcome": one.outcome, "nl": one.text.nl, "en": one.text.en, "count": one.share}
        for one in reasons
    )
    return merged(lines)


_ORDER = {"permit": 0, "review": 1, "deny": 2}
