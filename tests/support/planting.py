"""A part of any size in an extract that is there: some things only show where much is sent."""

import os
from pathlib import Path

from connectors.local import LocalStore
from registry.access.tables import Part
from registry.db import open_engine, transaction

NUMBER = 99
"""The part's number, after any that the extract has of itself."""


def plant_part(home: Path, extract_id: str, size: int) -> Path:
    """A file of that size in the store, no Parquet, and its row among the extract's parts."""
    block = os.urandom(2**20)
    source = home / "large"
    with source.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
    store = LocalStore(home / "files")
    stored = store.put(f"extracts/{extract_id}/large", source)
    source.unlink()
    engine = open_engine(f"sqlite:///{home / 'vrijgave.sqlite'}")
    with transaction(engine) as session:
        session.add(
            Part(
                extract_id=extract_id,
                number=NUMBER,
                key=stored.key,
                sha256=stored.sha256,
                bytes=stored.bytes,
                rows=0,
            )
        )
    engine.dispose()
    return store.path(stored.key)
