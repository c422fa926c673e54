"""How we touch the outside: files, object stores, DuckDB. Knows none of our own words.

The openers import their backend when called, so that importing this package stays cheap.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from connectors.errors import (
    ConnectorError,
    DeliveryError,
    DiskFull,
    JobCancelled,
    JobError,
    JobLimit,
    NoSuchObject,
    ObjectConflict,
    PlanError,
    SourceChanged,
    StoreError,
    StoreUnavailable,
    error,
)
from connectors.ports import (
    Bound,
    Delivery,
    Extractor,
    ExtractPlan,
    ExtractResult,
    Importer,
    Inquirer,
    LaidColumn,
    LaidOut,
    ObjectStore,
    OpenObject,
    OutColumn,
    Overlay,
    Profile,
    SourceColumn,
    SourceFile,
    StoredObject,
    Usage,
    WrittenFile,
)

if TYPE_CHECKING:
    from connectors.s3 import S3Address
from connectors.selecting import Selector, SelectPlan

__all__ = [
    "Bound",
    "ConnectorError",
    "Delivery",
    "DeliveryError",
    "DiskFull",
    "ExtractPlan",
    "ExtractResult",
    "Extractor",
    "Importer",
    "Inquirer",
    "JobCancelled",
    "JobError",
    "JobLimit",
    "LaidColumn",
    "LaidOut",
    "NoSuchObject",
    "ObjectConflict",
    "ObjectStore",
    "OpenObject",
    "OutColumn",
    "Overlay",
    "PlanError",
    "Profile",
    "SelectPlan",
    "Selector",
    "SourceChanged",
    "SourceColumn",
    "SourceFile",
    "StoreError",
    "StoreUnavailable",
    "StoredObject",
    "Usage",
    "WrittenFile",
    "keep_ready",
    "let_go",
    "open_extractor",
    "open_importer",
    "open_inquirer",
    "open_selector",
    "open_store",
]


def open_store(url: str, s3: "S3Address | None" = None, scratch: Path | None = None) -> ObjectStore:
    """The object store at `url`: a directory, as a path or `file://` address; made if absent.

    :param s3: how the bucket is reached, where `url` begins with `s3://`.
    :param scratch: directory for what is staged of a bucket; needed with `s3`.
    """
    if s3 is not None and scratch is not None and url.startswith("s3://"):
        from connectors.s3 import S3ObjectStore

        return S3ObjectStore(s3, scratch)
    from connectors.local import LocalStore

    place = url.removeprefix("file://")
    if "://" in place or not place:
        raise error("unknown-store", url=url)
    return LocalStore(Path(place))


def keep_ready() -> None:
    """Have warm processes waiting for the next extract, import and selection, until `let_go`."""
    from connectors import duck, sources
    from connectors.duck import processes, selecting

    processes.keep_ready((duck.MODULE, sources.MODULE, selecting.MODULE))


def let_go() -> None:
    """End the processes that `keep_ready` has waiting."""
    from connectors.duck import processes

    processes.let_go()


def open_extractor(engine: Literal["duckdb", "daft"] = "duckdb", cluster: str = "") -> Extractor:
    """What cuts extracts: embedded DuckDB, or Daft; one disposable process per extract.

    :param cluster: address of the Ray cluster that Daft runs on; empty for this machine.
    :raises PlanError: the engine is not installed.
    """
    if engine == "daft":
        from connectors.daft import DaftExtractor

        return DaftExtractor(cluster)
    from connectors.duck import DuckExtractor

    return DuckExtractor()


def open_importer(scratch: Path) -> Importer:
    """The reader of deliveries; `scratch` is a directory for what a job stages and removes."""
    from connectors.sources import DuckImporter

    return DuckImporter(scratch)


def open_inquirer(scratch: Path) -> Inquirer:
    """Who answers questions about laid-out files; `scratch` is a directory for what it spills."""
    from connectors.duck.asking import DuckInquirer

    return DuckInquirer(scratch)


def open_selector(scratch: Path) -> Selector:
    """Who selects from Parquet files; `scratch` is a directory for what a selection spills."""
    from connectors.duck.selecting import DuckSelector

    return DuckSelector(scratch)
