"""Named, versioned templates that an archive can pick and adjust.

Each permits as little as its name says, and all of them close items that are opted out, under
embargo or hold personal data, also where that is unknown.
"""

import json
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
class Template:
    """One template: what it is called and says in each language."""

    name: str
    version: int
    title_nl: str
    title_en: str
    text_nl: str
    text_en: str


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
        )
        for name, found in sorted(_documents().items())
    )


def from_template(name: str, *, uid: str, assigner: str, target: str) -> Policy:
    """An offer of the archive (``assigner``) for one edition (``target``).

    :raises PolicyError: if there is no template of that name.
    """
    if name not in _documents():
        raise PolicyError(
            "template",
            f"there is no template `{name}`",
            f"choose one of: {', '.join(sorted(_documents()))}",
            probleem=f"er is geen sjabloon `{name}`",
            uitweg=f"kies er een uit: {', '.join(sorted(_documents()))}",
        )
    rules = {effect: _documents()[name][effect] for effect in ("permission", "prohibition")}
    return parse_policy(
        {
            "@context": CONTEXT,
            "@type": "Offer",
            "uid": uid,
            "profile": PROFILE,
            "conflict": "prohibit",
            "assigner": assigner,
            "target": target,
            **rules,
        }
    )


@cache
def _documents() -> dict[str, dict[str, Any]]:
    """The newest version of each template."""
    folder = files("policies").joinpath("data", "templates")
    found = [json.loads(file.read_bytes()) for file in folder.iterdir()]
    return {each["name"]: each for each in sorted(found, key=lambda each: int(each["version"]))}
