"""Proofs that are good once: what was shown is kept in the database, for all processes alike."""

import hashlib
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete

from registry.accounts.jwts import BadJwt
from registry.accounts.tables import SpentProof


def spend(session: Session, owner: str, jti: str, *, until: datetime) -> None:
    """Keep that this proof was shown.

    :param owner: who made it: the thumbprint of a key, or a client's id.
    :param until: when it is good no longer anyway.
    :raises BadJwt: it was shown before.
    """
    digest = hashlib.sha256(f"{owner}\n{jti}".encode()).hexdigest()
    try:
        with session.begin_nested():
            session.add(SpentProof(id=digest, until=until))
    except IntegrityError:
        raise BadJwt("replayed", "Het is al eens gebruikt.", "It was used before.") from None


def forget_spent(session: Session, *, at: datetime) -> None:
    """Drop what could not be shown again anyway."""
    session.exec(delete(SpentProof).where(col(SpentProof.until) < at))
