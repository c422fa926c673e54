"""A population over HTTP: whole, verifiable, and only for who may read the log."""

from pathlib import Path

from registry.audit import VerifierKey
from registry.audit.population_check import verify_population
from tests.registry.api.world import World

PERIOD = {"since": "2020-01-01", "until": "2090-01-01"}


def test_a_population_can_be_taken_and_checked(world: World, tmp_path: Path) -> None:
    """With the service's key and nothing else; that it was taken stands in the log."""
    world.publish()
    order = {"kind": "requests", "sample": 2, **PERIOD}
    answer = world.archive.http.post("/audit/populations", json=order)
    assert answer.status_code == 200, answer.text
    path = tmp_path / "requests.population.zip"
    path.write_bytes(answer.content)
    key = VerifierKey.parse(world.anyone.http.get("/keys/log").text.strip())
    report, result = verify_population(path, [key])
    assert result.ok, result.sentences()
    newest = world.archive.get("/audit/entries")["items"][0]
    assert newest["id"] == report.record
    assert newest["facts"]["seed"] == report.seed


def test_bad_populations_are_refused(world: World) -> None:
    """Another sort, a day that does not exist, a period ahead, no archive, and who may not."""
    good = {"kind": "accesses", **PERIOD}
    for caller, wrong, status in (
        (world.archive, {"kind": "grants"}, 422),
        (world.archive, {"since": "2026-02-30"}, 422),
        (world.archive, {"since": "2090-01-01"}, 422),
        (world.auditor, {}, 422),
        (world.auditor, {"archive": "org_x"}, 404),
        (world.startup, {}, 403),
    ):
        answer = caller.http.post("/audit/populations", json={**good, **wrong})
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
