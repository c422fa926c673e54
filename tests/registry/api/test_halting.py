"""A log that does not match while it is being served: nothing leaves any more."""

from pathlib import Path

from tests.registry.api.world import open_world

ENVIRONMENT = {"name": "AMS", "country": "NL", "operator": "X", "operator_country": "NL"}


def test_a_mismatch_found_while_serving_stops_it(tmp_path: Path) -> None:
    """The second head store names another history: every way to bytes and proof says so."""
    with open_world(tmp_path) as world:
        made = world.extract(world.agree(world.publish(), world.environment()))
        part = f"/extracts/{made['id']}/parts/1"
        assert world.startup.http.get(part).status_code == 200
        for caller in (world.startup, world.auditor):
            assert caller.http.get("/me").status_code == 200
        heads = world.home / "keys" / "audit.head"
        origin, size, _ = heads.read_text().splitlines()
        heads.write_text(f"{origin}\n{size}\n{'A' * 43}=\n")
        world.startup.http.post("/environments", json=ENVIRONMENT)  # an act, to be integrated
        world.app.state.background.integrate()
        assert world.app.state.background.halted is not None
        for caller, path in (
            (world.startup, part),
            (world.startup, "/me"),
            (world.auditor, "/audit/entries"),
            (world.anyone, "/datasets"),
        ):
            refused = caller.http.get(path)
            assert (refused.status_code, refused.json()["code"]) == (503, "log-mismatch"), path
        for path in ("/audit/exports", f"/audit/packs/{world.things['agreement_id']}"):
            assert world.auditor.http.post(path, json={}).json()["code"] == "log-mismatch"
        said = world.startup.http.get("/me").json()["detail"]
        assert f"of {size} entries (root 00000000)" in said, "one size, two roots: told apart"
        health = world.anyone.http.get(f"{world.origin}/readyz")
        assert health.status_code == 503
