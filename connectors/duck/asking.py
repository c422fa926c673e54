"""The parent half of questions about laid-out files."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.duck.parent import Budget, run
from connectors.duck.wire import file_orders, overlay_orders, pack_all, unpack
from connectors.ports import Described, Difference, Group, Laid

_MODULE = "connectors.duck.questions"
_BUDGET = Budget(seconds=600, memory_mb=512, threads=2)


class DuckInquirer:
    """`connectors.ports.Inquirer` on embedded DuckDB; `scratch` is for what a question spills."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def count(self, laid: Laid, columns: Sequence[str]) -> tuple[Group, ...]:
        """Count the rows per combination of these columns."""
        found = self._ask("count", {"laid": _orders(laid), "columns": list(columns)})
        return tuple(Group(tuple(unpack(one) for one in values), n) for values, n in found)

    def keys(self, laid: Laid, key: str) -> tuple[str, ...]:
        """The keys of the rows, in their order."""
        return tuple(self._ask("keys", {"laid": _orders(laid), "key": key}))

    def compare(
        self, before: Laid, after: Laid, key: str, columns: Sequence[str], *, examples: int
    ) -> Difference:
        """What changed from one to the other, by key and these columns."""
        orders = {
            "before": _orders(before),
            "after": _orders(after),
            "key": key,
            "columns": list(columns),
            "examples": examples,
        }
        found = self._ask("compare", orders)["groups"]
        groups, named = [], dict[str, list[str]]()
        for change, values, rows, some in found:
            both = tuple(unpack(one) for one in values)
            groups.append((change, both[: len(columns)], both[len(columns) :], rows))
            named.setdefault(change, []).extend(some)
        return Difference(
            tuple(groups), {name: tuple(sorted(some)[:examples]) for name, some in named.items()}
        )

    def describe(
        self, laid: Laid, columns: Sequence[str], *, fewest: int, most: int
    ) -> tuple[Described, ...]:
        """Each of these columns; values that fewer than `fewest` rows have are not named."""
        orders = {
            "laid": _orders(laid),
            "columns": list(columns),
            "fewest": fewest,
            "most": most,
        }
        return tuple(
            Described(rows, filled, distinct, least, last, tuple((v, n) for v, n in values))
            for rows, filled, distinct, least, last, values in self._ask("describe", orders)
        )

    def sample(
        self, laid: Laid, columns: Sequence[str], *, most: int, length: int
    ) -> tuple[tuple[str | None, ...], ...]:
        """The first rows by these columns, their values as text of at most `length` characters."""
        orders = {
            "laid": _orders(laid),
            "columns": list(columns),
            "most": most,
            "length": length,
        }
        return tuple(tuple(row) for row in self._ask("sample", orders))

    def _ask(self, task: str, orders: Mapping[str, Any]) -> Any:
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="question-") as place:
            asked = {
                **orders,
                "directory": place,
                "threads": _BUDGET.threads,
                "memory_mb": _BUDGET.memory_mb,
            }
            return run(_MODULE, task, asked, Path(place), _BUDGET).result


def _orders(laid: Laid) -> dict[str, Any]:
    return {
        "sources": [file_orders(one) for one in laid.sources],
        "overlay": overlay_orders(laid.overlay),
        "where": laid.where,
        "params": pack_all(laid.params),
    }
