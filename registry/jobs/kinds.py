"""The two kinds of job, each with its queue's name, its body and its end when nothing helps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from catalog.tables import Delivery
from registry.access.tables import Extract
from registry.clock import Clock
from registry.jobs.giving_up import give_up_check, give_up_extract
from registry.services.checking import run_check
from registry.services.cutting import run_extract
from registry.services.extracts import UNDER_WAY
from registry.services.ports import Ports


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    :param run: does the work, and finds it done when it runs again.
    :param give_up: marks the row as failed.
    :param unfinished: ids of the rows that still need their job, oldest first.
    """

    queue: str
    run: Callable[[Engine, Ports, str], None]
    give_up: "GiveUp"
    unfinished: Callable[[Session], list[str]]


class GiveUp(Protocol):
    """Told the row, and the failure of the last try where there was one."""

    def __call__(
        self, engine: Engine, clock: Clock, row_id: str, /, wrong: Exception | None = None
    ) -> None:
        """End the row's work as failed, where it is still under way."""


def _unchecked(session: Session) -> list[str]:
    checking = select(Delivery.id).where(col(Delivery.state) == "checking")
    return list(session.exec(checking.order_by(col(Delivery.id))))


def _uncut(session: Session) -> list[str]:
    under_way = select(Extract.id).where(col(Extract.state).in_(UNDER_WAY))
    return list(session.exec(under_way.order_by(col(Extract.id))))


CHECK = Kind("check", run_check, give_up_check, _unchecked)
EXTRACT = Kind("extract", run_extract, give_up_extract, _uncut)
KINDS = (CHECK, EXTRACT)
