"""schema.org as the Dataset Register takes it (NDE Requirements for Datasets 1.14).

There ``license`` is of the metadata alone, and a distribution is a file of metadata; so the
distribution here is the record as DCAT. Of the items it says only what access they take, with a
flag for the rest.
"""

from collections.abc import Sequence
from typing import Any

from catalog.record import Agent, Contact, Record, Words
from catalog.renderings.covering import (
    Cover,
    Document,
    Table,
    each,
    iri,
    iris,
    node,
    nodes,
    strings,
    tagged,
    typed,
    untagged,
    words,
)

CONTEXT = {"@vocab": "https://schema.org/", "dct": "http://purl.org/dc/terms/"}
_EU = "http://publications.europa.eu/resource/authority/"
_DATE_TIME = typed("http://www.w3.org/2001/XMLSchema#dateTime")


def _agent(agent: Agent) -> dict[str, Any]:
    kind = "Person" if agent.kind == "person" else "Organization"
    return {"@type": kind, "@id": agent.iri, "name": tagged([(agent.name, "nl")])}


def _agent_read(found: dict[str, Any]) -> Agent:
    kind = "person" if found["@type"] == "Person" else "organisation"
    return Agent(found["@id"], found["name"][0]["@value"], kind)


def _contact(contact: Contact) -> dict[str, Any]:
    name = tagged([(contact.name, "nl")])
    return {"@type": "ContactPoint", "name": name, "email": contact.address}


def _contact_read(found: dict[str, Any]) -> Contact:
    return Contact(found["name"][0]["@value"], found["email"])


def _period(period: Sequence[str]) -> str:
    return "/".join(end or ".." for end in period)


def _period_read(found: str) -> tuple[str, ...]:
    return tuple("" if end == ".." else end for end in found.split("/"))


COVERS = Table(
    Cover("iri", "@id"),
    Cover("name", "identifier"),
    Cover("version", "version", str, int),
    Cover("title", "name", strings, words),
    Cover("description", "description", strings, words),
    Cover("publisher", "publisher", _agent, _agent_read),
    Cover("mailbox", "publisher/contactPoint", _contact, _contact_read),
    Cover("creators", "creator", *each(_agent, _agent_read)),
    Cover("created", "dateCreated", *_DATE_TIME),
    Cover("issued", "datePublished", *_DATE_TIME),
    Cover("modified", "dateModified", *_DATE_TIME),
    Cover("metadata_licence", "license", node, iri),
    Cover("keywords", "keywords", tagged, untagged),
    Cover(
        "themes",
        "about",
        lambda codes: nodes(f"{_EU}data-theme/{code}" for code in codes),
        lambda found: tuple(one.rpartition("/")[2] for one in iris(found)),
    ),
    Cover("languages", "inLanguage", list, tuple),
    Cover("spatial", "spatialCoverage", nodes, iris),
    Cover("period", "temporalCoverage", _period, _period_read),
    Cover("identifiers", "sameAs", nodes, iris),
    Cover("catalogue", "includedInDataCatalog", node, iri),
    Cover(
        "content.access",
        "dct:accessRights",
        lambda code: node(f"{_EU}access-right/{code}"),
        lambda found: iri(found).rpartition("/")[2],
    ),
)
"""What schema.org says of a record, and where."""


def render(record: Record) -> Document:
    """The dataset as a document of its own, which is also embedded in its page."""
    found = COVERS.write(record, {"@context": CONTEXT, "@type": "Dataset"})
    for creator in found["creator"]:  # whom to ask, also where the publisher is another
        if record.mailbox and creator["@type"] == "Organization":
            creator["contactPoint"] = found["publisher"]["contactPoint"]
    if record.iri.startswith("https://"):
        found["mainEntityOfPage"] = node(record.iri)
    found["distribution"] = [
        {
            "@type": "DataDownload",
            "contentUrl": node(f"{record.iri}/dcat.jsonld"),
            "encodingFormat": "application/ld+json",
            "license": node(record.metadata_licence),
            "name": tagged([("Beschrijving als DCAT", "nl"), ("Description as DCAT", "en")]),
        }
    ]
    flags = COVERS.flags(record)
    if flags:
        found["conditionsOfAccess"] = tagged(flags)
    return found


def catalogue(
    records: Sequence[Record],
    *,
    address: str,
    publisher: Agent,
    licence: str,
    view: Document | None = None,
) -> Document:
    """A catalogue, or a page of one, with its datasets.

    :param licence: of the catalogue itself.
    :param view: the page as Hydra has it (``hydra:PartialCollectionView``).
    """
    told = strings(Words(f"Catalogus van {publisher.name}", f"Catalogue of {publisher.name}"))
    found: Document = {
        "@context": {**CONTEXT, "hydra": "http://www.w3.org/ns/hydra/core#"},
        "@id": address,
        "@type": "DataCatalog",
        "name": told,
        "description": told,
        "license": node(licence),
        "publisher": _agent(publisher),
        "dataset": [
            {key: value for key, value in render(one).items() if key != "@context"}
            for one in records
        ],
    }
    if view:
        found["hydra:view"] = view
    return found


SCORED = {
    "description": (20, "een beschrijving", "a description"),
    "distribution": (20, "een distributie", "a distribution"),
    "creator": (10, "een maker", "a creator"),
    "datePublished": (10, "een datum van publicatie", "a date of publication"),
    "dateModified": (5, "een datum van wijziging", "a date of change"),
    "coverage": (5, "een plaats of periode", "a place or a period"),
    "inLanguage": (5, "de taal van de items", "the language of the items"),
}
"""What the register takes off its score of 100 where something is missing, and its names."""


def missing(document: Document) -> tuple[str, ...]:
    """What is missing of :data:`SCORED` in a rendering."""
    said = set(document)
    if said & {"spatialCoverage", "temporalCoverage"}:
        said.add("coverage")
    return tuple(name for name in SCORED if name not in said)


def score(document: Document) -> int:
    """The register's score of a rendering, of 100."""
    return 100 - sum(SCORED[name][0] for name in missing(document))
