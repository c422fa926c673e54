"""The AI-use profile as a document for others."""

import pytest

from policies import PROFILE, USES, VOCABULARY_VERSION

rdflib = pytest.importorskip("rdflib")
profile = pytest.importorskip("policies.interchange.profile")

ODRL = rdflib.Namespace("http://www.w3.org/ns/odrl/2/")


def test_every_use_is_an_action_of_the_profile() -> None:
    """With its place in the tree, labels in two languages, and what it is close to."""
    graph = rdflib.Graph().parse(data=profile.dump_profile(), format="turtle")
    assert str(graph.value(rdflib.URIRef(PROFILE), rdflib.OWL.versionInfo)) == VOCABULARY_VERSION
    for term in USES.values():
        node = rdflib.URIRef(term.iri)
        assert (node, rdflib.RDF.type, ODRL.Action) in graph
        assert {label.language for label in graph.objects(node, rdflib.SKOS.prefLabel)} == {
            "nl",
            "en",
        }
        assert list(graph.objects(node, ODRL.includedIn))
    generative = rdflib.URIRef(USES["vg:train.gen"].iri)
    assert graph.value(generative, rdflib.SKOS.closeMatch) == ODRL["gen-ai"]
    operand = rdflib.URIRef("https://w3id.org/vrijgave/ns#embargoUntil")
    assert (operand, rdflib.RDF.type, ODRL.LeftOperand) in graph
    assert (ODRL.use, rdflib.RDF.type, ODRL.Action) not in graph
