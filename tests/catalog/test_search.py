"""The search index by itself: words of two languages, facets, order, pages, and broken folders."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search.asking import MOST_FOUND, Wanted, ask, example_of, terms_in
from catalog.search.folder import SearchIndex
from catalog.search.generation import Generation, Listed, State

TITLES = (
    ("Televisiejournaal van het nieuws", "Television news"),
    ("Bioscoopfilms over Amsterdam", "Cinema films about Amsterdam"),
    ("Foto's van het stadsarchief", "Photographs of the city archive"),
    ("Coöperaties in de landbouw", "Cooperatives in farming"),
    ("Journaals en films", "Newsreels and films"),
    ("Radio, televisie en bioscoop", "Radio, television and cinema"),
    ("De stad en haar archief", "The city and its archive"),
    ("Geluidsopnamen: het perron", "Sounds of platforms"),
)


def listed(n: int, nl: str, en: str = "", **facets: Sequence[str]) -> Listed:
    """The n-th dataset; the higher its number, the newer and the smaller it is."""
    return Listed(f"ds_{n}", nl, en, "", "", n, 1000 - n, f"terms-{n % 2}", facets)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Generation:
    """A generation of the titles above."""
    rows = (
        listed(n, *titles, archive=["noord" if n < 4 else "zuid"])
        for n, titles in enumerate(TITLES)
    )
    return Generation.make(tmp_path_factory.mktemp("index") / "1-a", rows, 7)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("journaal", {0, 4}),
        ("JOURNAALS", {0, 4}),
        ("televisie", {0, 5}),
        ("televisiejournaals", {0}),
        ("film", {1, 4}),
        ("bioscoop", {1, 5}),
        ("archief stad", {2, 6}),
        ("de foto", {2}),
        ("cooperatie", {3}),
        ("farms", {3}),
        ("cinema", {1, 5}),
        ("newsreel", {4}),
        ("the", {2, 6}),
        ("perron", {7}),
        ("geluid", {7}),
        ("zeppelin", set()),
        ("film zeppelin", set()),
        ("?!", set()),
    ],
)
def test_words_are_found_as_people_write_them(
    made: Generation, words: str, expected: set[int]
) -> None:
    """Endings, accents, compounds and little words, in Dutch and English."""
    found = ask(made, Wanted(words=words))
    assert set(found.ids) == {f"ds_{n}" for n in expected}
    assert found.total == len(expected)
    assert not found.similar


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("jornaal", {0, 4}),
        ("amstredam film", {1}),
        ("tellevisie", {0, 5}),
        ("newsreal", {4}),
        ("televiziejournaal", {0}),
    ],
)
def test_a_typing_error_is_forgiven_where_nothing_is_spelled_so(
    made: Generation, words: str, expected: set[int]
) -> None:
    """And the answer says so."""
    found = ask(made, Wanted(words=words))
    assert {f"ds_{n}" for n in expected} <= set(found.ids)
    assert found.similar


def test_facets_count_what_was_found_and_choices_narrow_it(made: Generation) -> None:
    """Values of one facet widen each other; facets and terms narrow each other."""
    every = ask(made, Wanted())
    assert every.facets["archive"] == (("noord", 4), ("zuid", 4))
    one = ask(made, Wanted(words="film", chosen={"archive": ["zuid"]}))
    assert (one.ids, one.total) == (["ds_4"], 1)
    assert one.facets["archive"] == (("zuid", 1),)
    both = ask(made, Wanted(chosen={"archive": ["zuid", "noord"]}))
    assert both.total == 8
    assert ask(made, Wanted(terms=frozenset({"terms-1"}))).total == 4
    assert ask(made, Wanted(terms=frozenset())).total == 0
    assert terms_in(made) == ["terms-0", "terms-1"]
    assert example_of(made, "terms-1") in {"ds_1", "ds_3", "ds_5", "ds_7"}
    assert example_of(made, "terms-9") is None


def test_order_is_by_relevance_date_or_size(made: Generation) -> None:
    """A word in a short title counts most; without words the newest comes first."""
    assert ask(made, Wanted()).ids == [f"ds_{n}" for n in range(7, -1, -1)]
    assert ask(made, Wanted(order="largest")).ids[0] == "ds_0"
    assert ask(made, Wanted(words="film", order="newest")).ids == ["ds_4", "ds_1"]


def test_pages_show_each_dataset_once_whatever_comes_in_between(tmp_path: Path) -> None:
    """The last dataset shown keeps the place, where newer ones come before it or one goes."""
    rows = [listed(n, "Film") for n in range(10)]
    made = Generation.make(tmp_path / "1-a", rows, 0)
    first = ask(made, Wanted(words="film", order="newest", limit=4))
    assert first.ids == ["ds_9", "ds_8", "ds_7", "ds_6"]
    made.replace({"ds_10": listed(10, "Film"), "ds_11": listed(11, "Film"), "ds_5": None})
    after = (first.start + len(first.ids), first.ids[-1])
    second = ask(made, Wanted(words="film", order="newest", limit=4, after=after))
    assert second.ids == ["ds_4", "ds_3", "ds_2", "ds_1"]
    assert second.more
    after = (second.start + len(second.ids), second.ids[-1])
    made.replace({"ds_1": None})
    third = ask(made, Wanted(words="film", order="newest", limit=4, after=after))
    assert set(third.ids) <= {"ds_0"}
    assert not third.more


def test_paging_ends_where_a_question_must_say_more(tmp_path: Path) -> None:
    """The thousandth dataset is the last."""
    rows = (listed(n, "Film") for n in range(MOST_FOUND + 50))
    made = Generation.make(tmp_path / "1-a", rows, 0)
    last = ask(made, Wanted(words="film", limit=200, after=(MOST_FOUND - 100, "")))
    assert len(last.ids) == 100
    assert not last.more
    assert last.total == MOST_FOUND + 50


@given(
    words=st.text(max_size=200),
    value=st.text(max_size=50),
    place=st.integers(0, MOST_FOUND),
    last=st.text(max_size=40),
)
def test_no_question_breaks_the_index(
    made: Generation, words: str, value: str, place: int, last: str
) -> None:
    """Whatever is written, the answer is a list of datasets there are."""
    found = ask(made, Wanted(words=words, chosen={"medium": [value]}, after=(place, last)))
    assert found.total == 0
    found = ask(made, Wanted(words=words, after=(place, last)))
    assert set(found.ids) <= {f"ds_{n}" for n in range(len(TITLES))}


def test_a_folder_names_the_generation_that_counts(tmp_path: Path) -> None:
    """Another process sees what is written and what is installed; old folders go at the next."""
    index, other = SearchIndex(tmp_path), SearchIndex(tmp_path)
    first = Generation.make(index.new_folder(), [listed(1, "Film")], 0)
    index.install(first)
    other.look()
    assert other.current is not None
    assert other.current.state == first.state == State(1, 0, 1)
    assert index.current is not None
    index.current.replace({"ds_2": listed(2, "Film")})
    assert ask(other.current, Wanted()).total == 1
    other.look()
    assert ask(other.current, Wanted()).total == 2
    second = Generation.make(index.new_folder(), [], 0)
    index.install(second)
    assert first.folder.exists()
    assert not index.new_folder().exists()
    assert not first.folder.exists()
    other.look()
    assert other.current.folder == second.folder


@pytest.mark.parametrize("file", ["meta.json", "state.json", "parts.json"])
@pytest.mark.parametrize("harm", ["", "{", None])
def test_a_broken_generation_is_not_opened(tmp_path: Path, file: str, harm: str | None) -> None:
    """An empty, torn or missing file."""
    index = SearchIndex(tmp_path)
    made = Generation.make(index.new_folder(), [listed(1, "Film")], 0)
    index.install(made)
    if harm is None:
        (made.folder / file).unlink()
    else:
        (made.folder / file).write_text(harm)
    fresh = SearchIndex(tmp_path)
    fresh.look()
    assert fresh.current is None
    fresh.look()
    assert fresh.current is None


def test_a_generation_of_another_layout_is_not_opened(tmp_path: Path) -> None:
    """By its name, and by what it says itself."""
    index = SearchIndex(tmp_path)
    index.install(Generation.make(tmp_path / "0-a", [], 0))
    assert index.current is None
    made = Generation.make(index.new_folder(), [], 0)
    made.keep(State(0, 0, 0))
    index.install(made)
    assert index.current is None


def test_one_process_at_a_time_has_a_turn(tmp_path: Path) -> None:
    """Another is told that it is taken."""
    with SearchIndex(tmp_path).turn("write", wait=False) as mine:
        assert mine
        with SearchIndex(tmp_path).turn("write", wait=False) as theirs:
            assert not theirs
    with SearchIndex(tmp_path).turn("write", wait=False) as mine:
        assert mine
