"""A policy made ready to decide many requests: the same answers as :mod:`policies.evaluation`.

Every condition becomes one small function of the request and the item. What can be known beforehand
is worked out once per value (which uses an action includes, which countries lie in a region), and
rules that are alike share their functions, however many policies have them. What has no quick form
is left to the evaluation itself, so that there is one meaning only.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from policies.decision import Decision
from policies.errors import PolicyError
from policies.evaluation import evaluate
from policies.policy import (
    Collection,
    Condition,
    Conflict,
    Constraint,
    Kind,
    Moment,
    Named,
    Policy,
    Rule,
)
from policies.regions import DATED, DAYS
from policies.request import Place, Request
from policies.residual import (
    compare,
    condition,
    conditions_of,
    covers,
    named_is,
    over_item,
    pending,
    secure_only,
)
from policies.rowfilter import COMPARISONS
from policies.verdict import Outcome
from policies.vocabulary import CORE_PROFILE, OPERANDS, PROFILE, Effect, purpose_term
from policies.world import NOTHING_KNOWN

Truth: TypeAlias = bool | None
Item: TypeAlias = Mapping[str, object]
Test: TypeAlias = Callable[[Request, Item], Truth]
TracedRule: TypeAlias = tuple[str, bool, list[Truth]]
"""A rule's uid, whether it applies, and the state of each of its conditions in their order."""

_SHARED = 4096
"""How many different policies and rules keep their functions; most archives use a few."""
_NOTHING: Item = {}
_ANY_TIME = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Trace:
    """An outcome with every rule and condition; no rules where the edition is another."""

    outcome: Outcome
    rules: list[TracedRule]


class Compiled:
    """One policy, ready to decide what :func:`policies.evaluate` decides."""

    __slots__ = ("_shared", "_target", "_uids", "policy")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        rules = _in_order(policy)
        self._target, self._shared = _quick_form(policy, rules)
        self._uids = tuple(rule.uid for rule in rules)

    def outcome(self, request: Request, item: Item = _NOTHING) -> Outcome:
        """The answer, stopping at the first rule that settles it."""
        if self._shared is None:
            return evaluate(self.policy, request).outcome(item)
        if request.target != self._target:
            return Outcome.DENY
        return self._shared.outcome(request, item)

    def trace(self, request: Request, item: Item = _NOTHING) -> Trace:
        """The answer with the state of every rule and condition."""
        if self._shared is None:
            return _traced(evaluate(self.policy, request), item)
        if request.target != self._target:
            return Trace(Outcome.DENY, [])
        view = self._shared[request.action, request.user_class]
        rules: list[TracedRule] = []
        answer = None
        for uid, (outcome, known, open_) in zip(self._uids, view.rules, strict=True):
            states = known.copy()
            for position, test in open_:
                states[position] = test(request, item)
            applies = False not in states and (outcome is Outcome.DENY or None not in states)
            if applies and answer is None:
                answer = outcome
            rules.append((uid, applies, states))
        return Trace(answer or Outcome.DENY, rules)


def _traced(answer: Decision, item: Item) -> Trace:
    rules = [
        (left.rule.uid, left.filter.matches(item), [p.filter.truth(item) for p in left.parts])
        for left in answer.residuals
    ]
    return Trace(answer.outcome(item), rules)


class PolicyIndex:
    """Many policies, one for each edition, that answer as fast as one.

    What policies have in common is kept once, and of one that has a quick form nothing else is
    kept: so the memory that a decision touches stays small however many there are. Names of
    editions are interned, as a request's target is, so that finding one compares no text.
    """

    __slots__ = ("_by_target",)

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self._by_target: dict[str, _Views | Compiled] = {}
        for policy in policies:
            self.add(policy)

    def __len__(self) -> int:
        return len(self._by_target)

    def add(self, policy: Policy) -> None:
        """Take a policy in.

        :raises PolicyError: if it is not about exactly one edition, or about one known here.
        """
        deciding = (rule for rule in policy.rules if rule.effect is not Effect.OBLIGATION)
        targets = {_edition(rule.target) for rule in deciding}
        target = targets.pop() if len(targets) == 1 else None
        if target is None or target in self._by_target:
            raise PolicyError(
                "target",
                f"`{policy.uid}` is not the one policy of one edition",
                "join policies of one edition, and part one that is about several",
                probleem=f"`{policy.uid}` is niet de enige regeling van één editie",
                uitweg="voeg regelingen van één editie samen, en splits er een over meer edities",
            )
        _, shared = _quick_form(policy, _in_order(policy))
        self._by_target[sys.intern(target)] = Compiled(policy) if shared is None else shared

    def outcome(self, request: Request, item: Item = _NOTHING) -> Outcome:
        """The answer of the policy on the asked edition; deny where there is none."""
        found = self._by_target.get(request.target)
        return Outcome.DENY if found is None else found.outcome(request, item)


def _edition(target: Named | None) -> str | None:
    return target.source if isinstance(target, Collection) else target


def _quick_form(policy: Policy, rules: list[Rule]) -> tuple[Named | None, "_Views | None"]:
    """The one edition the rules are about, and their functions where all of them have some."""
    targets = {rule.target for rule in rules}
    target = targets.pop() if len(targets) == 1 else None
    quick = isinstance(target, str) and _has_quick_form(policy)
    return target, _shared(tuple(map(_Shape.of, rules))) if quick else None


def _has_quick_form(policy: Policy) -> bool:
    """Whether nothing can void the policy but what the evaluation itself must look at."""
    if policy.kind is Kind.OFFER or policy.replaced_by or policy.inherits or policy.valid_until:
        return False
    one_sided = len({rule.effect for rule in policy.rules} - {Effect.OBLIGATION}) == 1
    return set(policy.profiles) <= {PROFILE, CORE_PROFILE} and (
        policy.conflict is not Conflict.INVALID or one_sided
    )


def _in_order(policy: Policy) -> list[Rule]:
    """The rules in the order in which they settle an answer: prohibitions, permits, reviews."""
    by_effect = {effect: [r for r in policy.rules if r.effect is effect] for effect in Effect}
    permissions = sorted(
        by_effect[Effect.PERMISSION],
        key=lambda rule: (bool(pending(rule)), secure_only(rule), len(rule.duties)),
    )
    forbids = policy.conflict is not Conflict.PERM
    return [*(by_effect[Effect.PROHIBITION] if forbids else ()), *permissions]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What rules have in common that differ in name and target only."""

    effect: Effect
    outcome: Outcome
    action: str | None
    assignee: Named | None
    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, rule: Rule) -> "_Shape":
        outcome = Outcome.REVIEW if pending(rule) else Outcome.PERMIT
        if rule.effect is Effect.PROHIBITION:
            outcome = Outcome.DENY
        return cls(rule.effect, outcome, rule.action, rule.assignee, conditions_of(rule))

    def tests(self) -> Iterator[Test]:
        """The rule's conditions as functions, in the order of a residual's parts."""
        if (action := self.action) is not None:
            known = _ByValue(lambda asked: covers(self.effect, action, asked))
            yield lambda request, _: known[request.action]
        if (assignee := self.assignee) is not None:
            yield lambda request, _: named_is(assignee, request.assignee, NOTHING_KNOWN).truth({})
        yield from map(_test, self.conditions)

    def is_settled(self) -> Iterator[bool]:
        """Which of the tests look at the request's use and user class only."""
        if self.action is not None:
            yield True
        if self.assignee is not None:
            yield False
        for each in self.conditions:
            yield (
                isinstance(each, Constraint)
                and each.left == "vg:userClass"
                and each.reference is None
            )


@dataclass(frozen=True, slots=True)
class _View:
    """The rules as they stand once use and user class are known: what is settled, what is open."""

    rules: list[tuple[Outcome, list[Truth], list[tuple[int, Test]]]]
    prohibitions: list[tuple[Test, ...]]
    permissions: list[tuple[Outcome, tuple[Test, ...]]]


class _Views(dict[tuple[str, str], _View]):
    """Use and user class → view, made when the pair first comes by."""

    def __init__(self, shapes: tuple[_Shape, ...]) -> None:
        self._rules = [
            (shape.outcome, list(zip(shape.tests(), shape.is_settled(), strict=True)))
            for shape in shapes
        ]

    def outcome(self, request: Request, item: Item) -> Outcome:
        """The answer on the edition that the rules are about, at the first that settles it."""
        view = self[request.action, request.user_class]
        for tests in view.prohibitions:
            for test in tests:
                if test(request, item) is False:
                    break
            else:
                return Outcome.DENY
        for outcome, tests in view.permissions:
            for test in tests:
                if test(request, item) is not True:
                    break
            else:
                return outcome
        return Outcome.DENY

    def __missing__(self, key: tuple[str, str]) -> _View:
        view = self[key] = _view([_settle(outcome, tests, key) for outcome, tests in self._rules])
        return view


def _settle(
    outcome: Outcome, tests: list[tuple[Test, bool]], key: tuple[str, str]
) -> tuple[Outcome, list[Truth], list[tuple[int, Test]]]:
    action, user_class = key
    asked = Request(action, user_class, None, None, "", Place(None, None), _ANY_TIME)
    known = [test(asked, _NOTHING) if settled else None for test, settled in tests]
    return outcome, known, [(i, test) for i, (test, settled) in enumerate(tests) if not settled]


def _view(rules: list[tuple[Outcome, list[Truth], list[tuple[int, Test]]]]) -> _View:
    view = _View(rules, [], [])
    for outcome, known, open_ in rules:
        tests = tuple(test for _, test in open_)
        unknown = known.count(None) - len(open_)
        if False not in known and outcome is Outcome.DENY:
            view.prohibitions.append(tests)
        elif False not in known and not unknown:
            view.permissions.append((outcome, tests))
    return view


@lru_cache(_SHARED)
def _shared(shapes: tuple[_Shape, ...]) -> _Views:
    return _Views(shapes)


class _ByValue(dict[Any, Truth]):
    """Value of one field → truth, worked out when the value first comes by."""

    def __init__(self, truth_of: Callable[[Any], Truth]) -> None:
        self._truth_of = truth_of

    def __missing__(self, value: object) -> Truth:
        truth = self[value] = self._truth_of(value)
        return truth


_FIELDS: dict[str, Callable[[_ByValue], Test]] = {
    "user_class": lambda known: lambda request, _: known[request.user_class],
    "purpose": lambda known: lambda request, _: known[request.purpose],
    "country": lambda known: lambda request, _: known[request.place.country],
    "operator_country": lambda known: lambda request, _: known[request.place.operator_country],
    "stored_country": lambda known: lambda request, _: known[request.place.stored_country],
    "secure": lambda known: lambda request, _: known[request.place.secure],
    "name": lambda known: lambda request, _: known[request.place.name],
}


def _test(of: Condition) -> Test:
    """The condition's quick form, or the condition itself."""
    if isinstance(of, Constraint) and of.left in OPERANDS and of.reference is None:
        operand, operator, right = OPERANDS[of.left], of.operator, of.right
        if Moment.USE in right:
            pass
        elif operand.of == "item":
            fact, row_filter = operand.fact, over_item(operand, operator, right)
            seen = _ByValue(lambda value: row_filter.truth({fact: value}))
            return lambda _, item: seen[item.get(fact)]
        elif operand.fact in _FIELDS and DATED.isdisjoint(map(str, right)):
            meant = purpose_term if operand.fact == "purpose" else _itself
            known = _ByValue(
                lambda value: compare(value and meant(value), operator, right, DAYS[0])
            )
            return _FIELDS[operand.fact](known)
        elif operand.fact == "at" and operator in COMPARISONS and isinstance(right[0], datetime):
            order, moment = COMPARISONS[operator], right[0]
            return lambda request, _: order(request.at, moment)
    return lambda request, item: condition(of, request).truth(item)


def _itself(value: object) -> object:
    return value
