"""Records of published datasets from the database: one at a time, or a page of many at once.

A record tells what anyone may see. Statements of fewer than ten items are not named.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import defer
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import Select

from catalog.description import Description
from catalog.description_tables import DatasetDescription, description_of
from catalog.ledger_tables import EditionCount
from catalog.record import Agent, Contact, Content, Record, RecordColumn, Words
from catalog.tables import Dataset, Edition, Offer, RightsClass
from registry.accounts.tables import Organisation
from registry.services.asking import FEWEST
from registry.services.catalogue import Listing


@dataclass(frozen=True)
class _Found:
    dataset: Dataset
    archive: Organisation
    edition: Edition
    offer: Offer | None
    described: DatasetDescription | None
    statements: Mapping[str, int]


_UNTOLD: tuple[Any, ...] = (Dataset.declarations, Dataset.terms, Dataset.residency)
"""Documents of a dataset that no record tells; reading them would take longer than the rest."""
CHANGED = func.coalesce(col(DatasetDescription.changed_at), col(Dataset.created_at))
"""When anything that a record tells last changed."""


def record_of(session: Session, listing: Listing, *, origin: str) -> Record | None:
    """The record of a listing; None for a draft, which catalogues do not tell of.

    :param origin: the service's address, from which the record's addresses are made.
    """
    edition = listing.edition
    if edition is None or listing.dataset.state != "published":
        return None
    newest = session.exec(
        select(func.max(Edition.number)).where(col(Edition.dataset_id) == listing.dataset.id)
    ).one()
    found = _Found(
        listing.dataset,
        listing.archive,
        edition,
        listing.offer,
        session.get(DatasetDescription, listing.dataset.id),
        _statements(session, [edition.id]).get(edition.id, {}),
    )
    return _record(found, origin, address=listing.name if edition.number == newest else "")


def list_records(
    session: Session,
    *,
    origin: str,
    after: str | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> list[Record]:
    """Records of published datasets with their newest edition, from old to new by id.

    :param after: only those beyond the dataset with this id.
    :param since: only those that changed at this moment or later.
    """
    query = _published(since).order_by(col(Dataset.id)).limit(limit)
    if after is not None:
        query = query.where(col(Dataset.id) > after)
    rows = session.exec(query).all()
    editions = _newest(session, [dataset.id for dataset, _, _ in rows])
    ids = [edition.id for edition in editions.values()]
    offers, statements = _offers(session, ids), _statements(session, ids)
    return [
        _record(
            _Found(
                dataset,
                archive,
                editions[dataset.id],
                offers.get(editions[dataset.id].id),
                described,
                statements.get(editions[dataset.id].id, {}),
            ),
            origin,
            address=f"{archive.slug}/{dataset.slug}",
        )
        for dataset, archive, described in rows
        if dataset.id in editions
    ]


def count_records(session: Session, *, since: datetime | None = None) -> int:
    """How many :func:`list_records` would give without a limit."""
    inner = _published(since).with_only_columns(col(Dataset.id)).subquery()
    return session.exec(select(func.count()).select_from(inner)).one()


def _published(since: datetime | None) -> Select[Dataset, Organisation, DatasetDescription]:
    query = told_of(("published",))
    return query if since is None else query.where(since <= CHANGED)


def told_of(states: Iterable[str]) -> Select[Dataset, Organisation, DatasetDescription]:
    """Datasets in these states with their archives and, where there are any, descriptions."""
    return (
        select(Dataset, Organisation, DatasetDescription)
        .join(Organisation, col(Dataset.archive_id) == col(Organisation.id))
        .outerjoin(DatasetDescription, col(DatasetDescription.dataset_id) == col(Dataset.id))
        .where(col(Dataset.state).in_(states))
        .options(*(defer(column) for column in _UNTOLD))
    )


def _newest(session: Session, dataset_ids: Sequence[str]) -> dict[str, Edition]:
    """The newest edition of each of these datasets."""
    newest = (
        select(col(Edition.dataset_id), func.max(Edition.number).label("number"))
        .where(col(Edition.dataset_id).in_(dataset_ids))
        .group_by(col(Edition.dataset_id))
        .subquery()
    )
    query = select(Edition).join(
        newest,
        (col(Edition.dataset_id) == newest.c.dataset_id) & (col(Edition.number) == newest.c.number),
    )
    return {edition.dataset_id: edition for edition in session.exec(query)}


def _offers(session: Session, edition_ids: Sequence[str]) -> dict[str, Offer]:
    """The newest offer in force on each of these editions."""
    query = select(Offer).where(
        col(Offer.edition_id).in_(edition_ids), col(Offer.state) == "in_force"
    )
    return {offer.edition_id: offer for offer in session.exec(query.order_by(col(Offer.id)))}


def _statements(session: Session, edition_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Items by rights statement of each of these editions, as the newest count has them."""
    counted = session.exec(
        select(EditionCount).where(
            col(EditionCount.edition_id).in_(edition_ids), col(EditionCount.moment) > 0
        )
    ).all()
    found: dict[str, dict[str, int]] = {row.edition_id: {} for row in counted}
    for row in counted:
        for one in row.classes:
            _add(found[row.edition_id], one["facts"]["rights"], one["items"])
    rest = [one for one in edition_ids if one not in found]
    classes = select(RightsClass.edition_id, RightsClass.facts, RightsClass.items)
    for edition_id, facts, items in session.exec(
        classes.where(col(RightsClass.edition_id).in_(rest))
    ):
        _add(found.setdefault(edition_id, {}), facts["rights"], items)
    return found


def _add(of: dict[str, int], statement: object, items: int) -> None:
    of[str(statement)] = of.get(str(statement), 0) + items


def named(statements: Mapping[str, int]) -> tuple[tuple[str, ...], int]:
    """Statements with ten items or more, most first, and how many items have others."""
    known = {iri: items for iri, items in statements.items() if items >= FEWEST}
    order = sorted(known, key=lambda iri: (-known[iri], iri))
    return tuple(order), sum(statements.values()) - sum(known.values())


def _record(found: _Found, origin: str, *, address: str) -> Record:
    dataset, edition = found.dataset, found.edition
    name = f"{found.archive.slug}/{dataset.slug}"
    iri = f"{origin}/datasets/{address or f'{name}@{edition.number}'}"
    publisher = Agent(f"{origin}/organisations/{found.archive.slug}", found.archive.name)
    said = description_of(found.described)
    changed = found.described.changed_at if found.described else dataset.created_at
    return Record(
        id=dataset.id,
        iri=iri,
        name=name,
        version=edition.number,
        title=Words(dataset.title_nl, dataset.title_en),
        description=_description(dataset, publisher),
        publisher=publisher,
        creators=tuple(Agent(one.iri, one.name, one.kind) for one in said.creators) or (publisher,),
        contact=Contact(said.contact_name or found.archive.name, said.contact or iri),
        created=dataset.created_at,
        issued=edition.published_at,
        modified=changed,
        metadata_licence=said.metadata_licence,
        content=_content(found, origin),
        items=edition.items,
        columns=_columns(edition, found.offer),
        catalogue=f"{origin}/catalogue",
        keywords=tuple(_keywords(said)),
        themes=said.themes,
        languages=said.languages,
        spatial=said.spatial,
        begins=said.begins,
        ends=said.ends,
        identifiers=said.identifiers,
    )


def _description(dataset: Dataset, archive: Agent) -> Words:
    """What the archive wrote; else a sentence of our own, for no catalogue goes without one."""
    return Words(
        dataset.description_nl or f"{dataset.title_nl}: een dataset van {archive.name}.",
        dataset.description_en or f"{dataset.title_en}: a dataset of {archive.name}.",
    )


def _keywords(said: Description) -> Iterable[tuple[str, str]]:
    yield from ((word, "nl") for word in said.keywords_nl)
    yield from ((word, "en") for word in said.keywords_en)


def _content(found: _Found, origin: str) -> Content:
    statements, others = named(found.statements)
    offer = found.offer
    if offer is None:
        return Content(statements, others > 0)
    address = f"{origin}/v1/offers/{offer.id}"
    return Content(statements, others > 0, offer.document, address, offer.digest)


def _columns(edition: Edition, offer: Offer | None) -> tuple[RecordColumn, ...]:
    withheld = set(offer.masked) if offer else set()
    return tuple(
        RecordColumn(
            column["name"],
            column["type"],
            Words(column["title_nl"], column["title_en"]),
            column["name"] in withheld,
        )
        for column in edition.columns
    )
