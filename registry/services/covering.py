"""Which editions an agreement covers: the one it names, and newer ones where its terms say so."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from catalog.tables import Edition
from catalog.terms import covers_newer
from policies import Decision, Effect
from policies.rowfilter import FALSE
from registry.access.tables import Agreement
from registry.errors import NotAllowed, Text
from registry.services.asking import policy_of
from registry.services.catalogue import listing_of
from registry.services.wording import missing


def edition_asked(session: Session, agreement: Agreement, number: int | None) -> Edition:
    """The edition of the agreement's dataset with that number; by default the one it names."""
    named = session.get_one(Edition, agreement.edition_id)
    if number in (None, named.number):
        return named
    other = select(Edition).where(
        col(Edition.dataset_id) == agreement.dataset_id, col(Edition.number) == number
    )
    found = session.exec(other).one_or_none()
    if found is None:
        raise missing("editie", "edition", str(number))
    return found


def columns_in(session: Session, agreement: Agreement, edition: Edition) -> list[str]:
    """Content columns of the edition that the agreement is about.

    Of a newer edition only those that the named one has too, of the same type and role: what its
    owner added or declared otherwise since was not agreed on.
    """
    named = session.get_one(Edition, agreement.edition_id)
    agreed = {_nature(column) for column in named.columns}
    return [column["name"] for column in edition.columns if _nature(column) in agreed]


def _nature(column: Mapping[str, Any]) -> tuple[str, str, str]:
    return column["name"], column["type"], column["role"]


def is_covered(decision: Decision) -> bool:
    """Whether some permission of the agreement is about the asked edition."""
    return any(
        not any(part.name in {"target", "edition"} and part.filter == FALSE for part in left.parts)
        for left in decision.residuals
        if left.rule.effect is Effect.PERMISSION
    )


def not_covered(session: Session, agreement: Agreement, edition: Edition) -> NotAllowed:
    """The refusal of an edition that the agreement is not about."""
    asked, named = (
        listing_of(session, agreement.dataset_id, one).reference
        for one in (edition.id, agreement.edition_id)
    )
    newer = covers_newer(policy_of(agreement))
    nl, en = (" en nieuwere", " and newer ones") if newer else ("", "")
    return NotAllowed(
        "edition-not-covered",
        Text(
            f"Deze overeenkomst gaat over {named}{nl}, niet over {asked}.",
            f"This agreement is about {named}{en}, not about {asked}.",
        ),
        Text(
            f"Bestel {named}, of dien een aanvraag in voor {asked}.",
            f"Order {named}, or file a request for {asked}.",
        ),
    )


def editions_covered(session: Session, agreement: Agreement) -> list[Edition]:
    """The editions that can be ordered under the agreement, newest first."""
    named = session.get_one(Edition, agreement.edition_id)
    if not covers_newer(policy_of(agreement)):
        return [named]
    newer = select(Edition).where(
        col(Edition.dataset_id) == agreement.dataset_id, col(Edition.number) >= named.number
    )
    return list(session.exec(newer.order_by(col(Edition.number).desc())))
