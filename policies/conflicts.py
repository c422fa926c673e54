"""Whether two policies contradict each other: what one permits the other may prohibit.

The answer is *conflict* where that is certain for some request and item, *compatible* where it is
certain for none, and *unknown* where a condition is beyond what can be judged without a request.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from policies.checking import can_hold, is_simple
from policies.decision import Prospect
from policies.policy import Collection, Named, Policy, Rule
from policies.residual import conditions_of
from policies.verdict import Outcome
from policies.vocabulary import Effect, wider


class Agreeing(StrEnum):
    """How two policies stand to each other; the worst of their clashes counts."""

    COMPATIBLE = "compatible"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Clash:
    """A permission of one policy and a prohibition of the other that meet, or might."""

    permission: str
    prohibition: str
    certain: bool


def clashes(first: Policy, second: Policy) -> tuple[Clash, ...]:
    """Every clash between a rule of one policy and a rule of the other."""
    return (*_between(first, second), *_between(second, first))


def agreeing(first: Policy, second: Policy) -> Agreeing:
    """Conflict, unknown or compatible; never compatible where there is a conflict."""
    found = clashes(first, second)
    if any(clash.certain for clash in found):
        return Agreeing.CONFLICT
    return Agreeing.UNKNOWN if found else Agreeing.COMPATIBLE


def _between(permitting: Policy, prohibiting: Policy) -> Iterator[Clash]:
    prohibitions = [r for r in prohibiting.rules if r.effect is Effect.PROHIBITION]
    for yes in permitting.rules:
        if yes.effect is Effect.PERMISSION:
            for no in prohibitions:
                yield from _meeting(yes, no)


def _meeting(yes: Rule, no: Rule) -> Iterator[Clash]:
    named = (_overlap(yes.target, no.target), _overlap(yes.assignee, no.assignee))
    conditions = (*conditions_of(yes), *conditions_of(no))
    if _actions_meet(yes.action, no.action) and False not in named and can_hold(conditions):
        certain = None not in named and all(map(is_simple, conditions))
        yield Clash(yes.uid, no.uid, certain)


def _actions_meet(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one in wider(other) or other in wider(one)


def _overlap(one: Named | None, other: Named | None) -> bool | None:
    """Whether something is covered by both names; unknown where a collection is involved."""
    if one is None or other is None or one == other:
        return True
    if isinstance(one, Collection) or isinstance(other, Collection):
        return None
    return False


def meeting(prospect: Prospect, items: Iterable[Mapping[str, object]]) -> Agreeing:
    """Whether an offer meets a request: compatible where an agreement would give some item.

    Where it would give none that is a conflict, unless a fact that nobody told could change it.
    """
    unsure = False
    for item in items:
        if prospect.outcome(item) is not Outcome.DENY:
            return Agreeing.COMPATIBLE
        parts = (part for left in prospect.residuals for part in left.parts)
        unsure = unsure or any(part.filter.truth(item) is None for part in parts)
    settled = any(reason.code != "void:conflict" for reason in prospect.void)
    return Agreeing.UNKNOWN if unsure and not settled else Agreeing.CONFLICT
