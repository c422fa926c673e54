"""A policy as a value: ODRL's Information Model 2.2, expanded to atomic rules.

Every rule has one action, one target and at most one assigner and assignee (IM 2.2, section 2.7);
what a compact document shares between rules is repeated in each.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from policies.errors import PolicyError
from policies.vocabulary import Effect, Operator

DEEPEST = 32
"""Levels of nesting that are read."""
_LARGEST = 10_000


class Moment(Enum):
    """A right operand that stands for a moment not known when the policy was written."""

    USE = "odrl:policyUsage"
    """The moment the action is exercised; against dates, its day in Europe/Amsterdam."""


Value: TypeAlias = str | bool | int | Decimal | date | datetime | Moment


@dataclass(frozen=True, slots=True)
class Constraint:
    """One comparison of a left operand with values (IM 2.2, section 2.5).

    ``right`` holds several values only under a set operator. ``reference`` is an IRI that stands
    for the value; it is never fetched, so it is unknown unless the request's facts hold it.
    """

    left: str
    operator: Operator
    right: tuple[Value, ...]
    reference: str | None = None
    unit: str | None = None
    data_type: str | None = None
    status: Value | None = None
    uid: str | None = None


class Connective(Enum):
    """How a logical constraint joins its operands (IM 2.2, section 2.5.2)."""

    AND = "and"
    OR = "or"
    XONE = "xone"
    AND_SEQUENCE = "andSequence"


@dataclass(frozen=True, slots=True)
class Logical:
    """Constraints joined into one, no deeper and no larger than can be decided at once.

    :raises PolicyError: for constraints nested too deep, or too many to compare with each other.
    """

    connective: Connective
    operands: tuple["Condition", ...]
    uid: str | None = None

    def __post_init__(self) -> None:
        """Measure it, so that nothing that reads a policy can be made to hang."""
        depth, size = _measure(self)
        if depth > DEEPEST or size > _LARGEST:
            raise PolicyError(
                "constraint",
                f"constraints are nested more than {DEEPEST} levels deep or come to more than"
                f" {_LARGEST} comparisons",
                "state them more simply",
                probleem=f"de voorwaarden zijn meer dan {DEEPEST} lagen diep of komen op meer dan"
                f" {_LARGEST} vergelijkingen",
                uitweg="zeg het eenvoudiger",
            )


Condition: TypeAlias = Constraint | Logical


def _measure(of: Condition) -> tuple[int, int]:
    """Levels and comparisons; `xone` looks at each operand once for every other."""
    if isinstance(of, Constraint):
        return 1, 1
    below = [_measure(operand) for operand in of.operands]
    depth = 1 + max((depth for depth, _ in below), default=0)
    size = sum(size for _, size in below)
    return depth, size * len(below) if of.connective is Connective.XONE else size


@dataclass(frozen=True, slots=True)
class Collection:
    """A party or asset that is a collection (IM 2.2, sections 2.2.2, 2.3.2).

    It has a source, a uid or both; one that is narrowed by refinements has a source only.
    """

    source: str | None
    refinements: tuple[Condition, ...] = ()
    uid: str | None = None


Named: TypeAlias = str | Collection


@dataclass(frozen=True, slots=True)
class Duty:
    """An action that must be done: of a permission, as a consequence, or as a remedy."""

    action: str
    uid: str | None = None
    target: Named | None = None
    parties: tuple[tuple[str, Named], ...] = ()
    constraints: tuple[Condition, ...] = ()
    refinements: tuple[Condition, ...] = ()
    consequences: tuple["Duty", ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One atomic permission, prohibition or obligation.

    ``duties`` are a permission's duties, ``remedies`` a prohibition's, ``consequences`` an
    obligation's. ``uid`` names the rule in every reason; documents without one get a position.
    No action or no target means any: only documents read leniently have such rules.
    """

    effect: Effect
    uid: str
    action: str | None
    target: Named | None = None
    assigner: Named | None = None
    assignee: Named | None = None
    constraints: tuple[Condition, ...] = ()
    refinements: tuple[Condition, ...] = ()
    duties: tuple[Duty, ...] = ()
    remedies: tuple[Duty, ...] = ()
    consequences: tuple[Duty, ...] = ()
    parties: tuple[tuple[str, Named], ...] = ()


class Conflict(Enum):
    """What happens where a permission and a prohibition meet (IM 2.2, section 2.10)."""

    PERM = "perm"
    PROHIBIT = "prohibit"
    INVALID = "invalid"


class Kind(Enum):
    """The policy subclasses that this engine reads (IM 2.2, section 2.1)."""

    SET = "Set"
    OFFER = "Offer"
    AGREEMENT = "Agreement"


@dataclass(frozen=True, slots=True)
class Policy:
    """A group of rules.

    :param conflict: ``invalid`` where a document is silent, as ODRL says.
    :param valid_until: moment from which the policy itself no longer counts (``dct:valid``); an
        agreement made from an offer before then is not touched by it.
    """

    kind: Kind
    uid: str
    rules: tuple[Rule, ...]
    profiles: tuple[str, ...] = ()
    conflict: Conflict = Conflict.INVALID
    inherits: tuple[str, ...] = ()
    replaced_by: str | None = None
    valid_until: datetime | None = None
    assigner: Named | None = None
    assignee: Named | None = None

    def __post_init__(self) -> None:
        """Put permissions first, then prohibitions, then obligations: one order for one meaning."""
        order = list(Effect)
        rules = tuple(sorted(self.rules, key=lambda rule: order.index(rule.effect)))
        object.__setattr__(self, "rules", rules)
