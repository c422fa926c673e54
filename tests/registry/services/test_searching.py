"""Search follows the database, answers as the pre-check does, and knows nothing that is hidden."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from catalog.description import Description
from catalog.search.folder import SearchIndex
from catalog.tables import Dataset
from registry.changes import Changes
from registry.db import reading, transaction
from registry.errors import InvalidInput
from registry.services import indexing, publishing
from registry.services.asking import Use
from registry.services.catalogue import listing_changed, listings_of
from registry.services.cataloguing import describe
from registry.services.catching_up import catch_up
from registry.services.counting import classes_of
from registry.services.indexing import Keeper, rebuild
from registry.services.searching import Results, Search, search
from tests.support.asking import precheck
from tests.support.world import PublishedDataset, World

EU = {"country": "NL", "operator_country": "NL"}


class Seeker:
    """One process: its view of the index, its keeper, and someone who searches there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.index = SearchIndex(world.settings.home / "search")
        self.changes = Changes(world.engine)
        self.keeper = Keeper(world.engine, self.index, self.changes, world.clock)

    def find(self, **wanted: Any) -> Results:
        """What there is, after one round of the keeper."""
        self.keeper.round()
        return self.at_once(**wanted)

    def at_once(self, **wanted: Any) -> Results:
        """What there is by the index as it stands."""
        with reading(self.world.engine) as session:
            asked = Search.model_validate(wanted)
            return search(session, self.index, asked, at=self.world.clock())

    def names(self, **wanted: Any) -> list[str]:
        """The datasets that are found."""
        return [one.name for one in self.find(**wanted).listings]


@pytest.fixture
def seeker(world: World) -> Iterator[Seeker]:
    """A process on either database."""
    made = Seeker(world)
    yield made
    made.changes.close()


@pytest.fixture
def on_sqlite(sqlite_world: World) -> Iterator[Seeker]:
    """The same where the kind of database makes no difference."""
    made = Seeker(sqlite_world)
    yield made
    made.changes.close()


def set_state(world: World, published: PublishedDataset, state: str) -> None:
    """Hide a dataset or show it again."""
    with transaction(world.engine) as session:
        dataset = session.get_one(Dataset, published.dataset.id)
        dataset.state = state
        session.add(dataset)
        listing_changed(session, dataset.id, world.clock())


def counts(found: Results) -> Sequence[object]:
    """All that is told beside the datasets."""
    return found.total, found.facets, found.similar, found.following


def test_what_is_published_is_found_within_a_round_and_what_is_hidden_is_gone(
    seeker: Seeker,
) -> None:
    """Also at another process, which sees what the first wrote."""
    world = seeker.world
    assert seeker.find(q="journaal").total == 0
    published = world.a_published_dataset(items=60)
    assert seeker.names(q="journaal") == [published.name]
    other = Seeker(world)
    assert other.names(q="newsreel", order="newest") == [published.name]
    set_state(world, published, "withdrawn")
    assert seeker.names() == []
    assert other.names() == []
    other.changes.close()


def test_a_draft_leaves_no_trace(on_sqlite: Seeker) -> None:
    """Not in results, counts, facets or forgiveness: all is as if it did not exist."""
    world = on_sqlite.world
    world.a_published_dataset(items=60)
    questions: tuple[dict[str, Any], ...] = (
        {"q": "journaal"},
        {"q": "kelderfilms"},
        {"q": "keldrfilms"},
        {},
    )
    before = [counts(on_sqlite.find(**one)) for one in questions]
    hidden = world.a_dataset(world.an_archive(organisation_name="Kelderfilms"))
    with transaction(world.engine) as session:
        dataset = session.get_one(Dataset, hidden.id)
        dataset.title_nl = "Kelderfilms"
        session.add(dataset)
        listing_changed(session, hidden.id, world.clock())
    assert [counts(on_sqlite.find(**one)) for one in questions] == before
    rebuild(world.engine, on_sqlite.index, world.clock, wait=True)
    assert [counts(on_sqlite.find(**one)) for one in questions] == before


def test_a_dataset_hidden_a_moment_ago_is_not_shown(on_sqlite: Seeker) -> None:
    """The database has the last word, whatever the index still holds."""
    published = on_sqlite.world.a_published_dataset(items=60)
    assert on_sqlite.names() == [published.name]
    set_state(on_sqlite.world, published, "withdrawn")
    assert on_sqlite.at_once().listings == []


def test_facets_tell_of_ten_items_or_more_and_of_public_statistics(on_sqlite: Seeker) -> None:
    """Rare licences and rightsholders stand in no facet; a column's public values do."""
    world = on_sqlite.world
    published = world.a_published_dataset(items=600)
    catch_up(world.engine, world.ports)
    found = on_sqlite.find()
    assert found.facets["archive"] == ((published.archive.organisation_slug, 1),)
    assert found.facets["language"]
    with reading(world.engine) as session:
        classes = classes_of(session, published.edition.id).everything()
    for facet, fact in (("licence", "rights"), ("rightsholder", "rightsholder")):
        told = {value for value, _ in found.facets[facet]}
        assert told
        for value in {str(facts[fact]) for facts, _ in classes}:
            items = sum(n for facts, n in classes if facts[fact] == value)
            assert (value in told) <= (items >= 10), value
    licence = found.facets["licence"][0][0]
    assert on_sqlite.names(licence=[licence]) == [published.name]
    assert on_sqlite.names(licence=["https://example.org/none"]) == []


def test_what_an_archive_says_for_catalogues_is_found_too(on_sqlite: Seeker) -> None:
    """Keywords of both languages, languages and period, from the next round on."""
    world = on_sqlite.world
    published = world.a_published_dataset(items=30)
    assert on_sqlite.names(q="zeppelin") == []
    said = Description(
        keywords_nl=("zeppelins",),
        keywords_en=("airships",),
        languages=("fy",),
        begins="1928",
        ends="1931-05-10",
    )
    with transaction(world.engine) as session:
        describe(session, published.archive, published.dataset.id, said, at=world.clock())
    assert on_sqlite.names(q="zeppelin") == [published.name]
    found = on_sqlite.find(q="airship", language=["fy"], period=["1930"])
    assert found.total == 1
    assert found.facets["period"] == (("1920", 1), ("1930", 1))


@pytest.mark.parametrize("outcome", ["permit", "review"])
def test_the_filter_agrees_with_the_pre_check(on_sqlite: Seeker, outcome: str) -> None:
    """For every question and dataset; those with the same terms share one answer."""
    world = on_sqlite.world
    archive = world.an_archive()
    all_of_them = [
        world.a_published_dataset(archive, items=60),
        world.a_published_dataset(archive, items=60),
        world.a_published_dataset(items=60, secure_only=True, residency=("NL",)),
    ]
    opening = {"permit", "permit_with_duties"} | ({"review"} if outcome == "review" else set())
    on_sqlite.find()
    for use in ("train.gen", "search"):
        for place in (EU, {"country": "US", "operator_country": "US"}, EU | {"secure": True}):
            for user_class in ("commercial", "research"):
                asked = {"use": use, "user_class": user_class, **place}
                expected = {
                    one.name
                    for one in all_of_them
                    if precheck(world, one, **asked).outcome in opening
                }
                found = on_sqlite.at_once(use=Use.model_validate(asked), outcome=outcome)
                assert {one.name for one in found.listings} == expected, asked
                assert found.total == len(expected)


def test_datasets_on_the_same_terms_share_a_digest_and_others_do_not(world: World) -> None:
    """So that a question is answered once for each of them, not for each dataset."""
    archive = world.an_archive()
    alike = [world.a_published_dataset(archive, items=60) for _ in range(2)]
    other = world.a_published_dataset(archive, items=60, residency=("NL",))
    with reading(world.engine) as session:
        digests = [
            indexing.terms_of(session, listings_of(session, None, [one.dataset.id])[0])
            for one in (*alike, other)
        ]
    assert digests[0] == digests[1] != digests[2]


def test_an_offer_that_ends_opens_nothing(on_sqlite: Seeker) -> None:
    """The dataset is still found by its words, within a round."""
    world = on_sqlite.world
    published = world.a_published_dataset(items=60)
    asked = {"use": {"use": "train.gen", **EU}}
    assert on_sqlite.names(**asked) == [published.name]
    with transaction(world.engine) as session:
        publishing.withdraw_offer(session, published.archive, published.offer.id, at=world.clock())
    assert on_sqlite.at_once(**asked).total == 1
    assert on_sqlite.names(**asked) == []
    assert on_sqlite.names(q="journaal") == [published.name]


def test_an_unknown_use_is_refused_with_its_field(on_sqlite: Seeker) -> None:
    """Also while there is no index."""
    with pytest.raises(InvalidInput) as refused:
        on_sqlite.at_once(use={"use": "dance"})
    assert refused.value.fields[0].path == "use"


@pytest.mark.parametrize("harm", ["missing", "broken", "torn"])
def test_a_harmed_index_is_made_anew_and_the_plain_list_serves(
    on_sqlite: Seeker, harm: str
) -> None:
    """Until the next round the newest datasets are shown, and the answer says so."""
    world = on_sqlite.world
    published = world.a_published_dataset(items=60)
    assert on_sqlite.names(q="journaal") == [published.name]
    _harm(world.settings.home / "search", harm)
    fresh = Seeker(world)
    found = fresh.at_once(q="zeppelin")
    assert [one.name for one in found.listings] == [published.name]
    assert not found.searched
    assert fresh.find(q="zeppelin").total == 0
    assert fresh.names(q="journaal") == [published.name]
    assert on_sqlite.names(q="journaal") == [published.name]
    fresh.changes.close()


def _harm(folder: Path, harm: str) -> None:
    current = folder / (folder / "current").read_text()
    if harm == "missing":
        (folder / "current").unlink()
    elif harm == "broken":
        (current / "meta.json").write_text("{")
    else:
        (current / "state.json").unlink()


def test_a_generation_that_fails_while_it_is_asked_is_given_up(
    on_sqlite: Seeker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain list serves at once, page by page, and the next round makes another."""
    world = on_sqlite.world
    names = [world.a_published_dataset(items=30).name for _ in range(2)]
    on_sqlite.find()
    broken = on_sqlite.index.current
    assert broken is not None
    monkeypatch.setattr(broken, "searcher", _Torn())
    first = on_sqlite.at_once(limit=1)
    assert not first.searched
    assert first.following is not None
    second = on_sqlite.at_once(limit=1, after=first.following)
    assert {one.name for one in (*first.listings, *second.listings)} == set(names)
    assert second.following is None
    assert set(on_sqlite.names()) == set(names)


class _Torn:
    """A searcher whose files are gone."""

    def search(self, *_: object, **__: object) -> None:
        raise ValueError("Data corrupted")


def test_a_rebuild_leaves_search_serving_and_misses_nothing(seeker: Seeker) -> None:
    """What is published while it runs is in the generation that it installs."""
    world = seeker.world
    first = world.a_published_dataset(items=60)
    assert seeker.names() == [first.name]
    before = seeker.index.current
    published: list[PublishedDataset] = []

    def clock() -> Any:
        if not published:
            assert seeker.at_once().total == 1
            published.append(world.a_published_dataset(items=60))
        return world.clock()

    made = rebuild(world.engine, seeker.index, clock, wait=True)
    assert made is not None
    assert before is not seeker.index.current
    assert {one.name for one in seeker.at_once().listings} == {first.name, published[0].name}
    with seeker.index.turn("make", wait=False):
        assert rebuild(world.engine, seeker.index, world.clock, wait=False) is None
        names = {world.a_published_dataset(items=30).name for _ in range(4)}
        assert names <= set(seeker.names()), "what is kept goes on while another makes one"


def test_what_another_process_is_writing_is_left_to_it(on_sqlite: Seeker) -> None:
    """And looked at again at the next round."""
    world = on_sqlite.world
    names = [world.a_published_dataset(items=30).name for _ in range(2)]
    on_sqlite.find()
    with on_sqlite.index.turn("write", wait=False):
        names.append(world.a_published_dataset(items=30).name)
        assert on_sqlite.find().total == 2
    assert set(on_sqlite.names()) == set(names)


def test_periods_are_the_decades_between_the_first_and_the_last_year() -> None:
    """Whatever the column's type; nothing where a year is missing or the span says nothing."""
    told = indexing._of_columns(
        [
            {"name": "Year", "least": "1928", "most": "1941-05-10", "values": []},
            {"name": "jaar", "least": None, "most": "1941", "values": []},
            {"name": "datum", "least": "0001", "most": "2020", "values": []},
            {"name": "taal", "least": None, "most": None, "values": [["nl", 60], ["fy", 40]]},
        ]
    )
    assert told == {
        "language": ["fy", "nl"],
        "medium": [],
        "period": ["1920", "1930", "1940"],
    }
