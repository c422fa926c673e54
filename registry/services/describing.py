"""Statistics and some rows before any agreement: only of what an offer permits to everyone.

An item counts where the offer permits it, without review, to every user class for every use and
the ledger closes it nowhere; a column is described where it is masked in no row for any of them.
Nothing depends on any other item. Groups under ten are told together, shares in whole per cents
and rows in whole tens, so that the difference between two answers names no item.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, func, or_, select

from catalog.ledger import open_in
from catalog.ledger_tables import LedgerMoment
from catalog.statistics_tables import OfferStatistics
from catalog.tables import Dataset, Delivery, Edition, Offer
from connectors.errors import ConnectorError
from connectors.ports import Described, Laid
from policies import (
    USER_CLASSES,
    USES,
    FilterError,
    Outcome,
    Place,
    Prospect,
    Request,
    cleared,
    column_masks,
    compile_selection,
    match,
)
from policies.request import AMSTERDAM
from policies.rowfilter import TRUE, RowFilter, all_of, negate
from policies.vocabulary import wider
from registry.accounts.actors import Actor
from registry.accounts.tables import Organisation
from registry.db import reading, transaction
from registry.services.asking import FEWEST, offered, percent, policy_of
from registry.services.catalogue import find_dataset, listing_changed
from registry.services.counting import classes_of
from registry.services.masking import ITEM_COLUMNS
from registry.services.ports import Ports
from registry.services.snapshots import laid, newest_moment
from registry.services.wording import conflict

_WHATEVER, _PREVIEW = "vg:any", "vg:preview"
_ASKED = (*(use for use in USES if _WHATEVER in wider(use)), _PREVIEW)
MOST = 20
"""Values shown apart of one column."""
SAMPLED, _LENGTH = 5, 200
"""Rows shown, and characters of each of their values."""
_ORDERED = frozenset({"BIGINT", "DOUBLE", "DATE", "TIMESTAMP"})
_PLAIN = frozenset({"VARCHAR", "BOOLEAN"}) | _ORDERED
"""Types of columns that are described; of others only name and type are told."""
_AT_ONCE = 20


@dataclass(frozen=True)
class _Open:
    """What an offer permits to everyone, and where its edition's file stands."""

    rows: int
    columns: tuple[str, ...]
    laid: Laid


def keep_statistics(engine: Engine, ports: Ports) -> None:
    """Work out what is missing, or was made on another day or an older moment of the ledger."""
    day = ports.clock().astimezone(AMSTERDAM).date()
    with reading(engine) as session:
        waiting = _waiting(session, day)
    for offer_id in waiting:
        _keep(engine, ports, offer_id, day)


def _waiting(session: Session, day: date) -> list[str]:
    newest = (
        select(col(LedgerMoment.dataset_id), func.max(LedgerMoment.number).label("number"))
        .group_by(col(LedgerMoment.dataset_id))
        .subquery()
    )
    made = OfferStatistics
    query = (
        select(Offer.id)
        .outerjoin(made, col(made.offer_id) == col(Offer.id))
        .outerjoin(newest, newest.c.dataset_id == col(Offer.dataset_id))
        .where(col(Offer.state) == "in_force")
        .where(
            or_(
                col(made.offer_id).is_(None),
                col(made.day) != day,
                col(made.moment) < func.coalesce(newest.c.number, 0),
            )
        )
    )
    return list(session.exec(query.order_by(col(Offer.id)).limit(_AT_ONCE)))


def _keep(engine: Engine, ports: Ports, offer_id: str, day: date) -> None:
    with reading(engine) as session:
        offer = session.get_one(Offer, offer_id)
        number = newest_moment(session, offer.dataset_id)
        moment = session.get(LedgerMoment, (offer.dataset_id, number))
        edition = session.get_one(Edition, offer.edition_id)
        if classes_of(session, edition.id).moment < number:
            return
        found = _found(session, ports, offer, edition, moment)
    with transaction(engine) as session:
        row = session.get(OfferStatistics, offer_id) or OfferStatistics(
            offer_id=offer_id, moment=number, day=day
        )
        row.moment, row.day, row.found = number, day, found
        session.add(row)
        listing_changed(session, offer.dataset_id, ports.clock())


def _found(
    session: Session, ports: Ports, offer: Offer, edition: Edition, moment: LedgerMoment | None
) -> dict[str, Any]:
    """What is told; nothing where it cannot be worked out, which is tried again the next day."""
    left = session.get_one(Delivery, edition.delivery_id).place
    if left:  # its content is read for checks and extracts alone
        return {}
    try:
        given = _open_to_all(session, ports, offer, edition, moment)
        found = _told(given, edition, _described(ports, given))
        return found | {"sample": _sampled(ports, given, found)}
    except (ConnectorError, FilterError):
        return {}


def _open_to_all(
    session: Session, ports: Ports, offer: Offer, edition: Edition, moment: LedgerMoment | None
) -> _Open:
    answers = _prospects(session, ports, offer, edition)
    permitted = _permitted(answers)
    where = compile_selection(permitted, {}, ITEM_COLUMNS)
    base = laid(ports.store, edition, moment)
    closing = "TRUE" if moment is None else open_in(None)[0]
    text = f"{base.where} AND {closing} AND ({where.where})"
    rows = sum(
        items
        for facts, items in classes_of(session, edition.id).open_in(None)
        if permitted.matches(facts)
    )
    params: Any = where.params
    return _Open(
        rows, _shown(answers, offer, edition), Laid(base.sources, text, params, base.overlay)
    )


def _permitted(answers: Sequence[Prospect]) -> RowFilter:
    """Items that every answer permits; a preview need not be permitted, but prohibited closes."""
    return all_of(
        *(
            negate(one.deny) if one.request.use == _PREVIEW else cleared(one, Outcome.PERMIT)
            for one in answers
        )
    )


def _prospects(
    session: Session, ports: Ports, offer: Offer, edition: Edition
) -> tuple[Prospect, ...]:
    """What the offer would give to each user class for each use, where this service stands."""
    dataset = session.get_one(Dataset, offer.dataset_id)
    archive = session.get_one(Organisation, dataset.archive_id)
    stored = ports.settings.store_region
    here = ports.settings.node_region or stored
    policy, at = policy_of(offer), ports.clock()
    return tuple(
        match(
            policy,
            Request(
                use=use,
                user_class=user_class,
                purpose=None,
                assignee=None,
                target=f"{archive.slug}/{dataset.slug}@{edition.number}",
                place=Place(here, here, stored_country=stored),
                at=at,
            ),
        )
        for use in _ASKED
        for user_class in USER_CLASSES
    )


def _shown(answers: Sequence[Prospect], offer: Offer, edition: Edition) -> tuple[str, ...]:
    """Content columns that no answer masks anywhere; those with persons or media never."""
    names = [column["name"] for column in edition.columns]
    hidden = set(offer.masked)
    for answer in answers:
        hidden |= {m.column for m in column_masks(answer, names, names) if m.shown != TRUE}
    return tuple(
        column["name"]
        for column in edition.columns
        if column["role"] == "content" and column["type"] in _PLAIN and column["name"] not in hidden
    )


def _described(ports: Ports, given: _Open) -> Mapping[str, Described]:
    """By column; nothing where too few items are open to say anything of them."""
    if given.rows < FEWEST or not given.columns:
        return {}
    found = ports.inquirer.describe(given.laid, given.columns, fewest=FEWEST, most=MOST)
    return dict(zip(given.columns, found, strict=True))


def _sampled(ports: Ports, given: _Open, found: Mapping[str, Any]) -> list[list[str | None]]:
    """Some open rows, in the order of the columns that are described."""
    if not any(column["described"] for column in found.get("columns", ())):
        return []
    rows = ports.inquirer.sample(given.laid, given.columns, most=SAMPLED, length=_LENGTH)
    return [list(row) for row in rows]


def _told(given: _Open, edition: Edition, found: Mapping[str, Described]) -> dict[str, Any]:
    if any(one.rows != given.rows for one in found.values()):
        return {}  # two readings of one filter disagree: nothing is told
    columns = [_column(column, found.get(column["name"])) for column in edition.columns]
    return {"rows": given.rows // FEWEST * FEWEST, "columns": columns}


def _column(column: Mapping[str, Any], found: Described | None) -> dict[str, Any]:
    told: dict[str, Any] = {"name": column["name"], "type": column["type"]}
    if found is None:
        return {**told, "described": False}
    ordered = column["type"] in _ORDERED
    apart = sum(rows for _, rows in found.values)
    return {
        **told,
        "described": True,
        "null_share": percent(found.rows - found.filled, found.rows),
        "distinct": _magnitude(found.distinct),
        "least": found.least if ordered else None,
        "most": found.most if ordered else None,
        "values": [[value, percent(rows, found.rows)] for value, rows in found.values],
        "other_share": percent(found.filled - apart, found.rows),
    }


def _magnitude(distinct: int) -> str:
    """``1-9``, ``10-99``, ``100-999`` and so on."""
    digits = len(str(max(1, distinct)))
    return f"{10 ** (digits - 1)}-{10**digits - 1}"


def statistics_of(
    session: Session, caller: Actor | None, reference: str, *, at: datetime
) -> tuple[str, Mapping[str, Any]]:
    """The edition's reference and its statistics.

    :raises Conflict: where nothing is offered, or the statistics are not of today and this moment.
    """
    listing = offered(find_dataset(session, caller, reference), "dataset")
    found = told_of(session, listing.offer, at=at)
    if found is None:
        raise conflict(
            "statistics-not-ready",
            "De cijfers van deze dataset worden nu gemaakt of zijn er niet.",
            "The statistics of this dataset are being made now, or there are none.",
            "Probeer het over een minuut opnieuw.",
            "Try again in a minute.",
        )
    return listing.reference, found


def told_of(session: Session, offer: Offer, *, at: datetime) -> Mapping[str, Any] | None:
    """An offer's statistics, if they are of today and its ledger's newest moment."""
    row = session.get(OfferStatistics, offer.id)
    ends = policy_of(offer).valid_until
    if (
        row is None
        or not row.found.get("columns")
        or row.day != at.astimezone(AMSTERDAM).date()
        or row.moment < newest_moment(session, offer.dataset_id)
        or (ends is not None and at >= ends)
    ):
        return None
    return row.found
