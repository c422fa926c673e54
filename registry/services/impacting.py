"""What offering an edition on the dataset's present terms would change, before it is done."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, func, select

from catalog.tables import Dataset, Edition, Offer
from policies import Impact, Request, impact, request_from_json
from registry.access.tables import Agreement, DecisionRow
from registry.accounts.actors import Actor
from registry.services.asking import policy_of
from registry.services.catalogue import list_editions
from registry.services.counting import classes_of
from registry.services.publishing import drafted
from registry.services.registration import own_dataset
from registry.services.wording import conflict

MOST = 200
"""Requests on record that are asked again, the newest."""


@dataclass(frozen=True)
class Foretold:
    """Who would gain and who would lose.

    :param reference: the edition, ``archive/dataset@3``.
    :param agreements: agreements in force: they keep their own terms.
    """

    reference: str
    impact: Impact
    agreements: int


def foretell(
    session: Session, actor: Actor, dataset_id: str, *, origin: str, at: datetime
) -> Foretold:
    """Compare the offer in force with one on the present terms, over the edition's items. No act.

    Items that the rights ledger closes somewhere are left out: no terms open them.
    """
    dataset = own_dataset(session, actor, dataset_id)
    edition, offer = _offered(session, dataset)
    draft, _, _ = drafted(actor, dataset, edition, origin, "draft")
    reference = f"{actor.organisation_slug}/{dataset.slug}@{edition.number}"
    found = impact(
        policy_of(offer),
        draft,
        classes_of(session, edition.id).open_in(None),
        target=reference,
        at=at,
        requests=_asked(session, dataset, reference, at),
    )
    return Foretold(reference, found, _in_force(session, dataset, at))


def _offered(session: Session, dataset: Dataset) -> tuple[Edition, Offer]:
    """The newest edition with an offer in force, and that offer."""
    for edition in list_editions(session, dataset):
        in_force = col(Offer.edition_id) == edition.id, col(Offer.state) == "in_force"
        offer = session.exec(select(Offer).where(*in_force)).first()
        if offer is not None:
            return edition, offer
    raise conflict(
        "nothing-offered",
        "Van deze dataset is nu niets in aanbod, dus er verandert voor niemand iets.",
        "Nothing of this dataset is on offer now, so nothing changes for anyone.",
        "Publiceer eerst een editie.",
        "Publish an edition first.",
    )


def _asked(session: Session, dataset: Dataset, reference: str, at: datetime) -> list[Request]:
    """What was asked of the dataset, each once, as if it were asked now of this edition."""
    own = select(DecisionRow).where(col(DecisionRow.dataset_id) == dataset.id)
    newest = session.exec(own.order_by(col(DecisionRow.id).desc()).limit(MOST))
    stored = {row.request_id: row.snapshot["request"] for row in newest}
    return [replace(request_from_json(one), target=reference, at=at) for one in stored.values()]


def _in_force(session: Session, dataset: Dataset, at: datetime) -> int:
    editions = select(Edition.id).where(col(Edition.dataset_id) == dataset.id)
    count = select(func.count()).where(
        col(Agreement.edition_id).in_(editions),
        col(Agreement.state) == "in_force",
        col(Agreement.valid_until) > at,
    )
    return session.exec(count).one()
