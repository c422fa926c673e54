"""When a job cannot be done however often it is tried: its row says so, and the log too."""

from sqlalchemy import Engine
from sqlmodel import col, select

from catalog.tables import Dataset, Delivery
from connectors.errors import ConnectorError
from registry.access.tables import Agreement, Extract
from registry.audit.acts import Act
from registry.clock import Clock
from registry.db import transaction
from registry.errors import Text
from registry.services.extracts import UNDER_WAY, note_extract
from registry.services.noting import note
from registry.services.wording import why_failed

REASON = "job-failed"
_TEXT = Text(
    "Dit is meermaals geprobeerd en steeds misgegaan door een fout in de dienst; er is niets half"
    " gedaan. De beheerder kan in het logboek van de dienst zien waarom. Probeer het opnieuw.",
    "This was tried several times and failed each time through a fault in the service; nothing was"
    " half-done. The operator can see in the service's own log why. Try again.",
)


def _problem(wrong: Exception | None) -> dict[str, str]:
    """The reason that is known, as of storage that does not answer; else that it is our fault."""
    if isinstance(wrong, ConnectorError):
        return why_failed(wrong)
    return {"code": REASON, "nl": _TEXT.nl, "en": _TEXT.en}


def give_up_check(
    engine: Engine, clock: Clock, delivery_id: str, wrong: Exception | None = None
) -> None:
    """End a check as failed; its archive may map and check the delivery again."""
    with transaction(engine) as session:
        delivery = session.get_one(Delivery, delivery_id)
        if delivery.state != "checking":
            return
        delivery.state, delivery.problem = "failed", _problem(wrong)
        session.add(delivery)
        note(
            session,
            Act.DELIVERY_FAILED,
            at=clock(),
            actor=None,
            archive=session.get_one(Dataset, delivery.dataset_id).archive_id,
            ids={"dataset": delivery.dataset_id, "delivery": delivery.id},
            facts={"reason": delivery.problem["code"]},
        )


def give_up_extract(
    engine: Engine, clock: Clock, extract_id: str, wrong: Exception | None = None
) -> None:
    """End an extract as failed; its organisation may order another."""
    with transaction(engine) as session:
        wanted = select(Extract).where(col(Extract.id) == extract_id).with_for_update()
        extract = session.exec(wanted).one()
        if extract.state not in UNDER_WAY:
            return
        at = clock()
        extract.state, extract.finished_at, extract.problem = "failed", at, _problem(wrong)
        session.add(extract)
        agreement = session.get_one(Agreement, extract.agreement_id)
        facts = {"reason": extract.problem["code"]}
        note_extract(session, None, Act.EXTRACT_FAILED, extract, agreement, at, facts)
