"""Catalogues and records over a real server: by Accept header, as files, in pages, in the page."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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
    address, found = f"{ready.world.origin}/catalogue", []
    for _ in range(5):
        answer = httpx2.get(address, headers={"accept": "application/ld+json"})
        page = answer.json()
        found += [one["@id"] for one in page["dcat:dataset"]]
        if "hydra:next" not in page["hydra:view"]:
            break
        address = page["hydra:view"]["hydra:next"]["@id"]
        assert answer.links["next"]["url"] == address
    assert len(found) == len(set(found)) == 3
    newest = page["dcat:dataset"][-1]["dct:modified"]["@value"]
    since = httpx2.get(
        f"{ready.world.origin}/catalogue/nde.jsonld", params={"modified_since": newest}
    ).json()
    assert [one["@id"] for one in since["dataset"]] == found[-1:]
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
