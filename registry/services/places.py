"""Files that an archive leaves in a bucket of its own: read where they may be, and never kept.

Of such a delivery the store has what the registry itself says of each item (its opaque id and its
rights), and nothing of its content. Whenever the content is needed, for a check or an extract, it
is read anew into a folder of that job and held to the hash it was registered with.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from catalog.mapping import parse_mapping
from catalog.tables import Dataset, Delivery
from connectors.errors import ConnectorError, StoreUnavailable, error
from connectors.ports import NEVER, ShouldStop, StoredObject
from connectors.ports import Delivery as DeliveredFile
from policies import regions_of
from policies.request import AMSTERDAM
from registry.accounts.actors import Actor, Scope, require
from registry.accounts.tables import Organisation
from registry.errors import FieldProblem, InvalidInput, NotAllowed, RegistryError, Text, Unavailable
from registry.services.accounts import Command, Line
from registry.services.ports import Ports
from registry.services.registration import delivery_key, format_of, own_dataset
from registry.services.residency import residency_of
from registry.services.wording import invalid, missing
from registry.settings import Place, Settings

if TYPE_CHECKING:
    from connectors.places import SourcePlace


class LeaveInPlace(Command):
    """Which object of which place becomes a delivery."""

    place: Line
    key: Line


@dataclass(frozen=True)
class LeftFile:
    """An object that stays where it is, as it was read."""

    place: str
    key: str
    file_name: str
    bytes: int
    sha256: str


def own_places(session: Session, actor: Actor, settings: Settings) -> Mapping[str, Place]:
    """The places of the actor's own archive, by name."""
    require(actor, Scope.ARCHIVE_READ)
    slug = session.get_one(Organisation, actor.organisation_id).slug
    return {name: one for name, one in sorted(settings.places.items()) if one.archive == slug}


def place_for(
    session: Session,
    actor: Actor,
    dataset_id: str,
    command: LeaveInPlace,
    settings: Settings,
    at: datetime,
) -> Place:
    """The place, where the actor may register this object for the dataset.

    :raises RegistryError: it is another archive's or none, or this node may not read it.
    """
    require(actor, Scope.ARCHIVE_WRITE)
    dataset = own_dataset(session, actor, dataset_id)
    format_of(command.key)
    place = own_places(session, actor, settings).get(command.place)
    if place is None:
        raise missing("plaats", "place", command.place)
    _require_here(dataset, place, settings, at)
    return place


def look_at(place: Place, command: LeaveInPlace) -> LeftFile:
    """Read the object through once, for its size and hash.

    :raises RegistryError: it is not there, or the bucket lets us not in or does not answer.
    """
    try:
        found = opened(place).hash(command.key)
    except StoreUnavailable as wrong:
        raise Unavailable(wrong.code, Text(wrong.nl, wrong.en)) from wrong
    except ConnectorError as wrong:
        text = Text(wrong.nl, wrong.en)
        raise InvalidInput(wrong.code, text, fields=(FieldProblem("key", text),)) from wrong
    name = command.key.rpartition("/")[2]
    if len(name) > _LONGEST_NAME:
        raise invalid("key", "De bestandsnaam is te lang.", "The file's name is too long.")
    return LeftFile(command.place, command.key, name, found.bytes, found.sha256)


_LONGEST_NAME = 200


def opened(place: Place) -> "SourcePlace":
    """The bucket behind a place."""
    from connectors.places import SourcePlace
    from connectors.s3 import S3Address

    address = S3Address(
        url=place.url,
        endpoint=place.endpoint,
        region=place.bucket_region,
        access_key=place.access_key,
        secret_key=place.secret_key.get_secret_value(),
        patience=place.patience,
    )
    return SourcePlace(address)


def _require_here(dataset: Dataset, place: Place, settings: Settings, at: datetime) -> None:
    """Pass where this node may read it: by the dataset's rule, else in the place's own country."""
    rule, day = residency_of(dataset), at.astimezone(AMSTERDAM).date()
    allowed = frozenset(rule.process) if rule else frozenset({place.country})
    for country in sorted({place.country, settings.node}):
        if not (regions_of(country, day) or frozenset()) & allowed:
            names = ", ".join(sorted(allowed))
            raise NotAllowed(
                "node-elsewhere",
                Text(
                    f"Dit bestand mag alleen worden gelezen in: {names}. Dit was in {country}.",
                    f"This file may only be read in: {names}. This was in {country}.",
                ),
                Text(
                    "Pas de regel over de plaats aan, of laat de beheerder de dienst daar draaien.",
                    "Change the rule on places, or have the operator run the service there.",
                ),
            )


# --- reading ------------------------------------------------------------------------------------


def file_of(
    ports: Ports,
    dataset: Dataset,
    delivery: Delivery,
    folder: Path,
    should_stop: ShouldStop = NEVER,
) -> DeliveredFile:
    """The delivered file on this machine: in the store, or read anew into the caller's folder.

    :raises RegistryError: it was left in a place that is gone, or that this node may not read.
    :raises SourceChanged: it is not what was registered.
    """
    if delivery.place:
        path = _fetched(ports, dataset, delivery, folder / "source", should_stop)
    else:
        path = ports.store.path(delivery_key(delivery.id))
    records = parse_mapping(delivery.mapping).records if delivery.mapping else ""
    return DeliveredFile(path, delivery.format, records)  # type: ignore[arg-type]  # the column's CHECK holds it to these


def _fetched(
    ports: Ports, dataset: Dataset, delivery: Delivery, target: Path, should_stop: ShouldStop
) -> Path:
    place = _readable_place(ports.settings, dataset, delivery, ports.clock())
    found = opened(place).fetch(delivery.place_key, target, _in_time(ports, should_stop))
    _require_same(delivery, found)
    return target


def _readable_place(
    settings: Settings, dataset: Dataset, delivery: Delivery, at: datetime
) -> Place:
    """Where a file was left, where it is set up and this node may read it."""
    place = _known_place(settings, delivery)
    _require_here(dataset, place, settings, at)
    return place


def _require_same(delivery: Delivery, found: StoredObject) -> None:
    """Pass where what was read is what was registered."""
    if (found.bytes, found.sha256) != (delivery.bytes, delivery.sha256):
        raise error("place-changed", key=delivery.place_key)


def _in_time(ports: Ports, should_stop: ShouldStop) -> ShouldStop:
    """Also ends what a slow bucket would stretch beyond the time that one extract may take."""
    seconds = ports.settings.extract_seconds
    end = ports.clock() + timedelta(seconds=seconds)

    def stopped() -> bool:
        if ports.clock() > end:
            raise error("time-limit", seconds=seconds)
        return should_stop()

    return stopped


def check_unused(session: Session, settings: Settings) -> Iterator[tuple[str, str]]:
    """Every place of which no file is registered, and in a sentence why we are not let in, if so.

    It is asked for a list, which keys that may read files need not be allowed.
    """
    used = set(session.exec(select(Delivery.place).distinct()))
    for name, place in sorted(settings.places.items()):
        if name in used:
            continue
        try:
            opened(place).knock()
        except ConnectorError as wrong:
            yield name, wrong.en
        else:
            yield name, ""


def check_left(session: Session, settings: Settings, at: datetime) -> Iterator[tuple[str, str]]:
    """Every file that was left where it is, and in a sentence what is wrong with it, if anything.

    Each is read through once, where this node may read it.
    """
    left = select(Delivery, Dataset).join(Dataset).where(col(Delivery.place) != "")
    for delivery, dataset in session.exec(left.order_by(col(Delivery.id))):
        name = f"{delivery.place}/{delivery.place_key}"
        yield name, _wrong_with(delivery, dataset, settings, at)


def _wrong_with(delivery: Delivery, dataset: Dataset, settings: Settings, at: datetime) -> str:
    try:
        place = _readable_place(settings, dataset, delivery, at)
        _require_same(delivery, opened(place).hash(delivery.place_key))
    except ConnectorError as wrong:
        return wrong.en
    except RegistryError as wrong:
        return wrong.text.en
    return ""


def _known_place(settings: Settings, delivery: Delivery) -> Place:
    place = settings.places.get(delivery.place)
    if place is not None:
        return place
    raise NotAllowed(
        "place-gone",
        Text(
            f"De plaats `{delivery.place}` is niet meer ingesteld.",
            f"The place `{delivery.place}` is not set up any more.",
        ),
        Text("Vraag het de beheerder.", "Ask the operator."),
    )


def country_of(settings: Settings, delivery: Delivery) -> str:
    """The country where a file was left.

    :raises RegistryError: its place is gone.
    """
    return _known_place(settings, delivery).country
