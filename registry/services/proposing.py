"""What the columns of a delivery seem to be, for its archive to correct."""

from pathlib import Path
from tempfile import TemporaryDirectory

from sqlmodel import Session

from catalog.mapping import Mapping, parse_mapping
from catalog.proposal import propose
from catalog.tables import Dataset
from connectors.errors import ConnectorError, DeliveryError
from registry.accounts.actors import Actor
from registry.errors import FieldProblem, InvalidInput, RegistryError, Text, Unavailable
from registry.services.places import file_of
from registry.services.ports import Ports
from registry.services.registration import own_delivery


def propose_mapping(session: Session, actor: Actor, delivery_id: str, *, ports: Ports) -> Mapping:
    """The mapping last given, or a proposal by the file's column names and some of its values."""
    delivery = own_delivery(session, actor, delivery_id)
    if delivery.mapping:
        return parse_mapping(delivery.mapping)
    dataset = session.get_one(Dataset, delivery.dataset_id)
    try:
        with TemporaryDirectory(dir=ports.scratch, prefix="profile-") as folder:
            file = file_of(ports, dataset, delivery, Path(folder))
            return propose(ports.importer.profile(file).columns)
    except ConnectorError as wrong:
        raise _unreadable(wrong) from wrong


def _unreadable(wrong: ConnectorError) -> RegistryError:
    text = Text(wrong.nl, wrong.en)
    if isinstance(wrong, DeliveryError):
        return InvalidInput(wrong.code, text, fields=(FieldProblem("file", text),))
    return Unavailable(wrong.code, text)
