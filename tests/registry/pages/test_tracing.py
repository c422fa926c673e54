"""The pages of where data went: what was read, and who received an item."""

import time
from pathlib import Path

import pyarrow.parquet as pq
from sqlmodel import col, select

from catalog.tables import Dataset
from registry.accounts.actors import person
from registry.accounts.tables import Organisation, Seat
from registry.db import transaction
from registry.services.withdrawing import Withdraw, withdraw
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
    archive.follow("/lineage/extract?")
    assert "Herkomst BV" in archive.text
    assert item in archive.text
    assert "publicdomain" in archive.text, "the rights at that moment"
    archive.follow("/lineage?dataset=")
    startup.open(made)
    startup.follow("/lineage/extract?")
    startup.follow("/decisions/dec_")
    archive.open("/lineage")
    archive.send("/lineage", item="nr-0")
    assert "Herkomst BV" in archive.text
    archive.send("/lineage", item="nr-onbekend")
    assert "niemand" in archive.text
    listed = archive.http.get("/usage.csv?by=organisation")
    assert "Herkomst BV" in listed.text
    startup.open("/usage?by=actor")
    assert "Ada" in startup.text
    rival = site.invited("archive", "Ander Herkomstarchief", "en")
    rival.open(f"/lineage/extract?extract={made.rpartition('/')[2]}", 404)
    rival.open("/usage")
    assert "Nothing was read" in rival.text
    assert "Herkomst BV" not in rival.http.get("/usage.csv?by=organisation").text


def _unfinished(archive: Visitor, item: str) -> bool:
    return archive.http.get("/lineage", params={"item": item}).status_code == 409


def test_an_item_taken_back_is_shown_so(site: Site) -> None:
    """Beside the item in the extract, and above everyone who received it."""
    archive = site.invited("archive", "Terugarchief")
    publish(archive, rows=60, broken=0)
    startup = site.invited("user", "Terug BV")
    register_environment(startup)
    file_request(startup, "terugarchief/journaals@1")
    made = extract(startup, accept(startup)).rpartition("/")[2]
    archive.open("/lineage")
    dataset = archive.form("/lineage").one("select").all("option")[-1].attrs["value"]
    runtime = site.app.state.runtime
    with transaction(runtime.engine) as session:
        owner = session.get_one(Dataset, dataset).archive_id
        seat = session.exec(select(Seat).where(col(Seat.organisation_id) == owner)).one()
        actor = person(seat, session.get_one(Organisation, owner))
        command = Withdraw(
            dataset_id=dataset, identifiers=("nr-0",), reason="Verzoek van de maker."
        )
        withdraw(session, actor, command, ports=runtime.ports, at=runtime.clock())
    until = time.monotonic() + 30
    while archive.http.get("/lineage/extract", params={"extract": made}).status_code == 409:
        assert time.monotonic() < until
        time.sleep(0.1)
    archive.open(f"/lineage/extract?extract={made}")
    assert "Het archief nam dit item terug op" in archive.text
    archive.open(f"/lineage?dataset={dataset}&item=nr-0")
    assert "Het archief nam dit item terug op" in archive.text
    assert "Terug BV" in archive.text
    archive.open(f"/lineage?dataset={dataset}&item=nr-1")
    assert "nam dit item terug" not in archive.text
