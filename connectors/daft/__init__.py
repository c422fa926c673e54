"""The other engine: Daft, which runs the same plan on this machine or on a Ray cluster.

The parent half never imports Daft; the child half is a process of one job, shut in like DuckDB's.
"""

from importlib.util import find_spec

from connectors.duck import cut
from connectors.duck.parent import Budget
from connectors.errors import error
from connectors.ports import (
    NEVER,
    NO_PROGRESS,
    ExtractPlan,
    ExtractResult,
    OnProgress,
    ShouldStop,
)

__all__ = ["DaftExtractor"]

_HERE, _THERE = "connectors.daft.extract", "connectors.daft.cluster"
_RESERVED_MB = 24 * 1024
"""Address space that Daft's allocator claims without touching it; it has no limit of its own."""


class DaftExtractor:
    """`connectors.ports.Extractor` on Daft.

    What is not proven to come out as DuckDB makes it is refused (`beyond-engine`). `memory_mb` is
    DuckDB's, which reads the plan; progress is told at the end only.
    """

    def __init__(self, cluster: str = "") -> None:
        """Be ready; `no-engine` where Daft is not installed.

        :param cluster: address of a Ray cluster whose nodes see the same files under the same
            paths; empty for this machine.
        """
        if find_spec("daft") is None:
            raise error("no-engine", engine="daft")
        self._cluster = cluster

    def extract(
        self,
        plan: ExtractPlan,
        *,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> ExtractResult:
        """Write the extract's parts into `plan.out_dir`, all of them or none."""
        return cut(
            _THERE if self._cluster else _HERE,
            plan,
            {"cluster": self._cluster},
            Budget(plan.seconds, plan.memory_mb, plan.threads, reserved_mb=_RESERVED_MB),
            on_progress=on_progress,
            should_stop=should_stop,
        )
