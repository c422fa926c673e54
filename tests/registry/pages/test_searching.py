"""The catalogue's page: search box, facets and filters, in both languages and without scripts."""

import time

from tests.registry.pages.site import CC0, Site
from tests.registry.pages.steps import publish
from tests.registry.pages.visitor import Visitor


def opened(visitor: Visitor, path: str, text: str) -> None:
    """Open the page until it shows this: the index is a second behind at most."""
    until = time.monotonic() + 10
    visitor.open(path)
    while text not in visitor.text:
        assert time.monotonic() < until, visitor.text
        time.sleep(0.1)
        visitor.open(path)


def test_a_visitor_finds_a_dataset_by_a_part_of_a_word_and_narrows_it_down(site: Site) -> None:
    """A word, then a facet, then what may be used, each by the page's own form and links."""
    publish(site.invited("archive", "Beeldarchief"))
    visitor = site.visitor()
    opened(visitor, "/datasets?q=journaals", "1 dataset gevonden.")
    visitor.open("/datasets")
    visitor.send("/datasets", q="Bioskoopjournaal")
    assert "Dit lijkt erop." in visitor.text
    visitor.send("/datasets", q="nieuwsfilm", order="newest")
    assert "Bioscoopjournaals" in visitor.text
    opened(visitor, "/datasets?q=nieuwsfilm", "CC0 1.0")
    [licence] = [one for one in visitor.links() if "publicdomain%2Fzero" in one]
    visitor.open(licence)
    assert "1 dataset gevonden." in visitor.text
    assert "Niet meer alleen" in visitor.text
    visitor.send("/datasets", may="permit", use="train.gen")
    assert "Bioscoopjournaals" in visitor.text
    visitor.send("/datasets", may="permit", use="train.gen", country="US", operator_country="US")
    assert "Niets gevonden" in visitor.text
    assert "Niet meer alleen" in visitor.text
    english = site.visitor("en")
    english.open(f"/datasets?q=newsreel&licence={CC0}")
    assert "1 dataset found." in english.text
    english.open("/datasets?may=permit&use=dance", status=422)


def test_own_drafts_stand_in_the_plain_list_and_in_no_search(site: Site) -> None:
    """What nobody else may see is in no count, not even for its own archive."""
    archive = site.invited("archive", "Verborgen Archief")
    archive.open("/archive/datasets/new")
    archive.send("/archive/datasets/new", slug="geheim", title_nl="Kelderfilms", title_en="Hidden")
    archive.open("/datasets")
    assert "Kelderfilms" in archive.text
    for question in ("q=kelderfilms", "archive=verborgen-archief", "q=kelderfilm&order=newest"):
        archive.open(f"/datasets?{question}")
        assert "Niets gevonden" in archive.text
