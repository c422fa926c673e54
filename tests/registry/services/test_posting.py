"""Mail by SMTP, against a real server on loopback."""

import base64
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import select

from registry.accounts.tables import OutboxMail
from registry.db import reading, transaction
from registry.errors import Text
from registry.services.mailing import mail
from registry.services.posting import post_waiting
from registry.settings import Settings
from tests.support.smtp import MailServer, mail_server
from tests.support.world import World

PASSWORD = "a-password-nobody-may-read"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    """A mail server."""
    with mail_server(tmp_path) as running:
        yield running


def _settings(world: World, server: MailServer, **more: Any) -> Settings:
    given: dict[str, Any] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": "none",
        "smtp_sender": "vrijgave@example.org",
    }
    return Settings(home=world.settings.home, **(given | more))


def _written(world: World, *subjects: str) -> None:
    actor = world.an_archive()
    for subject in subjects:
        with transaction(world.engine) as session:
            told = Text(subject, "English")
            mail(session, actor.organisation_id, told, Text("Één", "One"), world.clock())
        world.clock.advance(seconds=1)


def _mails(world: World) -> list[OutboxMail]:
    with reading(world.engine) as session:
        return list(session.exec(select(OutboxMail).order_by(OutboxMail.id)))


def test_what_waits_is_sent_once_oldest_first(world: World, server: MailServer) -> None:
    """Two rounds at once and one after send each mail once, in its reader's language."""
    _written(world, "Eerste\nregel", "Tweede")
    settings = _settings(world, server)
    with ThreadPoolExecutor(2) as pool:
        rounds = [pool.submit(post_waiting, world.engine, settings, world.clock) for _ in range(2)]
    assert [one.result() for one in rounds] == [None, None]
    post_waiting(world.engine, settings, world.clock)
    assert [one["Subject"] for one in server.taken] == ["Eerste regel", "Tweede"]
    first = server.taken[0]
    assert first.get_content().strip() == "Één"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] == f"<{_mails(world)[0].id}@example.org>"
    assert [one.state for one in _mails(world)] == ["sent", "sent"]


@pytest.mark.parametrize("verb", ["RCPT", "END", "MAIL"])
def test_a_temporary_refusal_is_tried_later(
    sqlite_world: World, server: MailServer, verb: str
) -> None:
    """Not before its time, then again, each time later, under the same Message-ID."""
    _written(sqlite_world, "Bericht")
    settings, clock = _settings(sqlite_world, server), sqlite_world.clock
    server.answers[verb] = "451 later"
    post_waiting(sqlite_world.engine, settings, clock)
    [waiting] = _mails(sqlite_world)
    assert (waiting.state, waiting.tries, waiting.problem) == ("waiting", 1, "451 later")
    server.answers.clear()
    server.taken.clear()
    post_waiting(sqlite_world.engine, settings, clock)
    assert server.taken == []
    clock.advance(minutes=1)
    post_waiting(sqlite_world.engine, settings, clock)
    [sent] = _mails(sqlite_world)
    assert (sent.state, sent.tries, sent.problem) == ("sent", 2, "")
    assert [one["Message-ID"] for one in server.taken] == [f"<{sent.id}@example.org>"]


@pytest.mark.parametrize("verb", ["RCPT", "END"])
def test_a_refusal_for_good_ends_that_mail(
    sqlite_world: World, server: MailServer, verb: str
) -> None:
    """It is not tried again, and the operator sees what the server said."""
    _written(sqlite_world, "Bericht")
    server.answers[verb] = "550 nobody here"
    settings = _settings(sqlite_world, server)
    post_waiting(sqlite_world.engine, settings, sqlite_world.clock)
    sqlite_world.clock.advance(days=1)
    server.answers.clear()
    server.taken.clear()
    post_waiting(sqlite_world.engine, settings, sqlite_world.clock)
    [ended] = _mails(sqlite_world)
    assert (ended.state, ended.tries, ended.problem) == ("ended", 1, "550 nobody here")
    assert server.taken == []


def test_what_is_too_old_is_not_sent(sqlite_world: World, server: MailServer) -> None:
    """Naming a mail server later sends nobody old links."""
    _written(sqlite_world, "Bericht")
    post_waiting(sqlite_world.engine, sqlite_world.settings, sqlite_world.clock)
    assert _mails(sqlite_world)[0].state == "waiting"
    sqlite_world.clock.advance(days=4)
    post_waiting(sqlite_world.engine, _settings(sqlite_world, server), sqlite_world.clock)
    assert (server.taken, _mails(sqlite_world)[0].state) == ([], "ended")


def test_the_password_goes_to_a_trusted_server_alone(
    sqlite_world: World,
    server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not past a certificate that fails, nor into the log or the outbox where it is refused."""
    caplog.set_level(logging.DEBUG)
    _written(sqlite_world, "Bericht")
    secured = {"smtp_security": "starttls", "smtp_user": "u", "smtp_password": PASSWORD}
    settings, clock = _settings(sqlite_world, server, **secured), sqlite_world.clock
    post_waiting(sqlite_world.engine, settings, clock)
    assert "certificate" in _mails(sqlite_world)[0].problem
    assert not any(line.startswith("AUTH") for line in server.heard)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    server.answers["AUTH"] = f"535 no: {PASSWORD}"
    clock.advance(hours=1)
    post_waiting(sqlite_world.engine, settings, clock)
    assert _mails(sqlite_world)[0].problem.startswith("535 the mail server refused the user")
    server.answers.clear()
    clock.advance(hours=1)
    post_waiting(sqlite_world.engine, settings, clock)
    assert _mails(sqlite_world)[0].state == "sent"
    shown = base64.b64encode(f"\0u\0{PASSWORD}".encode()).decode()
    assert f"AUTH PLAIN {shown}" in server.heard
    assert PASSWORD not in caplog.text + repr(settings)


def test_settings_that_would_not_do_are_refused(sqlite_world: World, server: MailServer) -> None:
    """No sender, or a password that goes over an open line."""
    with pytest.raises(ValidationError, match="smtp_sender is missing"):
        _settings(sqlite_world, server, smtp_sender="")
    with pytest.raises(ValidationError, match="its password is read"):
        _settings(sqlite_world, server, smtp_user="u")
