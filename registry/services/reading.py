"""Reading an approved extract: every request is checked again, on what stands in the rows now."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import and_, bindparam
from sqlalchemy.orm import defer
from sqlmodel import Session, col, func, select

from catalog.ledger_tables import LedgerMoment
from connectors.ports import ObjectStore
from policies import Decision
from registry.access.tables import Agreement, Extract, Part
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.blocks import Block, blocked, standing_block
from registry.accounts.tables import Environment, Organisation
from registry.accounts.verifications import lapse_of
from registry.audit.acts import Act
from registry.changes import FRESH
from registry.errors import Conflict, Gone, NotAllowed, RegistryError, Text
from registry.recent import Recent
from registry.services.agreeing import standing
from registry.services.extracts import clears_any, decide, open_classes
from registry.services.noting import note
from registry.services.refusal import Refused
from registry.services.requesting import place_of
from registry.services.residency import is_sealed, leaves, outside, unproven
from registry.services.stopping import WITHDRAWN, Held, gone, is_withdrawn, stop
from registry.services.wording import missing


@dataclass(frozen=True)
class Readable:
    """A part that this caller may read now."""

    extract: Extract
    part: Part
    agreement: Agreement
    environment: Environment
    address: str


Checked = tuple[Actor, Readable]
"""Who asks, and what they may read."""

_NEWEST = (
    select(func.max(LedgerMoment.number))
    .where(col(LedgerMoment.dataset_id) == col(Agreement.dataset_id))
    .scalar_subquery()
)
_BLOCK = standing_block(col(Agreement.organisation_id), col(Agreement.archive_id)).scalar_subquery()
_ROWS: Any = (  # six columns, of which SQLModel types four
    select(Extract, Agreement, Environment, Part)
    .add_columns(_NEWEST, _BLOCK)
    .join(Agreement, col(Agreement.id) == col(Extract.agreement_id))
    .join(Environment, col(Environment.id) == col(Agreement.environment_id))
    .outerjoin(
        Part, and_(col(Part.extract_id) == col(Extract.id), col(Part.number) == bindparam("number"))
    )
    .where(
        col(Extract.id) == bindparam("extract"), col(Extract.organisation_id) == bindparam("whose")
    )
    .options(
        defer(Extract.manifest),  # type: ignore[arg-type] # a column, which SQLModel types by value
        defer(Extract.snapshot),  # type: ignore[arg-type] # as above
        defer(Agreement.document),  # type: ignore[arg-type] # as above
    )
)
"""All that a check looks at, in one query, without the long documents."""


class Visit(TypedDict):
    """From where and when a part is asked for.

    `origin` is the service's own address, `regions` the countries of its store and of this node.
    """

    address: str
    regions: frozenset[str]
    store: ObjectStore
    origin: str
    at: datetime


def check_part(
    session: Session, actor: Actor, extract_id: str, number: int, **visit: Unpack[Visit]
) -> Readable | Refused:
    """Whether the caller may read a part from this address now; a refusal is written down."""
    readable, refusal = look_at_part(session, actor, extract_id, number, **visit)
    if refusal is None:
        return readable
    agreement, extract = readable.agreement, readable.extract
    if refusal.code == WITHDRAWN:
        stop(session, extract, agreement, visit["at"])
        refusal = gone(extract, visit["origin"])
    note(
        session,
        Act.ACCESS_REFUSED,
        at=visit["at"],
        actor=actor,
        archive=agreement.archive_id,
        ids={"extract": extract.id, "agreement": agreement.id, "dataset": agreement.dataset_id},
        facts={"part": number, "reasons": [refusal.code]},
    )
    return Refused(refusal)


def look_at_part(
    session: Session, actor: Actor, extract_id: str, number: int, **visit: Unpack[Visit]
) -> tuple[Readable, RegistryError | None]:
    """The part, and why the caller may not read it from this address now; only reads."""
    require(actor, Scope.EXTRACTS)
    asked = {"extract": extract_id, "number": number, "whose": actor.organisation_id}
    rows = session.exec(_ROWS, params=asked).one_or_none()
    if rows is None:
        raise missing("extract", "extract", extract_id)
    extract, agreement, environment, part, newest, block = rows
    _ready(extract)
    if part is None:
        raise missing("deel", "part", str(number))
    held = Held(extract, agreement, environment.country, newest or 0)
    refusal = (
        lapse_of(session.get_one(Organisation, extract.organisation_id), visit["at"])
        or standing(agreement, visit["at"])
        or (blocked(session.get_one(Block, block)) if block else None)
        or _wrong_environment(actor, environment, visit["address"])
        or unproven(environment, visit["at"])
        or _no_longer_permitted(session, actor, extract, agreement, environment, visit)
        or is_withdrawn(session, held, visit["store"], visit["origin"], visit["at"])
    )
    return Readable(extract, part, agreement, environment, visit["address"]), refusal


def _ready(extract: Extract) -> None:
    if extract.state in {"ordered", "running"}:
        raise Conflict(
            "extract-not-ready",
            Text("Dit extract wordt nog gemaakt.", "This extract is still being made."),
            Text("Probeer het zo weer.", "Try again in a moment."),
            headers={"Retry-After": "2"},
        )
    if extract.state != "ready":
        raise Gone(
            f"extract-{extract.state}",
            Text(f"Dit extract is er niet: {extract.state}.", f"This extract is {extract.state}."),
            Text("Bestel een nieuw extract.", "Order a new extract."),
        )


def _wrong_environment(
    actor: Actor, environment: Environment, address: str
) -> RegistryError | None:
    if environment.closed_at is not None:
        return NotAllowed(
            "environment-closed",
            Text("De omgeving is gesloten.", "The environment is closed."),
            Text("Dien een aanvraag in voor een andere.", "File a request for another one."),
        )
    elsewhere = unbound(actor, environment.id)
    if elsewhere is not None:
        return elsewhere
    if environment.networks and not _within(address, environment.networks):
        return NotAllowed(
            "other-network",
            Text(
                f"Het adres {address} ligt buiten de netwerken van deze omgeving.",
                f"The address {address} is outside the networks of this environment.",
            ),
            Text("Lees vanuit de opgegeven omgeving.", "Read from the environment as registered."),
        )
    return None


def unbound(actor: Actor, environment_id: str) -> RegistryError | None:
    """Why a token may not read for this environment; a person at a browser is bound to none."""
    if actor.environment_id == environment_id:
        return None
    if actor.environment_id is not None:
        return NotAllowed(
            "other-environment",
            Text(
                "Dit token hoort bij een andere omgeving dan de overeenkomst.",
                "This token belongs to another environment than the agreement.",
            ),
            Text("Maak een token voor deze omgeving.", "Make a token for this environment."),
        )
    if actor.credential_id is None:
        return None
    return NotAllowed(
        "token-unbound",
        Text(
            "Dit token hoort bij geen omgeving, en leest daarom niets.",
            "This token is bound to no environment, and so reads nothing.",
        ),
        Text(
            "Noem de omgeving bij het maken van het token of de client.",
            "Name the environment when you make the token or the client.",
        ),
    )


def _within(address: str, networks: list[str]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in ipaddress.ip_network(network) for network in networks)


_permits: Recent[tuple[object, ...], tuple[datetime, bool]] = Recent(4096)
"""When a permit was found for the same agreement and places, and whether it is sealed within a
secure environment."""


def _no_longer_permitted(
    session: Session,
    actor: Actor,
    extract: Extract,
    agreement: Agreement,
    environment: Environment,
    visit: Visit,
) -> RegistryError | None:
    """What the agreement itself says now, about the environment and the service as they are."""
    at, regions = visit["at"], visit["regions"]
    edition, digest = extract.edition_id, agreement.digest
    key = (agreement.id, digest, edition, place_of(environment, at), regions, visit["origin"])
    permitted, sealed = _permits.get(key, (None, False))
    if permitted is None or not permitted <= at < permitted + FRESH:
        decision = decide(session, agreement, edition, visit["origin"], at)
        refusal = _refused(session, decision, edition) or outside(decision, regions)
        if refusal is not None:
            return refusal
        sealed = is_sealed(decision, open_classes(session, decision, edition))
        _permits[key] = (at, sealed)
    return leaves(actor, environment) if sealed else None


def _refused(session: Session, decision: Decision, edition_id: str) -> RegistryError | None:
    if clears_any(session, decision, edition_id):
        return None
    nl = " ".join(r.nl for r in decision.reasons) or "De overeenkomst laat dit niet meer toe."
    en = " ".join(r.en for r in decision.reasons) or "The agreement does not permit this any more."
    return NotAllowed("not-permitted", Text(nl, en))
