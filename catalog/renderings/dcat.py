"""DCAT-AP 3.0.1 and DCAT-AP-NL 3.0: one description that meets both, as JSON-LD without contexts
of others.

The licence of the metadata stands on the catalogue and on its record of the dataset. What may be
done with the items stands apart: the offer as the dataset's policy and the licence of its
distribution, and the rights statements of the items as its rights.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.description import LANGUAGES, THEMES
from catalog.record import Agent, Contact, Record, Words
from catalog.renderings import odrl
from catalog.renderings.covering import (
    Cover,
    Document,
    Table,
    each,
    instant,
    iri,
    iris,
    node,
    strings,
    tagged,
    typed,
    untagged,
    words,
)
from policies.dumping import CONTEXT as POLICY_CONTEXT

CONTEXT: dict[str, Any] = {
    **odrl.CONTEXT,
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "policy": odrl.POLICY,
}
"""To be completed with the base of relative names (:func:`_context`)."""
CONFORMS_TO = "https://data.europa.eu/r5r/dcat-ap/3.0.1"
_EU = "http://publications.europa.eu/resource/authority/"
_MEDIA_TYPE = "https://www.iana.org/assignments/media-types/application/vnd.apache.parquet"
_RECORD = "foaf:isPrimaryTopicOf"
_THEMES = {
    code: {
        "@id": f"{_EU}data-theme/{code}",
        "@type": "skos:Concept",
        "skos:prefLabel": strings(Words(*labels)),
    }
    for code, labels in THEMES.items()
}
_CODES = {code: language for language, code in LANGUAGES.items()}


def _themes(codes: Sequence[str]) -> list[dict[str, Any]]:
    return [_THEMES[code] for code in codes]


def _languages(codes: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"@id": f"{_EU}language/{LANGUAGES[one]}", "@type": "dct:LinguisticSystem"} for one in codes
    ]


def _codes(found: list[dict[str, str]]) -> tuple[str, ...]:
    return tuple(one["@id"].rpartition("/")[2] for one in found)


def _agent(agent: Agent) -> dict[str, Any]:
    kind = "foaf:Person" if agent.kind == "person" else "foaf:Organization"
    return {"@id": agent.iri, "@type": ["foaf:Agent", kind], "foaf:name": agent.name}


def _agent_read(found: dict[str, Any]) -> Agent:
    kind = "person" if "foaf:Person" in found["@type"] else "organisation"
    return Agent(found["@id"], found["foaf:name"], kind)


def _contact(contact: Contact) -> dict[str, Any]:
    by = ("vcard:hasEmail", "mailto:") if contact.by_mail else ("vcard:hasURL", "")
    return {
        "@type": ["vcard:Kind", "vcard:Organization"],
        "vcard:fn": contact.name,
        by[0]: node(by[1] + contact.address),
    }


def _contact_read(found: dict[str, Any]) -> Contact:
    address = found.get("vcard:hasEmail") or found["vcard:hasURL"]
    return Contact(found["vcard:fn"], iri(address).removeprefix("mailto:"))


def _locations(addresses: Sequence[str]) -> list[dict[str, str]]:
    return [{"@id": address, "@type": "dct:Location"} for address in addresses]


def _day(text: str) -> dict[str, str]:
    return {"@value": text, "@type": "xsd:date" if "-" in text else "xsd:gYear"}


def _identifiers(given: Sequence[str]) -> list[dict[str, Any]]:
    return [{"@type": "adms:Identifier", "skos:notation": one} for one in given]


def _statements(found: Sequence[str]) -> list[dict[str, str]]:
    return [{"@id": one, "@type": "dct:RightsStatement"} for one in found]


def _policy(offer: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in offer.items() if key != "@context"}


_DATE_TIME = typed("xsd:dateTime")

COVERS = Table(
    Cover("iri", "@id"),
    Cover("name", "dct:identifier"),
    Cover("version", "dcat:version", str, int),
    Cover("title", "dct:title", strings, words),
    Cover("description", "dct:description", strings, words),
    Cover("publisher", "dct:publisher", _agent, _agent_read),
    Cover("creators", "dct:creator", *each(_agent, _agent_read)),
    Cover("contact", "dcat:contactPoint", _contact, _contact_read),
    Cover("created", "dct:created", *_DATE_TIME),
    Cover("issued", "dct:issued", *_DATE_TIME),
    Cover("modified", "dct:modified", *_DATE_TIME),
    Cover("keywords", "dcat:keyword", tagged, untagged),
    Cover("themes", "dcat:theme", _themes, _codes),
    Cover(
        "languages",
        "dct:language",
        _languages,
        lambda found: tuple(_CODES[code] for code in _codes(found)),
    ),
    Cover("spatial", "dct:spatial", _locations, iris),
    Cover("begins", "dct:temporal/dcat:startDate", _day, lambda found: found["@value"]),
    Cover("ends", "dct:temporal/dcat:endDate", _day, lambda found: found["@value"]),
    Cover(
        "identifiers",
        "adms:identifier",
        _identifiers,
        lambda found: tuple(one["skos:notation"] for one in found),
    ),
    Cover("metadata_licence", f"{_RECORD}/dct:license", node, iri),
    Cover(
        "content.access",
        "dct:accessRights",
        lambda code: {"@id": f"{_EU}access-right/{code}", "@type": "dct:RightsStatement"},
        lambda found: _codes([found])[0],
    ),
    Cover(
        "content.statements",
        "dct:rights",
        _statements,
        lambda found: tuple(one["@id"] for one in found if "@id" in one),
    ),
    Cover(
        "content.offer",
        "policy",
        _policy,
        lambda found: {"@context": POLICY_CONTEXT, **found},
    ),
    Cover("content.offer_iri", "dcat:distribution/dct:license/@id"),
)
"""What DCAT says of a record, and where."""


def dataset(record: Record) -> Document:
    """The dataset as a node, for a page of the catalogue or under a context of its own."""
    found: Document = {
        "@id": "",
        "@type": ["dcat:Dataset", "dcat:Resource"],
        _RECORD: _entry(record),
    }
    COVERS.write(record, found)
    found["dcat:landingPage"] = {"@id": record.iri, "@type": "foaf:Document"}
    if "dct:temporal" in found:
        found["dct:temporal"]["@type"] = "dct:PeriodOfTime"
    if record.content.offer is not None:
        _distribute(record, found["dcat:distribution"])
    flags = COVERS.flags(record)
    if flags:
        told = {"@type": "dct:RightsStatement", "rdfs:label": tagged(flags)}
        found.setdefault("dct:rights", []).append(told)
    return found


def _entry(record: Record) -> dict[str, Any]:
    return {
        "@id": f"{record.iri}#record",
        "@type": "dcat:CatalogRecord",
        "foaf:primaryTopic": node(record.iri),
        "dct:conformsTo": {"@id": CONFORMS_TO, "@type": "dct:Standard"},
        "dct:modified": {"@value": instant(record.modified), "@type": "xsd:dateTime"},
        "dct:language": _languages(("nl", "en")),
    }


def _distribute(record: Record, found: dict[str, Any]) -> None:
    found |= {
        "@type": "dcat:Distribution",
        "dct:title": strings(record.title),
        "dcat:accessURL": {"@id": record.iri, "@type": "rdfs:Resource"},
        "dcat:mediaType": {"@id": _MEDIA_TYPE, "@type": "dct:MediaType"},
        "dct:format": {"@id": f"{_EU}file-type/PARQUET", "@type": "dct:MediaTypeOrExtent"},
    }
    found["dct:license"]["@type"] = "dct:LicenseDocument"


def render(record: Record) -> Document:
    """The dataset as a document of its own."""
    return {"@context": _context(record.catalogue), **dataset(record)}


def _context(catalogue_address: str) -> dict[str, Any]:
    """The context, with what the names of datasets in offers are relative to."""
    return {**CONTEXT, "@base": catalogue_address.removesuffix("catalogue") + "datasets/"}


def catalogue(
    records: Sequence[Record],
    *,
    address: str,
    publisher: Agent,
    licence: str,
    view: Document | None = None,
) -> Document:
    """A catalogue, or a page of one, with its datasets.

    :param licence: of the catalogue itself; a record of another licence says so.
    :param view: the page as Hydra has it (``hydra:PartialCollectionView``).
    """
    told = strings(Words(f"Catalogus van {publisher.name}", f"Catalogue of {publisher.name}"))
    found: Document = {
        "@context": _context(address),
        "@id": address,
        "@type": "dcat:Catalog",
        "dct:title": told,
        "dct:description": told,
        "dct:publisher": _agent(publisher),
        "dcat:contactPoint": _contact(Contact(publisher.name, publisher.iri)),
        "dct:license": {"@id": licence, "@type": "dct:LicenseDocument"},
        "foaf:homepage": {"@id": address, "@type": "foaf:Document"},
        "dcat:dataset": [dataset(record) for record in records],
        "dcat:record": [node(f"{record.iri}#record") for record in records],
    }
    if view:
        found["hydra:view"] = view
    return found
