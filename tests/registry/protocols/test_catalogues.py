"""Catalogues and records over a real server: by Accept header, as files, in pages, in the page."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import httpx2
import mlcroissant
import pytest
from etils import epath
from mlcroissant._src.core import constants
from pyarrow import parquet
from rdflib import Graph

from catalog.record import Words
from registry import dialects
from registry.db import reading
from registry.pages.catalogue import embedded
from registry.protocols import catalogues
from registry.services.records import list_records
from tests.registry.api.test_parts import Ready
from tests.registry.api.world import World, open_world

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """A ready extract of a published dataset."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as world:
        yield Ready(world)


def _name(ready: Ready) -> str:
    return ready.reference.partition("@")[0]


def _ask(world: World, path: str, accept: str = "*/*", **headers: str) -> httpx2.Response:
    return httpx2.get(f"{world.origin}{path}", headers={"accept": accept, **headers})


@pytest.mark.parametrize("dialect", dialects.DIALECTS, ids=lambda one: one.file)
def test_a_record_by_accept_and_as_a_file(ready: Ready, dialect: dialects.Dialect) -> None:
    """Both give the same, under the media type and profile that were asked for."""
    page = f"/datasets/{_name(ready)}"
    asked = _ask(ready.world, page, f"{dialect.form.content_type}, */*;q=0.1")
    file = _ask(ready.world, f"{page}/{dialect.file}")
    assert asked.headers["content-type"].startswith(dialect.form.media_type)
    assert dialect.form.profile in asked.headers["content-type"]
    assert "Accept" in asked.headers["vary"]
    if dialect.form.media_type == "text/turtle":
        assert len(Graph().parse(data=asked.text, format="turtle")) > 50
        assert len(asked.content) == len(file.content)
    else:
        assert asked.json() == file.json()


def test_people_get_the_page_with_the_record_in_it(ready: Ready) -> None:
    """A browser's Accept header gets HTML, with schema.org as a data block and the other forms."""
    page = _ask(ready.world, f"/datasets/{_name(ready)}", "text/html,*/*;q=0.8")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["vary"] == "Accept"
    block = page.text.partition('<script type="application/ld+json">')[2].partition("</script>")[0]
    assert json.loads(block) == _ask(ready.world, f"/datasets/{_name(ready)}/nde.jsonld").json()
    assert "script-src 'none'" in page.headers["content-security-policy"]
    assert page.text.count('rel="alternate"') == len(dialects.DIALECTS)


def test_no_title_ends_the_data_block(ready: Ready) -> None:
    """Whatever an archive writes stays a text within the block."""
    wild = Words("</script><img src=x>", "<!--")
    with reading(ready.world.app.state.runtime.engine) as session:
        record = list_records(session, origin=ready.world.origin)[0]
    text = embedded(replace(record, title=wild))
    assert "<" not in text
    assert json.loads(text)["name"][0]["@value"] == wild.nl


def test_a_form_that_we_have_not(ready: Ready) -> None:
    """406 as a problem that lists what there is; a file of no such name is not there."""
    for path in (f"/datasets/{_name(ready)}", "/catalogue"):
        refused = _ask(ready.world, path, "image/png")
        assert refused.status_code == 406
        assert refused.headers["vary"] == "Accept"
        assert "text/turtle" in refused.json()["help"]
    assert _ask(ready.world, f"/datasets/{_name(ready)}/a.pdf", "image/png").status_code == 404
    assert _ask(ready.world, "/datasets/no/such/dcat.ttl").status_code == 404


def test_the_catalogue_is_harvested_in_pages(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each dataset once, by the address of the next page; what changed since, alone."""
    for slug in ("een", "twee"):
        ready.world.publish(slug=slug)
    monkeypatch.setattr(catalogues, "PAGE", 2)
    address = f"{ready.world.origin}/catalogue"
    found: dict[str, Any] = {}
    for _ in range(9):
        answer = httpx2.get(address, headers={"accept": "application/ld+json"})
        page = answer.json()
        for one in page["dcat:dataset"]:
            assert found.setdefault(one["@id"], one) is one
        if "hydra:next" not in page["hydra:view"]:
            break
        address = page["hydra:view"]["hydra:next"]["@id"]
        assert answer.links["next"]["url"] == address
    assert len(found) == len(ready.world.anyone.get("/datasets")["items"]) >= 3
    modified = {iri: one["dct:modified"]["@value"] for iri, one in found.items()}
    newest = max(modified.values())
    since = httpx2.get(
        f"{ready.world.origin}/catalogue/nde.jsonld", params={"modified_since": newest}
    ).json()
    assert {one["@id"] for one in since["dataset"]} == {
        iri for iri, at in modified.items() if at == newest
    }
    naive = {"modified_since": "2100-01-01T00:00:00"}
    later = httpx2.get(f"{ready.world.origin}/catalogue/dcat.jsonld", params=naive).json()
    assert later["dcat:dataset"] == []
    assert httpx2.get(
        f"{ready.world.origin}/catalogue/nde.jsonld", params={"modified_since": "gisteren"}
    ).status_code in {400, 422}


def test_people_who_open_the_catalogue_get_the_list(ready: Ready) -> None:
    """A browser is sent to the page of datasets."""
    answer = _ask(ready.world, "/catalogue", "text/html")
    assert (answer.status_code, answer.headers["location"]) == (303, "/datasets")


def test_what_is_not_offered_has_no_form_in_the_dataspace(ready: Ready) -> None:
    """A withdrawn offer takes the dataset out of DSP, and DCAT says that access is not public."""
    name = ready.world.publish(slug="ingetrokken").partition("@")[0]
    offer = ready.world.anyone.get(f"/archives/{name.replace('/', '/datasets/')}")["offer"]
    ready.world.archive.http.delete(f"/offers/{offer['id']}")
    assert _ask(ready.world, f"/datasets/{name}/dsp.json").status_code == 404
    found = _ask(ready.world, f"/datasets/{name}/dcat.jsonld").json()
    assert found["dct:accessRights"]["@id"].endswith("NON_PUBLIC")
    assert "policy" not in found


def test_what_is_said_of_a_dataset_raises_its_score(ready: Ready) -> None:
    """Its archive says it by the interface; others may not read or write it."""
    reference = ready.world.publish(slug="beschreven")
    own = ready.world.anyone.get(
        f"/archives/{reference.partition('@')[0].replace('/', '/datasets/')}"
    )
    path = f"/datasets/{own['id']}/description"
    assert ready.world.archive.get(path)["score"] == 90
    said = {"languages": ["nl"], "begins": "1921", "identifiers": ["doi:10.1234/abc"]}
    assert ready.world.archive.put(path, said)["score"] == 100
    found = ready.world.archive.get(path)
    assert found["description"]["identifiers"] == ["https://doi.org/10.1234/abc"]
    assert found["missing"] == []
    wrong = ready.world.archive.http.put(path, json={"languages": ["Nederlands"]})
    assert wrong.status_code == 422
    assert wrong.json()["fields"][0]["path"].startswith("languages")
    draft = {"slug": "nog-niet", "title_nl": "x", "title_en": "x"}
    drafted = ready.world.archive.post("/datasets", draft)
    assert ready.world.archive.get(f"/datasets/{drafted['id']}/description")["score"] is None


def test_a_withdrawn_dataset_is_a_tombstone(ready: Ready) -> None:
    """410 with the reason everywhere, and deleted in the feed."""
    name = ready.world.publish(slug="weg").partition("@")[0]
    own = ready.world.anyone.get(f"/archives/{name.replace('/', '/datasets/')}")
    reason = {"reason_nl": "De deling is fout.", "reason_en": "The cut is wrong."}
    taken = ready.world.archive.post(f"/datasets/{own['id']}/tombstone", reason)
    assert taken["state"] == "withdrawn"
    for path in (f"/datasets/{name}", f"/datasets/{name}/dcat.jsonld"):
        gone = _ask(ready.world, path, "application/ld+json")
        assert (gone.status_code, gone.json()["code"]) == (410, "dataset-withdrawn")
        assert "The cut is wrong." in gone.json()["detail"]
    assert f'deleted-entry ref="{ready.world.origin}/datasets/{name}"' in _feed(ready)
    again = ready.world.archive.http.post(f"/datasets/{own['id']}/tombstone", json=reason)
    assert again.status_code == 409


def test_a_successor_is_led_to(ready: Ready) -> None:
    """The page and its files lead on to what took their place."""
    name = ready.world.publish(slug="oud").partition("@")[0]
    own = ready.world.anyone.get(f"/archives/{name.replace('/', '/datasets/')}")
    successor = "https://elders.example/nieuw"
    reason = {"reason_nl": "Verhuisd.", "reason_en": "Moved.", "successor": successor}
    ready.world.archive.post(f"/datasets/{own['id']}/tombstone", reason)
    for path in (f"/datasets/{name}", f"/datasets/{name}/nde.jsonld"):
        led = _ask(ready.world, path)
        assert (led.status_code, led.headers["location"]) == (301, successor)


def _feed(ready: Ready) -> str:
    return _ask(ready.world, "/feed.atom").text


def _texts(document: str, path: str) -> list[str]:
    found = fromstring(document).findall(f".//{path}")  # noqa: S314 -- written by this service
    return [str(one.text) for one in found]


def test_sitemap_and_feed_tell_where_to_look(ready: Ready) -> None:
    """Both name the datasets that are published, in the forms that their standards have."""
    address = f"{ready.world.origin}/datasets/{_name(ready)}"
    (first,) = _texts(_ask(ready.world, "/sitemap.xml").text, f"{SITEMAP}loc")
    assert address in _texts(httpx2.get(first).text, f"{SITEMAP}loc")
    assert address in _texts(_feed(ready), f"{ATOM}id")
    updated = _texts(_feed(ready), f"{ATOM}entry/{ATOM}updated")
    assert updated == sorted(updated, reverse=True)
    assert _ask(ready.world, "/sitemaps/0.xml").status_code == 404


@pytest.mark.conformance
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # of rdflib, used there
def test_croissant_1_1_loads_the_rows_of_an_extract(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLCommons' own loader reads every row of an approved extract from this service."""
    monkeypatch.setattr(constants, "DOWNLOAD_PATH", epath.Path(tmp_path / "downloaded"))
    extract = ready.extract["id"]
    link = ready.world.startup.post(f"/extracts/{extract}/links", {"minutes": 10})
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(link["croissant"]))
    dataset = mlcroissant.Dataset(path)
    assert dataset.metadata.issues.errors == set()
    rows = [row["part-1/title"].decode() for row in dataset.records("part-1")]
    part = tmp_path / "part.parquet"
    part.write_bytes(ready.read().content)
    assert rows == parquet.read_table(part).column("title").to_pylist()
    assert len(rows) > 100
