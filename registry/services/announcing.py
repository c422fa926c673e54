"""Telling the Dataset Register of Netwerk Digitaal Erfgoed where the catalogue stands.

Its interface: <https://datasetregister.netwerkdigitaalerfgoed.nl/api>. It fetches every page from
then on by itself, each day.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session

from catalog.renderings import schema_org
from connectors.fetching import Networks, NotFetched, fetch
from registry.services.records import list_records

REGISTER = "https://datasetregister.netwerkdigitaalerfgoed.nl/api"
ENOUGH = 95
"""Score from which nothing is said of a dataset."""
_PAGE = 100
_SECONDS, _MOST_BYTES = 60.0, 1_000_000
_SAID = {
    202: "the register took the catalogue, and will fetch it every day",
    400: "the register finds descriptions that are not valid; what it says follows",
    403: "the register does not know this domain yet: ask its team to add it to the list",
    404: "the register cannot reach the catalogue",
    406: "the register finds no datasets in the catalogue",
}


@dataclass(frozen=True)
class Told:
    """What the register answered, in words; whether it took the catalogue."""

    taken: bool
    text: str


def address_of(origin: str) -> str:
    """The address that the register is told."""
    return f"{origin}/catalogue/nde.jsonld"


def scores(session: Session, *, origin: str) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Every published dataset with the register's score and what is missing."""
    after = None
    while page := list_records(session, origin=origin, after=after, limit=_PAGE):
        for record in page:
            document = schema_org.render(record)
            yield record.name, schema_org.score(document), schema_org.missing(document)
        after = page[-1].id


def announce(origin: str, register: str, networks: Networks) -> Told:
    """Register the catalogue; the register fetches and checks its first page before it answers."""
    try:
        answer = fetch(
            f"{register}/datasets",
            networks=networks,
            seconds=_SECONDS,
            most_bytes=_MOST_BYTES,
            headers={"content-type": "application/ld+json", "accept": "application/ld+json"},
            content=json.dumps({"@id": address_of(origin)}).encode(),
        )
    except NotFetched as wrong:
        return Told(taken=False, text=f"the register cannot be asked ({wrong.code})")
    said = _SAID.get(answer.status, f"the register answers {answer.status}")
    report = f"\n{answer.text[:2000]}" if answer.status == 400 else ""
    return Told(taken=answer.status == 202, text=said + report)
