"""How a file becomes a delivery: uploaded into our store, or left in its archive's own place.

What takes long comes first, and then one short transaction. The same file again is the delivery
that there is.
"""

from datetime import datetime

from sqlalchemy import Engine

from catalog.tables import Delivery
from connectors.ports import ObjectStore
from registry.accounts.actors import Actor
from registry.db import reading, transaction
from registry.ids import new_id
from registry.services.places import LeaveInPlace, LeftFile, look_at, place_for
from registry.services.receiving import ReceivedFile, find_twin, receive_delivery, stored
from registry.settings import Settings
from registry.uploads import Upload


def take_in(
    engine: Engine,
    store: ObjectStore,
    actor: Actor,
    dataset_id: str,
    upload: Upload,
    *,
    at: datetime,
) -> tuple[Delivery, bool]:
    """The delivery of an uploaded file, which is moved, and whether it is a new one."""
    file = ReceivedFile(upload.path, upload.file_name, upload.bytes, upload.sha256)
    with stored(engine, store, file, at=at) as delivery_id:
        return _received(engine, actor, dataset_id, file, delivery_id, at)


def leave(
    engine: Engine,
    settings: Settings,
    actor: Actor,
    dataset_id: str,
    command: LeaveInPlace,
    *,
    at: datetime,
) -> tuple[Delivery, bool]:
    """The delivery of an object that stays where it is, and whether it is a new one."""
    with reading(engine) as session:
        place = place_for(session, actor, dataset_id, command, settings, at)
    file = look_at(place, command)
    return _received(engine, actor, dataset_id, file, new_id("del", at), at)


def _received(
    engine: Engine,
    actor: Actor,
    dataset_id: str,
    file: ReceivedFile | LeftFile,
    delivery_id: str,
    at: datetime,
) -> tuple[Delivery, bool]:
    with transaction(engine) as session:
        earlier = find_twin(session, actor, dataset_id, file)
        if earlier is not None:
            return earlier, False
        return receive_delivery(session, actor, dataset_id, file, delivery_id, at=at), True
