"""An archive lets agreements cover newer editions, and a start-up orders one of those, in pages."""

from tests.registry.pages.site import Site, newsreels
from tests.registry.pages.steps import (
    accept,
    deliver,
    file_request,
    parts_of,
    publish,
    register_environment,
)
from tests.registry.pages.visitor import Visitor


def test_a_newer_edition_under_the_agreement_in_hand(site: Site) -> None:
    """Terms, agreement (in words and in ODRL) and order form all say that it is covered."""
    archive = site.invited("archive", "Editiearchief")
    dataset = publish(archive, rows=80, broken=0)
    archive.open(f"{dataset}/terms")
    archive.send("/terms", newer_editions="yes")
    publish_next(archive, dataset, 100)
    startup = site.invited("user", "Vervolg")
    register_environment(startup)
    file_request(startup, "editiearchief/journaals@2")
    agreement = accept(startup)
    assert "editiearchief/journaals@2 en alle nieuwere edities" in startup.text
    assert "vg:edition" in startup.text
    publish_next(archive, dataset, 120)
    startup.open(f"{agreement}/extract")
    assert startup.form("/extract").attrs["method"] == "get"
    startup.send("/extract", edition="3")
    startup.send("/extract?edition=3", columns=["title"])
    startup.wait_while_refreshing()
    assert "editiearchief/journaals@3" in startup.text
    assert parts_of(startup)


def publish_next(archive: Visitor, dataset: str, rows: int) -> None:
    """A further edition of so many rows."""
    deliver(archive, dataset, newsreels(rows))
    archive.open(dataset)
    archive.send("/publish")
