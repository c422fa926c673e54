"""A dataset with its rights ledger, and who has read from it."""

from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
from sqlmodel import Session

from catalog.ledger_tables import LedgerMoment
from catalog.tables import Edition
from registry.access.tables import Extract
from registry.db import reading, transaction
from registry.services import extracts, ledger
from registry.services.counting import classes_of
from registry.services.snapshots import bring_up
from tests.support.extracting import Scene


@dataclass
class Ledger:
    """Acts on the ledger of a scene's dataset, and what they come to."""

    scene: Scene

    def enter(self, *lines: dict[str, Any]) -> LedgerMoment:
        """Enter lines as the archive."""
        command = ledger.EnterLines.model_validate(
            {"dataset_id": self.scene.published.dataset.id, "lines": lines}
        )
        with transaction(self.scene.world.engine) as session:
            return ledger.enter(
                session, self.scene.published.archive, command, at=self.scene.world.clock()
            )

    def bring_up(self) -> None:
        """Run the job that makes the snapshot and counts."""
        world = self.scene.world
        bring_up(world.engine, world.ports, self.scene.published.dataset.id)

    def items(self, extract: Extract) -> list[str]:
        """The items that an extract's files hold."""
        world = self.scene.world
        with reading(world.engine) as session:
            parts = extracts.parts_of(session, extract)
        return [
            item
            for part in parts
            for item in pq.read_table(world.ports.store.path(part.key))["_item"].to_pylist()
        ]

    def cut_again(self, extract: Extract) -> Extract:
        """Run the job of the extract that takes a stopped one's place."""
        from registry.services.cutting import run_extract

        assert extract.successor_id is not None
        run_extract(self.scene.world.engine, self.scene.world.ports, extract.successor_id)
        return self.scene.extract(extract.successor_id)

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the edition's file."""
        world = self.scene.world
        with reading(world.engine) as session:
            edition = session.get_one(Edition, self.scene.published.edition.id)
        found: list[dict[str, Any]] = pq.read_table(world.ports.store.path(edition.key)).to_pylist()
        return found

    def total(self) -> int:
        """Items in the edition's counts."""
        with reading(self.scene.world.engine) as session:
            return _total(session, self.scene.published.edition.id)


def _total(session: Session, edition_id: str) -> int:
    return sum(items for _, items in classes_of(session, edition_id).everything())
