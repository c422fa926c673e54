"""A withdrawal reaches everyone who has the items, and what became of it can be followed."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from catalog.tables import Edition
from connectors import webhooks
from connectors.fetching import LOOPBACK
from registry.access.tables import Extract
from registry.access.withdrawal_tables import Notice, NoticeCall, Webhook, Withdrawal
from registry.accounts.tables import OutboxMail
from registry.audit.checkpoint import open_note
from registry.db import reading, transaction
from registry.digests import digest
from registry.errors import InvalidInput, NotFound
from registry.services import hooks, publishing, withdrawing
from registry.services.calling import PAUSES, call_webhooks, last_calls, try_webhook
from registry.services.catching_up import catch_up
from registry.services.checking import run_check
from registry.services.notifying import remind
from registry.services.publishing import PublishEdition
from registry.services.reading import Readable
from registry.services.refusal import Refused
from registry.services.withdrawing import Acknowledge, Told, Withdraw
from tests.support.extracting import Scene
from tests.support.ledgers import Ledger
from tests.support.listening import Listener, listening


@pytest.fixture
def book(on_sqlite: Scene) -> Ledger:
    """A ledger of sixty items, and someone with an agreement on the clear ones."""
    return Ledger(on_sqlite)


def take_back(book: Ledger, **what: Any) -> Withdrawal:
    """Withdraw as the archive."""
    scene = book.scene
    command = Withdraw.model_validate(
        {"dataset_id": scene.published.dataset.id, "reason": "Verzoek van de maker", **what}
    )
    with transaction(scene.world.engine) as session:
        return withdrawing.withdraw(
            session,
            scene.published.archive,
            command,
            ports=scene.world.ports,
            at=scene.world.clock(),
        )


def catch(book: Ledger) -> None:
    """One background round."""
    catch_up(book.scene.world.engine, book.scene.world.ports)


def told(book: Ledger, withdrawal: Withdrawal) -> Told:
    """The withdrawal as its archive sees it now."""
    with reading(book.scene.world.engine) as session:
        return withdrawing.find_withdrawal(
            session, book.scene.published.archive, withdrawal.id, at=book.scene.world.clock()
        )


def calls(book: Ledger, withdrawal: Withdrawal) -> dict[str, tuple[str, int, bool]]:
    """Why the last try failed, how many there were and whether it was taken, per webhook."""
    found = told(book, withdrawal).calls
    return {
        call.webhook_id: (call.problem, call.tries, call.delivered_at is not None)
        for one in found.values()
        for call in one
    }


def acknowledge(book: Ledger, notice: Notice, receipt: str, remark: str = "") -> Notice:
    """Answer as the recipient."""
    command = Acknowledge(notice_id=notice.id, receipt=receipt, remark=remark)
    with transaction(book.scene.world.engine) as session:
        return withdrawing.acknowledge(
            session, book.scene.startup.actor, command, at=book.scene.world.clock()
        )


def test_the_very_next_read_is_refused(scene: Scene) -> None:
    """No round needs to run in between, on either database."""
    book = Ledger(scene)
    made = book.scene.cut()
    take_back(book, items=book.items(made)[:2])
    refused = book.scene.open(made)
    assert isinstance(refused, Refused)
    assert refused.error.code == "extract-withdrawn"
    scene.world.check_log()


def test_who_has_it_is_told_and_answers(book: Ledger) -> None:
    """One notice a recipient, with a signed manifest of ids and hashes, mailed; then a receipt."""
    scene, made = book.scene, book.scene.cut()
    held = book.items(made)[:3]
    absent = [row["_item"] for row in book.rows() if row["_item"] not in book.items(made)][:2]
    withdrawal = take_back(book, items=[*held, *absent])
    catch(book)
    catch(book)
    found = told(book, withdrawal)
    assert found.withdrawal.stopped_at is not None
    ((notice, who),) = found.notices
    assert who.id == scene.startup.actor.organisation_id
    assert (notice.items, notice.extracts) == (3, [made.id])
    with reading(scene.world.engine) as session:
        content = withdrawing.removal_manifest(
            session, scene.startup.actor, notice.id, scene.world.ports.store, at=scene.world.clock()
        )
        mails = session.exec(
            select(OutboxMail).where(col(OutboxMail.body).contains(notice.id))
        ).all()
    manifest = json.loads(content)
    assert manifest["items"] == sorted(held)
    assert [one["sha256"] for one in manifest["files"]] == [
        part["sha256"] for part in made.manifest["parts"]
    ]
    signed = open_note(notice.signature, [scene.world.ports.signer.verifier]).splitlines()
    assert signed[2] == notice.manifest_digest == digest(manifest)
    assert len(mails) == 1
    successor = scene.extract(made.id)
    fresh = book.cut_again(successor)
    assert set(book.items(fresh)) == set(book.items(made)) - set(held)
    with pytest.raises(InvalidInput, match="models"):
        acknowledge(book, notice, "removed_but_trained")
    answered = acknowledge(book, notice, "removed_but_trained", "model-7, trained in May")
    assert answered.received_at == scene.world.clock()
    acts = ("withdrawal:started", "extract:stopped", "notice:sent", "notice:acknowledged")
    assert [len(scene.entries(act)) for act in acts] == [1, 1, 1, 1]
    scene.world.check_log()


def test_a_tombstone_outlives_a_new_edition(book: Ledger) -> None:
    """Delivered again, the item is in no count and no extract of the new edition."""
    scene = book.scene
    item = book.items(scene.cut())[0]
    take_back(book, items=[item])
    catch(book)
    world, published = scene.world, scene.published
    delivery = world.a_delivery(published.archive, published.dataset, items=60)
    run_check(world.engine, world.ports, delivery.id)
    command = PublishEdition(dataset_id=published.dataset.id, delivery_id=delivery.id)
    with transaction(world.engine) as session:
        made = publishing.publish(
            session, published.archive, command, origin=world.settings.origin, at=world.clock()
        )
    catch(book)
    with reading(world.engine) as session:
        edition = session.get_one(Edition, made.edition.id)
    assert edition.number == 2
    from dataclasses import replace

    again = replace(published, edition=made.edition, offer=made.offer)
    agreement = world.an_agreement(scene.startup, again)
    fresh = world.a_ready_extract(scene.startup, agreement)
    assert fresh.state == "ready"
    assert item not in book.items(fresh)
    assert fresh.rows == len(book.items(fresh)) > 0


def test_all_of_a_rightsholder_is_taken_back(book: Ledger) -> None:
    """By name, over all editions; a name that nobody has is told."""
    names = [row["_rightsholder"] for row in book.rows() if row["_rightsholder"]]
    name = max(set(names), key=names.count)
    withdrawal = take_back(book, rightsholder=name)
    assert withdrawal.items == names.count(name)
    with pytest.raises(InvalidInput):
        take_back(book, rightsholder="Niemand")


def test_without_a_receipt_it_is_repeated_and_escalated(book: Ledger) -> None:
    """A reminder three days before the day, and on it the archive and the operator hear of it."""
    scene = book.scene
    scene.world.an_operator()
    take_back(book, items=book.items(scene.cut())[:1])
    catch(book)
    origin = scene.world.settings.origin
    for days, act in ((10, ""), (1.5, "notice:reminded"), (3, "notice:escalated"), (9, "")):
        scene.world.clock.now += timedelta(days=days)
        before = {one: len(scene.entries(one)) for one in ("notice:reminded", "notice:escalated")}
        with transaction(scene.world.engine) as session:
            remind(session, at=scene.world.clock(), origin=origin)
        after = {one: len(scene.entries(one)) for one in before}
        assert {one for one in before if after[one] > before[one]} == ({act} if act else set())


def register(book: Ledger, address: str) -> tuple[Webhook, str]:
    """Register a webhook as the recipient."""
    with transaction(book.scene.world.engine) as session:
        return hooks.register_webhook(
            session,
            book.scene.startup.actor,
            hooks.NewWebhook(address=address),
            networks=LOOPBACK,
            at=book.scene.world.clock(),
        )


def test_a_webhook_hears_it_signed(book: Ledger) -> None:
    """What is posted bears the signature that the secret shown once checks."""
    with listening(204) as (address, listener):
        webhook, secret = register(book, address)
        withdrawal = take_back(book, items=book.items(book.scene.cut())[:1])
        catch(book)
        catch(book)
    ((headers, body),) = listener.heard
    named = {name.lower(): value for name, value in headers.items()}
    at = book.scene.world.clock()
    expected = webhooks.headers(webhook.secret, named["webhook-id"], at, body)
    assert {name: named[name] for name in expected} == expected
    assert secret == webhooks.secret_text(webhook.secret)
    assert json.loads(body)["data"]["withdrawal"] == withdrawal.id
    ((notice, _),) = told(book, withdrawal).notices
    assert notice.delivered_at == at


@pytest.mark.parametrize(("status", "closed"), [(500, False), (302, False), (410, True)])
def test_a_webhook_that_fails_is_tried_again(book: Ledger, status: int, closed: bool) -> None:
    """Later each time and not for ever; 410 closes it; the mail was sent in any case."""
    with listening(status) as (address, listener):
        webhook, _ = register(book, address)
        withdrawal = take_back(book, items=book.items(book.scene.cut())[:1])
        catch(book)
        for pause in PAUSES:
            book.scene.world.clock.now += pause
            call_webhooks(book.scene.world.engine, book.scene.world.ports)
        book.scene.world.clock.now += timedelta(days=2)
        call_webhooks(book.scene.world.engine, book.scene.world.ports)
    assert len(listener.heard) == (1 if closed else len(PAUSES) + 1)
    ((notice, _),) = told(book, withdrawal).notices
    assert calls(book, withdrawal) == {webhook.id: (f"status-{status}", len(listener.heard), False)}
    assert notice.delivered_at is None
    assert notice.mailed_at is not None
    with reading(book.scene.world.engine) as session:
        assert (session.get_one(Webhook, webhook.id).closed_at is not None) is closed


def test_a_slow_webhook_delays_no_other(book: Ledger) -> None:
    """Both answer only while the other is being called too: turns one by one would fail."""
    both = threading.Barrier(2)

    class Meeting(Listener):
        def do_POST(self) -> None:  # noqa: N802 - its name
            both.wait(8)
            super().do_POST()

    with listening(204, Meeting) as (one, first), listening(204, Meeting) as (other, second):
        register(book, one)
        register(book, other)
        withdrawal = take_back(book, items=book.items(book.scene.cut())[:1])
        catch(book)
    assert len(first.heard) == len(second.heard) == 1
    assert sorted(calls(book, withdrawal).values()) == [("", 1, True)] * 2


def test_a_webhook_that_does_not_answer_is_left_for_this_round(book: Ledger) -> None:
    """Its other notices keep their turn; the next round tries one of them."""
    with listening(204) as (address, _):
        register(book, address)
    engine, ports = book.scene.world.engine, book.scene.world.ports
    items = book.items(book.scene.cut())
    for item in items[:2]:
        take_back(book, items=[item])
    catch(book)
    with reading(engine) as session:
        assert session.exec(select(NoticeCall.tries)).all() == [1]
    call_webhooks(engine, ports)
    with reading(engine) as session:
        assert session.exec(select(NoticeCall.tries)).all() == [1, 1]


def test_each_webhook_has_a_state_of_its_own(book: Ledger) -> None:
    """One that took it is not called again and stands for no other; told is who heard all."""
    with listening(204) as (one, first), listening(500) as (other, second):
        took, _ = register(book, one)
        failed, _ = register(book, other)
        withdrawal = take_back(book, items=book.items(book.scene.cut())[:1])
        catch(book)
        assert calls(book, withdrawal) == {
            took.id: ("", 1, True),
            failed.id: ("status-500", 1, False),
        }
        ((notice, _),) = told(book, withdrawal).notices
        assert notice.delivered_at is None
        second.status = 204
        book.scene.world.clock.now += PAUSES[0]
        call_webhooks(book.scene.world.engine, book.scene.world.ports)
    assert (len(first.heard), len(second.heard)) == (1, 2)
    ((notice, _),) = told(book, withdrawal).notices
    assert notice.delivered_at == book.scene.world.clock()


def test_a_reminder_is_another_message_to_each_webhook(book: Ledger) -> None:
    """Receivers drop what they heard before, so the reminder has an id of its own."""
    with listening(204) as (address, listener):
        webhook, _ = register(book, address)
        take_back(book, items=book.items(book.scene.cut())[:1])
        catch(book)
        world = book.scene.world
        world.clock.now += timedelta(days=12)
        with transaction(world.engine) as session:
            remind(session, at=world.clock(), origin=world.settings.origin)
        call_webhooks(world.engine, world.ports)
    ids = [dict(headers)["webhook-id"] for headers, _ in listener.heard]
    assert len(ids) == len(set(ids)) == 2
    assert ids[1] == f"{ids[0]}_1"
    with reading(world.engine) as session:
        assert [call.notice_id for call in last_calls(session, webhook)] == [ids[0]]


def test_a_webhook_that_comes_later_hears_what_is_unanswered(book: Ledger) -> None:
    """A notice with a receipt is told no more; one without is."""
    items = book.items(book.scene.cut())
    answered, waiting = (take_back(book, items=[item]) for item in items[:2])
    catch(book)
    ((notice, _),) = told(book, answered).notices
    world = book.scene.world
    with transaction(world.engine) as session:
        given = withdrawing.Acknowledge(notice_id=notice.id, receipt="removed")
        withdrawing.acknowledge(session, book.scene.startup.actor, given, at=world.clock())
    with listening(204) as (address, listener):
        register(book, address)
        call_webhooks(world.engine, world.ports)
    ((_, body),) = listener.heard
    assert json.loads(body)["data"]["withdrawal"] == waiting.id


def test_a_webhook_can_be_tried(book: Ledger) -> None:
    """A message that says nothing, signed as any; the reason where it was not taken."""
    ports = book.scene.world.ports
    with listening(204) as (address, listener):
        webhook, _ = register(book, address)
        assert try_webhook(webhook, ports) == ""
    ((_, body),) = listener.heard
    assert json.loads(body)["type"] == "webhook.test"
    assert try_webhook(webhook, ports) == "unreachable"


def test_an_auditor_sees_it_and_a_rival_does_not(book: Ledger) -> None:
    """Times from event to stop, notice and receipt are there for who may look."""
    world = book.scene.world
    withdrawal = take_back(book, identifiers=["een nummer"])
    at = world.clock()
    with reading(world.engine) as session:
        auditor, rival = world.an_auditor(), world.an_archive()
        assert withdrawing.find_withdrawal(session, auditor, withdrawal.id, at=at).notices == ()
        assert [one.id for one in withdrawing.list_withdrawals(session, auditor, at=at)] == [
            withdrawal.id
        ]
        assert withdrawing.list_withdrawals(session, rival, at=at) == []
        with pytest.raises(NotFound):
            withdrawing.find_withdrawal(session, rival, withdrawal.id, at=at)


def test_readers_of_other_extracts_notice_nothing(book: Ledger) -> None:
    """An extract without the items is read on, before and after the round."""
    made = book.scene.cut()
    take_back(book, identifiers=["staat nergens in"])
    assert isinstance(book.scene.open(made), Readable)
    catch(book)
    assert isinstance(book.scene.open(made), Readable)
    with reading(book.scene.world.engine) as session:
        assert session.get_one(Extract, made.id).checked_moment == 1
