"""What changed between two editions of a dataset: items added, removed, and rights changed.

Both are seen as the ledger leaves them now, without hard-blocked and withdrawn items: an item that
was blocked since reads like any other that went. Who does not own the dataset sees whole per cents,
and groups under ten together.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from catalog.ingest import FACTS
from catalog.ledger import CLOSED_IN
from catalog.ledger_tables import LedgerMoment
from catalog.tables import Dataset, Edition
from connectors.ports import Difference
from registry.accounts.actors import Actor
from registry.services.asking import FEWEST, percent
from registry.services.catalogue import find_dataset
from registry.services.ports import Ports
from registry.services.snapshots import laid
from registry.services.wording import missing

EXAMPLES = 100
"""Ids of items that its owner is shown for each kind of change."""


@dataclass(frozen=True)
class Changed:
    """Items that changed in the same way; ``None`` for small groups together.

    ``items`` is for the owner; ``share`` is in whole per cents of the later edition.
    """

    change: str
    before: str | None
    after: str | None
    items: int | None
    share: int


@dataclass(frozen=True)
class Compared:
    """Two editions and what changed; ``examples`` is for the owner."""

    before: Edition
    after: Edition
    changes: tuple[Changed, ...]
    examples: dict[str, tuple[str, ...]]


def compare_editions(
    session: Session, caller: Actor | None, name: str, before: int, after: int, *, ports: Ports
) -> Compared:
    """Compare two editions that the caller may know of, by opaque id."""
    listing = find_dataset(session, caller, f"{name}@{before}")
    first, second = (_edition(session, listing.dataset, name, n) for n in (before, after))
    moment = _snapshot(session, listing.dataset.id)
    columns = FACTS if moment is None else (*FACTS, CLOSED_IN)
    found = ports.inquirer.compare(
        laid(ports.store, first, moment),
        laid(ports.store, second, moment),
        "_item",
        columns,
        examples=EXAMPLES,
    )
    owns = caller is not None and caller.organisation_id == listing.dataset.archive_id
    changes = _changes(found, max(1, second.items))
    if not owns:
        return Compared(first, second, _rounded(changes, max(1, second.items)), {})
    return Compared(first, second, tuple(changes), dict(found.examples))


def _edition(session: Session, dataset: Dataset, name: str, number: int) -> Edition:
    query = select(Edition).where(
        col(Edition.dataset_id) == dataset.id, col(Edition.number) == number
    )
    found = session.exec(query).one_or_none()
    if found is None:
        raise missing("editie", "edition", f"{name}@{number}")
    return found


def _snapshot(session: Session, dataset_id: str) -> LedgerMoment | None:
    """The newest moment whose snapshot is made."""
    made = select(LedgerMoment).where(
        col(LedgerMoment.dataset_id) == dataset_id, col(LedgerMoment.key) != ""
    )
    return session.exec(made.order_by(col(LedgerMoment.number).desc()).limit(1)).one_or_none()


def _changes(found: Difference, total: int) -> list[Changed]:
    """One line per change and pair of rights statements, most items first."""
    counted: dict[tuple[str, str | None, str | None], int] = {}
    for change, old, new, items in found.groups:
        before, after = (None if side[0] is None else str(side[0]) for side in (old, new))
        key = (change, before, after)
        counted[key] = counted.get(key, 0) + items
    lines = [Changed(*key, items, percent(items, total)) for key, items in counted.items()]
    return sorted(lines, key=lambda one: (one.change, -(one.items or 0), str(one.before)))


def _rounded(changes: list[Changed], total: int) -> tuple[Changed, ...]:
    """Shares only; groups too small to show are told as one a kind."""
    shown = [one for one in changes if (one.items or 0) >= FEWEST]
    small: dict[str, int] = {}
    for one in changes:
        if one not in shown:
            small[one.change] = small.get(one.change, 0) + (one.items or 0)
    told = [Changed(one.change, one.before, one.after, None, one.share) for one in shown]
    rest = [Changed(kind, None, None, None, percent(n, total)) for kind, n in small.items()]
    return (*told, *rest)
