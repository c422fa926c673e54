"""Stopping a job without judging it: its process ends, and its row waits for the next start."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from connectors.errors import JobCancelled
from connectors.ports import (
    NEVER,
    NO_PROGRESS,
    Delivery,
    Extractor,
    ExtractPlan,
    ExtractResult,
    Importer,
    LaidColumn,
    LaidOut,
    OnProgress,
    Profile,
    ShouldStop,
)
from registry.services.ports import Ports


class Interrupted(Exception):
    """The service is stopping; the job was not done, and nobody asked for its end."""


def interruptible(ports: Ports, stopping: threading.Event) -> Ports:
    """The same backends; once ``stopping`` is set, their long work ends with ``Interrupted``."""
    return replace(
        ports,
        extractor=_Extractor(ports.extractor, stopping),
        importer=_Importer(ports.importer, stopping),
    )


@contextmanager
def _telling_apart(stopping: threading.Event) -> Iterator[None]:
    try:
        yield
    except JobCancelled:
        if stopping.is_set():
            raise Interrupted from None
        raise


@dataclass(frozen=True)
class _Extractor:
    inner: Extractor
    stopping: threading.Event

    def extract(
        self,
        plan: ExtractPlan,
        *,
        on_progress: OnProgress = NO_PROGRESS,
        should_stop: ShouldStop = NEVER,
    ) -> ExtractResult:
        with _telling_apart(self.stopping):
            return self.inner.extract(
                plan,
                on_progress=on_progress,
                should_stop=lambda: self.stopping.is_set() or should_stop(),
            )


@dataclass(frozen=True)
class _Importer:
    inner: Importer
    stopping: threading.Event

    def profile(self, delivery: Delivery) -> Profile:
        return self.inner.profile(delivery)

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
        with _telling_apart(self.stopping):
            return self.inner.lay_out(
                delivery,
                columns,
                out_dir,
                group_by=group_by,
                not_where=not_where,
                on_progress=on_progress,
                should_stop=lambda: self.stopping.is_set() or should_stop(),
            )
