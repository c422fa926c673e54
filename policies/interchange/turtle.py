"""ODRL in Turtle, to and from the same strict reading as JSON-LD.

A graph is turned into the document that states it, and read as strictly: a property that is not
known is an error, with its path. Needs the extra ``rdf``.
"""

import json
from itertools import count
from typing import Any

from rdflib import RDF, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection as RdfList
from rdflib.plugins.parsers.notation3 import BadSyntax
from rdflib.term import Node

from policies.dumping import CONTEXT, dump_policy
from policies.errors import DocumentError
from policies.parsing import parse_policy
from policies.policy import Policy
from policies.vocabulary import PREFIXES, compact, expand

ODRL = PREFIXES["odrl"]
DCT = "http://purl.org/dc/terms/"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_POLICIES = {f"{ODRL}{kind}" for kind in ("Policy", "Set", "Offer", "Agreement")}
_NESTED = {
    *("permission", "prohibition", "obligation", "duty", "remedy", "consequence"),
    *("constraint", "refinement", "and", "or", "xone", "andSequence"),
    *("target", "assigner", "assignee", "action"),
}
_TERMS = {"action", "leftOperand", "operator", "conflict"}
_PLAIN = {"unit", "dataType", "rightOperand", "status", "dct:valid"}
_DEEPEST = 32
_BASE = "https://w3id.org/vrijgave/base/"
"""What relative names (``archive/films@3``) are resolved against, and taken out again."""


def parse_turtle(text: str, *, lenient: bool = False) -> Policy:
    """The policy that a Turtle document states.

    :raises DocumentError: with the line of a syntax error, or the path of what is wrong.
    """
    graph = Graph()
    try:
        graph.parse(data=text, format="turtle", publicID=_BASE)
    except BadSyntax as error:
        raise DocumentError(f"line {error.lines + 1}", "this is not Turtle") from None
    except RecursionError:
        raise DocumentError("$", f"it is nested more than {_DEEPEST} levels deep") from None
    found = [s for s, kind in graph.subject_objects(RDF.type) if str(kind) in _POLICIES]
    if len(found) != 1:
        raise DocumentError("$", f"one policy is expected, and {len(found)} were found")
    return parse_policy({"@context": CONTEXT, **_object(graph, found[0], 0)}, lenient=lenient)


def _object(graph: Graph, subject: Node, depth: int) -> dict[str, Any]:
    """The properties of a node under their JSON-LD names."""
    if depth > _DEEPEST:
        raise DocumentError("$", f"the graph is nested more than {_DEEPEST} levels deep")
    found: dict[str, Any] = {} if isinstance(subject, BNode) else {"uid": _iri(subject)}
    for predicate in sorted(set(graph.predicates(subject)), key=str):
        name = _name(predicate)
        values = [_value(graph, o, name, depth) for o in graph.objects(subject, predicate)]
        written = sorted(values, key=lambda value: json.dumps(value, sort_keys=True))
        found[name] = written[0] if len(written) == 1 else written
    return found


def _name(predicate: Node) -> str:
    iri = str(predicate)
    if predicate == RDF.type:
        return "type"
    if predicate == RDF.value:
        return "rdf:value"
    if iri == f"{ODRL}datatype":
        return "dataType"
    if iri.startswith(DCT):
        return "dct:" + iri.removeprefix(DCT)
    return compact(iri).removeprefix("odrl:")


def _value(graph: Graph, value: Node, name: str, depth: int) -> object:
    if isinstance(value, Literal):
        return _literal(value)
    if value == RDF.nil or (value, RDF.first, None) in graph:
        return {"@list": [_value(graph, part, name, depth + 1) for part in _members(graph, value)]}
    if isinstance(value, BNode) or (name in _NESTED and (value, None, None) in graph):
        return _object(graph, value, depth + 1)
    return {"@id": compact(str(value))} if name in {"action", "rdf:value"} else _iri(value)


def _members(graph: Graph, head: Node) -> list[Node]:
    try:
        return list(RdfList(graph, head))
    except ValueError:
        raise DocumentError("$", "a list comes back to where it began") from None


def _iri(node: Node) -> str:
    return str(node).removeprefix(_BASE)


def _literal(value: Literal) -> object:
    if value.datatype is None:
        return str(value)
    return {"@value": str(value), "@type": str(value.datatype)}


def dump_turtle(policy: Policy) -> str:
    """The policy as Turtle; :func:`parse_turtle` gives the same policy back.

    :raises DocumentError: if two different things share one uid: a graph would melt them together.
    """
    graph = Graph()
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    document = {k: v for k, v in dump_policy(policy).items() if k != "@context"}
    _Writer(graph).write(document)
    return graph.serialize(format="turtle")


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._blank = count(1)
        self._written: dict[str, dict[str, Any]] = {}

    def write(self, document: dict[str, Any]) -> Node:
        """The node that the object describes, written once however often it occurs."""
        uid = document.get("uid")
        if uid in self._written:
            if self._written[uid] != document:
                raise DocumentError("$", f"two different things share the uid `{uid}`")
            return URIRef(uid)
        node: Node = URIRef(uid) if uid else BNode(f"b{next(self._blank)}")
        if uid:
            self._written[uid] = document
        for key, value in document.items():
            for each in value if isinstance(value, list) else [value]:
                if key == "@type":
                    self._graph.add((node, RDF.type, URIRef(ODRL + each)))
                elif key != "uid":
                    self._graph.add((node, _predicate(key), self._object(key, each)))
        return node

    def _object(self, key: str, value: object) -> Node:
        if isinstance(value, dict):
            return self._described(key, value)
        if key in _TERMS:
            term = str(value)
            return URIRef(expand(term if ":" in term else f"odrl:{term}"))
        if key in _PLAIN:
            return Literal(value)
        return URIRef(expand(str(value)))

    def _described(self, key: str, value: dict[str, Any]) -> Node:
        if "@id" in value:
            return URIRef(expand(value["@id"]))
        if "@value" in value:
            return Literal(value["@value"], datatype=URIRef(value["@type"].replace("xsd:", _XSD)))
        if "@list" in value:
            return self._list(key, value["@list"])
        return self.write(value)

    def _list(self, key: str, values: list[Any]) -> Node:
        head = BNode(f"b{next(self._blank)}")
        RdfList(self._graph, head, [self._object(key, each) for each in values])
        return head


def _predicate(key: str) -> URIRef:
    if key == "rdf:value":
        return RDF.value
    if key == "dataType":
        return URIRef(f"{ODRL}datatype")
    if key.startswith("dct:"):
        return URIRef(DCT + key.removeprefix("dct:"))
    return URIRef(ODRL + key)
