"""Writing an act down: the one way from services to the log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from registry.accounts.actors import Actor
from registry.audit.acts import Act
from registry.audit.log import append


def note(
    session: Session,
    act: Act,
    *,
    at: datetime,
    actor: Actor | None,
    archive: str | None,
    ids: Mapping[str, str],
    facts: Mapping[str, Any] | None = None,
) -> str:
    """Append the act's entry in the caller's transaction; the entry's id.

    :param actor: who acts; ``None`` for the service itself or the operator at the machine.
    :param archive: id of the archive in whose stream the entry stands; ``None`` for the operator's.
    """
    return append(
        session,
        act,
        at=at,
        archive=archive,
        actor=actor.id if actor else None,
        organisation=actor.organisation_id if actor else None,
        ids=ids,
        facts=facts or {},
    )
