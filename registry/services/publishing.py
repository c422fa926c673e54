"""How a checked delivery becomes an edition with an offer, and how an offer is withdrawn."""

from collections.abc import Iterator
from collections.abc import Mapping as Lookup
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlmodel import Session, col, func, select

from catalog.import_report import ImportReport
from catalog.mapping import parse_mapping
from catalog.tables import Dataset, Delivery, Edition, Offer, RightsClass
from catalog.terms import Gap, ResidencyRule, Terms, offer_for, suggest, undeclared, withheld
from policies import Policy, PolicyError, dump_policy
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Organisation
from registry.audit.acts import Act
from registry.digests import digest
from registry.errors import FieldProblem, InvalidInput, NotAllowed, Text
from registry.ids import new_id
from registry.services.accounts import Command
from registry.services.cataloguing import changed
from registry.services.checking import edition_key, report_of
from registry.services.locking import locked
from registry.services.noting import note
from registry.services.registration import disagreeing, own_dataset, own_delivery
from registry.services.residency import RESIDENCY, residency_of
from registry.services.wording import conflict, missing

T = TypeVar("T")

_TERMS = TypeAdapter(Terms)


class PublishEdition(Command):
    """Which checked delivery becomes the next edition.

    ``accept_refused`` says that leaving out more than half of the rows is right.
    """

    dataset_id: str
    delivery_id: str
    accept_refused: bool = False


@dataclass(frozen=True)
class Published:
    """The edition and the offer on it."""

    edition: Edition
    offer: Offer


def terms_of(dataset: Dataset) -> Terms | None:
    """The dataset's terms, once its owner has set them."""
    return _TERMS.validate_python(dataset.terms) if dataset.terms else None


def suggested_terms(session: Session, actor: Actor, delivery_id: str) -> Terms:
    """Terms suggested by the statements that a checked delivery holds; nothing is confirmed."""
    delivery = own_delivery(session, actor, delivery_id)
    return suggest(_checked(delivery).statements())


def set_terms(
    session: Session, actor: Actor, dataset_id: str, terms: Terms, *, at: datetime
) -> Dataset:
    """Set the terms; only lines that the owner confirmed will reach an offer.

    They hold from the next edition or offer on: what was published stays as it was.
    """
    require(actor, Scope.ARCHIVE_WRITE)
    dataset = own_dataset(session, actor, dataset_id)
    _checked_words(terms, residency_of(dataset) or ResidencyRule(process=("EU",)))
    dataset.terms = _TERMS.dump_python(terms, mode="json")
    session.add(dataset)
    _note(session, actor, Act.TERMS_CONFIRMED, dataset, at, facts=_terms_facts(dataset))
    return dataset


def set_residency(
    session: Session, actor: Actor, dataset_id: str, rule: ResidencyRule, *, at: datetime
) -> Dataset:
    """Set where the data may be processed, and under whose jurisdiction."""
    require(actor, Scope.ARCHIVE_WRITE)
    dataset = own_dataset(session, actor, dataset_id)
    _checked_words(Terms(lines=()), rule)
    dataset.residency = RESIDENCY.dump_python(rule, mode="json")
    session.add(dataset)
    _note(session, actor, Act.TERMS_CONFIRMED, dataset, at, facts=_terms_facts(dataset))
    return dataset


def _terms_facts(dataset: Dataset) -> dict[str, object]:
    return {"terms_digest": digest({"terms": dataset.terms, "residency": dataset.residency})}


def _checked_words(terms: Terms, residency: ResidencyRule) -> None:
    try:
        offer_for(
            terms, residency, uid="urn:draft", archive="urn:draft", edition="a/b@1", columns={}
        )
    except PolicyError as wrong:
        raise _policy_refused(wrong) from wrong


def _policy_refused(wrong: PolicyError) -> InvalidInput:
    text = Text(f"{wrong.probleem or wrong.problem}.", f"{wrong.problem}.")
    help_ = Text(wrong.uitweg or wrong.remedy, wrong.remedy)
    return InvalidInput("terms-refused", text, help_, (FieldProblem(wrong.path, text),))


def parse_terms(document: object) -> Terms:
    """Terms from plain data; ``InvalidInput`` with each field that is wrong."""
    return _parsed(_TERMS, document, "terms")


def parse_residency(document: object) -> ResidencyRule:
    """A residency rule from plain data; ``InvalidInput`` with each field that is wrong."""
    return _parsed(RESIDENCY, document, "residency")


def _parsed(adapter: TypeAdapter[T], document: object, root: str) -> T:
    try:
        return adapter.validate_python(document)
    except ValidationError as wrong:
        fields = tuple(
            FieldProblem(
                ".".join([root, *map(str, one["loc"])]),
                Text(f"Dit veld klopt niet: {one['msg']}.", f"This field is wrong: {one['msg']}."),
            )
            for one in wrong.errors()
        )
        raise InvalidInput("invalid-input", fields[0].text, fields=fields) from wrong


def gaps(session: Session, actor: Actor, dataset_id: str) -> tuple[Gap, ...]:
    """What the owner still has to say before the newest checked delivery can be published."""
    dataset = own_dataset(session, actor, dataset_id)
    checked = session.exec(
        select(Delivery)
        .where(col(Delivery.dataset_id) == dataset.id, col(Delivery.state) == "checked")
        .order_by(col(Delivery.id).desc())
        .limit(1)
    ).one_or_none()
    return tuple(_gaps(dataset, checked))


def _gaps(dataset: Dataset, delivery: Delivery | None) -> Iterator[Gap]:
    statements = _checked(delivery).statements() if delivery else ()
    yield from undeclared(
        dataset.declarations, terms_of(dataset), residency_of(dataset), statements
    )
    if delivery is None:
        yield Gap(
            "delivery",
            "delivery",
            True,
            "Er is nog geen gecontroleerde aanlevering.",
            "There is no checked delivery yet.",
        )
        return
    for kind in disagreeing(dataset, parse_mapping(delivery.mapping)):
        yield Gap(
            "disagreement",
            kind,
            True,
            f"Uw verklaring over `{kind}` en de gecontroleerde kolommen zeggen iets anders.",
            f"Your declaration of `{kind}` and the checked columns say different things.",
        )


def _checked(delivery: Delivery) -> ImportReport:
    found = report_of(delivery)
    if found is None:
        raise conflict(
            "delivery-not-checked",
            f"Deze aanlevering is `{delivery.state}` en nog niet gecontroleerd.",
            f"This delivery is `{delivery.state}` and not checked yet.",
            "Beschrijf de kolommen en wacht op de controle.",
            "Map its columns and wait for the check.",
        )
    return found


def publish(
    session: Session, actor: Actor, command: PublishEdition, *, origin: str, at: datetime
) -> Published:
    """Publish a checked delivery as the next edition, with an offer by the confirmed terms.

    :param origin: the service's address, from which the offer's IRIs are made.
    """
    require(actor, Scope.ARCHIVE_WRITE)
    dataset = locked(session, own_dataset(session, actor, command.dataset_id))
    delivery = locked(session, own_delivery(session, actor, command.delivery_id))
    if delivery.dataset_id != dataset.id:
        raise missing("aanlevering", "delivery", command.delivery_id)
    found = _publishable(session, actor, dataset, delivery, command)
    edition = _add_edition(session, dataset, delivery, found, at)
    offer = _add_offer(session, actor, dataset, edition, origin, at)
    delivery.state, dataset.state = "published", "published"
    changed(session, dataset, at).withdrawn_at = None
    session.add_all([delivery, dataset])
    facts = {
        "sha256": f"sha256:{edition.sha256}",
        "bytes": edition.bytes,
        "items": edition.items,
        "number": edition.number,
        "mapping_digest": digest(delivery.mapping),
        "declarations_digest": digest(dataset.declarations),
    }
    ids = {"edition": edition.id, "delivery": delivery.id}
    _note(session, actor, Act.EDITION_PUBLISHED, dataset, at, ids, facts)
    _note_offer(session, actor, dataset, offer, at)
    return Published(edition, offer)


def _publishable(
    session: Session, actor: Actor, dataset: Dataset, delivery: Delivery, command: PublishEdition
) -> ImportReport:
    """The delivery's report, where nothing stands in the way."""
    if session.get_one(Organisation, actor.organisation_id).state != "active":
        raise NotAllowed(
            "archive-unverified",
            Text(
                "Uw archief is nog niet gecontroleerd en kan nog niets publiceren.",
                "Your archive is not verified yet and cannot publish.",
            ),
            Text("De beheerder neemt contact op.", "The operator will contact you."),
        )
    if delivery.state == "published":
        raise conflict(
            "delivery-published",
            "Deze aanlevering is al gepubliceerd.",
            "This delivery is published already.",
        )
    found = _checked(delivery)
    blocking = [gap for gap in _gaps(dataset, delivery) if gap.blocks]
    if blocking:
        raise InvalidInput(
            "undeclared",
            Text(
                "Er moet nog iets worden verklaard voordat u kunt publiceren.",
                "Something must still be declared before you can publish.",
            ),
            Text("Vul aan wat hieronder staat.", "Complete what is listed below."),
            tuple(FieldProblem(f"{g.kind}.{g.subject}", Text(g.nl, g.en)) for g in blocking),
        )
    problem = found.problem(accept_refused=command.accept_refused)
    if problem is not None:
        text = Text(problem.nl, problem.en)
        raise InvalidInput(problem.code, text, fields=(FieldProblem(problem.field, text),))
    return found


def _add_edition(
    session: Session, dataset: Dataset, delivery: Delivery, found: ImportReport, at: datetime
) -> Edition:
    newest = session.exec(
        select(func.max(Edition.number)).where(col(Edition.dataset_id) == dataset.id)
    ).one()
    edition = Edition(
        id=new_id("ed", at),
        dataset_id=dataset.id,
        delivery_id=delivery.id,
        number=(newest or 0) + 1,
        sha256=found.sha256,
        bytes=found.bytes,
        key=edition_key(found.sha256),
        rows=found.accepted,
        items=found.items,
        columns=[column.model_dump() for column in found.columns],
        published_at=at,
    )
    session.add(edition)
    session.flush()
    session.add_all(
        RightsClass(edition_id=edition.id, number=n, facts=one.facts, items=one.items)
        for n, one in enumerate(found.classes)
    )
    return edition


def drafted(
    actor: Actor, dataset: Dataset, edition: Edition, origin: str, offer_id: str
) -> tuple[Policy, Terms, tuple[str, ...]]:
    """The offer that the present terms make of an edition, those terms, and what they mask."""
    terms, residency = terms_of(dataset), residency_of(dataset)
    if terms is None or residency is None:
        raise conflict(
            "no-terms",
            "Er zijn nog geen voorwaarden of er is geen regel voor de plaats van verwerking.",
            "There are no terms yet, or no residency rule.",
        )
    columns = {column["name"]: column["role"] for column in edition.columns}
    try:
        policy = offer_for(
            terms,
            residency,
            uid=f"{origin}/v1/offers/{offer_id}",
            archive=f"{origin}/organisations/{actor.organisation_slug}",
            edition=f"{actor.organisation_slug}/{dataset.slug}@{edition.number}",
            columns=columns,
        )
    except PolicyError as wrong:
        raise _policy_refused(wrong) from wrong
    masked = tuple(name for names in withheld(terms, columns).values() for name in names)
    return policy, terms, masked


def _add_offer(
    session: Session, actor: Actor, dataset: Dataset, edition: Edition, origin: str, at: datetime
) -> Offer:
    offer_id = new_id("offer", at)
    policy, terms, masked = drafted(actor, dataset, edition, origin, offer_id)
    document = dump_policy(policy)
    offer = Offer(
        id=offer_id,
        dataset_id=dataset.id,
        edition_id=edition.id,
        document=document,
        digest=digest(document),
        automatic=terms.automatic,
        agreement_days=terms.agreement_days,
        masked=list(masked),
        published_at=at,
    )
    session.add(offer)
    session.flush()
    changed(session, dataset, at)
    return offer


def _note_offer(
    session: Session, actor: Actor, dataset: Dataset, offer: Offer, at: datetime
) -> None:
    ids = {"edition": offer.edition_id, "offer": offer.id}
    facts = {"offer_digest": offer.digest, "automatic": offer.automatic, **_terms_facts(dataset)}
    _note(session, actor, Act.OFFER_PUBLISHED, dataset, at, ids, facts)


def replace_offer(
    session: Session, actor: Actor, edition_id: str, *, origin: str, at: datetime
) -> Offer:
    """Offer an edition on the dataset's present terms; its former offer ends."""
    require(actor, Scope.ARCHIVE_WRITE)
    edition = session.get(Edition, edition_id)
    dataset = session.get(Dataset, edition.dataset_id) if edition else None
    if edition is None or dataset is None or dataset.archive_id != actor.organisation_id:
        raise missing("editie", "edition", edition_id)
    locked(session, dataset)
    for former in session.exec(
        select(Offer).where(col(Offer.edition_id) == edition.id, col(Offer.state) == "in_force")
    ).all():
        _end_offer(session, actor, dataset, former, "replaced", at)
    offer = _add_offer(session, actor, dataset, edition, origin, at)
    _note_offer(session, actor, dataset, offer, at)
    return offer


def withdraw_offer(session: Session, actor: Actor, offer_id: str, *, at: datetime) -> Offer:
    """Stop new agreements on an offer; agreements that run are judged by their own terms."""
    require(actor, Scope.ARCHIVE_WRITE)
    offer = session.get(Offer, offer_id)
    dataset = session.get(Dataset, offer.dataset_id) if offer else None
    if offer is None or dataset is None or dataset.archive_id != actor.organisation_id:
        raise missing("aanbod", "offer", offer_id)
    if locked(session, offer).state == "in_force":
        _end_offer(session, actor, dataset, offer, "withdrawn", at)
    return offer


def _end_offer(
    session: Session, actor: Actor, dataset: Dataset, offer: Offer, reason: str, at: datetime
) -> None:
    offer.state = "withdrawn"
    session.add(offer)
    changed(session, dataset, at)
    ids = {"offer": offer.id, "edition": offer.edition_id}
    _note(session, actor, Act.OFFER_WITHDRAWN, dataset, at, ids, {"reason": reason})


def _note(
    session: Session,
    actor: Actor,
    act: Act,
    dataset: Dataset,
    at: datetime,
    ids: Lookup[str, str] | None = None,
    facts: Lookup[str, Any] | None = None,
) -> None:
    named = {"dataset": dataset.id, **(ids or {})}
    note(session, act, at=at, actor=actor, archive=dataset.archive_id, ids=named, facts=facts)
