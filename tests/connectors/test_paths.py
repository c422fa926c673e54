"""The path language for JSON records."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import DeliveryError
from connectors.sources.paths import read_path

RECORD = {
    "id": 7,
    "big": "123456789012345678901234567890",
    "ok": True,
    "none": None,
    "dc.title": "dotted",
    "a": {"b": {"c": "deep"}},
    "title": [
        {"@value": "Hello", "@language": "en"},
        {"@value": "Dag", "@language": "nl"},
        {"@value": "Hoi", "@language": "nl"},
    ],
    "one": {"@value": "Alleen", "@language": "nl"},
    "tags": ["x", ["y", ""], None, "z"],
    "object": {"k": "é"},
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("id", ["7"]),
        ("ok", ["true"]),
        ("none", []),
        ("absent.deeper", []),
        ('"dc.title"', ["dotted"]),
        ("a.b.c", ["deep"]),
        ('a."b".c', ["deep"]),
        ("title.@value", ["Hello", "Dag", "Hoi"]),
        ("title[@language=nl].@value", ["Dag", "Hoi"]),
        ('title["@language"="nl"].@value[]', ["Dag", "Hoi"]),
        ("one[@language=nl].@value", ["Alleen"]),
        ("one[@language=en].@value", []),
        ("title[0].@value", ["Hello"]),
        ("title[9].@value", []),
        ("one[0].@value", ["Alleen"]),
        ("tags[]", ["x", "y", "z"]),
        ("object", ['{"k": "é"}']),
        ("title.title", []),
    ],
)
def test_a_path_finds_texts(path: str, values: list[str]) -> None:
    """Keys, filters, indexes and lists work alike on one object and on a list."""
    assert read_path(path).values(RECORD) == values


def test_the_first_value_counts_without_brackets() -> None:
    """A plain path gives the first text, one that ends in brackets asks for all."""
    assert read_path("title[@language=nl].@value").value(RECORD) == "Dag"
    assert read_path("title[@language=nl].@value[]").many
    assert read_path("none").value(RECORD) is None


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a[", "a]", "a[]b", "[].a", "a[].b",
                                  'a"b"', "a[=x", " a"])  # fmt: skip
def test_a_wrong_path_says_so(path: str) -> None:
    """What is not a path is an error with the path in it."""
    with pytest.raises(DeliveryError) as caught:
        read_path(path)
    assert caught.value.code == "bad-path"


def test_depth_costs_no_recursion() -> None:
    """A list nested a hundred thousand deep is walked, not recursed into."""
    nested: object = "core"
    for _ in range(100_000):
        nested = [nested]
    assert read_path("x").values({"x": nested}) == ["core"]


@settings(max_examples=200)
@given(st.text(alphabet='ab."[]=@0 \\', max_size=20))
def test_any_text_is_a_path_or_an_error(text: str) -> None:
    """Reading a path never fails in another way."""
    with suppress(DeliveryError):
        assert isinstance(read_path(text).values(RECORD), list)
