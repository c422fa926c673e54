"""What services and jobs are handed of the outside."""

from dataclasses import dataclass, field
from pathlib import Path

from connectors import open_store
from connectors.ports import Extractor, Importer, Inquirer, ObjectStore
from connectors.selecting import Selector
from registry.audit.checkpoint import SigningKey
from registry.clock import Clock
from registry.settings import Settings


@dataclass(frozen=True)
class Ports:
    """The backends of one process.

    :param scratch: folder for work that is not published yet; emptied of leftovers at the start.
    :param signer: key that signs manifests (the log's own key signs checkpoints).
    :param link_key: secret under which links are signed.
    """

    store: ObjectStore
    extractor: Extractor
    importer: Importer
    inquirer: Inquirer
    selector: Selector
    scratch: Path
    signer: SigningKey
    link_key: bytes = field(repr=False)
    settings: Settings
    clock: Clock


def open_ports(settings: Settings, clock: Clock) -> Ports:
    """The backends that the settings name.

    :raises PlanError: the engine that they name is not installed.
    """
    from connectors import open_extractor, open_importer, open_inquirer, open_selector
    from registry.audit.keys import open_secret, open_signer

    scratch = settings.home / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return Ports(
        store=open_files(settings),
        extractor=open_extractor(settings.engine, settings.engine_cluster),
        importer=open_importer(scratch),
        inquirer=open_inquirer(scratch),
        selector=open_selector(scratch),
        scratch=scratch,
        signer=open_signer(settings, "manifest"),
        link_key=open_secret(settings, "link"),
        settings=settings,
        clock=clock,
    )


def open_files(settings: Settings) -> ObjectStore:
    """The store that the settings name."""
    if not settings.store.startswith("s3://"):
        return open_store(settings.store or str(settings.home / "files"))
    from connectors.s3 import S3Address

    address = S3Address(
        url=settings.store,
        endpoint=settings.store_endpoint,
        region=settings.store_bucket_region,
        access_key=settings.store_access_key,
        secret_key=settings.store_secret_key.get_secret_value(),
    )
    return open_store(settings.store, address, settings.home / "staged")
