"""Statistics before any agreement tell of what everyone may have, and of nothing else."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from catalog.statistics_tables import OfferStatistics
from catalog.tables import Edition
from connectors.local import sha256_of
from registry.db import reading, transaction
from registry.errors import Conflict
from registry.services.catching_up import catch_up
from registry.services.describing import SAMPLED, statistics_of
from tests.support.world import PublishedDataset, World


def told(world: World, published: PublishedDataset) -> Mapping[str, Any]:
    """The statistics as anyone gets them, once the work beside the requests is done."""
    catch_up(world.engine, world.ports)
    with reading(world.engine) as session:
        return statistics_of(session, None, published.name, at=world.clock())[1]


def rewritten(world: World, published: PublishedDataset, table: pa.Table) -> None:
    """Put another file in the edition's place, with its counts, before anything is described."""
    path = world.settings.home / "twin.parquet"
    pq.write_table(table, path)
    sha256 = sha256_of(path)
    stored = world.ports.store.put(f"editions/{sha256}.parquet", path)
    with transaction(world.engine) as session:
        edition = session.get_one(Edition, published.edition.id)
        edition.key, edition.sha256, edition.bytes = stored.key, sha256, stored.bytes
        session.add(edition)


def table_of(world: World, published: PublishedDataset) -> pa.Table:
    """The edition's file."""
    return pq.read_table(world.ports.store.path(published.edition.key))


def column(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What is told of one column."""
    return next(one for one in found["columns"] if one["name"] == name)


def test_statistics_tell_rounded_shares_of_what_is_open(world: World) -> None:
    """Rows in tens, values that ten items have, and masked columns by name and type alone."""
    found = told(world, world.a_published_dataset(items=600))
    assert found["rows"] >= 50
    assert found["rows"] % 10 == 0
    language = column(found, "language")
    assert language["described"]
    assert language["values"]
    assert all(share * found["rows"] >= 900 for _, share in language["values"])
    for name in ("persons", "media_url"):
        assert not column(found, name)["described"]
        assert column(found, name).keys() == {"name", "type", "described"}
    assert column(found, "title_nl")["least"] is None


def test_a_sample_shows_open_items_in_the_described_columns(sqlite_world: World) -> None:
    """Every row of it is of an item that the policy engine permits to all."""
    world = sqlite_world
    published = world.a_published_dataset(items=600)
    found = told(world, published)
    named = [one["name"] for one in found["columns"] if one["described"]]
    assert not {"_item", "identifier", "persons", "media_url"} & set(named)
    kept = set(_open_items(world, published))
    titles = [row["title_nl"] for row in table_of(world, published).to_pylist()]
    rows = [r for r in table_of(world, published).to_pylist() if r["_item"] in kept]
    assert len(found["sample"]) == SAMPLED < len(rows) < len(titles)
    shown = named.index("title_nl")
    assert {row[shown] for row in found["sample"]} <= {row["title_nl"] for row in rows}


def test_long_values_are_cut_off_in_a_sample(sqlite_world: World) -> None:
    """And a value that is not there stays so."""
    world = sqlite_world
    published = world.a_published_dataset(items=300)
    table = table_of(world, published)
    for name, values in (("title_nl", pa.repeat("x" * 300, len(table))), ("language", None)):
        place = table.schema.get_field_index(name)
        put = pa.nulls(len(table), table.schema.field(name).type) if values is None else values
        table = table.set_column(place, name, put)
    rewritten(world, published, table)
    found = told(world, published)
    named = [one["name"] for one in found["columns"] if one["described"]]
    assert found["sample"]
    for row in found["sample"]:
        assert row[named.index("title_nl")] == "x" * 200
        assert row[named.index("language")] is None


def test_items_that_are_not_open_leave_no_trace(sqlite_world: World) -> None:
    """Whatever denied, reviewed and blocked items hold, the statistics are the same."""
    world = sqlite_world
    published = world.a_published_dataset(items=600)
    before = told(world, published)
    table = table_of(world, published)
    kept = _open_items(world, published)
    for name in ("language", "title_nl"):
        secret = pc.if_else(pc.is_in(table["_item"], pa.array(kept)), table[name], " GEHEIM")
        assert " GEHEIM" in secret.to_pylist()
        table = table.set_column(table.schema.get_field_index(name), name, secret)
    rewritten(world, published, table)
    with transaction(world.engine) as session:
        session.delete(session.get_one(OfferStatistics, published.offer.id))
    assert told(world, published) == before


def _open_items(world: World, published: PublishedDataset) -> list[str]:
    """Items that the policy engine permits to all, asked one by one."""
    from policies import Outcome
    from registry.services.describing import _prospects

    with reading(world.engine) as session:
        edition = session.get_one(Edition, published.edition.id)
        answers = _prospects(session, world.ports, published.offer, edition)
    names = ("rights", "rightsholder", "embargo_until", "opt_out", "personal_data")
    return [
        row["_item"]
        for row in table_of(world, published).to_pylist()
        if not row["_blocked"]
        and all(
            one.verdict({name: row[f"_{name}"] for name in names}).outcome is Outcome.PERMIT
            for one in answers
            if one.request.use != "vg:preview"
        )
    ]


@pytest.mark.parametrize("terms", [{"lines": ()}, {"purposes": ("dpv:ResearchAndDevelopment",)}])
def test_an_offer_that_is_not_for_everyone_tells_the_schema_only(
    sqlite_world: World, terms: dict[str, Any]
) -> None:
    """Nothing permitted, or only for some purposes: no rows and no values."""
    found = told(sqlite_world, sqlite_world.a_published_dataset(items=60, **terms))
    assert found["rows"] == 0
    assert found["sample"] == []
    assert not any(one["described"] for one in found["columns"])


def test_data_that_may_not_leave_are_not_described(sqlite_world: World) -> None:
    """A secure environment is not everyone's."""
    found = told(sqlite_world, sqlite_world.a_published_dataset(items=60, secure_only=True))
    assert found["rows"] == 0


def test_statistics_of_another_day_are_not_told(sqlite_world: World) -> None:
    """An embargo or the offer may have changed what is open: they are made anew first."""
    world = sqlite_world
    published = world.a_published_dataset(items=60)
    told(world, published)
    with reading(world.engine) as session, pytest.raises(Conflict, match="statistics-not-ready"):
        statistics_of(session, None, published.name, at=world.clock() + timedelta(days=1))


def test_a_file_that_changed_is_not_described(sqlite_world: World) -> None:
    """Its hash no longer fits: nothing is told, and the other work goes on."""
    world = sqlite_world
    published = world.a_published_dataset(items=300)
    path = world.ports.store.path(published.edition.key)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Conflict, match="statistics-not-ready"):
        told(world, published)
