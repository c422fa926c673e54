"""What an archive says of a dataset for catalogues: who made it, of when and where, and how to ask.

All of it is metadata, and is published under the licence it names itself; it says nothing of the
rights in the items.
"""

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
METADATA_LICENCES = (
    CC0,
    "https://creativecommons.org/publicdomain/mark/1.0/",
    "https://creativecommons.org/licenses/by/4.0/",
    "https://creativecommons.org/licenses/by-sa/4.0/",
    "https://creativecommons.org/licenses/by-nc/4.0/",
    "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "https://creativecommons.org/licenses/by-nd/4.0/",
    "https://creativecommons.org/licenses/by-nc-nd/4.0/",
)
"""Licences of a description, as the Dataset Register takes them (NDE Requirements 1.14)."""
LANGUAGES = {
    "nl": "NLD",
    "en": "ENG",
    "fy": "FRY",
    "de": "DEU",
    "fr": "FRA",
    "es": "SPA",
    "it": "ITA",
    "pt": "POR",
    "pl": "POL",
    "sv": "SWE",
    "da": "DAN",
    "no": "NOR",
    "fi": "FIN",
    "el": "ELL",
    "cs": "CES",
    "hu": "HUN",
    "ro": "RON",
    "bg": "BUL",
    "hr": "HRV",
    "sk": "SLK",
    "sl": "SLV",
    "et": "EST",
    "lv": "LAV",
    "lt": "LIT",
    "ga": "GLE",
    "mt": "MLT",
    "tr": "TUR",
    "ar": "ARA",
    "id": "IND",
    "ru": "RUS",
    "uk": "UKR",
    "zh": "ZHO",
    "ja": "JPN",
    "la": "LAT",
    "yi": "YID",
}
"""ISO 639-1 code → code in the European list of languages."""
THEMES = {
    "AGRI": ("Landbouw, visserij, bosbouw en voeding", "Agriculture, fisheries, forestry and food"),
    "ECON": ("Economie en financiën", "Economy and finance"),
    "EDUC": ("Onderwijs, cultuur en sport", "Education, culture and sport"),
    "ENER": ("Energie", "Energy"),
    "ENVI": ("Milieu", "Environment"),
    "GOVE": ("Overheid en publieke sector", "Government and public sector"),
    "HEAL": ("Gezondheid", "Health"),
    "INTR": ("Internationale vraagstukken", "International issues"),
    "JUST": ("Justitie, rechtsstelsel en openbare veiligheid", "Justice, legal system and safety"),
    "OP_DATPRO": ("Voorlopige gegevens", "Provisional data"),
    "REGI": ("Regio's en steden", "Regions and cities"),
    "SOCI": ("Bevolking en samenleving", "Population and society"),
    "TECH": ("Wetenschap en technologie", "Science and technology"),
    "TRAN": ("Vervoer", "Transport"),
}
"""The European list of data themes, in Dutch and English."""

_DOI = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.[0-9]{4,9}/\S{1,200})", re.IGNORECASE)
_ARK = re.compile(r"(?:https?://n2t\.net/)?(ark:/?[0-9a-z]{5,9}/\S{1,200})", re.IGNORECASE)


def identifier_of(text: str) -> str:
    """An ARK or DOI in any of its spellings as the address that resolves it.

    :raises ValueError: for any other text.
    """
    for known, resolver in ((_DOI, "https://doi.org/"), (_ARK, "https://n2t.net/")):
        found = known.fullmatch(text.strip())
        if found:
            return resolver + found[1]
    raise ValueError("an identifier is a DOI (10.1234/abc) or an ARK (ark:/12345/abc)")


def _one_of(known: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in known:
            raise ValueError(f"one of {', '.join(known)} is expected")
        return value

    return AfterValidator(check)


def _unique(values: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(dict.fromkeys(values))


_Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
_Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"{}|\\^`]{1,400}$")]
_Contact = Annotated[
    str,
    StringConstraints(pattern=r"^(|https://[^\s<>\"]{1,400}|[^@\s<>\"]{1,64}@[^@\s<>\"]{1,180})$"),
]
_Day = Annotated[
    str, StringConstraints(pattern=r"^(|[0-9]{4}(-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?)$")
]
_Several = AfterValidator(_unique)


class Creator(BaseModel):
    """Who made a dataset: a person or organisation, with its address in ROR, ISNI or ORCID."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iri: _Address
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    kind: Literal["organisation", "person"] = "organisation"


class Description(BaseModel):
    """What is said of one dataset beside its title; each may be left out.

    :param creators: who made it; the archive itself where nobody is named.
    :param contact: mail or web address for questions; the dataset's page where there is none.
    :param begins: first year or day that the items are about, as ``1921`` or ``1921-09-01``.
    :param identifiers: DOIs and ARKs that were given to it elsewhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    creators: Annotated[tuple[Creator, ...], Field(max_length=50), _Several] = ()
    contact_name: _Line = ""
    contact: _Contact = ""
    keywords_nl: Annotated[tuple[_Line, ...], Field(max_length=100), _Several] = ()
    keywords_en: Annotated[tuple[_Line, ...], Field(max_length=100), _Several] = ()
    themes: Annotated[
        tuple[Annotated[str, _one_of(tuple(THEMES))], ...],
        Field(min_length=1, max_length=14),
        _Several,
    ] = ("EDUC",)
    languages: Annotated[
        tuple[Annotated[str, _one_of(tuple(LANGUAGES))], ...], Field(max_length=35), _Several
    ] = ()
    spatial: Annotated[tuple[_Address, ...], Field(max_length=50), _Several] = ()
    begins: _Day = ""
    ends: _Day = ""
    identifiers: Annotated[
        tuple[Annotated[str, AfterValidator(identifier_of)], ...], Field(max_length=20), _Several
    ] = ()
    metadata_licence: Annotated[str, _one_of(METADATA_LICENCES)] = CC0
