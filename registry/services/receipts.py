"""The receipt that comes with every decision and extract: the proof that the log holds it."""

from datetime import datetime, timedelta

from sqlmodel import Session

from registry.access.tables import Extract
from registry.accounts.actors import Actor
from registry.audit.acts import Act
from registry.audit.entry import Entry
from registry.audit.exporting import receipt
from registry.errors import Text, Unavailable
from registry.services.replaying import Opened, entry_near, open_decision
from registry.services.wording import missing

_PUBLISHED_WITHIN = timedelta(minutes=2)
"""Between an extract's own time of being finished and its entry, which may wait for a writer."""


def receipt_of(session: Session, actor: Actor, about: str, *, at: datetime) -> str:
    """A `c2sp.org/tlog-proof@v1`, for both sides and for auditors.

    :param about: a decision on a request, or an extract: that it was made, else its order.
    :raises Unavailable: the entry is not in the tree yet.
    """
    opened = open_decision(session, actor, about, at=at)
    entry = _made(session, opened) or opened.entry
    if entry is None:
        raise missing("auditregel van beslissing", "audit entry of decision", about)
    return whole_receipt(session, entry.id)


def _made(session: Session, opened: Opened) -> Entry | None:
    """The entry that says which files an extract became."""
    extract = session.get(Extract, opened.id)
    if extract is None or extract.finished_at is None:
        return None
    place = (opened.archive_id, extract.finished_at, _PUBLISHED_WITHIN)
    return entry_near(session, *place, (Act.EXTRACT_MADE,), ("extract", extract.id))


def whole_receipt(session: Session, entry_id: str) -> str:
    """The receipt of an entry that is there; asked for again where the tree has not grown over it.

    :raises Unavailable: until then, which is within a second.
    """
    proof = receipt(session, entry_id)
    if proof is None:
        raise Unavailable(
            "not-integrated-yet",
            Text(
                "Deze regel staat nog niet onder een ijkpunt.",
                "This entry does not stand under a checkpoint yet.",
            ),
            Text("Probeer het over een seconde weer.", "Try again in a second."),
            headers={"retry-after": "1"},
        )
    return proof
