"""Before publishing: who would gain and who would lose if one policy took another's place.

Asked is every use, kind of user, place and purpose that the two policies could tell apart, and what
was really asked before.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any, TypeAlias

from policies.decision import Decision, Prospect
from policies.policy import Policy
from policies.regions import members
from policies.replay import Shift, decide, what_if
from policies.request import Place, Request
from policies.residual import conditions_of, leaves
from policies.verdict import Outcome
from policies.vocabulary import OPERANDS, USER_CLASSES, USES

Facts: TypeAlias = Mapping[str, object]
Cell: TypeAlias = tuple[str, str, Place, str | None]
"""A use, a user class, a place and a purpose."""

_AMONG = ("NL", "NO", "JP", "US")
"""One country in the Union, one in the EEA alone, one with adequate protection, one elsewhere."""


@dataclass(frozen=True, slots=True)
class Group:
    """Everyone for whom the same items change in the same way.

    :param count: how many items.
    :param example: the facts of one of them.
    :param uses: with each of these uses, by each of ``user_classes``, in each of ``places``, for
        each of ``purposes`` (None for none given) the answer changes so.
    """

    before: Outcome
    after: Outcome
    count: int
    example: Facts
    uses: tuple[str, ...]
    user_classes: tuple[str, ...]
    places: tuple[Place, ...]
    purposes: tuple[str | None, ...]

    @property
    def gains(self) -> bool:
        """Whether they would be better off."""
        order = list(Outcome)
        return order.index(self.after) < order.index(self.before)


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change of policy does: to whoever may ask, and to who has asked.

    :param asked: how many questions were put to both policies.
    """

    groups: tuple[Group, ...]
    recorded: tuple[Shift, ...]
    asked: int


def impact(
    before: Policy,
    after: Policy,
    classes: Iterable[tuple[Facts, int]],
    *,
    target: str,
    at: datetime,
    requests: Iterable[Request] = (),
) -> Impact:
    """Who gains and who loses.

    :param classes: equal items with their number, as for :func:`policies.summarise`.
    :param target: the edition both policies are about.
    :param requests: what was asked before; asked again of both.
    """
    items, cells = list(classes), list(_cells(before, after))
    old, new = _Answers(before, items), _Answers(after, items)
    assignee = before.assignee if isinstance(before.assignee, str) else None
    moved: dict[tuple[Outcome, Outcome, tuple[int, ...]], list[Cell]] = {}
    for cell in cells:
        use, user_class, place, purpose = cell
        asked = Request(use, user_class, purpose, assignee, target, place, at)
        for pair, which in _moves(old.to(asked), new.to(asked)).items():
            moved.setdefault((*pair, which), []).append(cell)
    groups = tuple(
        Group(was, becomes, sum(items[i][1] for i in which), items[which[0]][0], *box)
        for (was, becomes, which), found in moved.items()
        for box in _boxes(found)
    )
    return Impact(groups, what_if(before, after, requests, items), len(cells))


class _Answers:
    """A policy's outcomes by item; questions that leave the same filters share them."""

    def __init__(self, policy: Policy, items: list[tuple[Facts, int]]) -> None:
        self._policy, self._items = policy, items
        self._known: dict[object, tuple[Outcome, ...]] = {}

    def to(self, request: Request) -> tuple[Outcome, ...]:
        answer = decide(self._policy, request)
        key = _left(answer)
        if key not in self._known:
            self._known[key] = tuple(answer.outcome(facts) for facts, _ in self._items)
        return self._known[key]


def _left(answer: Prospect | Decision) -> object:
    """What alone still makes the answer: whether it is void, and what each rule asks."""
    return answer.void, tuple((r.filter, r.pending, r.columns) for r in answer.residuals)


def _moves(
    old: tuple[Outcome, ...], new: tuple[Outcome, ...]
) -> dict[tuple[Outcome, Outcome], tuple[int, ...]]:
    """Numbers of the items by how they move."""
    found: dict[tuple[Outcome, Outcome], list[int]] = {}
    for number, pair in enumerate(zip(old, new, strict=True)):
        if pair[0] is not pair[1]:
            found.setdefault(pair, []).append(number)
    return {pair: tuple(which) for pair, which in found.items()}


def _cells(before: Policy, after: Policy) -> Iterator[Cell]:
    named = dict[str, dict[str, None]]()
    for rule in (*before.rules, *after.rules):
        for each in leaves(conditions_of(rule)):
            fact = OPERANDS[each.left].fact if each.left in OPERANDS else ""
            named.setdefault(fact, {}).update(dict.fromkeys(map(str, each.right)))
    uses = [term.removeprefix("vg:") for term in USES]
    purposes = (None, *named.get("purpose", ()))
    yield from product(uses, USER_CLASSES, dict.fromkeys(_places(named)), purposes)


def _places(named: Mapping[str, Iterable[str]]) -> Iterator[Place]:
    """Places the policies could tell apart: one of each region they name, and the usual ones."""
    facts = ("country", "operator_country", "stored_country")
    regions = [region for fact in facts for region in named.get(fact, ())]
    for country in (*_AMONG, *(min(members(region)) for region in regions)):
        for secure in (False, True):
            yield Place(country, country, secure, country)
    yield Place("NL", "US", stored_country="NL")
    yield Place("NL", "NL", stored_country="US")
    yield Place(None, None)
    for name in named.get("name", ()):
        for secure in (False, True):
            yield Place("NL", "NL", secure, "NL", name)


def _boxes(cells: list[Cell]) -> list[Any]:
    """The same cells as few combinations of sets: nothing is added and nothing left out."""
    boxes: list[Any] = [tuple((value,) for value in cell) for cell in cells]
    for axis in range(4):
        joined: dict[Any, tuple[object, ...]] = {}
        for box in boxes:
            others = (*box[:axis], *box[axis + 1 :])
            joined[others] = (*joined.get(others, ()), *box[axis])
        boxes = [(*others[:axis], values, *others[axis:]) for others, values in joined.items()]
    return boxes
