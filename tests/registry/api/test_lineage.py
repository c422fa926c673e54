"""Lineage and usage over HTTP and on the pages' own routes."""

import time
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.registry.api.world import World

DAYS = {"since": "2020-01-01", "until": "2090-01-01"}


@pytest.fixture(scope="module")
def extract(world: World) -> Any:
    """An extract that was read once, in three ranges."""
    reference = world.publish()
    made = world.extract(world.agree(reference, world.environment()))
    address = f"/extracts/{made['id']}/parts/1"
    for start in (0, 10, 20):
        part = world.startup.http.get(address, headers={"range": f"bytes={start}-{start + 9}"})
        assert part.status_code == 206
    until = time.monotonic() + 30
    while "lineage-unfinished" in _asked_of(world, made) and time.monotonic() < until:
        time.sleep(0.1)
    return made


def _asked_of(world: World, made: Any) -> str:
    return str(world.archive.http.get("/lineage/extracts", params={"extract": made["id"]}).text)


def test_from_an_extract_to_an_item_and_back(world: World, extract: Any) -> None:
    """Page by page every item of it; from one of them, all who received it."""
    path = {"extract": extract["id"], "limit": "80"}
    first = world.archive.get("/lineage/extracts", params=path)
    items = list(first["items"]["items"])
    cursor = first["items"]["next_cursor"]
    while cursor:
        page = world.archive.get("/lineage/extracts", params={**path, "cursor": cursor})["items"]
        items += page["items"]
        cursor = page["next_cursor"]
    assert len({one["item"] for one in items}) == extract["rows"] == len(items)
    assert first["received"]["recipient"] == "Taalmeester"
    asked = {"dataset_id": world.things["dataset_id"], "item": items[0]["item"]}
    for caller in (world.archive, world.startup, world.auditor):
        (received,) = caller.get("/lineage/items", params=asked)
        assert received["extract_id"] == extract["id"]
        (reads,) = received["reads"]
        assert reads["accesses"] == 1
    for rival in (world.other_archive, world.other_startup):
        assert rival.http.get("/lineage/items", params=asked).status_code == 404
        answer = rival.http.get("/lineage/extracts", params=path)
        assert answer.status_code == 404
    assert world.anyone.http.get("/lineage/items", params=asked).status_code == 401


def test_usage_over_http(world: World, extract: Any) -> None:
    """One query is one access, however many ranges it took; as JSON and as CSV."""
    found = world.archive.get("/usage", params={**DAYS, "by": "agreement"})
    assert found["accesses"] == 1
    assert found["bytes"] >= 30
    assert world.other_archive.get("/usage", params=DAYS)["lines"] == []
    text = world.startup.http.get("/usage", params={**DAYS, "by": "address", "format": "csv"})
    assert text.headers["content-type"].startswith("text/csv")
    assert text.text.splitlines()[1].startswith("127.0.0.1,127.0.0.1,1,")
    for wrong in ({"by": "grant"}, {"since": "2090-01-01"}, {"until": "2019-01-01"}):
        assert world.archive.http.get("/usage", params={**DAYS, **wrong}).status_code == 422


def test_parts_hold_what_lineage_says(world: World, extract: Any) -> None:
    """The items of the file that left are the items that lineage lists."""
    part = world.startup.http.get(f"/extracts/{extract['id']}/parts/1").content
    path = world.home / "part.parquet"
    path.write_bytes(part)
    left = pq.read_table(path, columns=["_item"])["_item"].to_pylist()
    page = world.startup.get(
        "/lineage/extracts", params={"extract": extract["id"], "limit": "200"}
    )["items"]["items"]
    assert {one["item"] for one in page} <= set(left)
