"""The port for selections: answers from Parquet files, however they came to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from connectors.ports import Bound, SourceFile, WrittenFile


@dataclass(frozen=True)
class SelectPlan:
    """One SELECT of our own over Parquet files, with its budgets.

    `text` reads each list of files by its name in `files`, as `read_parquet($name, …)`; no list is
    empty. Values are bound by name through `params`.
    """

    text: str
    files: Mapping[str, tuple[SourceFile, ...]]
    params: Mapping[str, Bound | Sequence[Bound]] = field(default_factory=dict)
    threads: int = 2
    memory_mb: int = 512
    seconds: int = 60


class Selector(Protocol):
    """Answers from Parquet files, or makes one of them.

    Repeatable and concurrent: each selection runs in a process of its own.
    Errors: `SourceChanged`, `JobError` and its children, `PlanError`.
    """

    def rows(self, plan: SelectPlan, *, most: int) -> list[tuple[Bound, ...]]:
        """The selected rows, in the order of the text; the first `most` of them."""
        ...

    def write(self, plan: SelectPlan, out_dir: Path) -> WrittenFile:
        """The selected rows as one Parquet file in the empty directory `out_dir`, synced to disk.

        On any error nothing is left there.
        """
        ...
