"""SHACL shapes of others, run on renderings by pySHACL; read once each."""

from functools import cache

from pyshacl import validate
from rdflib import RDF, SH, BNode, Graph, URIRef

from catalog.renderings.covering import Document
from catalog.renderings.graphs import graph_of
from tests.support.shared import shared

SUITES = {
    "dcat-ap": (
        "dcat-ap/3.0.1/html-shacl/shapes.ttl",
        "dcat-ap/3.0.1/html-shacl/range.ttl",
        "dcat-ap/3.0.1/html-shacl/shapes_recommended.ttl",
        "dcat-ap/3.0.1/html-shacl/deprecateduris.ttl",
        "dcat-ap/3.0.1/shacl/dcat-ap-SHACL.ttl",
    ),
    "dcat-ap-nl": (
        "dcat-ap-nl/3.0.0/dcat-ap-SHACL.ttl",
        "dcat-ap-nl/3.0.0/dcat-ap-nl-SHACL.ttl",
        "dcat-ap-nl/3.0.0/dcat-ap-nl-SHACL-klassebereik.ttl",
        "dcat-ap-nl/3.0.0/dcat-ap-nl-SHACL-klassebereik-codelijsten.ttl",
        "dcat-ap-nl/3.0.0/dcat-ap-nl-SHACL-aanbevolen.ttl",
    ),
    "nde": ("nde/shacl.ttl",),
}
"""Files of each suite, in the shared material's folder for conformance."""


@cache
def shapes(suite: str) -> Graph:
    """The shapes of a suite as one graph."""
    found = Graph()
    for name in SUITES[suite]:
        found.parse(shared(f"conformance/{name}"))
    if suite == "nde":
        _runnable(found)
    return found


def _runnable(nde: Graph) -> None:
    """Two things in the register's shapes that pySHACL, unlike its own engine, does not take.

    A shape without a path stands among properties, and two components have no validator.
    """
    for shape, prop in list(nde.subject_objects(SH.property)):
        if isinstance(prop, BNode) and (prop, SH.path, None) not in nde:
            nde.remove((shape, SH.property, prop))
            nde.add((shape, SH.node, prop))
    for component in list(nde.subjects(RDF.type, SH.ConstraintComponent)):
        nde.remove((component, None, None))


def findings(suite: str, document: Document, severity: URIRef) -> set[str]:
    """What the suite says of a rendering at that severity: what is wrong, and where."""
    _, report, _ = validate(graph_of(document), shacl_graph=shapes(suite))
    assert isinstance(report, Graph)
    assert (None, RDF.type, SH.ValidationReport) in report
    return {
        f"{report.value(one, SH.resultPath)}: {report.value(one, SH.resultMessage)}"
        for one in report.subjects(SH.resultSeverity, severity)
    }
