"""Lineage and usage from the command line, against a real service."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.registry.api.world import World, open_world
from tests.registry.cli.conftest import Run


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service in which a start-up received and read an extract, and lost an item of it again."""
    with open_world(tmp_path_factory.mktemp("service")) as running:
        made = running.extract(running.agree(running.publish(), running.environment()))
        running.startup.http.get(f"/extracts/{made['id']}/parts/1")
        running.take_back()
        until = time.monotonic() + 30
        asked = {"extract": made["id"]}
        while running.archive.http.get("/lineage/extracts", params=asked).status_code == 409:
            assert time.monotonic() < until
            time.sleep(0.1)
        yield running


def test_from_an_extract_to_items_and_from_an_item_to_recipients(world: World, run: Run) -> None:
    """All pages at once, with rights and who decided; an item taken back is told as such."""
    extract, dataset = world.things["extract_id"], world.things["dataset_id"]
    held = run(world.auditor, "lineage", "--extract", extract)
    assert held.status == 0, held.err
    told = [line for line in held.out.splitlines() if "  part 1  http" in line]
    rows = world.startup.get(f"/extracts/{extract}")["rows"]
    assert len({line.split()[0] for line in told}) == len(told) == rows > 0
    assert "decided by the offer's terms  dec_" in held.out
    (taken,) = (line for line in told if "  withdrawn 20" in line)
    item = taken.split()[0]
    received = run(world.archive, "lineage", "--dataset", dataset, "--item", item)
    lines = received.out.splitlines()
    assert lines[0].startswith(f"{extract}  agr_"), received.err
    assert lines[0].endswith("  Taalmeester")
    assert any(line.startswith("  withdrawn since 20") for line in lines)
    assert any(line.startswith("  not given out since 20") for line in lines)
    assert lines[-1].endswith("  1 x")
    raw = run(world.archive, "lineage", "--extract", extract, "--json")
    pages = [json.loads(line) for line in raw.out.splitlines()]
    assert sum(len(page["items"]["items"]) for page in pages) == rows


def test_what_cannot_be_asked_is_told(world: World, run: Run) -> None:
    """Neither or both questions at once; a rival finds nothing."""
    for wrong in ((), ("--dataset", "ds_x", "--extract", "ext_x")):
        asked = run(world.archive, "lineage", *wrong)
        assert (asked.status, "--extract" in asked.err) == (2, True)
    rival = run(world.other_startup, "lineage", "--extract", world.things["extract_id"])
    assert (rival.status, rival.out) == (3, "")


def test_bytes_belong_to_agreement_person_place_and_address(world: World, run: Run) -> None:
    """The same bytes however they are added up."""
    days = ("--since", "2020-01-01", "--until", "2090-01-01")
    totals = set()
    for by in ("agreement", "organisation", "actor", "environment", "address"):
        asked = run(world.startup, "usage", *days, "--by", by, "--json")
        assert asked.status == 0, asked.err
        found = json.loads(asked.out)
        (line,) = found["lines"]
        assert line["bytes"] == found["bytes"] > 0
        totals.add(found["bytes"])
    assert len(totals) == 1
    archive = world.archive.get("/me")["organisation_id"]
    other = world.other_archive.get("/me")["organisation_id"]
    for name, count in ((archive, 1), (other, 0)):
        options = (*days, "--archive", name, "--json")
        asked = run(world.auditor, "usage", *options)
        assert len(json.loads(asked.out)["lines"]) == count
    plain = run(world.startup, "usage", *days, "--by", "address")
    assert "127.0.0.1" in plain.out
