"""Pseudonyms of actors: a key per person, kept beside the log, that can be destroyed.

An entry names its actor by HMAC-SHA256(key, stable id) under a random key of that person alone.
Destroying the key leaves every proof as it was, and no one who knows all e-mail addresses can tie
an entry to its person again (GDPR article 17).
"""

import hmac
import secrets

from sqlalchemy import text
from sqlmodel import Session

from registry.db import Statement

_FIND = Statement("SELECT key FROM audit_subject_key WHERE subject = :subject")
_MAKE = Statement(
    "INSERT INTO audit_subject_key (subject, key) VALUES (:subject, :key) ON CONFLICT DO NOTHING"
)
_ERASE = text("DELETE FROM audit_subject_key WHERE subject = :subject RETURNING subject")


def pseudonym(session: Session, subject: str) -> str:
    """The name under which entries know this person or client; makes their key at first use."""
    while (found := _FIND.row(session, {"subject": subject})) is None:
        _MAKE.run(session, {"subject": subject, "key": secrets.token_bytes(32)})
    return under(found[0], subject)


def under(key: bytes, subject: str) -> str:
    """The pseudonym that a person's key makes."""
    return hmac.digest(key, subject.encode(), "sha256").hex()


def known_pseudonym(session: Session, subject: str) -> str | None:
    """The same for readers: makes no key; ``None`` where it was destroyed or never made."""
    found = _FIND.row(session, {"subject": subject})
    return None if found is None else under(found[0], subject)


def erase(session: Session, subject: str) -> bool:
    """Destroy a person's key, in the caller's transaction; whether there was one."""
    return session.scalar(_ERASE, {"subject": subject}) is not None
