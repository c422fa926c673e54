"""The words a policy may use: two closed enums, and terms that live in dated data files.

Terms are written with a prefix (``odrl:use``, ``vg:train.gen``, ``dpv:ScientificResearch``). A
term that is in no file is unknown, and unknown is an error in a document and never a yes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

ENGINE_VERSION = "1"
"""Changes when the same policy, request and item could get another answer than before."""

PROFILE = "https://w3id.org/vrijgave/profile/1"
"""IRI of the AI-use profile that defines the ``vg:`` terms (ODRL IM 2.2, section 3)."""

CORE_PROFILE = "http://www.w3.org/ns/odrl/2/core"

PREFIXES = {
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "vg": "https://w3id.org/vrijgave/ns#",
    "dpv": "https://w3id.org/dpv#",
    "cc": "http://creativecommons.org/ns#",
}


class Operator(StrEnum):
    """The 12 operators of ODRL (IM 2.2, section 2.5.1); each value is its ODRL name."""

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTEQ = "gteq"
    LT = "lt"
    LTEQ = "lteq"
    IS_A = "isA"
    HAS_PART = "hasPart"
    IS_PART_OF = "isPartOf"
    IS_ALL_OF = "isAllOf"
    IS_ANY_OF = "isAnyOf"
    IS_NONE_OF = "isNoneOf"


class Effect(StrEnum):
    """What a rule does (IM 2.2, section 2.6); each value is its ODRL property name."""

    PERMISSION = "permission"
    PROHIBITION = "prohibition"
    OBLIGATION = "obligation"


@dataclass(frozen=True, slots=True)
class Term:
    """One word with its labels and the wider words it lies directly within."""

    term: str
    nl: str
    en: str
    within: tuple[str, ...] = ()

    @property
    def iri(self) -> str:
        """The full IRI of the term."""
        return expand(self.term)


@dataclass(frozen=True, slots=True)
class Operand(Term):
    """A left operand: which fact it reads, and of what kind its values are.

    ``of`` is ``item`` (known per row), ``request`` (known when asked) or ``facts`` (handed in
    under the term's own name). ``values`` closes the set of allowed right operands where it can.
    """

    fact: str = ""
    of: str = "facts"
    kind: str = "any"
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DutyTerm(Term):
    """An action as a duty: due ``before`` or ``after`` use, and how it is ``held`` to."""

    name: str = ""
    when: str = "after"
    held: str = "declared"


def expand(term: str, namespaces: Mapping[str, str] = PREFIXES) -> str:
    """The IRI of a prefixed term; anything else is returned as it is."""
    prefix, colon, name = term.partition(":")
    return namespaces[prefix] + name if colon and prefix in namespaces else term


def compact(iri: str, namespaces: Mapping[str, str] = PREFIXES) -> str:
    """The prefixed form of an IRI in one of these namespaces; anything else as it is."""
    for prefix, namespace in namespaces.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def _read(name: str) -> Any:
    return json.loads(files("policies").joinpath("data", f"{name}.json").read_bytes())


_T = TypeVar("_T", bound=Term)


def _terms(kind: type[_T], name: str) -> dict[str, _T]:
    """The terms of one data file; sources' own extra columns are left out."""
    known = kind.__dataclass_fields__
    entries: list[dict[str, Any]] = [
        {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items() if k in known}
        for entry in _read(name)["terms"]
    ]
    return {entry["term"]: kind(**entry) for entry in entries}


_ODRL = _read("odrl")

USES = _terms(Term, "uses")
ALIGNED = {use["term"]: use["aligned"] for use in _read("uses")["terms"] if use["aligned"]}
"""Use → the term of the draft AI vocabulary or of ODRL that says nearly the same."""
USER_CLASSES = _terms(Term, "user_classes")
PERSONAL_DATA = _terms(Term, "personal_data")
"""Levels of personal data in an item; special is GDPR article 9 and minors."""
PURPOSES = _terms(Term, "purposes")
DUTIES = _terms(DutyTerm, "duties")
FUNCTIONS = frozenset(_ODRL["functions"])
ACTIONS: dict[str, tuple[str, ...]] = {
    **{term: (wider,) if wider else () for term, wider in _ODRL["actions"].items()},
    **{term.term: term.within for term in USES.values()},
    **{term: ("odrl:use",) for term in DUTIES if term not in _ODRL["actions"]},
}
OPERANDS = {
    **{f"odrl:{n}": Operand(f"odrl:{n}", f"‘{n}’", f"‘{n}’") for n in _ODRL["left_operands"]},
    **_terms(Operand, "operands"),
}
ITEM_FACTS = {operand.fact: operand for operand in OPERANDS.values() if operand.of == "item"}
"""The facts of one item, by name (``embargo_until``), each with its operand."""


def _version() -> str:
    """Digest over the data files: the same words give the same version on every machine."""
    digest = hashlib.sha256()
    found = (f for f in files("policies").joinpath("data").iterdir() if f.name.endswith(".json"))
    for file in sorted(found, key=lambda f: f.name):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return f"{max(_read(n)['date'] for n in ('uses', 'regions'))}+{digest.hexdigest()[:12]}"


VOCABULARY_VERSION = _version()


@cache
def wider(term: str) -> frozenset[str]:
    """The term itself and every term it lies within (actions, uses and purposes)."""
    direct = ACTIONS.get(term) or (PURPOSES[term].within if term in PURPOSES else ())
    return frozenset({term}).union(*(wider(parent) for parent in direct))


def use_term(name: str) -> str | None:
    """The action a use's short name stands for (``train.gen`` → ``vg:train.gen``), if known."""
    for candidate in (f"vg:{name}", compact(name)):
        if candidate in ACTIONS:
            return candidate
    return None


def purpose_term(name: str) -> str | None:
    """The purpose of that IRI, prefixed term or bare DPV name, if known."""
    for candidate in (compact(name), f"dpv:{name}"):
        if candidate in PURPOSES:
            return candidate
    return None


def duty_term(name: str) -> str | None:
    """The duty of that short name (``credit``) or term (``odrl:attribute``), if known."""
    names = {duty.name: duty.term for duty in DUTIES.values()}
    found = names.get(name, compact(name))
    return found if found in DUTIES else None


def label(term: str, language: str) -> str:
    """What a person reads for a term; the term itself where we have no better word."""
    tables: tuple[Mapping[str, Term], ...] = (
        USES,
        DUTIES,
        USER_CLASSES,
        PERSONAL_DATA,
        PURPOSES,
        OPERANDS,
    )
    for table in tables:
        if term in table:
            return table[term].nl if language == "nl" else table[term].en
    return term
