"""Named, versioned templates that an archive can pick and adjust.

Each permits as little as its name says, and all of them close items that are opted out, under
embargo or hold personal data, also where that is unknown. What differs between archives, such as a
date or a country, is told when a template is picked; what comes of it is an offer like any other.
Beside each stand its tests, as ``name-version.policytest.yaml``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from policies.dumping import CONTEXT
from policies.errors import PolicyError
from policies.parsing import parse_policy
from policies.policy import Policy
from policies.vocabulary import PROFILE


@dataclass(frozen=True, slots=True)
class Adjustable:
    """One thing that an archive chooses, with the value that counts where it tells none."""

    name: str
    text_nl: str
    text_en: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """One template: what it is called and says in each language, and what can be chosen."""

    name: str
    version: int
    title_nl: str
    title_en: str
    text_nl: str
    text_en: str
    adjustable: tuple[Adjustable, ...] = ()


def templates() -> tuple[Template, ...]:
    """All templates, by name."""
    return tuple(
        Template(
            name,
            found["version"],
            found["nl"]["title"],
            found["en"]["title"],
            found["nl"]["text"],
            found["en"]["text"],
            _adjustable(found),
        )
        for name, found in sorted(_documents().items())
    )


def from_template(
    name: str, *, uid: str, assigner: str, target: str, values: Mapping[str, str] | None = None
) -> Policy:
    """An offer of the archive (``assigner``) for one edition (``target``).

    :param values: what the archive chooses of what the template leaves open (:class:`Adjustable`).
    :raises PolicyError: if there is no template of that name, or a choice is missing or unknown.
    :raises DocumentError: for a value of the wrong kind, with its path in the offer.
    """
    if name not in _documents():
        names = ", ".join(sorted(_documents()))
        raise PolicyError(
            "template",
            f"there is no template `{name}`",
            f"choose one of: {names}",
            probleem=f"er is geen sjabloon `{name}`",
            uitweg=f"kies er een uit: {names}",
        )
    found = _documents()[name]
    chosen = _chosen(_adjustable(found), values or {})
    return parse_policy(
        {
            "@context": CONTEXT,
            "@type": "Offer",
            "uid": uid,
            "profile": PROFILE,
            "conflict": "prohibit",
            "assigner": assigner,
            "target": target,
            **{effect: _filled(found[effect], chosen) for effect in ("permission", "prohibition")},
        }
    )


def _adjustable(document: Mapping[str, Any]) -> tuple[Adjustable, ...]:
    return tuple(
        Adjustable(name, each["nl"], each["en"], each.get("value"))
        for name, each in document.get("adjust", {}).items()
    )


def _chosen(adjustable: tuple[Adjustable, ...], values: Mapping[str, str]) -> dict[str, str]:
    """A value for everything that is left open, and for nothing else."""
    known = {each.name: each for each in adjustable}
    for name in sorted(values.keys() - known.keys()):
        raise PolicyError(
            f"values.{name}",
            f"this template leaves no `{name}` open",
            f"it leaves open: {', '.join(known) or 'nothing'}",
            probleem=f"dit sjabloon laat geen `{name}` open",
            uitweg=f"het laat open: {', '.join(known) or 'niets'}",
        )
    chosen = {each.name: each.value for each in adjustable if each.value is not None} | {**values}
    for name in sorted(known.keys() - chosen.keys()):
        raise PolicyError(
            f"values.{name}",
            f"the template needs `{name}`",
            f"tell {known[name].text_en}",
            probleem=f"het sjabloon heeft `{name}` nodig",
            uitweg=f"geef {known[name].text_nl}",
        )
    return chosen


def _filled(part: Any, chosen: Mapping[str, str]) -> Any:
    """The rules with every ``{"adjust": name}`` replaced by what was chosen."""
    if isinstance(part, list):
        return [_filled(each, chosen) for each in part]
    if not isinstance(part, dict):
        return part
    if part.keys() == {"adjust"}:
        return chosen[part["adjust"]]
    return {key: _filled(each, chosen) for key, each in part.items()}


@cache
def _documents() -> dict[str, dict[str, Any]]:
    """The newest version of each template."""
    folder = files("policies").joinpath("data", "templates")
    found = [json.loads(f.read_bytes()) for f in folder.iterdir() if f.name.endswith(".json")]
    return {each["name"]: each for each in sorted(found, key=lambda each: int(each["version"]))}
