"""Files: what a row names is in the store, whole, with the content it was registered with."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyarrow import ArrowException
from pyarrow.parquet import ParquetFile
from sqlmodel import Session, col, select

from catalog.tables import Delivery, Edition
from connectors.errors import StoreError
from connectors.local import sha256_of
from connectors.ports import ObjectStore
from registry.access.lineage_tables import LineageFile
from registry.access.tables import Extract, Part
from registry.errors import Text
from registry.services.fsck.findings import Finding, Promise
from registry.services.registration import delivery_key


@dataclass(frozen=True)
class Named:
    """A file that a row names; `rows` where it is Parquet that must hold so many."""

    key: str
    bytes: int
    sha256: str
    rows: int | None = None


def check_files(
    session: Session, store: ObjectStore, checked: Counter[Promise]
) -> Iterator[Finding]:
    """Read every named file through."""
    for named in _named(session):
        checked[Promise.WHOLE] += 1
        problem = _problem(store, named)
        if problem is not None:
            yield Finding(Promise.WHOLE, named.key, problem)


def _named(session: Session) -> Iterator[Named]:
    for delivery in session.exec(select(Delivery)):
        if not delivery.place:
            yield Named(delivery_key(delivery.id), delivery.bytes, delivery.sha256)
    for edition in session.exec(select(Edition)):
        yield Named(edition.key, edition.bytes, edition.sha256, edition.items)
    ready = select(Part).join(Extract).where(col(Extract.state) == "ready")
    for part in session.exec(ready):
        yield Named(part.key, part.bytes, part.sha256, part.rows)
    for file in session.exec(select(LineageFile)):
        yield Named(file.key, file.bytes, file.sha256, file.rows)


def _problem(store: ObjectStore, named: Named) -> Text | None:
    try:
        path = store.path(named.key)
    except StoreError as absent:
        return Text(absent.nl, absent.en)
    if path.stat().st_size != named.bytes or sha256_of(path) != named.sha256:
        return Text("De inhoud is veranderd.", "Its content has changed.")
    if named.rows is not None and _rows(path) != named.rows:
        return Text(
            f"Het is geen Parquet met {named.rows} regels.",
            f"It is no Parquet of {named.rows} rows.",
        )
    return None


def _rows(path: Path) -> int | None:
    try:
        with ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    except (ArrowException, OSError):
        return None
