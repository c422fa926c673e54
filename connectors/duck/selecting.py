"""The parent half of selections: one SELECT over Parquet files, in a process of its own."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connectors.duck.parent import Budget, run
from connectors.duck.wire import file_orders, pack_all, unpack
from connectors.errors import error
from connectors.ports import Bound, WrittenFile
from connectors.selecting import SelectPlan

MODULE = "connectors.duck.selections"


class DuckSelector:
    """`connectors.selecting.Selector` on embedded DuckDB."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def rows(self, plan: SelectPlan, *, most: int) -> list[tuple[Bound, ...]]:
        """The selected rows, in the order of the text; the first `most` of them."""
        with TemporaryDirectory(dir=self._scratch, prefix="select-") as directory:
            found = _run("rows", plan, Path(directory), {"most": most})
        return [tuple(unpack(row)) for row in found["rows"]]

    def write(self, plan: SelectPlan, out_dir: Path) -> WrittenFile:
        """The selected rows as one Parquet file in the empty directory `out_dir`."""
        if any(out_dir.iterdir()):
            raise error("bad-plan", problem="the job's directory is not empty")
        return WrittenFile(**_run("write", plan, out_dir, {}))


def _run(task: str, plan: SelectPlan, directory: Path, more: dict[str, Any]) -> dict[str, Any]:
    if not all(plan.files.values()):
        raise error("bad-plan", problem="a list of files is empty")
    if plan.files.keys() & plan.params.keys():
        raise error("bad-plan", problem="files and parameters share a name")
    orders = {
        "text": plan.text,
        "files": {name: [file_orders(one) for one in files] for name, files in plan.files.items()},
        "params": pack_all(plan.params),
        "directory": str(directory.absolute()),
        "threads": plan.threads,
        "memory_mb": plan.memory_mb,
        **more,
    }
    budget = Budget(seconds=plan.seconds, memory_mb=plan.memory_mb, threads=plan.threads)
    return dict(run(MODULE, task, orders, directory, budget).result)
