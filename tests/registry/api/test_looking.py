"""What an auditor looks at is itself on record, whichever way it looks."""

import time
from pathlib import Path

from tests.registry.api.world import Caller, World, open_world

DAYS = {"since": "2020-01-01", "until": "2090-01-01"}


def kinds(world: World, archive: str | None) -> list[str]:
    """What was looked at, as the log has it; oldest first, of the newest two hundred entries."""
    asked = {"limit": "200"} | ({"archive": archive} if archive else {})
    found = world.operator.get("/audit/entries", params=asked)["items"]
    looks = [one for one in found if one["act"] == "audit:looked"]
    return [one["facts"]["kind"] for one in reversed(looks)]


def look(world: World, who: Caller) -> list[str]:
    """Look at everything there is; the kinds of look in that order."""
    things = world.things
    asked = {
        "usage": ("/usage", DAYS),
        "withdrawals": ("/withdrawals", {}),
        "lineage": ("/lineage/extracts", {"extract": things["extract_id"]}),
        "withdrawal": (f"/withdrawals/{things['withdrawal_id']}", {}),
        "manifest": (f"/notices/{things['notice_id']}/manifest", {}),
        "decision": (f"/decisions/{things['decision_id']}/record", {}),
        "receipt": (f"/decisions/{things['decision_id']}/receipt", {}),
        "what-if": (f"/decisions/{things['decision_id']}/what-if", {}),
        "reviews": ("/audit/reviews", {"archive": things["archive_id"]}),
    }
    for path, params in asked.values():
        until = time.monotonic() + 30
        while (answer := who.http.get(path, params=params)).status_code in {409, 503}:
            assert time.monotonic() < until, answer.text
            time.sleep(0.1)
        assert answer.status_code == 200, answer.text
    return list(asked)


def test_every_look_of_an_auditor_is_an_entry(tmp_path: Path) -> None:
    """In the stream that it looked at; an archive that looks at its own leaves none."""
    with open_world(tmp_path) as world:
        world.extract(world.agree(world.publish(), world.environment()))
        world.take_back()
        archive = world.archive.get("/me")["organisation_id"]
        world.things["archive_id"] = archive
        done = look(world, world.auditor)
        assert kinds(world, archive) == done[2:], "what is one archive's, in its own stream"
        assert [one for one in kinds(world, None) if one not in done[2:]] == done[:2]
        seen = kinds(world, None)
        newest = world.auditor.get("/audit/entries", params={"archive": archive})["items"][0]["id"]
        until = time.monotonic() + 30
        while world.auditor.http.get(f"/audit/entries/{newest}/receipt").status_code == 503:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert kinds(world, archive)[-2:] == ["entries", "receipt"]
        look(world, world.archive)
        assert len(kinds(world, None)) == len(seen) + 2
