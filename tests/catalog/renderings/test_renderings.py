"""Every rendering gives back what it covers, and lets no restriction disappear without a flag."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings
from rdflib import Graph, URIRef
from rdflib.compare import isomorphic

from catalog.record import Content, Record, restrictions
from catalog.renderings import croissant, datacite, dcat, dsp, odrl, schema_org
from catalog.renderings.covering import Document, Table, flagged
from catalog.renderings.graphs import graph_of
from policies import parse_policy
from policies.interchange.turtle import dump_turtle
from tests.support.records import ORIGIN, full_record, records


class Dialect(NamedTuple):
    """A rendering, its table, how it is read back, and the text in which it flags."""

    render: Callable[[Record], Document | None]
    covers: Table
    read: Callable[[Document], dict[str, Any]]
    told: Callable[[Document], str]


def _rights(document: Document) -> str:
    """The flag in DCAT: the one rights statement without an address."""
    flags = (one for one in document.get("dct:rights", []) if "@id" not in one)
    return " ".join(one["rdfs:label"][1]["@value"] for one in flags)


DIALECTS = {
    "dcat": Dialect(dcat.render, dcat.COVERS, dcat.COVERS.read, _rights),
    "schema.org": Dialect(
        schema_org.render,
        schema_org.COVERS,
        schema_org.COVERS.read,
        lambda document: str(document.get("conditionsOfAccess")),
    ),
    "croissant": Dialect(
        croissant.render,
        croissant.COVERS,
        croissant.COVERS.read,
        lambda document: str(document["conditionsOfAccess"]),
    ),
    "dsp": Dialect(
        partial(dsp.render, service=f"{ORIGIN}/v1"),
        dsp.COVERS,
        dsp.read,
        lambda document: str(document["http://purl.org/dc/terms/rights"]),
    ),
    "datacite": Dialect(
        datacite.render,
        datacite.COVERS,
        datacite.read,
        lambda document: document["rightsList"][-1]["rights"],
    ),
}


def rendered(dialect: Dialect, record: Record) -> Document:
    """As it arrives elsewhere."""
    found: Document = json.loads(json.dumps(dialect.render(record)))
    return found


@pytest.mark.parametrize("name", DIALECTS)
@given(record=records())
@settings(max_examples=60)
def test_what_it_covers_comes_back(name: str, record: Record) -> None:
    """Reading a rendering gives the same values in every field that its table names."""
    assume(name != "dsp" or record.content.offer is not None)
    dialect = DIALECTS[name]
    assert dialect.read(rendered(dialect, record)) == dialect.covers.of(record)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_full_record_leaves_no_covered_field_empty(name: str) -> None:
    """The round trip is of something: no covered field of the full record is absent."""
    dialect = DIALECTS[name]
    assert None not in dialect.read(rendered(dialect, full_record())).values()


@pytest.mark.parametrize("name", DIALECTS)
@given(record=records())
@settings(max_examples=60)
def test_no_restriction_disappears(name: str, record: Record) -> None:
    """What restricts the items is covered, or named in the text that tells of access."""
    assume(name != "dsp" or record.content.offer is not None)
    dialect = DIALECTS[name]
    document = rendered(dialect, record)
    said = {f for f, value in dialect.read(document).items() if value is not None}
    assert restrictions(record) <= said | set(flagged(dialect.told(document)))


@pytest.mark.parametrize("name", DIALECTS)
def test_the_two_layers_of_rights_are_apart(name: str) -> None:
    """Changing the licence of the metadata changes nothing of what is said of the items."""
    dialect, record = DIALECTS[name], full_record()
    other = replace(record, metadata_licence="https://creativecommons.org/licenses/by-nd/4.0/")
    before, after = (dialect.read(rendered(dialect, one)) for one in (record, other))
    assert {field for field in before if before[field] != after[field]} <= {"metadata_licence"}


def test_the_offer_in_dcat_means_the_same_to_others() -> None:
    """Its triples are those that the policy itself is written as, but for the full target."""
    offer = full_record().content.offer
    assert offer is not None
    whole = json.dumps(offer).replace('"beeldarchief/', f'"{ORIGIN}/datasets/beeldarchief/')
    own = Graph().parse(data=dump_turtle(parse_policy(json.loads(whole))))
    document = dcat.render(full_record())
    found = graph_of(
        {"@context": document["@context"], "@id": "urn:d", "policy": document["policy"]}
    )
    found.remove((URIRef("urn:d"), None, None))
    assert isomorphic(found, own)
    prefixed = odrl.within(offer, f"{ORIGIN}/datasets/")
    assert isomorphic(graph_of({"@context": odrl.CONTEXT, **prefixed}), own)


def test_a_dataset_that_nobody_can_ask_for_has_no_distribution() -> None:
    """Without an offer there is no policy, no distribution, and access is not public."""
    found = dcat.render(replace(full_record(), content=Content()))
    assert not found.keys() & {"dcat:distribution", "policy"}
    assert found["dct:accessRights"]["@id"].endswith("/NON_PUBLIC")


@pytest.mark.parametrize("name", DIALECTS)
def test_the_reference_page_has_the_table(name: str) -> None:
    """docs/catalogues.md tells of each field where it stands."""
    page = (Path(__file__).parents[3] / "docs" / "catalogues.md").read_text(encoding="utf-8")
    for field, path in DIALECTS[name].covers.fields.items():
        assert f"| `{field}` | `{path}` |" in page
