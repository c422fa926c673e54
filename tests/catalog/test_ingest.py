"""From a mapping to laid-out columns: what delivered values mean, and what is refused."""

import hashlib
import hmac
from base64 import b32encode

import pytest

from catalog.import_report import ImportReport, reason_text
from catalog.ingest import (
    Laid,
    item_id,
    layout,
    read_embargo,
    read_flag,
    read_level,
    read_name,
    read_rights,
)
from catalog.mapping import MappingError, parse_mapping
from catalog.proposal import propose
from connectors import SourceColumn

KEY = b"a dataset's secret of 32 bytes!!"


def laid(*columns: dict[str, object], **declared: str) -> dict[str, Laid]:
    """The layout of a small mapping with these columns, by name."""
    document = {
        "columns": [
            {"source": "nr", "role": "identifier"},
            {"source": "titel", "role": "content"},
            *columns,
        ],
        "declared": {"rights": "CC0", **declared},
    }
    return {one.name: one for one in layout(parse_mapping(document), key=KEY)}


def test_an_item_id_is_a_keyed_hash_of_the_identifier() -> None:
    """The id is HMAC-SHA256 in base32, cut to 26 characters, and another key gives another id."""
    digest = hmac.new(KEY, "é 1".encode(), hashlib.sha256).digest()
    assert item_id(KEY, "é 1") == b32encode(digest).decode().lower()[:26]
    assert item_id(b"other", "é 1") != item_id(KEY, "é 1")


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [("geen", "0001-01-01"), ("none", "0001-01-01"), ("n.v.t.", "0001-01-01"), ("onbekend", ""),
     ("2030", "2030-12-31"), ("ooit", None)],
)  # fmt: skip
def test_embargoes(raw: str, meaning: str | None) -> None:
    """A declared absence, the unknown, a date and the unreadable are four different things."""
    assert read_embargo(raw) == meaning


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [("ja", "true"), ("Nee", "false"), ("1", "true"), ("FALSE", "false"), ("?", ""),
     ("misschien", None)],
)  # fmt: skip
def test_flags(raw: str, meaning: str | None) -> None:
    """Yes and no in both languages; anything else is not read as no."""
    assert read_flag(raw) == meaning


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [("geen", "none"), ("gewoon", "ordinary"), ("bijzonder", "special"), ("minderjarig", "special"),
     ("unknown", ""), ("veel", None)],
)  # fmt: skip
def test_levels_of_personal_data(raw: str, meaning: str | None) -> None:
    """Minors count as special; an unknown word is refused."""
    assert read_level(raw) == meaning


def test_rights_and_names() -> None:
    """Rights become an IRI or nothing; a rightsholder's name stays as it is."""
    assert read_rights("CC0") == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert read_rights("vrij") is None
    assert (read_name(" NOS "), read_name("onbekend")) == ("NOS", "")


def test_undeclared_facts_are_null_and_block() -> None:
    """Without column or declaration a fact is unknown; the hard block needs both known."""
    columns = laid()
    assert columns["_source_protection"] == Laid(
        "_source_protection", sql_type="BOOLEAN", tally=True
    )
    assert columns["_blocked"].true_unless == {
        "_source_protection": ("false",),
        "_personal_data": ("none", "ordinary"),
    }


def test_declarations_become_constants() -> None:
    """A declared absence is a value, not a hole."""
    columns = laid(
        embargo="none", opt_out="none", source_protection="none", personal_data="none",
        rightsholder="none",
    )  # fmt: skip
    assert columns["_rights"].constant == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert columns["_embargo_until"].constant == "0001-01-01"
    assert columns["_opt_out"].constant == "false"
    assert columns["_personal_data"].constant == "none"
    assert columns["_rightsholder"].constant is None


def test_the_mapping_translates_before_we_recognise() -> None:
    """An archive's own words, also for an embargo and an empty cell, mean what it says."""
    columns = laid(
        {"source": "e", "role": "embargo", "values": {"1900-01-01": "none"}, "empty": "none"},
        {"source": "o", "role": "opt_out", "values": {"X": "ja"}},
    )
    embargo, opt_out = columns["_embargo_until"], columns["_opt_out"]
    assert embargo.recognise is not None
    assert opt_out.recognise is not None
    assert embargo.recognise(" 1900-01-01 ") == "0001-01-01"
    assert embargo.recognise("2030-01-01") == "2030-01-01"
    assert embargo.empty == "0001-01-01"
    assert (opt_out.recognise("X"), opt_out.empty) == ("true", None)


@pytest.mark.parametrize(
    ("column", "declared"),
    [
        ({"source": "e", "role": "embargo", "values": {"x": "ooit"}}, {}),
        ({"source": "o", "role": "opt_out", "empty": "misschien"}, {}),
        ({"source": "t2", "role": "content"}, {"rights": "van ons"}),
        ({"source": "t2", "role": "content"}, {"personal_data": "veel"}),
    ],
)
def test_a_translation_into_an_unknown_value_is_an_error(
    column: dict[str, object], declared: dict[str, str]
) -> None:
    """What a mapping or declaration means must itself be known."""
    with pytest.raises(MappingError) as caught:
        laid(column, **declared)
    assert caught.value.problems[0].code == "unknown-value"


def report(**counts: int) -> ImportReport:
    """A report with these counts and nothing else."""
    empty: dict[str, object] = {
        "reasons": (), "rights": (), "facts": (), "blocked": 0, "items": 0, "classes": (),
        "undeclared": (), "columns": (), "sha256": "", "bytes": 0, "delivery_sha256": "",
    }  # fmt: skip
    return ImportReport.model_validate({**empty, **counts})


def test_a_mostly_refused_import_needs_a_yes() -> None:
    """All refused is an error; more than half needs acceptance; half does not."""
    none = report(rows_read=4, accepted=0, refused=4).problem(accept_refused=True)
    most = report(rows_read=4, accepted=1, refused=3)
    assert none is not None
    assert none.code == "all-refused"
    assert getattr(most.problem(), "code", None) == "most-refused"
    assert most.problem(accept_refused=True) is None
    assert report(rows_read=4, accepted=2, refused=2).problem() is None


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    """Each code that a layout can give is explained; a wrong type names its column."""
    for one in laid({"source": "e", "role": "embargo"}).values():
        for code in filter(None, (one.unreadable, one.missing, one.duplicate)):
            assert reason_text(code).nl != reason_text(code).en
    assert "`duur`" in reason_text("wrong-type:duur").nl


def test_a_proposal_reads_names_in_both_languages_and_values() -> None:
    """Columns are recognised by Dutch and English names, and rights by their values."""
    columns = [
        SourceColumn("Inventarisnummer", "VARCHAR", ("1",)),
        SourceColumn("dc:kolom7", "VARCHAR", ("CC0", "InC")),
        SourceColumn("Rechthebbende", "VARCHAR", ("NOS",)),
        SourceColumn("openbaar vanaf", "VARCHAR", ("2030",)),
        SourceColumn("opt-out", "VARCHAR", ("ja",)),
        SourceColumn("persoonsgegevens", "VARCHAR", ("geen",)),
        SourceColumn("bronbescherming", "VARCHAR", ("nee",)),
        SourceColumn("x", "VARCHAR", ("https://a.example/b.mp4",)),
        SourceColumn("geportretteerden", "VARCHAR", ("Jansen",)),
        SourceColumn("licentie", "VARCHAR", ("eigen licentie",)),
        SourceColumn("leeg", "VARCHAR", ()),
        SourceColumn("t[@language=nl].@value", "VARCHAR", ("titel",)),
    ]
    mapping = propose(columns)
    assert [column.role.value for column in mapping.columns] == [
        "identifier", "rights", "rightsholder", "embargo", "opt_out", "personal_data",
        "source_protection", "media_address", "personal_content", "content", "ignored", "content",
    ]  # fmt: skip
    assert mapping.columns[-1].shown_name == "t_nl"
    assert mapping.problems() == ()
