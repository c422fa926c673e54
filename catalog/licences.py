"""Rights statements and licences: recognising them as delivered, and what they suggest.

The statements are the twelve of RightsStatements.org, the Creative Commons licences of every
version and port, CC0, the Public Domain Mark, and a few open licences known by their SPDX
identifier. Facts stand in `data/rights-statements-<date>.json`.

Only a statement that names itself completely is recognised. "CC BY" without a version, or "public
domain" without a mark, could mean several things: the answer is `None`, and the archive says in its
mapping what it meant.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

Kind = Literal["rights-statement", "licence", "dedication", "mark", "other-licence"]
Outcome = Literal["permit", "review", "deny"]

_DATA = json.loads(
    resources.files("catalog").joinpath("data/rights-statements-2026-11-23.json").read_text("utf-8")
)
_CC = _DATA["creative_commons"]
_LONGEST = 400  # characters; no statement is named at greater length


@dataclass(frozen=True)
class Statement:
    """A rights statement or licence: its canonical IRI, short code and name in two languages."""

    iri: str
    code: str
    nl: str
    en: str
    kind: Kind


@dataclass(frozen=True)
class Suggestion:
    """What a statement suggests for training generative models in the EU; it never approves.

    `duties` are those of `catalog.terms`; `nl` and `en` say why. Source: the guidance named in the
    data file.
    """

    outcome: Outcome
    duties: tuple[str, ...]
    nl: str
    en: str


def recognise(raw: str) -> Statement | None:
    """The statement that a delivered text names completely, or `None`.

    Takes IRIs (http or https, with or without final slash, `deed` or `legalcode`), SPDX
    identifiers and the usual spelled names in Dutch and English.
    """
    text = raw.strip()
    if not text or len(text) > _LONGEST:
        return None
    return _by_address(text) or _BY_SPELLING.get(_flatten(text)) or _by_cc_name(text)


def statement(iri: str) -> Statement | None:
    """The statement of a canonical IRI, as `recognise` gives it; `None` for any other text."""
    found = _by_address(iri)
    return found if found is not None and found.iri == iri else None


def suggestion(iri: str, user_class: str) -> Suggestion:
    """What the statement suggests to its owner for this class of user.

    An IRI or a class that is not known suggests review: never less.
    """
    line = _DATA["suggestions"].get(_family(iri), _DATA["suggestions"]["other"])
    outcome: Outcome = line["outcomes"].get(user_class, "review")
    duties = tuple(line["duties"]) if outcome != "deny" else ()
    return Suggestion(outcome, duties, line["nl"], line["en"])


def _family(iri: str) -> str:
    known = statement(iri)
    if known is None or known.kind == "other-licence":
        return "other"
    if known.kind == "rights-statement":
        return known.code
    if known.kind != "licence":
        return known.code.partition("-")[0]
    elements = iri.split("/")[4]
    return "CC-" + elements.upper()


# --- addresses ---------------------------------------------------------------------------------

_SCHEME = re.compile(r"(?i)(https?://)?(www\.)?")
_RIGHTS_STATEMENT = re.compile(r"rightsstatements\.org/(?:vocab|page|data)/([A-Za-z-]+)/1\.0/?")
_CC_LICENCE = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)(?:/([a-z]+))?/?")
_CC_DOMAIN = re.compile(r"creativecommons\.org/publicdomain/(zero|mark)/1\.0/?")
_SPDX = re.compile(r"spdx\.org/licenses/([A-Za-z0-9.-]+?)(?:\.html|\.json)?/?")
_VIEW = re.compile(r"/(?:deed|legalcode)(?:\.[a-z_-]+)?$")


def _by_address(text: str) -> Statement | None:
    bare = _SCHEME.sub("", text, count=1).split("?")[0].split("#")[0]
    bare = _VIEW.sub("/", bare)
    host, slash, path = bare.partition("/")
    address = host.lower() + slash + path
    if found := _RIGHTS_STATEMENT.fullmatch(address):
        return _BY_SPELLING.get(_flatten(found[1]))
    if found := _CC_DOMAIN.fullmatch(address):
        return _BY_SPELLING["cc0" if found[1] == "zero" else "pdm"]
    if found := _CC_LICENCE.fullmatch(address.lower()):
        return _creative_commons(found[1], found[2], found[3])
    if found := _SPDX.fullmatch(address):
        return _BY_SPELLING.get(_flatten(found[1])) or _by_cc_name(found[1])
    return None


@lru_cache(maxsize=1024)
def _creative_commons(elements: str, version: str, port: str | None) -> Statement | None:
    elements = {"by-nd-nc": "by-nc-nd", "by-sa-nc": "by-nc-sa"}.get(elements, elements)
    if elements not in _CC["families"] or version not in _CC["versions"]:
        return None
    if port is not None and (port not in _CC["ports"] or version == "4.0"):
        return None
    names = _CC["families"][elements]
    short = f"CC {elements.upper()} {version}" + (f" {port.upper()}" if port else "")
    return Statement(
        iri=f"https://creativecommons.org/licenses/{elements}/{version}/"
        + (f"{port}/" if port else ""),
        code=short.replace(" ", "-"),
        nl=f"{short} ({names['nl']})",
        en=f"{short} ({names['en']})",
        kind="licence",
    )


# --- spelled names -----------------------------------------------------------------------------


def _flatten(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _statements() -> tuple[Statement, ...]:
    return tuple(
        Statement(line["iri"], line["code"], line["nl"], line["en"], line["kind"])
        for line in _DATA["statements"]
    )


def _spellings() -> Mapping[str, Statement]:
    found = {}
    for line, known in zip(_DATA["statements"], _statements(), strict=True):
        for name in (known.code, known.nl, known.en, *line["spellings"]):
            found[_flatten(name)] = known
    return found


_BY_SPELLING = _spellings()

_PORT_NAMES = {
    _flatten(name): code for code, names in _CC["ports"].items() for name in (code, *names)
}
_FAMILY_NAMES = {
    _flatten(name): family
    for family, names in _CC["families"].items()
    for name in (family, f"cc {family}", names["nl"], names["en"])
} | {
    "attributionnoderivs": "by-nd",
    "attributionnoncommercialnoderivs": "by-nc-nd",
    "naamsvermeldinggeenafgeleidewerk": "by-nd",
    "ccbyndnc": "by-nc-nd",
    "ccbysanc": "by-nc-sa",
}
_CC_NAME = re.compile(r"(?i)(?:creative\s+commons\s+)?(.+?)[\s_-]*v?(\d\.\d)[\s_-]*(.*)")
_NO_PORT = {"", "international", "internationaal", "unported", "generic", "int"}
_FILLER = re.compile(r"(?i)\b(?:licen[cs]e|licentie)\b|[()]")


def _by_cc_name(text: str) -> Statement | None:
    found = _CC_NAME.fullmatch(_FILLER.sub(" ", text).strip())
    if found is None:
        return None
    family = _FAMILY_NAMES.get(_flatten(found[1]))
    place = _flatten(found[3])
    port = None if place in _NO_PORT else _PORT_NAMES.get(place, "")
    return _creative_commons(family, found[2], port) if family is not None else None


STATEMENTS: tuple[Statement, ...] = (
    *_statements(),
    *(
        known
        for family in _CC["families"]
        if (known := _creative_commons(family, "4.0", None)) is not None
    ),
)
"""What a person can choose from; `recognise` knows more (older versions and ports)."""
