"""Renderings meet the shapes of those who wrote the standards."""

from dataclasses import replace

import pytest
from rdflib import SH

from catalog.description import CC0
from catalog.record import Agent, Content, Record
from catalog.renderings import dcat
from catalog.renderings.covering import Document
from tests.catalog.renderings.shapes import findings
from tests.support.records import IRI, ORIGIN, full_record

BARE = replace(
    full_record(),
    iri=f"{IRI}@2",
    content=Content(others=True),
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
