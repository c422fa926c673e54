"""Taking in a delivered file: into the store first, then one short transaction that names it.

The file is large and the transaction keeps every other writer waiting.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from catalog.tables import Delivery
from connectors.ports import ObjectStore
from registry.accounts.actors import Actor, Scope, require
from registry.audit.acts import Act
from registry.db import reading
from registry.ids import new_id
from registry.services.noting import note
from registry.services.places import LeftFile
from registry.services.registration import delivery_key, format_of, own_dataset
from registry.services.wording import invalid


@dataclass(frozen=True)
class ReceivedFile:
    """An upload that stands complete on the service's own disk."""

    path: Path
    file_name: str
    bytes: int
    sha256: str


@contextmanager
def stored(
    engine: Engine, store: ObjectStore, file: ReceivedFile, *, at: datetime
) -> Iterator[str]:
    """The id of a delivery whose file is in the store; gone again where no delivery came of it.

    ``file`` itself is moved. A process killed inside leaves a file that nothing names, never the
    reverse.
    """
    delivery_id = new_id("del", at)
    store.take(delivery_key(delivery_id), file.path)
    try:
        yield delivery_id
    finally:
        with reading(engine) as session:
            taken = session.get(Delivery, delivery_id)
        if taken is None:
            store.delete(delivery_key(delivery_id))


def find_twin(
    session: Session, actor: Actor, dataset_id: str, file: ReceivedFile | LeftFile
) -> Delivery | None:
    """The delivery of the same bytes under the same name to this dataset, if there is one."""
    place, key = _place_of(file)
    dataset = own_dataset(session, actor, dataset_id)
    same = select(Delivery).where(
        col(Delivery.dataset_id) == dataset.id,
        col(Delivery.sha256) == file.sha256,
        col(Delivery.file_name) == file.file_name,
        col(Delivery.place) == place,
        col(Delivery.place_key) == key,
    )
    return session.exec(same.order_by(col(Delivery.id).desc()).limit(1)).first()


def receive_delivery(
    session: Session,
    actor: Actor,
    dataset_id: str,
    file: ReceivedFile | LeftFile,
    delivery_id: str,
    *,
    at: datetime,
) -> Delivery:
    """Take in a file that is :func:`stored`, or left where it is; it is kept as delivered."""
    require(actor, Scope.ARCHIVE_WRITE)
    place, key = _place_of(file)
    dataset = own_dataset(session, actor, dataset_id)
    if file.bytes == 0:
        raise invalid(
            "file",
            "Het bestand is leeg.",
            "The file is empty.",
            "Lever een bestand met ten minste één regel gegevens.",
            "Deliver a file with at least one row of data.",
        )
    delivery = Delivery(
        id=delivery_id,
        dataset_id=dataset.id,
        file_name=file.file_name,
        format=format_of(file.file_name),
        bytes=file.bytes,
        sha256=file.sha256,
        place=place,
        place_key=key,
        received_at=at,
    )
    session.add(delivery)
    session.flush()
    note(
        session,
        Act.DELIVERY_RECEIVED,
        at=at,
        actor=actor,
        archive=dataset.archive_id,
        ids={"dataset": dataset.id, "delivery": delivery.id},
        facts={
            "bytes": file.bytes,
            "sha256": f"sha256:{file.sha256}",
            "format": delivery.format,
            **({"place": place} if place else {}),
        },
    )
    return delivery


def _place_of(file: ReceivedFile | LeftFile) -> tuple[str, str]:
    return (file.place, file.key) if isinstance(file, LeftFile) else ("", "")
