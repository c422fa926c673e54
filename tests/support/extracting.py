"""A dataset, an agreement on its clear part, and what is done with an extract of it."""

from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import col, select

from connectors.ports import (
    Extractor,
)
from registry.access.tables import Agreement, Extract
from registry.audit.entry import Entry
from registry.audit.tables import AuditEntry
from registry.db import reading, transaction
from registry.services import accesses, agreeing, extracts
from registry.services import reading as readings
from registry.services.accesses import Ended, Promised
from registry.services.agreeing import Revoke
from registry.services.cutting import run_extract
from registry.services.extracts import NewExtract
from registry.services.ports import Ports
from registry.services.reading import Readable
from registry.services.refusal import Refused
from tests.support.world import PublishedDataset, Startup, World


@dataclass
class Scene:
    """A dataset, someone with an agreement on its clear part, and the world they live in."""

    world: World
    published: PublishedDataset
    startup: Startup
    agreement: Agreement

    def entries(self, act: str) -> list[Entry]:
        """The entries of this act, oldest first."""
        with reading(self.world.engine) as session:
            rows = session.exec(select(AuditEntry.body).order_by(col(AuditEntry.id))).all()
        return [entry for body in rows if (entry := Entry.from_bytes(body)).act == act]

    def order_in(self, regions: frozenset[str]) -> Extract | Refused:
        """Order an extract of a service that stores and processes in these countries."""
        return self._order(regions)

    def order(self, **facts: Any) -> Extract | Refused:
        """Order an extract."""
        return self._order(frozenset(), **facts)

    def _order(self, regions: frozenset[str], **facts: Any) -> Extract | Refused:
        command = NewExtract(agreement_id=self.agreement.id, **facts)
        with transaction(self.world.engine) as session:
            return extracts.order_extract(
                session,
                self.startup.actor,
                command,
                origin=self.world.settings.origin,
                at=self.world.clock(),
                regions=regions,
            )

    def cut(self, extractor: Extractor | None = None) -> Extract:
        """Order an extract and run its job once, on another extractor where one is given."""
        ordered = self.world.an_ordered_extract(self.startup, self.agreement)
        run_extract(self.world.engine, self.with_extractor(extractor), ordered.id)
        return self.extract(ordered.id)

    def with_extractor(self, extractor: Extractor | None) -> Ports:
        """The world's ports, with another extractor where one is given."""
        ports = self.world.ports
        return ports if extractor is None else replace(ports, extractor=extractor)

    def extract(self, extract_id: str) -> Extract:
        """The extract as it is now."""
        with reading(self.world.engine) as session:
            found = session.get_one(Extract, extract_id)
            session.expunge(found)
            return found

    def open(
        self, extract: Extract, number: int = 1, address: str = "192.0.2.9", **changed: Any
    ) -> Readable | Refused:
        """Ask to read a part."""
        actor = replace(self.startup.actor, **changed)
        with transaction(self.world.engine) as session:
            return readings.check_part(
                session,
                actor,
                extract.id,
                number,
                address=address,
                regions=self.world.settings.regions,
                store=self.world.ports.store,
                origin=self.world.settings.origin,
                at=self.world.clock(),
            )

    def range(self, readable: Readable, start: int, stop: int) -> tuple[Promised, int, int]:
        """Note that a range will leave."""
        at = self.world.clock()
        with transaction(self.world.engine) as session:
            promised = accesses.promise(session, self.startup.actor, readable, stop - start, at=at)
        return promised, start, stop

    def sent(self, opened: tuple[Promised, int, int], count: int) -> None:
        """Note how much of it left."""
        promised, start, stop = opened
        ended = [Ended(start, stop, count, self.world.clock())]
        with transaction(self.world.engine) as session:
            accesses.settle(session, promised.access_id, promised.row, ended)

    def close_windows(self) -> int:
        """Close the accesses that are over."""
        with transaction(self.world.engine) as session:
            return accesses.close_windows(session, at=self.world.clock())

    def revoke(self) -> None:
        """The archive ends the agreement."""
        command = Revoke(agreement_id=self.agreement.id, reason="Bezwaar van de maker.")
        with transaction(self.world.engine) as session:
            agreeing.revoke(session, self.published.archive, command, at=self.world.clock())


def a_scene(world: World, items: int) -> Scene:
    """An agreement in force on a dataset of so many items."""
    published, startup = world.a_published_dataset(items=items), world.a_startup()
    return Scene(world, published, startup, world.an_agreement(startup, published))
