"""Hold rows, files and log to each other: what must be so after any crash, and mostly is.

Each promise has a name that the operator's guide explains. A finding means that the promise was
broken; nothing is mended here, since what is broken may be evidence.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine
from sqlmodel import Session

from connectors.ports import ObjectStore
from registry.audit.checkpoint import VerifierKey
from registry.audit.log import HeadStore, LogMismatch, check_log
from registry.db import snapshot
from registry.services.fsck.accesses import check_accesses
from registry.services.fsck.entries import Recorded, check_entries, read_entries
from registry.services.fsck.files import check_files
from registry.services.fsck.findings import Finding, Promise

__all__ = ["Checkup", "Finding", "Promise", "fsck"]


@dataclass(frozen=True)
class Checkup:
    """What was looked at, per promise, and what was found wrong."""

    checked: dict[Promise, int]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings


def fsck(engine: Engine, store: ObjectStore, key: VerifierKey, heads: HeadStore) -> Checkup:
    """Check everything that is stored; reads every file and every entry.

    Safe while the service runs: rows are read as of one moment, and files are written before the
    rows that name them.
    """
    checked: Counter[Promise] = Counter()
    findings = list(_check_log(engine, key, heads, checked))
    with snapshot(engine) as session:
        recorded = read_entries(session)
        for check in _checks(session, store, recorded):
            findings += check(checked)
    return Checkup(dict(checked), tuple(findings))


def _checks(
    session: Session, store: ObjectStore, recorded: Recorded
) -> tuple[Callable[[Counter[Promise]], Iterator[Finding]], ...]:
    return (
        partial(check_entries, session, recorded),
        partial(check_files, session, store),
        partial(check_accesses, session, recorded),
    )


def _check_log(
    engine: Engine, key: VerifierKey, heads: HeadStore, checked: Counter[Promise]
) -> Iterator[Finding]:
    try:
        last = check_log(engine, key, heads)
        checked[Promise.SIGNED] += 0 if last is None else last.size
    except LogMismatch as mismatch:
        yield Finding(Promise.SIGNED, key.name, mismatch.text)
