"""A rendering in Turtle. Not for many at once: a graph is built on the way."""

from typing import Any

from rdflib import Graph
from rdflib.plugins.parsers.jsonld import to_rdf


def graph_of(document: Any) -> Graph:
    """The triples of a rendering, which names no contexts that would have to be fetched."""
    found = Graph()
    for prefix, namespace in document["@context"].items():
        if isinstance(namespace, str) and not prefix.startswith("@"):
            found.bind(prefix, namespace)
    to_rdf(document, found)
    return found


def turtle(document: Any) -> bytes:
    """The rendering as Turtle, in UTF-8."""
    return graph_of(document).serialize(encoding="utf-8", format="turtle")
