"""What an archive says of a dataset for catalogues is checked word by word."""

import pytest
from pydantic import ValidationError

from catalog.description import CC0, Description


def test_nothing_said_is_a_description() -> None:
    """Culture is the theme and CC0 the licence of the metadata where nothing else is said."""
    assert Description().themes == ("EDUC",)
    assert Description().metadata_licence == CC0


@pytest.mark.parametrize(
    "text", ["10.1234/a.b", "doi:10.1234/a.b", "https://dx.doi.org/10.1234/a.b"]
)
def test_an_identifier_in_any_spelling_resolves(text: str) -> None:
    """A DOI becomes the address that resolves it; the same one twice counts once."""
    assert Description(identifiers=(text,)).identifiers == ("https://doi.org/10.1234/a.b",)


def test_an_ark_resolves_too() -> None:
    """With or without a resolver in front."""
    found = Description(identifiers=("ark:/12345/x9", "https://n2t.net/ark:/12345/x8")).identifiers
    assert found == ("https://n2t.net/ark:/12345/x9", "https://n2t.net/ark:/12345/x8")


@pytest.mark.parametrize(
    "wrong",
    [
        {"identifiers": ("isbn:1",)},
        {"themes": ("FILM",)},
        {"themes": ()},
        {"languages": ("nld",)},
        {"spatial": ("Hilversum",)},
        {"begins": "ca. 1935?"},
        {"contact": "javascript:alert(1)"},
        {"metadata_licence": "http://rightsstatements.org/vocab/InC/1.0/"},
        {"licence": CC0},
    ],
)
def test_what_is_no_such_value_is_refused(wrong: dict[str, object]) -> None:
    """Each field takes its own words alone, and no field is unknown."""
    with pytest.raises(ValidationError):
        Description.model_validate(wrong)
