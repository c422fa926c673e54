"""The pages of where data went: what was read, and who received an item."""

import time
from pathlib import Path

import pyarrow.parquet as pq

from tests.registry.pages.site import Site
from tests.registry.pages.steps import (
    accept,
    extract,
    file_request,
    parts_of,
    publish,
    register_environment,
    titles,
)
from tests.registry.pages.visitor import Visitor


def test_an_archive_sees_who_received_and_read_an_item(site: Site, tmp_path: Path) -> None:
    """By the item's number or the archive's own; a competitor sees that nobody read its data."""
    archive = site.invited("archive", "Herkomstarchief")
    publish(archive, rows=60, broken=0)
    startup = site.invited("user", "Herkomst BV")
    register_environment(startup)
    file_request(startup, "herkomstarchief/journaals@1")
    made = extract(startup, accept(startup))
    startup.open(made)
    part = parts_of(startup)[0]
    titles(startup, part)
    file = tmp_path / "part.parquet"
    file.write_bytes(startup.http.get(part).content)
    item = pq.read_table(file, columns=["_item"])["_item"][0].as_py()
    archive.open("/usage")
    assert "Samen" in archive.text
    archive.open("/usage?by=organisation")
    assert "Herkomst BV" in archive.text
    archive.open("/usage?by=grant", 422)
    archive.open("/usage")
    archive.follow("/lineage")
    until = time.monotonic() + 30  # it is written down in the seconds after the extract is ready
    while _unfinished(archive, item) and time.monotonic() < until:
        time.sleep(0.1)
    archive.send("/lineage", item=item)
    assert "Herkomst BV" in archive.text
    assert "Besloten door de voorwaarden van het aanbod" in archive.text
    assert "inzage" in archive.text.lower()
    archive.send("/lineage", item="nr-0")
    assert "Herkomst BV" in archive.text
    archive.send("/lineage", item="nr-onbekend")
    assert "niemand" in archive.text
    listed = archive.http.get("/usage.csv?by=organisation")
    assert "Herkomst BV" in listed.text
    startup.open("/usage?by=actor")
    assert "Ada" in startup.text
    rival = site.invited("archive", "Ander Herkomstarchief", "en")
    rival.open("/usage")
    assert "Nothing was read" in rival.text
    assert "Herkomst BV" not in rival.http.get("/usage.csv?by=organisation").text


def _unfinished(archive: Visitor, item: str) -> bool:
    return archive.http.get("/lineage", params={"item": item}).status_code == 409
