"""Opening a restored service again, once what came after its backup is known.

By a later export of the log, which is put back so that there is one history, and by lists of the
items that it says were closed; or by the operator's word that there was nothing later.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from catalog.ingest import item_id
from catalog.ledger import EVERYWHERE, LineKind
from catalog.tables import Dataset
from registry.audit.acts import Act
from registry.audit.checkpoint import encode
from registry.audit.log import check_log, open_head_store, open_signer
from registry.audit.restored import Restored, marked, unmark
from registry.audit.resuming import Later, take_in
from registry.audit.taking import publish_all
from registry.db import transaction
from registry.errors import Conflict, Text
from registry.services.backups.repeating import ACTS, REASON, closing, end_sessions, repeat
from registry.services.ledger import add_moment
from registry.services.locking import locked
from registry.services.noting import note
from registry.services.wording import invalid
from registry.settings import Settings

NOTHING_LATER = "nothing-later"

Listed = Mapping[str, Sequence[tuple[str, str]]]
"""Per dataset's id: items as their opaque id, or else as the archive's own identifier."""


@dataclass(frozen=True)
class Reopened:
    """What was put back and done again.

    :param taken_in: entries of the later export that the log has now.
    :param repeated: acts among them that ended something, and did so again.
    :param closed: items of lists that nobody gets any more.
    """

    taken_in: int
    repeated: int
    closed: int


def reopen(
    settings: Settings, engine: Engine, later: Path | None, withdrawn: Path | None, *, at: datetime
) -> Reopened:
    """Catch up with what came after the backup, record that, and let the service serve again.

    :param later: a later export of the whole log; ``None`` states that there was nothing later.
    :param withdrawn: a CSV with the columns ``dataset``, and ``item`` or ``identifier``.
    :raises Conflict: nothing was restored here; or items were closed later that no list names.
    :raises InvalidInput: the export or the list is not what it should be.
    :raises LogMismatch: the log and the export are two histories.
    """
    restored = _restored(settings)
    listed = _read(withdrawn) if withdrawn else {}
    key = open_signer(settings).verifier
    with transaction(engine) as session:
        found = take_in(session, key, later, ACTS) if later else Later(restored.size, 0, ())
        _refuse_unlisted(session, closing(session, found.entries) - listed.keys())
        end_sessions(session, at)
        repeated = repeat(session, found.entries, at=at)
        closed = sum(_close(session, one, items, at) for one, items in sorted(listed.items()))
        _record(session, restored, found, NOTHING_LATER if later is None else REASON, at)
    publish_all(settings, engine)
    check_log(engine, key, open_head_store(settings))
    unmark(settings)
    return Reopened(found.count, repeated, closed)


def _restored(settings: Settings) -> Restored:
    found = marked(settings)
    if found is None or not found.whole:
        raise Conflict(
            "not-restored",
            Text(
                "Hier is geen reservekopie helemaal teruggezet.",
                "No backup was put back here as a whole.",
            ),
            Text(
                "Zet er een terug met `vrijgave restore`; brak dat af, begin dan met een lege map.",
                "Put one back by `vrijgave restore`; where that was cut off, begin with an empty"
                " folder.",
            ),
        )
    return found


def _refuse_unlisted(session: Session, datasets: set[str]) -> None:
    if datasets:
        names = ", ".join(sorted(datasets))
        raise Conflict(
            "items-unlisted",
            Text(
                f"Na de reservekopie zijn items gesloten die het logboek niet noemt, van {names}.",
                f"After the backup items were closed that the log does not name, of {names}.",
            ),
            Text(
                "Vraag hun archieven welke, en geef ze met `--withdrawn lijst.csv`.",
                "Ask their archives which, and give them by `--withdrawn list.csv`.",
            ),
        )


def _read(path: Path) -> Listed:
    found: dict[str, list[tuple[str, str]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            dataset, item, own = (row.get(name) or "" for name in ("dataset", "item", "identifier"))
            if not dataset or not (item or own):
                raise invalid(
                    f"withdrawn.{number}",
                    "Deze regel noemt geen `dataset` met een `item` of `identifier`.",
                    "This line names no `dataset` with an `item` or `identifier`.",
                )
            found.setdefault(dataset, []).append((item, own))
    return found


def _close(session: Session, name: str, items: Sequence[tuple[str, str]], at: datetime) -> int:
    dataset = session.get(Dataset, name)
    if dataset is None:
        raise invalid(
            "withdrawn",
            f"De lijst noemt een dataset die hier niet is: {name}",
            f"The list names a dataset that is not here: {name}",
        )
    named = sorted({item or item_id(dataset.item_key, own) for item, own in items})
    line = {
        "kind": LineKind.WITHDRAWAL.value,
        "rightsholder": "",
        "share": 100,
        "territory": EVERYWHERE,
        "dated": "",
        "until": None,
        "evidence": "",
        "ends": None,
    }
    rows = [{"item": item, **line} for item in named]
    add_moment(session, locked(session, dataset), rows, actor=None, method=REASON, at=at)
    return len(named)


def _record(session: Session, restored: Restored, found: Later, reason: str, at: datetime) -> None:
    root = encode(bytes.fromhex(restored.root))
    facts = {
        "reason": reason,
        "tree_size": found.first,
        "root": root,
        "taken_in": found.count,
    }
    note(session, Act.LOG_RECOVERED, at=at, actor=None, archive=None, ids={}, facts=facts)
