"""The one place DuckDB runs: a disposable process per job, locked in before it reads a byte.

The parent half (`DuckExtractor`, `parent.run`) never imports DuckDB; the child half never sees an
environment, a network or a path that its job does not name.
"""

from collections.abc import Mapping

from connectors.duck.parent import Budget, run
from connectors.duck.wire import file_orders, overlay_orders, pack_all
from connectors.errors import error
from connectors.ports import (
    NEVER,
    NO_PROGRESS,
    ExtractPlan,
    ExtractResult,
    OnProgress,
    ShouldStop,
    WrittenFile,
)

__all__ = ["MODULE", "DuckExtractor", "cut"]

MODULE = "connectors.duck.extract"
"""Where its process finds its task."""


class DuckExtractor:
    """`connectors.ports.Extractor` on embedded DuckDB."""

    def extract(
        self,
        plan: ExtractPlan,
        *,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> ExtractResult:
        """Write the extract's parts into `plan.out_dir`, all of them or none."""
        budget = Budget(seconds=plan.seconds, memory_mb=plan.memory_mb, threads=plan.threads)
        return cut(MODULE, plan, {}, budget, on_progress=on_progress, should_stop=should_stop)


def cut(
    module: str,
    plan: ExtractPlan,
    more: Mapping[str, object],
    budget: Budget,
    *,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> ExtractResult:
    """Run the task `extract` of an engine's module; its orders are the plan and `more`."""
    _check(plan)
    answer = run(
        module,
        "extract",
        {**_orders(plan), **more},
        plan.out_dir,
        budget,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    files = tuple(WrittenFile(**one) for one in answer.result["files"])
    return ExtractResult(rows=answer.result["rows"], files=files, usage=answer.usage)


def _check(plan: ExtractPlan) -> None:
    if not plan.sources or not plan.columns:
        raise error("bad-plan", problem="an extract needs at least one source and one column")
    if not plan.where.strip():
        raise error("bad-plan", problem="an extract needs a filter, `true` for all rows")
    if any(plan.out_dir.iterdir()):
        raise error("bad-plan", problem="the job's directory is not empty")


def _orders(plan: ExtractPlan) -> dict[str, object]:
    return {
        "sources": [file_orders(one) for one in plan.sources],
        "overlay": overlay_orders(plan.overlay),
        "columns": [
            {
                "name": one.name,
                "expression": one.expression,
                "sql_type": one.sql_type,
                "shown": one.shown,
            }
            for one in plan.columns
        ],
        "where": plan.where,
        "params": pack_all(plan.params),
        "metadata": dict(plan.metadata),
        "out_dir": str(plan.out_dir.absolute()),
        "part_bytes": plan.part_bytes,
        "threads": plan.threads,
        "memory_mb": plan.memory_mb,
    }
