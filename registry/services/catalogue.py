"""What exists and who may know of it. Visibility is part of every query here."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select

from catalog.description_tables import DatasetDescription
from catalog.tables import Dataset, Edition, Offer, RightsClass
from registry.accounts.actors import Actor, Scope
from registry.accounts.tables import Organisation
from registry.db import Statement
from registry.errors import Gone, Text
from registry.services.wording import invalid, missing

_REFERENCE = re.compile(r"([a-z0-9-]{1,60})/([a-z0-9-]{1,80})(?:@([1-9][0-9]{0,8}))?")

_CHANGED = Statement(
    "INSERT INTO listing_change (dataset_id, mark, at) VALUES (:dataset, :mark, :at)"
    " ON CONFLICT (dataset_id) DO UPDATE SET mark = excluded.mark, at = excluded.at"
)


@dataclass(frozen=True)
class Listing:
    """A dataset as its page shows it; edition and offer are absent while it is a draft."""

    dataset: Dataset
    archive: Organisation
    edition: Edition | None
    offer: Offer | None

    @property
    def name(self) -> str:
        """``archive/dataset``."""
        return f"{self.archive.slug}/{self.dataset.slug}"

    @property
    def reference(self) -> str:
        """``archive/dataset@3``, or the bare name of a draft."""
        return self.name if self.edition is None else f"{self.name}@{self.edition.number}"


@dataclass(frozen=True)
class Offered(Listing):
    """A listing that has an edition and an offer in force."""

    edition: Edition
    offer: Offer


def parse_reference(text: str, path: str = "dataset") -> tuple[str, str, int | None]:
    """Archive, dataset and edition number (or ``None``) of ``archive/dataset@3``."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise invalid(
            path,
            f"`{text[:100]}` is geen naam van een dataset.",
            f"`{text[:100]}` is no name of a dataset.",
            "Schrijf het als archief/dataset of archief/dataset@3.",
            "Write it as archive/dataset or archive/dataset@3.",
        )
    return found[1], found[2], int(found[3]) if found[3] else None


def list_datasets(
    session: Session, caller: Actor | None, *, after: str | None = None, limit: int = 50
) -> list[Listing]:
    """Datasets the caller may know of, newest first, from beyond the id ``after``."""
    query = select(Dataset, Organisation).where(
        col(Dataset.archive_id) == col(Organisation.id), _visible(caller)
    )
    if after is not None:
        query = query.where(col(Dataset.id) < after)
    rows = session.exec(query.order_by(col(Dataset.id).desc()).limit(limit)).all()
    return [_listing(session, dataset, archive, None) for dataset, archive in rows]


def listings_of(
    session: Session, caller: Actor | None, dataset_ids: Sequence[str]
) -> list[Listing]:
    """Those of these datasets that the caller may know of, in this order."""
    rows = session.exec(
        select(Dataset, Organisation).where(
            col(Dataset.archive_id) == col(Organisation.id),
            col(Dataset.id).in_(dataset_ids),
            _visible(caller),
        )
    ).all()
    found = {dataset.id: _listing(session, dataset, archive, None) for dataset, archive in rows}
    return [found[one] for one in dataset_ids if one in found]


def archive_names(session: Session, slugs: Sequence[str]) -> dict[str, str]:
    """Names of these archives by short name."""
    query = select(Organisation.slug, Organisation.name).where(col(Organisation.slug).in_(slugs))
    return dict(session.exec(query).all())


def listing_changed(session: Session, dataset_id: str, at: datetime) -> None:
    """Say that anyone may know something else of this dataset from now on."""
    values = {"dataset": dataset_id, "mark": secrets.token_hex(8), "at": microseconds(at)}
    _CHANGED.run(session, values)


def microseconds(at: datetime) -> int:
    """Since 1970."""
    return int(at.timestamp() * 1_000_000)


def find_dataset(session: Session, caller: Actor | None, reference: str) -> Listing:
    """The dataset of that name with the edition asked for, or the newest one."""
    archive_slug, slug, number = parse_reference(reference)
    row = session.exec(
        select(Dataset, Organisation).where(
            col(Dataset.archive_id) == col(Organisation.id),
            col(Organisation.slug) == archive_slug,
            col(Dataset.slug) == slug,
            _visible(caller),
        )
    ).one_or_none()
    if row is None:
        raise _withdrawn(session, archive_slug, slug) or missing("dataset", "dataset", reference)
    listing = _listing(session, *row, number)
    if number is not None and listing.edition is None:
        raise missing("editie", "edition", reference)
    return listing


@dataclass(eq=False)
class Withdrawn(Gone):
    """A dataset that was taken out of the catalogue.

    :param successor: address of what took its place; empty where nothing did.
    """

    successor: str = ""


def _withdrawn(session: Session, archive_slug: str, slug: str) -> Withdrawn | None:
    """The tombstone of a dataset, where it has one."""
    query = (
        select(DatasetDescription)
        .join(Dataset, col(Dataset.id) == col(DatasetDescription.dataset_id))
        .join(Organisation, col(Organisation.id) == col(Dataset.archive_id))
        .where(col(Organisation.slug) == archive_slug, col(Dataset.slug) == slug)
        .where(col(Dataset.state) == "withdrawn")
    )
    row = session.exec(query).one_or_none()
    if row is None:
        return None
    instead = (f"Kijk op {row.successor}.", f"See {row.successor}.") if row.successor else ("", "")
    return Withdrawn(
        "dataset-withdrawn",
        Text(
            f"Het archief heeft deze dataset ingetrokken: {row.reason_nl}",
            f"The archive has withdrawn this dataset: {row.reason_en}",
        ),
        Text(*instead),
        successor=row.successor,
    )


def listing_of(session: Session, dataset_id: str, edition_id: str) -> Listing:
    """The listing of a known edition, for those who already have to do with it."""
    dataset = session.get_one(Dataset, dataset_id)
    edition = session.get_one(Edition, edition_id)
    archive = session.get_one(Organisation, dataset.archive_id)
    return Listing(dataset, archive, edition, _offer(session, edition))


def list_editions(session: Session, dataset: Dataset) -> list[Edition]:
    """The dataset's editions, newest first."""
    own = select(Edition).where(col(Edition.dataset_id) == dataset.id)
    return list(session.exec(own.order_by(col(Edition.number).desc())))


def rights_classes(session: Session, edition_id: str) -> list[tuple[dict[str, object], int]]:
    """Facts and items of each rights class of an edition, as the policy engine takes them."""
    rows = session.exec(select(RightsClass).where(col(RightsClass.edition_id) == edition_id)).all()
    return [(_facts(row.facts), row.items) for row in rows]


def _facts(stored: dict[str, object]) -> dict[str, object]:
    embargo = stored.get("embargo_until")
    if not isinstance(embargo, str):
        return stored
    return {**stored, "embargo_until": datetime.fromisoformat(embargo).replace(tzinfo=UTC).date()}


def _visible(caller: Actor | None) -> ColumnElement[bool]:
    """Published datasets, and the caller's own drafts."""
    published = col(Dataset.state) == "published"
    if caller is None or Scope.ARCHIVE_READ not in caller.scopes:
        return published
    return or_(published, col(Dataset.archive_id) == caller.organisation_id)


def _listing(
    session: Session, dataset: Dataset, archive: Organisation, number: int | None
) -> Listing:
    query = select(Edition).where(col(Edition.dataset_id) == dataset.id)
    if number is not None:
        query = query.where(col(Edition.number) == number)
    edition = session.exec(query.order_by(col(Edition.number).desc()).limit(1)).one_or_none()
    return Listing(dataset, archive, edition, _offer(session, edition) if edition else None)


def _offer(session: Session, edition: Edition) -> Offer | None:
    return session.exec(
        select(Offer)
        .where(col(Offer.edition_id) == edition.id, col(Offer.state) == "in_force")
        .order_by(col(Offer.id).desc())
        .limit(1)
    ).one_or_none()
