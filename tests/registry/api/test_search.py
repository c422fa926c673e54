"""Search over HTTP: answers, pages, facets, refusals, and the commands that speak to it."""

import time
from typing import Any

import pytest
from typer.testing import CliRunner

from registry.cli.searching import app
from tests.registry.api.world import BY, World


def found(world: World, total: int, **asked: Any) -> Any:
    """The answer once the index knows so many: it is a second behind at most."""
    until = time.monotonic() + 10
    while (answer := world.anyone.get("/search", params=asked))["total"] != total:
        assert time.monotonic() < until, answer
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="module")
def three(world: World) -> World:
    """Three published datasets, and a draft with the same title."""
    for slug in ("zoek-een", "zoek-twee", "zoek-drie"):
        world.publish(30, slug=slug)
    draft = {"slug": "zoek-concept", "title_nl": "Journaals", "title_en": "Newsreels"}
    world.archive.post("/datasets", draft)
    return world


def test_what_is_published_is_found_page_by_page(three: World) -> None:
    """Each dataset once, with counts of all; a draft of the archive's own is in none of them."""
    world = three
    answer = found(world, 3, q="journaal", licence=BY, limit=2)
    assert answer["searched"]
    assert not answer["similar"]
    assert {"value": BY, "datasets": 3} in answer["facets"]["licence"]
    pages = [answer["items"]]
    while answer["next_cursor"]:
        asked = {"q": "journaal", "limit": 2, "cursor": answer["next_cursor"]}
        answer = world.archive.get("/search", params=asked)
        pages.append(answer["items"])
    names = [one["name"].partition("/")[2] for page in pages for one in page]
    assert sorted(names) == ["zoek-drie", "zoek-een", "zoek-twee"]
    asked = {"use": "train.gen", "country": "NL", "operator_country": "NL", "outcome": "permit"}
    assert found(world, 3, **asked)["total"] == 3
    assert found(world, 0, **{**asked, "country": "US", "operator_country": "US"})["items"] == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"q": "x" * 201}, "q"),
        ({"order": "price"}, "order"),
        ({"use": "dance"}, "use"),
        ({"colour": "red"}, "colour"),
        ({"cursor": "!"}, "cursor"),
        ({"cursor": "OTk5OTpkcw"}, "cursor"),
    ],
)
def test_a_wrong_question_is_refused_with_its_field(
    world: World, asked: dict[str, str], field: str
) -> None:
    """What is not known is said, never passed over."""
    answer = world.anyone.http.get("/search", params=asked)
    assert answer.status_code == 422
    assert [one["path"].rpartition(".")[2] for one in answer.json()["fields"]] == [field]


def test_the_command_finds_over_http(three: World) -> None:
    """In words, and as the answer came."""
    found(three, 3, q="journaal", archive="beeldarchief", limit=1)
    server = ("--server", three.origin)
    said = CliRunner().invoke(app, ["find", "jornaal", "--lang", "nl", *server]).output
    assert "these are like it" in said
    assert "/zoek-een@1: Journaals" in said
    said = CliRunner().invoke(app, ["find", "newsreel", "--json", "--limit", "1", *server]).output
    assert said.startswith('{"items"')
