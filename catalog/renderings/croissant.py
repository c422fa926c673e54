"""Croissant 1.1 with its RAI vocabulary, and the offer as ODRL in ``usageInfo``.

``license`` is of the items: the offer, which is the licence that one gets by asking. The licence of
the metadata is ``sdLicense``. Without files it describes what an edition has; with the parts of an
extract it loads their rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.record import Agent, Record, RecordColumn
from catalog.renderings import odrl
from catalog.renderings.covering import Cover, Document, Table, each, flag, instant, moment
from policies.dumping import CONTEXT as POLICY_CONTEXT

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_OWN = (
    "arrayShape citeAs column containedIn extract field fileObject fileProperty"
    " equivalentProperty fileSet format includes isArray isLiveDataset jsonPath key md5"
    " parentField path recordSet references regex repeated replace samplingRate separator"
    " source subField transform"
)
"""Croissant's words for what a field is and where it stands."""
CONTEXT: Document = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{name: f"cr:{name}" for name in _OWN.split()},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "sc": "https://schema.org/",
    **odrl.CONTEXT,
}
_TYPES = {
    "BOOLEAN": "sc:Boolean",
    "BIGINT": "sc:Integer",
    "DOUBLE": "sc:Float",
    "DATE": "sc:Date",
    "TIMESTAMP": "sc:Date",
}
"""Type of a column → of a field; others are text."""
PARQUET = "application/x-parquet"  # the name that its own reader knows


@dataclass(frozen=True)
class FilePart:
    """A Parquet file of an extract, with an address that can be read."""

    number: int
    address: str
    sha256: str
    bytes: int


def _agent(agent: Agent) -> dict[str, str]:
    kind = "sc:Person" if agent.kind == "person" else "sc:Organization"
    return {"@type": kind, "@id": agent.iri, "name": agent.name, "url": agent.iri}


def _agent_read(found: Mapping[str, str]) -> Agent:
    kind = "person" if found["@type"] == "sc:Person" else "organisation"
    return Agent(found["@id"], found["name"], kind)


def _base(offer: Mapping[str, Any]) -> str:
    address: str = offer.get("uid") or offer["@id"]
    return address.partition("/v1/")[0] + "/datasets/"


COVERS = Table(
    Cover("iri", "url"),
    Cover("name", "identifier"),
    Cover("version", "version", lambda n: f"{n}.0.0", lambda text: int(text.partition(".")[0])),
    Cover("title.en", "name"),
    Cover("title.nl", "alternateName/0/@value"),
    Cover("description.en", "description"),
    Cover("publisher", "publisher", _agent, _agent_read),
    Cover("creators", "creator", *each(_agent, _agent_read)),
    Cover("created", "dateCreated", instant, moment),
    Cover("issued", "datePublished", instant, moment),
    Cover("modified", "dateModified", instant, moment),
    Cover("languages", "inLanguage", list, tuple),
    Cover("identifiers", "sameAs", list, tuple),
    Cover("metadata_licence", "sdLicense"),
    Cover(
        "content.offer_iri", "license", read=lambda found: found if "/v1/offers/" in found else ""
    ),
    Cover(
        "content.offer",
        "usageInfo",
        lambda offer: odrl.within(offer, _base(offer)),
        lambda found: odrl.document(found, _base(found), POLICY_CONTEXT),
    ),
)
"""What Croissant says of a record, and where."""


def render(record: Record, parts: Sequence[FilePart] = ()) -> Document:
    """The dataset as a document; with files, one that loads their rows.

    :param parts: of an extract; each is a record set of its own (``part-1``).
    """
    found = COVERS.write(record, {"@context": CONTEXT, "@type": "sc:Dataset"})
    found |= {
        "conformsTo": CONFORMS_TO,
        "citeAs": record.citation,
        "isLiveDataset": False,
        "keywords": [text for text, _ in record.keywords],
        "conditionsOfAccess": flag(record, COVERS.uncovered(record), "en"),
        "rai:dataReleaseMaintenancePlan": _MAINTENANCE,
    }
    found.setdefault("license", record.iri)
    found["alternateName"][0]["@language"] = "nl"
    sets = [(f"part-{part.number}", {"fileObject": {"@id": _file(part)}}) for part in parts]
    found["distribution"] = [_file_object(part) for part in parts] or [_UNASKED]
    found["recordSet"] = [
        _record_set(name, record.columns, source)
        for name, source in sets or [("items", {"fileSet": {"@id": _UNASKED["@id"]}})]
    ]
    return found


_MAINTENANCE = (
    "An edition never changes. Items that are withdrawn are taken out of every extract, and who has"
    " one is told; each extract names the moment of the rights ledger that it was cut at."
)
_UNASKED: Document = {
    "@type": "cr:FileSet",
    "@id": "extract",
    "name": "extract",
    "description": "The files of an extract, which one gets under an agreement.",
    "encodingFormat": PARQUET,
    "includes": "*.parquet",
}


def _file(part: FilePart) -> str:
    return f"part-{part.number}.parquet"


def _file_object(part: FilePart) -> Document:
    return {
        "@type": "cr:FileObject",
        "@id": _file(part),
        "name": _file(part),
        "contentUrl": part.address,
        "contentSize": f"{part.bytes} B",
        "encodingFormat": PARQUET,
        "sha256": part.sha256,
    }


def _record_set(name: str, columns: Sequence[RecordColumn], source: Document) -> Document:
    fields = [_field(name, column, source) for column in columns]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(name: str, column: RecordColumn, source: Document) -> Document:
    empty = " Empty in every extract." if column.withheld else ""
    return {
        "@type": "cr:Field",
        "@id": f"{name}/{column.name}",
        "name": column.name,
        "description": f"{column.title.en or column.name}.{empty}",
        "dataType": _TYPES.get(column.type, "sc:Text"),
        "source": {**source, "extract": {"column": column.name}},
    }
