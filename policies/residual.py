"""What one rule still asks of an item once the request is known."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from policies.columns import Columns, column_refinements, columns_of
from policies.duties import standing
from policies.policy import (
    Collection,
    Condition,
    Connective,
    Constraint,
    Duty,
    Logical,
    Moment,
    Named,
    Rule,
)
from policies.regions import regions_of
from policies.request import Request
from policies.rowfilter import (
    COMPARISONS,
    FALSE,
    IS_KIND,
    TRUE,
    UNKNOWN,
    Compare,
    Constant,
    RowFilter,
    Within,
    all_of,
    any_of,
    exactly_one,
    negate,
    possibly,
    surely,
)
from policies.vocabulary import DUTIES, OPERANDS, Effect, Operand, Operator, purpose_term, wider
from policies.world import NOTHING_KNOWN, DutyMode, DutyState, World

_JOINED: dict[Connective, Callable[..., RowFilter]] = {
    Connective.AND: all_of,
    Connective.AND_SEQUENCE: all_of,
    Connective.OR: any_of,
    Connective.XONE: exactly_one,
}


@dataclass(frozen=True, slots=True)
class Part:
    """One condition of a rule: its name in reasons, what it came from, what is left of it."""

    name: str
    condition: Condition | None
    filter: RowFilter


@dataclass(frozen=True, slots=True)
class Residual:
    """A rule with its conditions as filters; ``filter`` is two-valued.

    For a permission it is true only where every part is *true*; for a prohibition it is true
    wherever no part is *false*: what is unknown never permits and always forbids.
    """

    rule: Rule
    parts: tuple[Part, ...]
    filter: RowFilter
    pending: tuple[Duty, ...] = ()
    """A permission's duties that must be fulfilled before use and are not yet."""
    columns: Columns | None = None
    """The columns that the rule is about; None if it is about whole items."""

    @property
    def secure_only(self) -> bool:
        """Whether the rule holds only inside a secure environment."""
        return secure_only(self.rule)


def residual(rule: Rule, request: Request, world: World = NOTHING_KNOWN) -> Residual:
    """What is left of the rule for this request."""
    violated = any(_settled(duty, world) is DutyState.VIOLATED for duty in rule.duties)
    parts = (
        *_about(rule, request, world),
        *(Part(name_of(c), c, condition(c, request)) for c in conditions_of(rule)),
        *((Part("duty", None, FALSE),) if violated else ()),
    )
    whole = all_of(*(part.filter for part in parts))
    reads = surely if rule.effect is Effect.PERMISSION else possibly
    return Residual(rule, parts, reads(whole), pending(rule, world), columns_of(rule))


def pending(rule: Rule, world: World = NOTHING_KNOWN) -> tuple[Duty, ...]:
    """The rule's duties that must still come before use."""
    return tuple(duty for duty in rule.duties if _settled(duty, world) is DutyState.NOT_SET)


def secure_only(rule: Rule) -> bool:
    """Whether the secure environment is among what the rule asks, however it is joined."""
    return any(each.left == "vg:secureEnvironment" for each in leaves(conditions_of(rule)))


def leaves(conditions: Iterable[Condition]) -> Iterator[Constraint]:
    """The single comparisons of conditions, taken out of every logical constraint."""
    for each in conditions:
        if isinstance(each, Logical):
            yield from leaves(each.operands)
        else:
            yield each


def _settled(duty: Duty, world: World) -> DutyState:
    """Fulfilled, violated, or not set where it must still come first."""
    state = standing(duty, world)
    if state is not DutyState.NOT_SET:
        return state
    after = duty.action in DUTIES and DUTIES[duty.action].when == "after"
    return DutyState.FULFILLED if after or world.mode is DutyMode.EVENTUAL else state


def _about(rule: Rule, request: Request, world: World) -> Iterator[Part]:
    """Whether the rule is about what is asked; a rule that names no party is about all."""
    if rule.action is not None:
        yield Part("use", None, Constant(covers(rule.effect, rule.action, request.action)))
    if rule.target is not None:
        yield Part("target", None, _target_is(rule.target, request, world))
    if rule.assignee is not None:
        yield Part("assignee", None, named_is(rule.assignee, request.assignee, world))


def conditions_of(rule: Rule) -> tuple[Condition, ...]:
    """Constraints, and refinements of action, target and assignee: all must hold.

    The columns that a rule is about are no condition, where they are said in a supported form.
    """
    collections = [c for c in (rule.target, rule.assignee) if isinstance(c, Collection)]
    if not collections:
        return rule.constraints + rule.refinements
    refined = (refinement for c in collections for refinement in c.refinements)
    said = column_refinements(rule) if columns_of(rule) else []
    return (*rule.constraints, *rule.refinements, *(r for r in refined if r not in said))


def name_of(of: Condition) -> str:
    """The local name of the (first) left operand: ``embargoUntil``."""
    while isinstance(of, Logical):
        of = of.operands[0]
    return of.left.partition(":")[2] or of.left


def covers(effect: Effect, action: str, asked: str) -> bool:
    """A permission covers the asked use whole; a prohibition of any part of it applies."""
    return action in wider(asked) or (effect is Effect.PROHIBITION and asked in wider(action))


def _target_is(named: Named, request: Request, world: World) -> RowFilter:
    """As :func:`named_is`; every edition is known to be a member of its dataset."""
    dataset = request.dataset
    if dataset is not None and isinstance(named, Collection) and named.source == dataset:
        return TRUE
    return named_is(named, request.target, world)


def named_is(named: Named, asked: str | None, world: World) -> RowFilter:
    """Whether the rule is about what is asked: it itself, or a member of a collection."""
    if asked is None:
        return UNKNOWN
    if isinstance(named, str):
        members = world.members.get(named)
        return Constant(asked == named or (members is not None and asked in members))
    if asked in (named.uid, named.source):
        return TRUE
    names = [name for name in (named.uid, named.source) if name in world.members]
    known = [world.members[name] for name in names if name is not None]
    return Constant(any(asked in members for members in known)) if known else UNKNOWN


def condition(of: Condition, request: Request) -> RowFilter:
    """The condition with everything filled in that the request tells."""
    if isinstance(of, Logical):
        parts = tuple(condition(operand, request) for operand in of.operands)
        return _JOINED[of.connective](*parts)
    operand = OPERANDS.get(of.left)
    if operand is None or operand.of == "column":
        return UNKNOWN
    right = _right(of, operand, request)
    if operand.of == "item":
        return over_item(operand, of.operator, right)
    return Constant(compare(_left(operand, request), of.operator, right, request.day))


def _right(of: Constraint, operand: Operand, request: Request) -> tuple[object, ...]:
    """The right operand's values; a reference is known only where the request's facts tell it."""
    if of.reference is not None:
        return (request.facts.get(of.reference),)
    return tuple(_moment(operand, request) if value is Moment.USE else value for value in of.right)


def _moment(operand: Operand, request: Request) -> datetime | date:
    return request.day if operand.kind == "date" else request.at


def over_item(operand: Operand, operator: Operator, right: tuple[object, ...]) -> RowFilter:
    """A filter over the fact's column; a value of another kind than the column's is unknown."""
    values: tuple[Any, ...] = right
    if not all(map(IS_KIND[operand.kind], values)):
        return UNKNOWN
    match operator:
        case Operator.IS_ANY_OF | Operator.IS_A | Operator.IS_PART_OF:
            return Within(operand.fact, frozenset(values))
        case Operator.IS_NONE_OF:
            return negate(Within(operand.fact, frozenset(values)))
        case Operator.IS_ALL_OF | Operator.HAS_PART:
            return all_of(*(Compare(operand.fact, Operator.EQ, value) for value in values))
        case _:
            return Compare(operand.fact, operator, values[0])


def _left(operand: Operand, request: Request) -> object:
    match operand.fact:
        case "user_class":
            return request.user_class
        case "country" | "operator_country" | "stored_country" | "secure" | "name":
            return getattr(request.place, operand.fact)
        case "edition":
            return request.edition
        case "at":
            return request.at
        case "purpose":
            return request.purpose and purpose_term(request.purpose)
        case _:
            return request.facts.get(operand.term)


def compare(left: object, operator: Operator, right: tuple[object, ...], day: date) -> bool | None:
    """True, False, or unknown where a value is missing or of another kind.

    :param day: the day on which a country lies in a region or not.
    """
    if left is None or not all(_comparable(left, value) for value in right):
        return None
    if operator in COMPARISONS:
        return COMPARISONS[operator](left, right[0])
    return _set_holds(left, operator, set(right), day)


def _comparable(left: object, right: object) -> bool:
    numbers = (int, float, Decimal)
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool)
    return type(left) is type(right) or (isinstance(left, numbers) and isinstance(right, numbers))


def _set_holds(left: object, operator: Operator, right: set[object], day: date) -> bool:
    """The six set operators; a term stands for itself and all it lies within."""
    around: frozenset[object] = frozenset({left})
    if isinstance(left, str):
        around = frozenset(wider(left) | (regions_of(left, day) or frozenset()))
    match operator:
        case Operator.IS_NONE_OF:
            return not around & right
        case Operator.IS_ALL_OF:
            return right <= around
        case Operator.HAS_PART:
            return all(left in wider(str(part)) for part in right)
        case _:
            return bool(around & right)


def unmet(parts: tuple[Part, ...], item: Mapping[str, object] | None) -> tuple[Part, ...]:
    """The parts that are not true for the item; without one, those that no item can make true."""
    if item is None:
        return tuple(part for part in parts if part.filter in (FALSE, UNKNOWN))
    return tuple(part for part in parts if not part.filter.matches(item))
