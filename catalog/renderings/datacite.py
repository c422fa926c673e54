"""A DataCite record (Metadata Schema 4.6, as JSON), from which citations are made.

Its rights are those of the items; the licence of the metadata has no place in it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from catalog.licences import statement
from catalog.record import Agent, Record, Words
from catalog.renderings.covering import Cover, Document, Table, each, instant, moment

SCHEMA = "http://datacite.org/schema/kernel-4"
_ACCESS = {"RESTRICTED": "restrictedAccess", "NON_PUBLIC": "closedAccess"}
_SEMANTICS = "info:eu-repo/semantics/"


def _texts(key: str, **more: str) -> tuple[Callable[[Words], Any], Callable[[Any], Words]]:
    """How to write a text in two languages under that key, and back."""

    def write(words: Words) -> list[dict[str, str]]:
        said = (("nl", words.nl), ("en", words.en))
        return [{key: text, "lang": language, **more} for language, text in said if text]

    def read(found: list[dict[str, str]]) -> Words:
        return Words(**{one["lang"]: one[key] for one in found})

    return write, read


def _creator(agent: Agent) -> dict[str, Any]:
    kind = "Personal" if agent.kind == "person" else "Organizational"
    identifier = {"nameIdentifier": agent.iri, "nameIdentifierScheme": "URI"}
    return {"name": agent.name, "nameType": kind, "nameIdentifiers": [identifier]}


def _creator_read(found: dict[str, Any]) -> Agent:
    kind = "person" if found["nameType"] == "Personal" else "organisation"
    return Agent(found["nameIdentifiers"][0]["nameIdentifier"], found["name"], kind)


def _publisher(agent: Agent) -> dict[str, str]:
    return {
        "name": agent.name,
        "publisherIdentifier": agent.iri,
        "publisherIdentifierScheme": "URI",
    }


def _at(kind: str) -> tuple[Callable[[datetime], Any], Callable[[Any], datetime]]:
    return (
        lambda at: {"date": instant(at), "dateType": kind},
        lambda found: moment(found["date"]),
    )


def _period(period: tuple[str, ...]) -> dict[str, str]:
    return {"date": "/".join(period), "dateType": "Coverage"}


def _statements(iris: tuple[str, ...]) -> list[dict[str, str]]:
    named = ((one, statement(one)) for one in iris)
    return [{"rights": known.en if known else one, "rightsUri": one} for one, known in named]


def _keywords(words: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"subject": word, "lang": language} for word, language in words]


def _identifiers(given: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {
            "alternateIdentifier": one,
            "alternateIdentifierType": "DOI" if "doi.org" in one else "ARK",
        }
        for one in given
    ]


def _each(key: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda found: tuple(one[key] for one in found)


COVERS = Table(
    Cover("iri", "url"),
    Cover("name", "identifiers/0/identifier"),
    Cover("version", "version", str, int),
    Cover("title", "titles", *_texts("title")),
    Cover("description", "descriptions", *_texts("description", descriptionType="Abstract")),
    Cover("creators", "creators", *each(_creator, _creator_read)),
    Cover("created", "dates/0", *_at("Created")),
    Cover("issued", "dates/1", *_at("Issued")),
    Cover("modified", "dates/2", *_at("Updated")),
    Cover("period", "dates/3", _period, lambda found: tuple(found["date"].split("/"))),
    Cover("keywords", "subjects", _keywords, lambda f: tuple((o["subject"], o["lang"]) for o in f)),
    Cover("identifiers", "alternateIdentifiers", _identifiers, _each("alternateIdentifier")),
    Cover("content.statements", "rightsList", _statements, _each("rightsUri")),
)
"""What DataCite says of a record, and where; the access and the offer come after the statements."""


def read(document: Document) -> dict[str, Any]:
    """What the table covers, from a document."""
    rights = [one for one in document["rightsList"] if "rightsUri" in one]
    return COVERS.read({**document, "rightsList": rights})


def render(record: Record) -> Document:
    """The record as the JSON that DataCite's interface takes."""
    found = COVERS.write(record, {"schemaVersion": SCHEMA})
    found["identifiers"][0]["identifierType"] = "Vrijgave"
    found["publisher"] = _publisher(record.publisher)
    found["publicationYear"] = record.issued.year
    found["types"] = {"resourceTypeGeneral": "Dataset", "resourceType": "Dataset"}
    found["rightsList"] = [*found.get("rightsList", []), *_access(record)]
    return found


def _access(record: Record) -> list[dict[str, str]]:
    word = _ACCESS[record.content.access]
    said = [{"rights": text, "lang": language} for text, language in COVERS.flags(record)]
    return [{"rights": word, "rightsIdentifier": word, "rightsIdentifierScheme": _SEMANTICS}, *said]
