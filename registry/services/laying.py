"""Laying a delivered file out as an edition: by its mapping, under its dataset's key for ids."""

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from catalog.ingest import BLOCKED, FACTS, layout
from catalog.mapping import Mapping, parse_mapping
from catalog.tables import Dataset, Delivery
from connectors.local import sha256_of
from connectors.ports import (
    NEVER,
    NO_PROGRESS,
    Importer,
    LaidOut,
    OnProgress,
    ShouldStop,
    SourceFile,
    WrittenFile,
)
from connectors.ports import Delivery as DeliveredFile
from registry.services.places import file_of
from registry.services.ports import Ports

_ROWS = 100_000


def lay_out(
    importer: Importer,
    file: DeliveredFile,
    mapping: Mapping,
    key: bytes,
    folder: Path,
    *,
    on_progress: OnProgress = NO_PROGRESS,
    should_stop: ShouldStop = NEVER,
) -> LaidOut:
    """The file's items as an edition holds them, sorted by rights and without hard-blocked ones.

    :param key: secret under which the items' opaque ids are made.
    """
    return importer.lay_out(
        file,
        layout(mapping, key=key),
        folder,
        group_by=FACTS,
        not_where=BLOCKED,
        on_progress=on_progress,
        should_stop=should_stop,
    )


def facts_only(laid: LaidOut, folder: Path) -> LaidOut:
    """The same without content: our own columns of each item, and no rows as delivered."""
    whole, name = folder / laid.file.name, "facts.parquet"
    with pq.ParquetFile(whole) as source:
        own = [field.name for field in source.schema_arrow if field.name.startswith("_")]
        schema = source.schema_arrow.empty_table().select(own).schema
        with pq.ParquetWriter(folder / name, schema, compression="zstd") as target:
            for batch in source.iter_batches(columns=own, batch_size=_ROWS):
                target.write_batch(batch, row_group_size=_ROWS)
    whole.unlink()
    file = folder / name
    written = WrittenFile(name, file.stat().st_size, sha256_of(file), laid.file.rows)
    return replace(laid, file=written, refused_file=None)


def content_of(
    ports: Ports, dataset: Dataset, delivery: Delivery, folder: Path, should_stop: ShouldStop
) -> SourceFile:
    """The items of a left file with their content, laid out anew.

    The same file and mapping give the same items; the caller counts them against what was
    published. No transaction is open meanwhile: a slow bucket holds up nobody else.
    """
    mapping = parse_mapping(delivery.mapping)
    file = file_of(ports, dataset, delivery, folder, should_stop)
    laid = lay_out(ports.importer, file, mapping, dataset.item_key, folder, should_stop=should_stop)
    file.path.unlink()
    return SourceFile(folder / laid.file.name, laid.file.sha256, laid.file.bytes)
