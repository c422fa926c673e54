"""The AI-use profile as a document that others can read: an ODRL profile in Turtle.

The profile's own terms are ODRL actions, left operands and duties with labels in Dutch and English;
``skos:closeMatch`` points at the term of the W3C community group's draft AI vocabulary or of ODRL
that says nearly the same, and the other SKOS matches at terms of DPV and DUO. A close match is no
licence to swap one for the other.
"""

from rdflib import OWL, RDF, RDFS, SKOS, Graph, Literal, Namespace, URIRef

from policies.alignment import ALIGNMENTS, Match
from policies.vocabulary import (
    ALIGNED,
    DUTIES,
    OPERANDS,
    PREFIXES,
    PROFILE,
    USES,
    VOCABULARY_VERSION,
    Term,
    expand,
)

ODRL = Namespace(PREFIXES["odrl"])
_OUTSIDE = {
    "dpv-ai": Namespace("https://w3id.org/dpv/ai#"),
    "duo": Namespace("http://purl.obolibrary.org/obo/"),
}
_MATCHES = {
    Match.EXACT: SKOS.exactMatch,
    Match.CLOSE: SKOS.closeMatch,
    Match.BROAD: SKOS.broadMatch,
    Match.NARROW: SKOS.narrowMatch,
}


def dump_profile() -> str:
    """The profile as Turtle."""
    graph = Graph()
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    profile = URIRef(PROFILE)
    graph.add((profile, RDF.type, OWL.Ontology))
    graph.add((profile, OWL.versionInfo, Literal(VOCABULARY_VERSION)))
    own = [term for term in (*USES.values(), *DUTIES.values()) if term.term.startswith("vg:")]
    for term in own:
        _describe(graph, term, ODRL.Action)
    for operand in OPERANDS.values():
        if operand.term.startswith("vg:"):
            _describe(graph, operand, ODRL.LeftOperand)
    for each in ALIGNMENTS:
        prefix, _, name = each.theirs.partition(":")
        theirs = _OUTSIDE[prefix][name]
        graph.add((URIRef(expand(each.ours)), _MATCHES[each.match], theirs))
    return graph.serialize(format="turtle")


def _describe(graph: Graph, term: Term, kind: URIRef) -> None:
    node = URIRef(term.iri)
    graph.add((node, RDF.type, kind))
    graph.add((node, RDF.type, SKOS.Concept))
    graph.add((node, RDFS.isDefinedBy, URIRef(PROFILE)))
    graph.add((node, SKOS.prefLabel, Literal(term.nl, lang="nl")))
    graph.add((node, SKOS.prefLabel, Literal(term.en, lang="en")))
    for wider in term.within:
        graph.add((node, ODRL.includedIn, URIRef(expand(wider))))
    if term.term in ALIGNED:
        graph.add((node, SKOS.closeMatch, URIRef(expand(ALIGNED[term.term]))))
