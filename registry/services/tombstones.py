"""Datasets that their archive took out of the catalogue: what stands in their place, and why.

Agreements that run are judged by their own terms, as after any withdrawn offer.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field
from sqlmodel import Session, col, select

from catalog.tables import Dataset, Offer
from registry.accounts.actors import Actor, Scope, require
from registry.audit.acts import Act
from registry.services.accounts import Command, Line
from registry.services.cataloguing import changed
from registry.services.locking import locked
from registry.services.noting import note
from registry.services.publishing import withdraw_offer
from registry.services.records import CHANGED, told_of
from registry.services.registration import own_dataset
from registry.services.wording import conflict


class Tombstone(Command):
    """Why a dataset is taken out, and the address of what takes its place."""

    reason_nl: Line
    reason_en: Line
    successor: str = Field(default="", pattern=r"^(|https://[^\s<>\"]{1,400})$")


@dataclass(frozen=True)
class Change:
    """A published or withdrawn dataset, and when it last changed."""

    name: str
    title_nl: str
    title_en: str
    changed_at: datetime
    withdrawn: bool


def withdraw_dataset(
    session: Session, actor: Actor, dataset_id: str, command: Tombstone, *, at: datetime
) -> Dataset:
    """Take a published dataset out of the catalogue: its offers end, and its address says why."""
    require(actor, Scope.ARCHIVE_WRITE)
    dataset = locked(session, own_dataset(session, actor, dataset_id))
    if dataset.state != "published":
        raise conflict(
            "not-published",
            "Alleen een gepubliceerde dataset kunt u intrekken.",
            "Only a published dataset can be withdrawn.",
        )
    offered = select(Offer).where(col(Offer.dataset_id) == dataset.id)
    for offer in session.exec(offered.where(col(Offer.state) == "in_force")).all():
        withdraw_offer(session, actor, offer.id, at=at)
    row = changed(session, dataset, at)
    row.withdrawn_at, row.successor = at, command.successor
    row.reason_nl, row.reason_en = command.reason_nl, command.reason_en
    dataset.state = "withdrawn"
    session.add(dataset)
    note(
        session,
        Act.DATASET_WITHDRAWN,
        at=at,
        actor=actor,
        archive=dataset.archive_id,
        ids={"dataset": dataset.id},
        facts={"reason": "withdrawn"},
    )
    return dataset


def list_changes(
    session: Session, *, limit: int, offset: int = 0, newest: bool = False
) -> list[Change]:
    """Datasets that are or were in the catalogue: from old to new, or the newest changes first."""
    order = CHANGED.desc() if newest else col(Dataset.id)
    rows = session.exec(
        told_of(("published", "withdrawn"))
        .order_by(order, col(Dataset.id).desc())
        .offset(offset)
        .limit(limit)
    )
    return [
        Change(
            f"{archive.slug}/{dataset.slug}",
            dataset.title_nl,
            dataset.title_en,
            described.changed_at if described else dataset.created_at,
            dataset.state == "withdrawn",
        )
        for dataset, archive, described in rows
    ]
