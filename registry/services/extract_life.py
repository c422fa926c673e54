"""The life of an extract after its order: room for it, another try, and its end.

A day after its agreement ended an extract expires: its files go, unless another extract has the
same ones, and its parts' hashes stay as what was given out.
"""

from datetime import datetime, timedelta

from sqlalchemy import Engine, and_, or_
from sqlmodel import Session, col, func, select

from connectors.ports import ObjectStore
from registry.access.tables import Agreement, Extract, Part
from registry.accounts.actors import Actor
from registry.audit.acts import Act
from registry.db import transaction
from registry.errors import Conflict, Text
from registry.services.agreeing import standing
from registry.services.extracts import find_extract, note_extract, parts_of
from registry.services.lineage.files import without_lineage
from registry.services.locking import locked
from registry.services.wording import conflict

KEPT_AFTER = timedelta(days=1)
"""How long files stay after the agreement's end: nobody reads them, an operator may still look."""


def used_bytes(session: Session, organisation_id: str) -> int:
    """What the organisation's extracts that can be read take up."""
    own = select(func.coalesce(func.sum(Extract.bytes), 0)).where(
        col(Extract.organisation_id) == organisation_id, col(Extract.state) == "ready"
    )
    return int(session.exec(own).one())


def refuse_beyond(session: Session, actor: Actor, quota: int) -> None:
    """Take no order of an organisation whose extracts fill what it may have; 0 is no bound."""
    used = used_bytes(session, actor.organisation_id)
    if quota and used >= quota:
        raise Conflict(
            "quota-reached",
            Text(
                f"Uw extracten nemen {used} bytes in; uw organisatie mag er {quota} hebben.",
                f"Your extracts take {used} bytes; your organisation may have {quota}.",
            ),
            Text(
                "Verwijder een extract dat u niet meer nodig hebt.",
                "Drop an extract that you no longer need.",
            ),
        )


def retry_extract(session: Session, actor: Actor, extract_id: str, *, at: datetime) -> Extract:
    """Have one that failed or was cancelled made after all; its job is still to be queued."""
    extract = locked(session, find_extract(session, actor, extract_id))
    if extract.state not in {"failed", "cancelled"}:
        raise conflict(
            "extract-not-ended",
            f"Dit extract is `{extract.state}`: er valt niets opnieuw te proberen.",
            f"This extract is `{extract.state}`: there is nothing to try again.",
        )
    agreement = session.get_one(Agreement, extract.agreement_id)
    ended = standing(agreement, at)
    if ended is not None:
        raise ended
    extract.state, extract.progress = "ordered", 0
    extract.problem, extract.finished_at = {}, None
    session.add(extract)
    facts = {"outcome": "permit", "agreement_digest": agreement.digest}
    note_extract(session, actor, Act.EXTRACT_ORDERED, extract, agreement, at, facts)
    return extract


def drop_extract(session: Session, actor: Actor, extract_id: str, *, at: datetime) -> Extract:
    """End a ready extract before its agreement does; its files go at the next clean-up."""
    extract = locked(session, find_extract(session, actor, extract_id))
    if extract.state == "ready":
        _expire(session, actor, extract, "dropped", at)
    return extract


def expire_extracts(session: Session, *, at: datetime, limit: int = 200) -> int:
    """Expire what was readable under agreements that ended a day ago; how many."""
    over = at - KEPT_AFTER
    ended = or_(
        col(Agreement.valid_until) <= over,
        and_(col(Agreement.state) == "revoked", col(Agreement.ended_at) <= over),
    )
    found = session.exec(
        select(Extract)
        .join(Agreement, col(Agreement.id) == col(Extract.agreement_id))
        .where(col(Extract.state) == "ready", ended)
        .order_by(col(Agreement.archive_id), col(Extract.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=Extract)
    ).all()
    for extract in found:
        _expire(session, None, extract, "agreement-ended", at)
    return len(found)


def _expire(
    session: Session, actor: Actor | None, extract: Extract, reason: str, at: datetime
) -> None:
    extract.state = "expired"
    session.add(extract)
    agreement = session.get_one(Agreement, extract.agreement_id)
    facts = {"reason": reason, "files": len(parts_of(session, extract)), "bytes": extract.bytes}
    note_extract(session, actor, Act.EXTRACT_EXPIRED, extract, agreement, at, facts)


def remove_files(engine: Engine, store: ObjectStore) -> int:
    """Delete files that only expired extracts have; how many. Repeatable after a crash.

    Not while an extract is being cut: it may be about to name a file that is there already. Nor
    before it is written down which items a file holds.
    """
    stored = list(store.keys("parts/"))
    removed = 0
    for key in stored:
        with transaction(engine) as session:
            of_it = select(Extract.state).join(Part, col(Part.extract_id) == col(Extract.id))
            states = set(session.exec(of_it.where(col(Part.key) == key)))
            running = session.exec(select(Extract.id).where(col(Extract.state) == "running"))
            unfiled = without_lineage(session, col(Part.key) == key)
            if states == {"expired"} and running.first() is None and not unfiled:
                store.delete(key)
                removed += 1
    return removed
