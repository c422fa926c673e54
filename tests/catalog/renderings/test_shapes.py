"""Renderings meet the shapes of those who wrote the standards."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
from hypothesis import given, settings
from jsonschema import Draft201909Validator
from rdflib import SH
from referencing import Registry, Resource

from catalog.description import CC0
from catalog.record import Agent, Contact, Content, Record
from catalog.renderings import croissant, dcat, dsp, schema_org
from catalog.renderings.covering import Document
from tests.catalog.renderings.shapes import findings
from tests.support.records import IRI, ORIGIN, full_record, records
from tests.support.shared import shared

BARE = replace(
    full_record(),
    iri=f"{IRI}@2",
    content=Content(others=True),
    contact=Contact("Beeldarchief", f"{IRI}@2"),
    keywords=(),
    themes=("EDUC",),
    languages=(),
    spatial=(),
    begins="",
    ends="",
    identifiers=(),
)
"""One that says no more than it must."""


def catalogue(*records: Record) -> Document:
    """A page of the catalogue with these."""
    return dcat.catalogue(
        records, address=f"{ORIGIN}/catalogue", publisher=Agent(ORIGIN, "Vrijgave"), licence=CC0
    )


@pytest.mark.conformance
def test_dcat_ap_3_finds_no_violation() -> None:
    """DCAT-AP 3.0.1, of the European Commission."""
    assert findings("dcat-ap", catalogue(full_record()), SH.Violation) == set()


@pytest.mark.conformance
def test_dcat_ap_nl_3_finds_no_violation() -> None:
    """DCAT-AP-NL 3.0, of Geonovum."""
    assert findings("dcat-ap-nl", catalogue(full_record()), SH.Violation) == set()


@pytest.mark.conformance
@pytest.mark.parametrize("record", [full_record(), BARE], ids=["full", "bare"])
def test_nde_requirements_finds_no_violation(record: Record) -> None:
    """Requirements for Datasets 1.14, of Netwerk Digitaal Erfgoed."""
    assert findings("nde", schema_org.render(record), SH.Violation) == set()


def test_nde_warns_of_nothing_in_a_full_record() -> None:
    """So what it announces to become violations in its version 2 is met already."""
    assert findings("nde", schema_org.render(full_record()), SH.Warning) == set()


def test_the_registers_score() -> None:
    """At least 95 of 100 once a language or a place is told; each thing missing takes its own."""
    assert schema_org.score(schema_org.render(full_record())) == 100
    assert schema_org.score(schema_org.render(BARE)) == 90
    assert schema_org.missing(schema_org.render(BARE)) == ("coverage", "inLanguage")
    assert schema_org.score(schema_org.render(replace(BARE, languages=("nl",)))) == 95
    assert schema_org.score({}) == 25


def test_the_registers_own_good_examples_pass() -> None:
    """What was changed to run its shapes lets a good example pass, and not a bad one."""
    folder = shared("conformance/nde/examples")
    found = {}
    for name in ("dataset-schema-org-no-license", "dataset-schema-org-valid-accrual-periodicity"):
        example = json.loads((folder / f"{name}.jsonld").read_text())
        example["@context"] = {**schema_org.CONTEXT, "dcterms": "http://purl.org/dc/terms/"}
        found[name] = findings("nde", example, SH.Violation)
    assert any("license" in one for one in found["dataset-schema-org-no-license"])
    assert not any(
        "license" in one for one in found["dataset-schema-org-valid-accrual-periodicity"]
    )


@cache
def _dsp() -> Registry[Any]:
    """The protocol's schemas by their own names; three leave a slash out of a reference."""
    found: Registry[Any] = Registry()
    for path in sorted(shared("conformance/dsp/2025-1").rglob("*-schema.json")):
        text = path.read_text().replace(".json#definitions", ".json#/definitions")
        found = Resource.from_contents(json.loads(text)) @ found
    return found


@pytest.mark.conformance
@settings(max_examples=30)
@given(record=records())
def test_dsp_schemas_2025_1_take_every_dataset(record: Record) -> None:
    """The Dataspace Protocol's JSON Schema of a dataset, and of the offer in it."""
    document = dsp.render(record, service=f"{ORIGIN}/v1")
    if document is None:
        assert record.content.offer is None
        return
    schema = {"$ref": "https://w3id.org/dspace/2025/1/catalog/dataset-schema.json"}
    Draft201909Validator(schema, registry=_dsp()).validate(document)
    assert '"target"' not in json.dumps(document)


@pytest.mark.conformance
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # of rdflib, used there
@pytest.mark.parametrize("record", [full_record(), BARE], ids=["full", "bare"])
def test_croissant_1_1_has_nothing_to_say(record: Record, tmp_path: Path) -> None:
    """MLCommons' own reader finds no error and warns of nothing."""
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(croissant.render(record)))
    issues = mlcroissant.Dataset(path).metadata.issues
    assert (issues.errors, issues.warnings) == (set(), set())


def test_the_shapes_do_find_something() -> None:
    """A catalogue without publisher is in violation of both: the shapes were really run."""
    wrong = catalogue(full_record())
    del wrong["dct:publisher"], wrong["dcat:dataset"][0]["dcat:theme"]
    assert any("publisher" in one for one in findings("dcat-ap", wrong, SH.Violation))
    assert any("theme" in one for one in findings("dcat-ap-nl", wrong, SH.Violation))


def test_a_bare_record_is_no_violation_either() -> None:
    """Nothing that a profile demands has to be said by the archive."""
    for suite in ("dcat-ap", "dcat-ap-nl"):
        assert findings(suite, catalogue(BARE), SH.Violation) == set()
