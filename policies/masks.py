"""What is left of a policy for columns: of each, in which rows of the answer it is shown.

With the request known and the item unknown, a policy becomes a row filter and a column mask. The
mask of a column is itself a row filter, so that one set of expressions has both meanings.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policies.columns import TOGETHER
from policies.decision import Decision, Prospect
from policies.errors import FilterError
from policies.explanation import (
    column_not_permitted,
    column_prohibited,
    columns_apart,
)
from policies.rowfilter import FALSE, TRUE, RowFilter, all_of, any_of, negate
from policies.verdict import Reason


@dataclass(frozen=True, slots=True)
class ColumnMask:
    """Where one column is shown, and why it is not shown elsewhere.

    :param shown: true for the permitted rows in which the column is shown; where it is not true
        the column is NULL. ``TRUE`` and ``FALSE`` where that is so for every row.
    :param reasons: one for each rule that masks it, or for the lack of a permission; none where it
        is always shown.
    """

    column: str
    shown: RowFilter
    reasons: tuple[Reason, ...]

    @property
    def in_some(self) -> bool:
        """Whether the column is shown in some rows and not in others."""
        return self.shown not in (TRUE, FALSE)


def column_masks(
    answer: Prospect | Decision, columns: Iterable[str], asked: Sequence[str]
) -> tuple[ColumnMask, ...]:
    """The masks of the columns asked for, in their order, over the rows that are permitted.

    Of columns that may not be shown together, the one asked last gives way. What a recipient was
    given before counts as asked first, if the caller puts it there.

    :param columns: all columns that the edition has.
    :raises FilterError: for a column that the edition does not have, asked for or named by a rule:
        a rule that is about nothing here may well be about a column that has another name.
    """
    known = frozenset(columns)
    _refuse_unknown(answer, known, asked)
    masks: dict[str, ColumnMask] = {}
    for column in asked:
        masks[column] = _mask(answer, column, masks)
    return tuple(masks.values())


def _refuse_unknown(
    answer: Prospect | Decision, known: frozenset[str], asked: Sequence[str]
) -> None:
    named = ((left.rule.uid, left.columns) for left in answer.residuals)
    said = [(uid, name) for uid, found in named if found for name in sorted(found.names)]
    for where, name in (*said, *(("columns", name) for name in asked)):
        if name not in known:
            raise FilterError(
                where,
                f"there is no column `{name}` here",
                f"use one of: {', '.join(sorted(known))}",
                probleem=f"er is hier geen kolom `{name}`",
                uitweg=f"gebruik een van: {', '.join(sorted(known))}",
            )


def _mask(answer: Prospect | Decision, column: str, before: dict[str, ColumnMask]) -> ColumnMask:
    if answer.void:
        return ColumnMask(column, FALSE, answer.void)
    permitted = _permitted(answer, column)
    hidden = list(_hidden(answer, column, before))
    shown = all_of(permitted, *(negate(where) for where, _ in hidden))
    lacking = () if permitted == TRUE else (column_not_permitted(column, permitted),)
    return ColumnMask(column, shown, (*lacking, *(reason for _, reason in hidden)))


def _permitted(answer: Prospect | Decision, column: str) -> RowFilter:
    """Where, among the permitted rows, a permission that asks nothing first is about the column."""
    now = [left for left in answer.permissions if not left.pending and left.filter != FALSE]
    about = [left for left in now if left.columns is None or left.columns.has(column)]
    return TRUE if about == now else any_of(*(left.filter for left in about))


def _hidden(
    answer: Prospect | Decision, column: str, before: dict[str, ColumnMask]
) -> Iterator[tuple[RowFilter, Reason]]:
    """Where a prohibition about columns takes this one away."""
    for left in answer.prohibitions:
        if left.columns is None or left.filter == FALSE:
            continue
        if left.columns.has(column):
            yield left.filter, column_prohibited(left, column)
        elif left.columns.operator in TOGETHER and column in left.columns.names:
            others = sorted(left.columns.names - {column})
            if all(other in before for other in others):
                beside = all_of(left.filter, *(before[other].shown for other in others))
                if beside != FALSE:
                    yield beside, columns_apart(left, column, others)
