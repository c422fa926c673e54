"""Auditing from the command line: over HTTP for participants, on the database for the operator."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col

from registry.access.tables import DecisionRow
from registry.db import transaction
from tests.registry.api.world import Caller, World, open_world
from tests.registry.cli.conftest import Run


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service in which a start-up holds an agreement."""
    home: Path = tmp_path_factory.mktemp("service")
    with open_world(home) as running:
        running.agree(running.publish(), running.environment())
        yield running


def test_a_decision_is_made_again(world: World, run: Run) -> None:
    """Identical, and with today's offer beside it; a rival is refused."""
    decision = world.things["decision_id"]
    done = run(world.startup, "audit", "replay", decision, "--now")
    assert done.status == 0, done.err
    first, second = done.out.splitlines()
    assert first.startswith("identical: True  (entry ")
    then, now = second.removeprefix("then ").split("  now ")
    assert then == now
    rival = run(world.other_startup, "audit", "replay", decision)
    assert (rival.status, rival.out, decision in rival.err) == (3, "", True)


def test_a_difference_is_an_alarm(world: World, run: Run) -> None:
    """What was stored is no longer what the log holds: named, and exit status 1."""
    decision, engine = world.things["decision_id"], world.app.state.runtime.engine
    chosen = update(DecisionRow).where(col(DecisionRow.id) == decision)
    with transaction(engine) as session:
        kept = session.get_one(DecisionRow, decision).snapshot
        session.execute(chosen.values(snapshot={**kept, "engine": "0"}))
    alarm = run(world.archive, "audit", "replay", decision)
    with transaction(engine) as session:
        session.execute(chosen.values(snapshot=kept))
    assert alarm.status == 1
    assert alarm.err.startswith("differs: record")


def test_a_review_is_shown_and_signed(world: World, run: Run) -> None:
    """What is printed names the number to sign up to; nothing waits behind it twice."""
    shown = run(world.archive, "audit", "review")
    assert shown.status == 0, shown.err
    assert "sample 1  " in shown.out
    last = re.search(r"entries 1 to (\d+); sample drawn with [0-9a-f]{64}", shown.out)
    assert last
    wordless = run(world.archive, "audit", "review", "--sign", last[1], "--outcome", "follow-up")
    assert (wordless.status, "remark" in wordless.err) == (1, True)
    signed = run(world.archive, "audit", "review", "--sign", last[1])
    assert signed.status == 0, signed.err
    assert signed.out.startswith("rev_")
    again = run(world.archive, "audit", "review", "--sign", last[1])
    assert (again.status, "last_number" in again.err) == (1, True)
    assert run(world.startup, "audit", "review").status == 3


def test_the_operator_invites_an_auditor(world: World, run: Run) -> None:
    """The address that is printed lets the person in, to that archive's log alone."""
    archive = world.archive.get("/me")["organisation_id"]
    who = ("Bureau", "--person", "Bo", "--email", "bo@bureau.example")
    done = run(None, "audit", "invite", *who, "--days", 5, "--archive", archive)
    assert done.status == 0, done.err
    link = done.out.split("/sign-in/")[1].strip()
    token = world.anyone.post("/sessions", {"link": link})["access_token"]
    bureau = Caller(world.origin, token)
    (mandate,) = bureau.get("/audit/mandates")
    assert mandate["mandate"]["archive_id"] == archive
    bureau.http.close()
    nobody = run(None, "audit", "invite", *who, "--archive", "org_none")
    assert (nobody.status, "org_none" in nobody.err) == (2, True)
    wrong = run(None, "audit", "invite", "Bureau", "--person", "Bo", "--email", "geen adres")
    assert (wrong.status, "email" in wrong.err) == (2, True)


def test_the_operator_erases_a_person(world: World, run: Run) -> None:
    """By address; afterwards nobody has that address, and the session is gone."""
    assert world.other_archive.get("/me")["organisation"] == "kranten"
    done = run(None, "erase-person", "ada@kranten.example")
    assert done.status == 0, done.err
    said = re.fullmatch(
        r"era_\w+ is done: (messages \d+, )?people 1; entry ([0-9a-f-]{36})\n", done.out
    )
    assert said, done.out
    newest = world.operator.get("/audit/entries")["items"]
    assert (said[2], "actor:erased") in {(one["id"], one["act"]) for one in newest}
    assert world.other_archive.http.get("/me").status_code == 401
    again = run(None, "erase-person", "ada@kranten.example")
    assert again.status == 1
    assert "ada@kranten.example" in again.err


def test_the_operator_sees_and_applies_periods(world: World, run: Run) -> None:
    """Every profile with what is past it; a period that is over is applied at once."""
    shown = run(None, "retention", "show")
    assert shown.status == 0, shown.err
    assert "people       60 months         0 past it" in shown.out
    assert "retention   nothing" in shown.out, "the service's own first round"
    applied = run(None, "retention", "apply")
    assert applied.status == 0, applied.err
    assert applied.out.split() == [
        word
        for name in ("addresses", "messages", "claims", "people")
        for word in (name, "0", "emptied")
    ]
