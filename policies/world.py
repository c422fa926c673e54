"""What is known of the world beside the request: membership, duties and infringements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class DutyState(Enum):
    """How a duty stands; one of which nothing is known is not set."""

    NOT_SET = "not-set"
    FULFILLED = "fulfilled"
    LATE = "late"
    """Fulfilled after it was violated: it counts once its consequences are fulfilled too."""
    VIOLATED = "violated"


class DutyMode(Enum):
    """When a duty that is not set holds its permission back."""

    STRICT = "strict"
    """Until it is fulfilled, unless the vocabulary says it comes after use (our default)."""
    EVENTUAL = "eventual"
    """Never: it may be fulfilled later. The reading of the FORCE test suite."""


@dataclass(frozen=True)
class World:
    """Facts about collections and duties.

    :param members: by collection (its uid or source) all that belong to it. A collection that is
        named here is known whole; membership of any other is unknown.
    :param duties: state by the uid of the duty or obligation.
    :param infringed: uids of prohibitions whose action was done all the same.
    """

    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    duties: Mapping[str, DutyState] = field(default_factory=dict)
    mode: DutyMode = DutyMode.STRICT
    infringed: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """The world as plain JSON; :func:`world_from_json` gives it back."""
        return {
            "members": {name: sorted(found) for name, found in sorted(self.members.items())},
            "duties": {uid: state.value for uid, state in sorted(self.duties.items())},
            "mode": self.mode.value,
            **({"infringed": sorted(self.infringed)} if self.infringed else {}),
        }


def world_from_json(document: Mapping[str, Any]) -> World:
    """The world that :meth:`World.to_json` wrote."""
    return World(
        members={name: frozenset(found) for name, found in document["members"].items()},
        duties={uid: DutyState(state) for uid, state in document["duties"].items()},
        mode=DutyMode(document["mode"]),
        infringed=frozenset(document.get("infringed", ())),
    )


NOTHING_KNOWN = World()
