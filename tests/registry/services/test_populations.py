"""Who may take a population, and that two archives that compete learn nothing of each other."""

import csv
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from registry.accounts.actors import Actor
from registry.audit.checkpoint import VerifierKey
from registry.audit.log import open_signer
from registry.audit.population_check import verify_population
from registry.audit.populations import PROOF, ROWS, Report
from registry.db import reading, transaction
from registry.errors import InvalidInput, NotAllowed
from registry.services.populations import (
    Kind,
    PopulationOrder,
    record_population,
    write_population,
)
from tests.support.world import World

TODAY = date(2026, 11, 23)


def taken(world: World, actor: Actor, kind: Kind, archive: str | None = None) -> Path:
    """A population of today as a file."""
    order = PopulationOrder(kind=kind, archive=archive, since=TODAY, until=TODAY)
    with transaction(world.engine) as session:
        report = record_population(session, actor, order, at=world.clock())
    return written(world, report)


def written(world: World, report: Report) -> Path:
    """The file of a recorded population."""
    world.check_log()
    path = world.settings.home / f"{report.record}.population.zip"
    with path.open("wb") as out, reading(world.engine) as session:
        write_population(session, out, _key(world), report, world.ports.scratch)
    return path


def _key(world: World) -> VerifierKey:
    return open_signer(world.settings).verifier


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a population."""
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(ROWS).decode())))


def test_each_sort_holds_what_was_done(world: World) -> None:
    """A request, its decisions and the agreement it led to, on either kind of database."""
    published, startup = world.a_published_dataset(), world.a_startup()
    agreement = world.an_agreement(startup, published)
    world.an_ordered_extract(startup, agreement)
    acts = {
        kind: [row["act"] for row in rows(taken(world, published.archive, kind))]
        for kind in ("requests", "decisions", "agreements", "accesses", "withdrawals")
    }
    assert set(acts["requests"]) == {"request:decided"}
    assert acts["decisions"] == [*acts["requests"], "extract:ordered"]
    assert acts["agreements"] == ["agreement:proposed", "agreement:accepted"]
    assert (acts["accesses"], acts["withdrawals"]) == ([], [])
    path = taken(world, published.archive, "agreements")
    _, result = verify_population(path, [_key(world)])
    assert result.ok, result.sentences()


def test_competing_archives_see_nothing_of_each_other(sqlite_world: World) -> None:
    """An archive that asks for another's gets its own; none of the other's ids or counts."""
    world = sqlite_world
    one, other = world.a_published_dataset(), world.a_published_dataset()
    startup = world.a_startup()
    world.an_agreement(startup, one)
    for _ in range(3):
        world.a_request(startup, other)
    path = taken(world, one.archive, "requests", other.archive.organisation_id)
    assert {row["dataset"] for row in rows(path)} == {one.dataset.id}
    with zipfile.ZipFile(path) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        proof = archive.read(PROOF)
    for secret in (other.dataset.id, other.archive.organisation_id, other.edition.id):
        assert secret.encode() not in everything
    own = f'"archive":"{one.archive.organisation_id}"'.encode()
    assert proof.count(b'{"entry":') == proof.count(own) - 1


def test_an_auditor_takes_any_archives_and_says_which(sqlite_world: World) -> None:
    """The auditor's population of an archive is the archive's own, row by row."""
    world = sqlite_world
    published, startup = world.a_published_dataset(), world.a_startup()
    world.an_agreement(startup, published)
    stream = published.archive.organisation_id
    own = rows(taken(world, published.archive, "agreements"))
    assert rows(taken(world, world.an_auditor(), "agreements", stream)) == own
    with pytest.raises(InvalidInput, match="one archive"):
        taken(world, world.an_auditor(), "agreements")
    with pytest.raises(NotAllowed):
        taken(world, startup.actor, "agreements", stream)


def test_an_archive_in_which_nothing_happened_has_an_empty_population(sqlite_world: World) -> None:
    """The record of taking it is its first entry, and proof enough."""
    path = taken(sqlite_world, sqlite_world.an_archive(), "accesses")
    report, result = verify_population(path, [_key(sqlite_world)])
    assert result.ok, result.sentences()
    assert report.count == 0
