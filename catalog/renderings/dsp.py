"""A Dataset of the Dataspace Protocol 2025-1, with its offer.

An offer has no target inside a catalogue: it is about the dataset that it stands in. What narrows
the target in our own document (which columns, from which edition on) stands among the rule's
constraints here, by the same operands.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from catalog.record import Record
from catalog.renderings.covering import Cover, Document, Table, strings, tagged, words
from policies.dumping import CONTEXT as POLICY_CONTEXT
from policies.vocabulary import PREFIXES, compact, expand

DSPACE = "https://w3id.org/dspace/2025/1/context.jsonld"
CONTEXT = [DSPACE]
"""The protocol takes no context of others beside its own, so other words stand as whole IRIs."""
_NAMESPACES = {
    **{prefix: iri for prefix, iri in PREFIXES.items() if prefix != "odrl"},
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
FORMAT = "HttpData-PULL"
_OF_TARGET = ("vg:edition", "vg:column")
_RULES = ("permission", "prohibition", "obligation")


def _offer(offer: Mapping[str, Any]) -> dict[str, Any]:
    found = {k: v for k, v in offer.items() if k not in {"@context", "uid", *_RULES}}
    rules = {kind: [_rule(rule) for rule in offer[kind]] for kind in _RULES if kind in offer}
    return {"@id": offer["uid"], **found, **rules}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    target = rule["target"]
    narrowed = target["refinement"] if isinstance(target, dict) else []
    constraints = [_constraint(one) for one in [*rule.get("constraint", []), *narrowed]]
    kept = {k: v for k, v in rule.items() if k not in {"uid", "target", "constraint"}}
    return {"@id": rule["uid"], **kept, **({"constraint": constraints} if constraints else {})}


def _constraint(of: Mapping[str, Any]) -> dict[str, Any]:
    """As ours, but a right operand is never a bare number or truth value."""
    right = of["rightOperand"]
    values = right if isinstance(right, list) else [right]
    written = [_literal(one) for one in values]
    return {**of, "rightOperand": written if isinstance(right, list) else written[0]}


def _literal(value: Any) -> Any:
    if isinstance(value, bool):
        return {"@value": str(value).lower(), "@type": "xsd:boolean"}
    if isinstance(value, int):
        return {"@value": str(value), "@type": "xsd:integer"}
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    kind = value.get("@type") if isinstance(value, dict) else None
    if kind == "xsd:boolean":
        return value["@value"] == "true"
    return int(value["@value"]) if kind == "xsd:integer" else value


_whole = partial(expand, namespaces=_NAMESPACES)
"""A prefixed name as a whole IRI; any other word as it is."""
_prefixed = partial(compact, namespaces=_NAMESPACES)


def _named(value: Any, name: Callable[[str], str]) -> Any:
    """A value of an offer with each word in it named so; texts under ``@value`` stay."""
    if isinstance(value, list):
        return [_named(one, name) for one in value]
    if isinstance(value, dict):
        return {
            name(key): one if key == "@value" else _named(one, name) for key, one in value.items()
        }
    return name(value) if isinstance(value, str) else value


def _offer_read(found: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    name, version = record["name"], record["version"]
    offer = {k: v for k, v in found.items() if k not in {"@id", *_RULES}}
    rules = {
        kind: [_rule_read(rule, name, version) for rule in found[kind]]
        for kind in _RULES
        if kind in found
    }
    return {"@context": POLICY_CONTEXT, "uid": found["@id"], **offer, **rules}


def _rule_read(rule: Mapping[str, Any], name: str, version: int) -> dict[str, Any]:
    constraints = [
        {**one, "rightOperand": _plain(one["rightOperand"])} for one in rule.get("constraint", [])
    ]
    narrowed = [one for one in constraints if one["leftOperand"] in _OF_TARGET]
    rest = [one for one in constraints if one["leftOperand"] not in _OF_TARGET]
    newer = any(one["leftOperand"] == "vg:edition" for one in narrowed)
    source = name if newer else f"{name}@{version}"
    kept = {k: v for k, v in rule.items() if k not in {"@id", "constraint"}}
    target = {"source": source, "refinement": narrowed} if narrowed else source
    return {"uid": rule["@id"], "target": target, **kept, **({"constraint": rest} if rest else {})}


COVERS = Table(
    Cover("iri", "@id"),
    Cover("name", "dct:identifier"),
    Cover("version", "dcat:version", str, int),
    Cover("title", "dct:title", strings, words),
    Cover("description", "dct:description", strings, words),
    Cover("content.offer", "hasPolicy", lambda offer: [_offer(offer)], lambda found: found[0]),
)
"""What a DSP Dataset says of a record, and where; other words as whole IRIs."""


def read(document: Document) -> dict[str, Any]:
    """What the table covers, from a document."""
    named = {_prefixed(key): value for key, value in document.items()}
    named["hasPolicy"] = _named(document["hasPolicy"], _prefixed)
    found = COVERS.read(named)
    return {**found, "content.offer": _offer_read(found["content.offer"], found)}


def dataset(record: Record, *, service: str) -> Document | None:
    """The dataset with its offer; None where there is none, which the protocol has no form for.

    :param service: address of the connector that serves it.
    """
    if record.content.offer is None:
        return None
    found = COVERS.write(record, {"@type": "Dataset"})
    found["dct:rights"] = tagged(COVERS.flags(record))
    access = {"@id": service, "@type": "DataService", "endpointURL": service}
    distribution = {"@type": "Distribution", "format": FORMAT, "accessService": access}
    policy = _named(found.pop("hasPolicy"), _whole)
    whole = {_whole(key): value for key, value in found.items()}
    return {**whole, "hasPolicy": policy, "distribution": [distribution]}


def render(record: Record, *, service: str) -> Document | None:
    """The dataset as a document of its own."""
    found = dataset(record, service=service)
    return None if found is None else {"@context": CONTEXT, **found}
