"""Leaving a file in one's own bucket over HTTP: registered, checked, cut, and never copied."""

import json
from collections.abc import Iterator

import obstore
import pytest

from connectors.s3 import open_bucket
from tests.registry.api.world import World, csv, open_world
from tests.registry.cli.conftest import Run, run
from tests.support.s3 import ACCESS, BUCKET, SECRET, S3Server

__all__ = ["run"]

PLACE = "beeldarchief-s3"


@pytest.fixture(scope="module")
def places(s3: S3Server) -> dict[str, dict[str, str]]:
    """The setting: a bucket of the archive's own, in which a file stands."""
    obstore.put(open_bucket(s3.address("eigen")), "2024/items.csv", csv(90))
    place = {
        "archive": "beeldarchief",
        "url": f"s3://{BUCKET}/eigen",
        "endpoint": f"http://127.0.0.1:{s3.port}",
        "country": "NL",
        "access_key": ACCESS,
        "secret_key": SECRET,
    }
    return {PLACE: place}


@pytest.fixture(scope="module")
def world(
    places: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A service that knows the place."""
    with open_world(tmp_path_factory.mktemp("service"), places=places) as running:
        yield running


def test_from_the_bucket_to_an_extract(
    world: World, run: Run, places: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTP all the way; the operator's commands show the place and find its file as it was."""
    archive, body = world.archive, {"place": PLACE, "key": "2024/items.csv"}
    assert [one["name"] for one in archive.get("/places")] == [PLACE]
    assert world.other_archive.get("/places") == []
    titles = {"title_nl": "Journaals", "title_en": "Newsreels"}
    dataset = archive.post("/datasets", {"slug": "eigen", **titles})["id"]

    path = f"/datasets/{dataset}/deliveries/in-place"
    wrong = archive.http.post(path, json={**body, "key": "2024/geen.csv"})
    assert (wrong.status_code, wrong.json()["fields"][0]["path"]) == (422, "key")
    assert archive.http.post(path, json={**body, "place": "elders"}).status_code == 404
    new = archive.http.post(path, json=body)
    assert (new.status_code, new.json()["place"], new.json()["bytes"]) == (201, PLACE, len(csv(90)))
    again = archive.http.post(path, json=body)
    assert (again.status_code, again.json()["id"]) == (200, new.json()["id"])

    report = world.check(new.json()["id"])
    assert report["state"] == "checked"
    reference = world.publish_checked(dataset, new.json()["id"])
    extract = world.extract(world.agree(reference, world.environment()))
    assert extract["state"] == "ready"
    assert extract["rows"] == 60

    monkeypatch.setenv("VRIJGAVE_PLACES", json.dumps(places))
    listed = run(None, "places", "list")
    assert listed.out == f"{PLACE}\tbeeldarchief\ts3://{BUCKET}/eigen\tNL\n"
    assert run(None, "places", "check").out == f"{PLACE}/2024/items.csv\tas registered\n"
    shown = run(None, "config", "show")
    assert PLACE in shown.out
    assert SECRET not in shown.out
    bucket = open_bucket(S3Server(_port(places)).address("eigen"))
    obstore.put(bucket, "2024/items.csv", csv(91))
    changed = run(None, "places", "check")
    assert (changed.status, "has changed" in changed.out) == (1, True)


def _port(places: dict[str, dict[str, str]]) -> int:
    return int(places[PLACE]["endpoint"].rpartition(":")[2])
