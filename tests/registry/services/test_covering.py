"""An agreement covers the edition it names, and newer ones only where its terms say so."""

from typing import Any

import pytest
from pyarrow import parquet
from sqlmodel import select

from catalog.tables import Edition
from registry.access.tables import Extract
from registry.db import reading
from registry.errors import NotFound
from registry.services import extracts
from registry.services.checking import run_check
from registry.services.covering import columns_in, editions_covered
from registry.services.cutting import run_extract
from registry.services.reading import Readable
from registry.services.refusal import Refused
from tests.support.extracting import Scene
from tests.support.world import World


def a_scene(world: World, **terms: Any) -> Scene:
    """An agreement on the first of two editions, made on these terms."""
    published, startup = world.a_published_dataset(items=60, **terms), world.a_startup()
    scene = Scene(world, published, startup, world.an_agreement(startup, published))
    delivery = world.a_delivery(published.archive, published.dataset, items=90)
    run_check(world.engine, world.ports, delivery.id)
    world.publish(published.archive, published.dataset, delivery)
    return scene


@pytest.fixture
def covering(world: World) -> Scene:
    """One whose terms say newer editions too."""
    return a_scene(world, newer_editions=True)


@pytest.fixture
def named_only(sqlite_world: World) -> Scene:
    """One whose terms do not."""
    return a_scene(sqlite_world)


def made(scene: Scene, edition: int) -> Extract:
    """An extract of that edition, cut."""
    ordered = scene.order(edition=edition)
    assert isinstance(ordered, Extract), ordered.error
    run_extract(scene.world.engine, scene.world.ports, ordered.id)
    return scene.extract(ordered.id)


def numbers_covered(scene: Scene) -> list[int]:
    """The editions that the agreement's own organisation can choose from."""
    with reading(scene.world.engine) as session:
        return [one.number for one in editions_covered(session, scene.agreement)]


def test_a_newer_edition_is_cut_and_read_where_the_terms_say_so(covering: Scene) -> None:
    """Its rows are those of the newer edition, its manifest and its entries name it."""
    first, second = made(covering, 1), made(covering, 2)
    assert (first.state, second.state) == ("ready", "ready")
    assert second.rows > first.rows
    assert second.manifest["edition"]["name"] == f"{covering.published.name}@2"
    with reading(covering.world.engine) as session:
        file = extracts.parts_of(session, second)[0]
        newest = session.get_one(Edition, second.edition_id)
    told = parquet.read_metadata(covering.world.ports.store.path(file.key)).metadata
    assert told[b"vrijgave.edition.sha256"].decode() == newest.sha256
    assert {entry.ids["edition"] for entry in covering.entries("extract:made")} == {
        first.edition_id,
        second.edition_id,
    }
    assert isinstance(covering.open(second), Readable)
    covering.revoke()
    refused = covering.open(second)
    assert isinstance(refused, Refused)
    assert refused.error.code == "agreement-revoked"


def test_without_such_terms_a_newer_edition_is_refused(named_only: Scene) -> None:
    """With what is covered, what to do, and an audit entry; the named edition is cut as ever."""
    refused = named_only.order(edition=2)
    assert isinstance(refused, Refused)
    assert refused.error.code == "edition-not-covered"
    name = named_only.published.name
    assert refused.error.text.en == f"This agreement is about {name}@1, not about {name}@2."
    assert refused.error.help is not None
    assert f"file a request for {name}@2" in refused.error.help.en
    assert numbers_covered(named_only) == [1]
    assert [e.facts["reasons"] for e in named_only.entries("extract:refused")]
    assert isinstance(named_only.order(), Extract)


def test_an_older_edition_is_never_covered(covering: Scene) -> None:
    """An agreement on the second edition does not reach back to the first."""
    later = covering.world.an_agreement(covering.startup, covering.published)
    again = Scene(covering.world, covering.published, covering.startup, later)
    refused = again.order(edition=1)
    assert isinstance(refused, Refused)
    assert refused.error.code == "edition-not-covered"
    assert "@2 and newer ones" in refused.error.text.en


def test_an_edition_that_is_not_there(named_only: Scene) -> None:
    """It is not found, whatever the agreement covers."""
    with pytest.raises(NotFound):
        named_only.order(edition=9)


def test_the_agreement_says_what_it_covers(covering: Scene) -> None:
    """In ODRL: its target is the dataset, refined from the edition that it names on."""
    target = covering.agreement.document["permission"][0]["target"]
    since = {"leftOperand": "vg:edition", "operator": "gteq", "rightOperand": 1}
    assert target == {"source": covering.published.name, "refinement": [since]}
    prohibited = [rule["target"] for rule in covering.agreement.document["prohibition"]]
    assert all(since in one["refinement"] for one in prohibited), "or a newer edition lost them"
    assert numbers_covered(covering) == [2, 1]


def test_columns_that_came_later_are_not_covered(covering: Scene) -> None:
    """Nor those whose role their owner declared otherwise since."""
    with reading(covering.world.engine) as session:
        newest = session.exec(select(Edition).where(Edition.number == 2)).one()
        first, second, *rest = newest.columns
        newest.columns = [
            *rest,
            {**first, "role": "personal_content"},
            {**second, "type": "BLOB"},
            {**rest[0], "name": "new"},
        ]
        kept = columns_in(session, covering.agreement, newest)
        session.rollback()
    assert kept == [column["name"] for column in rest]
