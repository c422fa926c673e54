"""Reading mappings: their structure, what they must say, and how they are written back."""

import json

import pytest

from catalog.mapping import ColumnRole, MappingError, dump_mapping, parse_mapping, read_mapping

TOML = """
[[columns]]
source = "nr"
role = "identifier"

[[columns]]
source = "licentie"
role = "rights"
values = { vrij = "CC0" }

[[columns]]
source = "titel"
role = "content"

[declared]
embargo = "none"
"""
YAML = """
columns:
  - {source: nr, role: identifier}
  - {source: licentie, role: rights, values: {vrij: CC0}}
  - {source: titel, role: content}
declared: {embargo: none}
"""


def codes(document: object) -> set[str]:
    """The codes of a mapping's problems."""
    return {one.code for one in parse_mapping(document).problems()}


def test_toml_yaml_and_json_say_the_same() -> None:
    """The three forms of one mapping are read to the same value, without problems."""
    mapping = read_mapping(TOML, "toml")
    assert read_mapping(YAML, "yaml") == mapping
    assert read_mapping(json.dumps(dump_mapping(mapping)), "json") == mapping
    assert parse_mapping(dump_mapping(mapping)) == mapping
    assert mapping.problems() == ()
    assert mapping.undeclared() == (
        "rightsholder", "opt_out", "personal_data", "personal_content", "source_protection",
        "media_address",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "form", "code"),
    [
        ("columns = [", "toml", "mapping-unreadable"),
        ("{", "json", "mapping-unreadable"),
        ("[" * 100_000, "json", "mapping-unreadable"),
        ("a: [", "yaml", "mapping-unreadable"),
        ("a: &a [x]\nb: [*a, *a]", "yaml", "mapping-unreadable"),
        ("!!python/object/apply:os.system ['true']", "yaml", "mapping-unreadable"),
        ("# " + "x" * 1_000_001, "yaml", "mapping-too-long"),
        ("- 1", "yaml", "mapping-field"),
        ('{"colums": []}', "json", "mapping-field"),
        ('{"columns": [{"source": "a", "role": "owner"}]}', "json", "mapping-field"),
        ('{"columns": [{"source": "a", "role": "content", "type": "blob"}]}', "json",
         "mapping-field"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_read_says_where(text: str, form: str, code: str) -> None:
    """Every unreadable mapping is an error of ours, with a sentence in both languages."""
    with pytest.raises(MappingError) as caught:
        read_mapping(text, form)  # type: ignore[arg-type]  # parametrized over the three forms
    assert caught.value.problems[0].code == code
    assert caught.value.problems[0].nl
    assert caught.value.problems[0].en


def test_a_wrong_field_is_named() -> None:
    """The problem of a field carries its place."""
    with pytest.raises(MappingError) as caught:
        parse_mapping({"columns": [{"source": "a", "role": "owner"}]})
    assert caught.value.problems[0].field == "columns.0.role"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"columns": []}, "one-identifier"),
        ({"columns": [{"source": "a", "role": "identifier"}] * 2}, "one-identifier"),
        ({"columns": [{"source": "a", "role": "identifier"}]}, "no-rights"),
        ({"columns": [{"source": "a", "role": "embargo"}] * 2}, "role-twice"),
        ({"declared": {"colour": "red"}}, "no-such-kind"),
        ({"columns": [{"source": "a", "role": "opt_out"}], "declared": {"opt_out": "none"}},
         "declared-twice"),
        ({"columns": [{"source": "_a", "role": "content"}]}, "reserved-name"),
        ({"columns": [{"source": "A", "role": "content"}, {"source": "a", "role": "content"}]},
         "name-twice"),
        ({"columns": [{"source": "a", "role": "content", "name": "b\x00"}]}, "bad-name"),
        ({"columns": []}, "nothing-shown"),
    ],
)  # fmt: skip
def test_a_mapping_that_says_too_little_tells_what(document: object, code: str) -> None:
    """Structure may be right and the mapping still not enough to import by."""
    assert code in codes(document)


def test_declarations_fill_only_what_no_column_gives() -> None:
    """A declared kind does not override the mapping's own column."""
    mapping = read_mapping(TOML, "toml").declaring({"rights": "CC0", "opt_out": "none"})
    assert mapping.declared == {"embargo": "none", "opt_out": "none"}
    assert mapping.problems() == ()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("titel", "titel"),
        ("a.b", "b"),
        ("_source.@graph.dcterms:title[@language=nl].@value", "dcterms:title"),
        ("x.subject[@language=nl].@value[]", "subject"),
    ],
)
def test_a_shown_column_is_named_by_the_end_of_its_path(source: str, name: str) -> None:
    """Without a name of its own a column gets the readable end of its path."""
    mapping = parse_mapping({"columns": [{"source": source, "role": "content"}]})
    assert mapping.shown()[0].shown_name == name
    assert mapping.of(ColumnRole.CONTENT) == mapping.shown()
