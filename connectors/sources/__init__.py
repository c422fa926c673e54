"""An archive's delivery (Parquet, CSV, JSON Lines, JSON) becomes rows under declared columns.

Two processes per import: the first stages the delivery and finds the different values of columns
that need a vocabulary; the caller's own process says what each means; the second lays out.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.duck.parent import Answer, Budget, run
from connectors.duck.wire import unpack
from connectors.errors import error
from connectors.ports import (
    MIB,
    NEVER,
    NO_PROGRESS,
    Delivery,
    LaidColumn,
    LaidOut,
    OnProgress,
    Profile,
    ShouldStop,
    SourceColumn,
    Usage,
    WrittenFile,
)
from connectors.sources.files import guess_format

__all__ = ["MODULE", "DuckImporter", "guess_format"]

MODULE = "connectors.sources.tasks"
"""Where its processes find their tasks."""

_RESERVED_MB = 3072
_STAGING_SHARE = 0.4  # of the progress shown


class DuckImporter:
    """`connectors.ports.Importer` on embedded DuckDB; `scratch` is for staging, and left empty."""

    def __init__(self, scratch: Path, *, seconds: int = 3600, memory_mb: int = 512) -> None:
        self._scratch = scratch
        self._seconds = seconds
        self._memory_mb = memory_mb

    def profile(self, delivery: Delivery) -> Profile:
        """Look at the first records."""
        with self._staging() as directory:
            answer = self._run("profile", delivery, directory, {})
        columns = tuple(
            SourceColumn(one["name"], one["sql_type"], tuple(one["samples"]))
            for one in answer.result["columns"]
        )
        result = answer.result
        return Profile(columns, result["bytes"], result["sha256"], result["rows"], answer.usage)

    def lay_out(
        self,
        delivery: Delivery,
        columns: Sequence[LaidColumn],
        out_dir: Path,
        *,
        group_by: Sequence[str] = (),
        not_where: str | None = None,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> LaidOut:
        """Stage, ask what values mean, lay out."""
        looked_up = [one for one in columns if one.recognise is not None and one.source is not None]
        with self._staging() as directory:
            staged = self._run(
                "stage",
                delivery,
                directory,
                {
                    "sources": _different(one.source for one in columns),
                    "lookups": _different(one.source for one in looked_up),
                },
                on_progress=lambda share: on_progress(share * _STAGING_SHARE),
                should_stop=should_stop,
            )
            job = {
                "raw": staged.result["raw"],
                "lookups": _meanings(looked_up, staged.result["values"]),
                "columns": [_plan(one) for one in columns],
                "group_by": list(group_by),
                "not_where": not_where,
            }
            laid = self._run(
                "lay_out",
                delivery,
                out_dir,
                job,
                on_progress=lambda share: on_progress(
                    _STAGING_SHARE + share * (1 - _STAGING_SHARE)
                ),
                should_stop=should_stop,
            )
        return _laid_out(staged, laid)

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        directory = Path(tempfile.mkdtemp(prefix="staging-", dir=self._scratch))
        try:
            yield directory
        finally:
            shutil.rmtree(directory)

    def _run(
        self,
        task: str,
        delivery: Delivery,
        directory: Path,
        job: Mapping[str, Any],
        *,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> Answer:
        budget = Budget(
            seconds=self._seconds,
            memory_mb=self._memory_mb,
            threads=2,
            file_bytes=_most_bytes(delivery.path),
            reserved_mb=_RESERVED_MB,
        )
        orders = {
            "path": str(delivery.path.absolute()),
            "format": delivery.format,
            "records": delivery.records,
            "directory": str(directory.absolute()),
            "threads": budget.threads,
            "memory_mb": budget.memory_mb,
            **job,
        }
        return run(
            MODULE,
            task,
            orders,
            directory,
            budget,
            on_progress=on_progress,
            should_stop=should_stop,
        )


def _most_bytes(delivery: Path) -> int:
    """No output of an import needs to outgrow its delivery twentyfold; small ones get a GiB."""
    if not delivery.is_file():
        raise error("not-found")
    return 1024 * MIB + 20 * delivery.stat().st_size


def _different(sources: Iterator[str | None]) -> list[str]:
    return list(dict.fromkeys(source for source in sources if source is not None))


def _meanings(
    columns: Sequence[LaidColumn], values: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, str | None]]:
    """Per laid column, what each delivered text means."""
    found = {}
    for column in columns:
        recognise: Callable[[str], str | None] | None = column.recognise
        if recognise is not None and column.source is not None:
            found[column.name] = {raw: recognise(raw) for raw in values[column.source]}
    return found


def _plan(column: LaidColumn) -> dict[str, Any]:
    return {
        "name": column.name,
        "source": column.source,
        "sql_type": column.sql_type,
        "constant": column.constant,
        "true_unless": column.true_unless,
        "lookup": column.recognise is not None,
        "empty": column.empty,
        "key": column.key.hex() if column.key is not None else None,
        "unreadable": column.unreadable,
        "missing": column.missing,
        "duplicate": column.duplicate,
        "tally": column.tally,
    }


def _laid_out(staged: Answer, laid: Answer) -> LaidOut:
    result = laid.result
    refused_file = result["refused_file"]
    return LaidOut(
        file=WrittenFile(**result["file"]),
        refused_file=WrittenFile(**refused_file) if refused_file else None,
        rows_read=result["rows"] + result["refused"],
        accepted=result["rows"],
        refused=result["refused"],
        reasons=result["reasons"],
        columns=tuple(SourceColumn(name, kind) for name, kind in result["columns"]),
        nulls=result["nulls"],
        tallies={name: dict(lines) for name, lines in result["tallies"].items()},
        groups=tuple((tuple(unpack(values)), rows) for values, rows in result["groups"]),
        delivery_sha256=staged.result["sha256"],
        usage=_together(staged.usage, laid.usage),
    )


def _together(first: Usage, second: Usage) -> Usage:
    return Usage(
        first.cpu_seconds + second.cpu_seconds,
        max(first.peak_rss, second.peak_rss),
        {**first.wall, **second.wall},
        {**first.cpu, **second.cpu},
    )
