"""An auditor looks: the entry of it commits before the page or answer that shows anything."""

from collections.abc import Mapping
from datetime import datetime

from registry.accounts.actors import Actor
from registry.db import transaction
from registry.runtime import Runtime
from registry.services.mandates import note_look


def record_look(
    runtime: Runtime,
    actor: Actor,
    kind: str,
    archive: str | None,
    at: datetime,
    ids: Mapping[str, str] | None = None,
) -> None:
    """Record what an auditor looks at, in a transaction of its own; others look unrecorded.

    :param kind: what is looked at, as a code.
    """
    if actor.role == "auditor":
        with transaction(runtime.engine) as session:
            note_look(session, actor, kind, archive, at=at, ids=ids or {})
