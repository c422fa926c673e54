"""Taking proof out of a running service and checking it offline, also as real processes."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.api.test_auditing import signed_in
from tests.registry.api.world import Caller, World, open_world
from tests.registry.cli.conftest import Run

VRIJGAVE = Path(sys.executable).with_name("vrijgave")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service in which a start-up holds an agreement and an extract."""
    with open_world(tmp_path_factory.mktemp("service")) as running:
        running.extract(running.agree(running.publish(), running.environment()))
        yield running


def process(
    world: World, who: Caller | None, *arguments: object
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as someone who is not on the service's machine."""
    variables = {"PATH": os.environ["PATH"], "VRIJGAVE_SERVER": world.origin}
    if who is not None:
        variables["VRIJGAVE_TOKEN"] = who.token or ""
    command = [str(VRIJGAVE), *map(str, arguments)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def keys(world: World) -> list[str]:
    """Both published keys, as options of the verifier."""
    found = [world.anyone.http.get(f"/keys/{name}").text.strip() for name in ("log", "manifest")]
    return [word for key in found for word in ("--key", key)]


def test_packs_of_an_agreement_and_a_case_verify_offline(world: World, tmp_path: Path) -> None:
    """JSON, HTML, PDF and receipts; a changed file in it is named; a rival gets none."""
    about = {
        world.things["agreement_id"]: world.startup,
        world.things["decision_id"]: world.auditor,
    }
    for name, who in about.items():
        pack = tmp_path / f"{name}.evidence.zip"
        made = process(world, who, "audit", "pack", name, pack, "--lang", "nl")
        assert (made.returncode, made.stderr) == (0, "")
        files = set(zipfile.ZipFile(pack).namelist())
        assert {"pack.json", "pack.html", "pack.pdf", "agreement.json"} < files
        assert any(one.startswith("receipts/") for one in files)
        good = process(world, None, "audit", "verify", pack, *keys(world))
        assert good.returncode == 0, good.stdout + good.stderr
        again = process(world, who, "audit", "pack", name, pack)
        assert (again.returncode, "exists already" in again.stderr) == (1, True)
    changed = tmp_path / "changed.evidence.zip"
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(changed, "w") as new:
        for one in old.namelist():
            new.writestr(one, old.read(one) + (b" " if one == "decision.json" else b""))
    bad = process(world, None, "audit", "verify", changed, *keys(world))
    assert (bad.returncode, "decision.json" in bad.stdout) == (1, True)
    none = tmp_path / "none.zip"
    rival = process(world, world.other_startup, "audit", "pack", world.things["agreement_id"], none)
    assert (rival.returncode, list(tmp_path.glob("*none*"))) == (3, [])


def test_the_log_of_processing_is_taken(world: World, run: Run, tmp_path: Path) -> None:
    """By its archive, one record an entry; a wrong day is named and leaves no file."""
    file = tmp_path / "processing.jsonl"
    made = run(world.archive, "audit", "processing-log", file)
    assert made.status == 0, made.err
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert {"dataset:registered", "extract:made"} <= {one["name"] for one in records}
    activity = records[0]["attributes"][0]
    assert activity["key"] == "dpl.core.processing_activity_id"
    assert activity["value"].startswith(f"{world.origin}/processing#")
    other = tmp_path / "other.jsonl"
    wrong = run(world.archive, "audit", "processing-log", other, "--since", "gisteren")
    assert (wrong.status, "since" in wrong.err, other.exists()) == (1, True, False)
    startup = run(world.startup, "audit", "processing-log", other)
    assert (startup.status, other.exists()) == (3, False)


def test_an_auditor_works_from_its_own_machine(world: World, run: Run, tmp_path: Path) -> None:
    """Export, population and receipt are taken over HTTP and verified without the service."""
    archive = world.archive.get("/me")["organisation_id"]
    asked = run(world.auditor, "audit", "mandates")
    assert asked.out.startswith("man_")
    assert asked.out.endswith("  all archives\n")
    days = ("--since", "2020-01-01", "--until", "2090-01-01")
    sampled = ("--archive", archive, "--sample", "3", "--seed", "s")
    taken = {
        "log.audit.jsonl": ("take-export",),
        "own.audit.jsonl": ("take-export", "--archive", archive),
        "all.population.zip": ("take-population", "--kind", "decisions", *days, *sampled),
        "decision.tlog-proof": ("take-receipt", world.things["decision_id"]),
        "extract.tlog-proof": ("take-receipt", world.things["extract_id"]),
    }
    for name, (command, *options) in taken.items():
        file = tmp_path / name
        made = run(world.auditor, "audit", command, *options, file)
        assert made.status == 0, made.err
        checked = run(None, "audit", "verify", file, *keys(world)[:2])
        assert checked.status == 0, checked.out + checked.err
    cut = tmp_path / "cut.audit.jsonl"
    cut.write_bytes((tmp_path / "log.audit.jsonl").read_bytes()[:-100])
    checked = run(None, "audit", "verify", cut, *keys(world)[:2])
    assert (checked.status, "NOT good" in checked.out) == (1, True)
    for rival, name in ((world.startup, "take-export"), (world.other_startup, "take-receipt")):
        about = [world.things["decision_id"]] if name == "take-receipt" else []
        refused = run(rival, "audit", name, *about, tmp_path / "none")
        assert (refused.status, (tmp_path / "none").exists()) == (3, False)


def test_reviews_are_planned_held_and_told(world: World, run: Run) -> None:
    """Every so many days; the archive signs what waits, an auditor reads the report of it."""
    planned = run(world.archive, "audit", "plan-reviews", "--days", "7")
    assert planned.out.startswith("every 7 days; the next is due on 20"), planned.err
    shown = run(world.archive, "audit", "review").out.splitlines()[-1]
    last = shown.split(";")[0].rpartition(" ")[2]
    signed = run(world.archive, "audit", "review", "--sign", last)
    assert signed.out.startswith("rev_"), signed.err
    archive = world.archive.get("/me")["organisation_id"]
    told = run(world.auditor, "audit", "reviews", "--archive", archive)
    states = [line.split()[1] for line in told.out.splitlines()]
    assert states == ["held", "due"], told.out + told.err
    nameless = run(world.auditor, "audit", "reviews")
    assert (nameless.status, "archive" in nameless.err) == (1, True)


def test_an_auditor_whose_time_is_over_is_told_so(world: World, run: Run, tmp_path: Path) -> None:
    """In one sentence with the moment, by every command; nothing is written."""
    who = {"organisation_name": "Kort", "person_name": "Bo", "email": "bo@kort.example"}
    mandate = world.archive.post("/auditors", {**who, "days": 1})
    with signed_in(world, who["email"]) as auditor:
        assert run(auditor, "audit", "reviews").status == 0
        assert world.archive.http.delete(f"/auditors/{mandate['id']}").status_code == 200
        out, decision = tmp_path / "none", world.things["decision_id"]
        for command in (["take-export", out], ["reviews"], ["take-receipt", decision, out]):
            refused = run(auditor, "audit", *command)
            assert (refused.status, out.exists()) == (3, False)
            assert "Your time as auditor ended on" in refused.err
            assert "new invitation" in refused.err
        asked = run(auditor, "audit", "mandates")
        assert asked.out.startswith(mandate["id"]), "what was asked stays listed"
