"""An ODRL offer within another's JSON-LD, without a remote context.

A policy's own document leans on ODRL's context (:func:`policies.dump_policy`), under which the same
words mean other things than in DCAT or schema.org. Under :data:`POLICY`, the scope of one property
(JSON-LD 1.1 section 4.1.8), it stands as it is; for readers that know no scopes, :func:`within`
writes it in prefixed names.
"""

from collections.abc import Mapping
from typing import Any

from policies.vocabulary import FUNCTIONS, PREFIXES

CONTEXT = {
    **PREFIXES,
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
"""The prefixes that :func:`within` uses; the surrounding document's context must have them."""

_IRIS = ("profile", "inheritFrom", "target", "source", "rightOperandReference", *sorted(FUNCTIONS))
POLICY: dict[str, Any] = {
    "@id": "odrl:hasPolicy",
    "@context": {
        "@vocab": PREFIXES["odrl"],
        "uid": "@id",
        "dataType": "odrl:datatype",
        "dct:isReplacedBy": {"@id": "dct:isReplacedBy", "@type": "@id"},
        **{name: {"@id": f"odrl:{name}", "@type": "@id"} for name in _IRIS},
        **{
            name: {"@id": f"odrl:{name}", "@type": "@vocab"}
            for name in ("action", "leftOperand", "operator", "conflict")
        },
    },
}
"""The definition of a property whose value is an offer's own document, without its context.

Its relative names (``archive/dataset@3``) go by the surrounding document's ``@base``.
"""
_TERMS = frozenset({"action", "leftOperand", "operator", "conflict"})
"""Properties whose plain values are terms, of ODRL where they have no prefix."""
_PLAIN = frozenset({"rightOperand", "status", "unit", "dataType"})
"""Properties whose plain values are literals."""


def within(offer: Mapping[str, Any], base: str) -> dict[str, Any]:
    """The offer's document in prefixed names.

    :param base: what names such as ``archive/dataset@3`` are relative to, ending in a slash.
    """
    return _written({k: v for k, v in offer.items() if k != "@context"}, base)


def _written(of: Mapping[str, Any], base: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in of.items():
        if key == "@type":
            found["@type"] = f"odrl:{value}"
        elif key == "uid":
            found["@id"] = value
        else:
            found[key if ":" in key else f"odrl:{key}"] = _value(key, value, base)
    return found


def _value(key: str, value: Any, base: str) -> Any:
    if isinstance(value, list):
        return [_value(key, one, base) for one in value]
    if isinstance(value, dict):
        if "@list" in value:
            return {"@list": [_value(key, one, base) for one in value["@list"]]}
        return value if value.keys() & {"@id", "@value"} else _written(value, base)
    if key in _PLAIN:
        return value
    if key in _TERMS:
        return {"@id": value if ":" in value else f"odrl:{value}"}
    return {"@id": value if ":" in value else base + value}


def document(found: Mapping[str, Any], base: str, context: Any) -> dict[str, Any]:
    """The offer's own document again, as :func:`within` was given it."""
    return {"@context": context, **_read(found, base)}


def _read(found: Mapping[str, Any], base: str) -> dict[str, Any]:
    of: dict[str, Any] = {}
    for name, value in found.items():
        key = name.removeprefix("odrl:")
        if key == "@type":
            of["@type"] = value.removeprefix("odrl:")
        elif key == "@id":
            of["uid"] = value
        else:
            of[key] = _value_read(key, value, base)
    return of


def _value_read(key: str, value: Any, base: str) -> Any:
    if isinstance(value, list):
        return [_value_read(key, one, base) for one in value]
    if not isinstance(value, dict) or "@value" in value:
        return value
    if "@list" in value:
        return {"@list": [_value_read(key, one, base) for one in value["@list"]]}
    if value.keys() != {"@id"}:
        return _read(value, base)
    if key in _PLAIN or key == "rdf:value":
        return value
    return value["@id"].removeprefix("odrl:" if key in _TERMS else base)
