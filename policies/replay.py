"""Asking again: the answer of then, and the answer another policy would have given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.decision import Decision, Prospect
from policies.evaluation import evaluate, match
from policies.policy import Kind, Policy
from policies.request import Request, request_from_json
from policies.verdict import Outcome
from policies.world import world_from_json


@dataclass(frozen=True, slots=True)
class Replay:
    """A stored answer given again.

    :param differences: what is not as it was stored (``policy``, ``engine``, ``vocabulary``,
        ``filters``, ``reasons``); empty if the answer is identical.
    """

    answer: Prospect | Decision
    differences: tuple[str, ...]


def replay(stored: Mapping[str, Any], policy: Policy) -> Replay:
    """Answer the stored request again on the policy it was answered on.

    :param stored: what :meth:`Prospect.to_json` or :meth:`Decision.to_json` gave.
    :raises RequestError: if the stored request is no longer within the vocabulary.
    """
    decide = match if stored["kind"] == "prospect" else evaluate
    request, world = request_from_json(stored["request"]), world_from_json(stored["world"])
    answer = decide(policy, request, world)
    again = answer.to_json()
    return Replay(answer, tuple(name for name in again if again[name] != stored.get(name)))


@dataclass(frozen=True, slots=True)
class Shift:
    """Items of one request that would be answered otherwise, with one of them as an example."""

    request: Request
    before: Outcome
    after: Outcome
    count: int
    example: Mapping[str, object]

    @property
    def gains(self) -> bool:
        """Whether who asks would be better off."""
        order = list(Outcome)
        return order.index(self.after) < order.index(self.before)


def what_if(
    before: Policy,
    after: Policy,
    requests: Iterable[Request],
    classes: Iterable[tuple[Mapping[str, object], int]],
) -> tuple[Shift, ...]:
    """Who would gain and who would lose if one policy took the place of the other.

    :param classes: equal items with their number, as for :func:`policies.summarise`.
    """
    items = list(classes)
    return tuple(shift for request in requests for shift in _shifts(before, after, request, items))


def _shifts(
    before: Policy,
    after: Policy,
    request: Request,
    items: list[tuple[Mapping[str, object], int]],
) -> Iterable[Shift]:
    old, new = (decide(policy, request) for policy in (before, after))
    moved: dict[tuple[Outcome, Outcome], list[tuple[Mapping[str, object], int]]] = {}
    for item, count in items:
        pair = old.outcome(item), new.outcome(item)
        if pair[0] is not pair[1]:
            moved.setdefault(pair, []).append((item, count))
    for (was, becomes), found in moved.items():
        yield Shift(request, was, becomes, sum(count for _, count in found), found[0][0])


def decide(policy: Policy, request: Request) -> Prospect | Decision:
    """What an offer would give, or what an agreement or set gives."""
    return match(policy, request) if policy.kind is Kind.OFFER else evaluate(policy, request)
