"""A person who is erased cannot be found again, and every proof still verifies."""

import hmac
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import col, select

from registry.accounts.credentials import find_actor
from registry.accounts.erasures import Erasure
from registry.accounts.tables import IdempotencyKey, OutboxMail, Seat
from registry.audit.checkpoint import VerifierKey
from registry.audit.keys import open_head_store, open_signer
from registry.audit.receipts import verify_receipt
from registry.audit.tables import AuditSubjectKey
from registry.audit.verifying import verify_file
from registry.db import reading, transaction
from registry.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from registry.services import accounts, auditing, disputing, machines, requesting
from registry.services.erasing import erase_address, erase_person, list_erasures
from registry.services.fsck import fsck
from registry.services.lineage.keeping import keep_lineage
from registry.services.reading import Readable
from registry.services.retention import overwrite
from tests.support.extracting import Scene
from tests.support.personal import places_of
from tests.support.world import PublishedDataset, Startup, World

NAME, EMAIL, ADDRESS = "Zeldzame Ñaam", "zeldzaam@planted.example", "198.51.100.77"
NEEDLES = (NAME, EMAIL, ADDRESS, "Zeldzame \\u00d1aam")
"""The last is the name as the database writes it in JSON."""


def a_known_person(world: World) -> tuple[Startup, Scene]:
    """Someone whose name and addresses stand in every place that can hold them."""
    published = world.a_published_dataset(items=60)
    startup = world.a_startup(person_name=NAME, email=EMAIL)
    scene = Scene(world, published, startup, world.an_agreement(startup, published))
    with transaction(world.engine) as session:
        _ask(world, session, startup, published)
        accounts.send_link(session, EMAIL, settings=world.settings, at=world.clock())
        token = machines.IssueToken(
            name=f"laptop van {NAME}", scopes=("extracts",), environment_id=startup.environment.id
        )
        machines.issue_token(session, startup.actor, token, at=world.clock())
        session.add_all(_answers(world, startup))
    opened = scene.open(scene.cut(), address=ADDRESS)
    assert isinstance(opened, Readable)
    scene.sent(scene.range(opened, 0, 10), 10)
    return startup, scene


def _ask(world: World, session: object, startup: Startup, published: PublishedDataset) -> None:
    command = requesting.NewRequest(
        datasets=(published.name,),
        environment_id=startup.environment.id,
        use="train.gen",
        note=f"Vragen? Mail {NAME.upper()} op {EMAIL}.",
    )
    requesting.file_request(
        session,  # type: ignore[arg-type] # the session of the caller's transaction
        startup.actor,
        command,
        origin=world.settings.origin,
        at=world.clock(),
    )


def _answers(world: World, startup: Startup) -> Iterator[IdempotencyKey]:
    """What was answered to them, and what was answered to others about them."""
    said = (startup.actor.id, "{}"), ("anyone", f'{{"email":"{EMAIL}"}}'), ("anyone", "{}")
    for number, (caller, body) in enumerate(said):
        yield IdempotencyKey(
            caller=caller,
            key=str(number),
            request_hash="",
            status=201,
            body=body.encode(),
            created_at=world.clock(),
        )


def a_claim(scene: Scene) -> disputing.Opened:
    """A claim of that person on an item, as someone without an account."""
    said = {"rightsholder": NAME, "statement": f"Ik ben {NAME}.", "evidence": EMAIL}
    command = disputing.Complaint.model_validate(
        {"dataset": scene.published.name, "identifier": "x", "email": EMAIL, **said}
    )
    world = scene.world
    with transaction(world.engine) as session:
        return disputing.complain(
            session, command, address=ADDRESS, origin="http://x", at=world.clock()
        )


def reject(scene: Scene, opened: disputing.Opened) -> None:
    """The archive decides against it."""
    command = disputing.Decide(dispute_id=opened.dispute.id, uphold=False, answer="Zie de akte.")
    with transaction(scene.world.engine) as session:
        disputing.decide(session, scene.published.archive, command, at=scene.world.clock())


def exported(world: World, folder: Path, name: str) -> tuple[bool, list[str]]:
    """An export of the whole log, checked by the verifier that auditors run."""
    world.check_log()
    key, out = open_signer(world.settings), io.BytesIO()
    with reading(world.engine) as session:
        auditing.write_export(session, out, key, None)
    file = folder / f"{name}.audit.jsonl"
    file.write_bytes(out.getvalue())
    return verify_file(file, [str(key.verifier)], [], "en")


def test_no_place_holds_an_erased_person_and_the_log_verifies(world: World, tmp_path: Path) -> None:
    """Searched in every file of the service, the database's own or the rows of its dump."""
    startup, scene = a_known_person(world)
    reject(scene, a_claim(scene))
    before = exported(world, tmp_path, "before")
    found = places_of(world.engine, world.settings.home, NEEDLES)
    assert {needle for _, needle in found} >= {NAME, EMAIL, ADDRESS}, "else nothing is tested"
    with transaction(world.engine) as session:
        done = erase_address(session, world.an_operator(), EMAIL.upper(), at=world.clock())
    assert done.removed == {"addresses": 1, "claims": 1, "messages": 1, "people": 1}
    overwrite(world.engine, at=world.clock())
    world.clock.advance(hours=1)
    scene.close_windows()
    keep_lineage(world.engine, world.ports)
    assert places_of(world.engine, world.settings.home, NEEDLES) == set()
    after = exported(world, tmp_path, "after")
    checkup = fsck(
        world.engine,
        world.ports.store,
        open_signer(world.settings).verifier,
        open_head_store(world.settings),
    )
    assert checkup.ok, checkup.findings
    assert (before[0], after[0]) == (True, True), after[1]
    (entry,) = scene.entries("actor:erased")
    assert entry.facts["removed"] == done.removed
    assert entry.id == done.entry_id
    with reading(world.engine) as session:
        keys = set(session.exec(select(AuditSubjectKey.subject)))
        kept = session.exec(select(IdempotencyKey.key)).all()
        (row,) = list_erasures(session, None)
    assert startup.actor.id not in keys
    assert kept == ["2"], "answers about others stay"
    assert row.overwritten_at is not None


def test_nothing_leads_to_an_erased_person_and_all_proofs_hold(world: World) -> None:
    """Their receipts from before still verify; their key, name, address, mails and access go."""
    operator, archive = world.an_operator(), world.an_archive(email="ada@beeld.example")
    world.a_dataset(archive)
    at = world.clock()
    with transaction(world.engine) as session:
        accounts.send_link(session, "ada@beeld.example", settings=world.settings, at=at)
        secret = accounts.link_for(session, session.get_one(Seat, archive.id), at=at)
    world.check_log()
    with reading(world.engine) as session:
        [(_, entry)] = auditing.list_entries(session, archive, at=at)
        receipt = auditing.entry_receipt(session, archive, entry.id, at=at)
        keys = session.exec(select(AuditSubjectKey)).all()
    assert entry.actor in {_pseudonym(one.key, archive.id) for one in keys}
    for _ in range(2):
        with transaction(world.engine) as session:
            erase_person(session, operator, archive.id, at=at)
    with reading(world.engine) as session:
        left = session.exec(select(AuditSubjectKey)).all()
        assert entry.actor not in {_pseudonym(one.key, archive.id) for one in left}
        seat = session.get_one(Seat, archive.id)
        assert "ada" not in f"{seat.email}{seat.name}".lower()
        assert archive.id not in {one.seat_id for one in session.exec(select(OutboxMail))}
        assert len(session.exec(select(Erasure)).all()) == 1
        with pytest.raises(NotSignedIn):
            find_actor(session, secret, "link", at)
    assert receipt is not None
    key: VerifierKey = open_signer(world.settings).verifier
    assert verify_receipt(receipt, [key])[0] == entry
    world.check_log()


def _pseudonym(key: bytes, subject: str) -> str:
    return hmac.digest(key, subject.encode(), "sha256").hex()


def test_a_claim_that_waits_needs_its_address(on_sqlite: Scene) -> None:
    """Until it is decided; an upheld claim's line stays, for it is why the item is closed."""
    opened, world = a_claim(on_sqlite), on_sqlite.world
    with pytest.raises(Conflict), transaction(world.engine) as session:
        erase_address(session, None, EMAIL, at=world.clock())
    command = disputing.Decide(dispute_id=opened.dispute.id, uphold=True, answer="Klopt.")
    with transaction(world.engine) as session:
        disputing.decide(session, on_sqlite.published.archive, command, at=world.clock())
        done = erase_address(session, None, EMAIL, at=world.clock())
        found = disputing.find_dispute(
            session, on_sqlite.published.archive, opened.dispute.id, None
        )
    assert done.removed == {"claims": 1}
    assert (found.contact, found.source, found.state) == ("", "", "upheld")
    with reading(world.engine) as session, pytest.raises(NotFound):
        disputing.find_dispute(session, None, opened.dispute.id, opened.key)


def test_only_the_operator_erases(sqlite_world: World) -> None:
    """Nobody else, and nobody who is not there."""
    world = sqlite_world
    archive = world.an_archive()
    with transaction(world.engine) as session:
        with pytest.raises(NotAllowed):
            erase_person(session, archive, archive.id, at=world.clock())
        with pytest.raises(NotAllowed):
            erase_address(session, archive, EMAIL, at=world.clock())
        with pytest.raises(NotAllowed):
            list_erasures(session, archive)
        with pytest.raises(NotFound):
            erase_person(session, None, "seat_none", at=world.clock())
        with pytest.raises(NotFound):
            erase_address(session, None, EMAIL, at=world.clock())
        assert not session.exec(select(Erasure).where(col(Erasure.reason) != "")).all()
