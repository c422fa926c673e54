"""Messages that wait are given to the operator's mail server (SMTP, RFC 5321).

A mail is claimed in a transaction of its own before the server is asked, so that of several
processes one sends it. Whoever stops half-way leaves it claimed until :data:`CLAIM` has passed; it
is sent anew then, under the same Message-ID.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from registry.accounts.tables import OutboxMail, Seat
from registry.clock import Clock
from registry.db import transaction
from registry.settings import Settings

AT_ONCE = 5
ANSWER_SECONDS = 10.0
CLAIM = timedelta(minutes=15)
"""Longer than the server may take over all mails of one round."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
PATIENCE = timedelta(days=3)
"""How long a mail is tried; what is older, as from before there was a server, is not sent."""


@dataclass(frozen=True)
class _Problem:
    told: str
    final: bool = False


@dataclass(frozen=True)
class _Claimed:
    mail: OutboxMail
    seat: Seat


def post_waiting(engine: Engine, settings: Settings, clock: Clock) -> None:
    """Send the oldest mails that wait, where the operator named a mail server."""
    if not settings.smtp_host:
        return
    with transaction(engine) as session:
        waiting = _claim(session, clock())
    try:
        if waiting:
            with _server(settings) as server:
                while waiting:
                    problem = _send(server, settings, waiting[0])
                    _settle(engine, waiting.pop(0).mail.id, problem, clock())
    except (OSError, smtplib.SMTPException) as error:
        for one in waiting:
            _settle(engine, one.mail.id, _Problem(_told(error)), clock())


def _claim(session: Session, at: datetime) -> list[_Claimed]:
    due = (
        select(OutboxMail, Seat)
        .join(Seat, col(Seat.id) == col(OutboxMail.seat_id))
        .where(col(OutboxMail.next_try_at) <= at)
        .order_by(col(OutboxMail.id))
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=OutboxMail)
    )
    claimed = []
    for mail, seat in session.exec(due).all():
        if mail.created_at + PATIENCE < at:
            mail.next_try_at, mail.problem = None, mail.problem or "too old to be sent"
        else:
            mail.next_try_at, mail.tries = at + CLAIM, mail.tries + 1
            claimed.append(_Claimed(mail, seat))
    return claimed


@contextmanager
def _server(settings: Settings) -> Iterator[smtplib.SMTP]:
    """The mail server, its certificate checked and the user signed in."""
    host, port, own = settings.smtp_host, settings.smtp_port, settings.base_url.host
    trusted = ssl.create_default_context()
    opened = (
        smtplib.SMTP_SSL(host, port, own, timeout=ANSWER_SECONDS, context=trusted)
        if settings.smtp_security == "tls"
        else smtplib.SMTP(host, port, own, timeout=ANSWER_SECONDS)
    )
    with opened as server:
        if settings.smtp_security == "starttls":
            server.starttls(context=trusted)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        yield server


def _send(server: smtplib.SMTP, settings: Settings, one: _Claimed) -> _Problem | None:
    """Give the server one mail; what it, or the mail itself, has against that.

    :raises OSError, smtplib.SMTPException: the server takes no mail at all now.
    """
    try:
        server.send_message(_message(settings, one), settings.smtp_sender, [one.seat.email])
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = refused.recipients[one.seat.email]
        return _refusal(code, said)
    except smtplib.SMTPDataError as refused:
        return _refusal(refused.smtp_code, refused.smtp_error)
    except (ValueError, smtplib.SMTPNotSupportedError):
        return _Problem("the address cannot be written in a mail for this server", final=True)
    return None


def _message(settings: Settings, one: _Claimed) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.smtp_sender
    message["To"] = one.seat.email
    message["Subject"] = " ".join(one.mail.subject.split())
    message["Date"] = one.mail.created_at
    message["Message-ID"] = f"<{one.mail.id}@{settings.smtp_sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: nothing answers by itself
    message["Content-Language"] = one.seat.language
    message.set_content(one.mail.body)
    return message


def _refusal(code: int, said: bytes | str) -> _Problem:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return _Problem(f"{code} {text}"[:300], final=code >= 500)


def _told(error: Exception) -> str:
    """Why no mail was taken; of a refused sign-in no more than its code, for what it may repeat."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"{error.smtp_code} the mail server refused the user or the password"
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error.smtp_code, error.smtp_error).told
    return f"the mail server could not be reached: {error}"[:300]


def _settle(engine: Engine, mail_id: str, problem: _Problem | None, at: datetime) -> None:
    with transaction(engine) as session:
        mail = session.get(OutboxMail, mail_id, with_for_update=True)
        if mail is None:  # its reader was erased meanwhile
            return
        mail.problem = problem.told if problem else ""
        mail.sent_at = None if problem else at
        wait = min(FIRST_WAIT * 2 ** min(mail.tries - 1, 6), LONGEST_WAIT)
        mail.next_try_at = at + wait if problem and not problem.final else None
