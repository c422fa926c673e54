"""Registering a file that stays in its archive's own place: read first, then one transaction."""

from datetime import datetime

from sqlalchemy import Engine

from catalog.tables import Delivery
from registry.accounts.actors import Actor
from registry.db import reading, transaction
from registry.ids import new_id
from registry.services.places import LeaveInPlace, look_at, place_for
from registry.services.receiving import find_twin, receive_delivery
from registry.settings import Settings


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
    with transaction(engine) as session:
        earlier = find_twin(session, actor, dataset_id, file)
        if earlier is not None:
            return earlier, False
        return receive_delivery(session, actor, dataset_id, file, new_id("del", at), at=at), True
