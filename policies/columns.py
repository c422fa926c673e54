"""Rules about columns: a target that is refined by ``vg:column`` (IM 2.2, section 2.2.2).

Such a rule is about those columns of the items and about nothing else. The supported forms are
few, so that each can become SQL; what has another form stays a condition, which is never known.
"""

from dataclasses import dataclass

from policies.policy import Collection, Constraint, Rule
from policies.vocabulary import Effect, Operator

COLUMN = "vg:column"

EACH = {Operator.EQ, Operator.IS_ANY_OF}
EXCEPT = {Operator.NEQ, Operator.IS_NONE_OF}
TOGETHER = {Operator.IS_ALL_OF}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns a rule is about.

    :param operator: each of ``names`` (``eq``, ``isAnyOf``), each but those (``neq``,
        ``isNoneOf``), or all of them at once (``isAllOf``), which only a prohibition says.
    """

    operator: Operator
    names: frozenset[str]

    def has(self, column: str) -> bool:
        """Whether the rule is about this column on its own."""
        if self.operator in TOGETHER:
            return self.names == {column}
        return (column in self.names) is (self.operator in EACH)


def columns_of(rule: Rule) -> Columns | None:
    """The columns that the rule is about; None if it is about whole items."""
    if not isinstance(rule.target, Collection):
        return None
    found = column_refinements(rule)
    supported = EACH | EXCEPT | (TOGETHER if rule.effect is Effect.PROHIBITION else set())
    if len(found) != 1 or found[0].operator not in supported or found[0].reference is not None:
        return None
    names = [name for name in found[0].right if isinstance(name, str)]
    known = len(names) == len(found[0].right)
    return Columns(found[0].operator, frozenset(names)) if known else None


def column_refinements(rule: Rule) -> list[Constraint]:
    """The refinements of the target that speak of columns."""
    refinements = rule.target.refinements if isinstance(rule.target, Collection) else ()
    return [r for r in refinements if isinstance(r, Constraint) and r.left == COLUMN]
