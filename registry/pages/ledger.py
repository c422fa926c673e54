"""The rights ledger on pages: its lines, entering one, taking items back, and what became of it."""

from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from catalog.ledger import LineKind
from registry.accounts.actors import Actor
from registry.dependencies import NowDep, ReadingDep, RuntimeDep, SessionDep
from registry.errors import FieldProblem, InvalidInput, RegistryError
from registry.looking import record_look_at_all, record_look_at_dataset
from registry.pages.forms import NOTHING, Posted, PostedDep, filled, shown_again
from registry.pages.rendering import render, see
from registry.pages.sending import once
from registry.pages.visiting import PersonDep
from registry.services.ledger import EnterLines, NewLine, ended_lines, enter, list_lines
from registry.services.ports import Ports
from registry.services.registration import own_dataset
from registry.services.withdrawing import Withdraw, find_withdrawal, list_withdrawals, withdraw

router = APIRouter(include_in_schema=False)

PAGE = 25
KINDS = [kind.value for kind in LineKind if kind is not LineKind.WITHDRAWAL]
_LINE = ("identifier", "kind", "rightsholder", "share", "date", "evidence", "ends")


@router.get("/archive/datasets/{dataset_id}/ledger")
def ledger_page(
    request: Request,
    dataset_id: str,
    person: PersonDep,
    session: ReadingDep,
    after: str | None = None,
) -> Response:
    """The lines, newest first, with the forms to enter one and to take items back."""
    return _page(person, dataset_id, NOTHING, request, session, after=after)


def _page(
    person: Actor,
    dataset_id: str,
    posted: Posted,
    request: Request,
    session: Session,
    error: RegistryError | None = None,
    *,
    after: str | None = None,
) -> Response:
    dataset = own_dataset(session, person, dataset_id)
    found = list_lines(session, person, dataset_id, after=after, limit=PAGE + 1)
    own = f"/archive/datasets/{dataset_id}/ledger"
    return render(
        request,
        "ledger.html",
        dataset=dataset,
        lines=found[:PAGE],
        ended=ended_lines(session, dataset_id),
        kinds=KINDS,
        first=own if after else "",
        following=f"{own}?after={found[PAGE - 1].id}" if len(found) > PAGE else "",
        values=posted,
        error=_plain(error),
    )


def _plain(error: RegistryError | None) -> RegistryError | None:
    """The one line's fields, under the names of the form."""
    if error is None:
        return None
    fields = tuple(FieldProblem(f.path.removeprefix("lines.0."), f.text) for f in error.fields)
    return InvalidInput(error.code, error.text, error.help, fields)


@router.post("/archive/datasets/{dataset_id}/ledger")
def enter_line(
    dataset_id: str, person: PersonDep, posted: PostedDep, session: SessionDep, at: NowDep
) -> Response:
    """Enter one line; it counts at the next read."""
    with shown_again(partial(_page, person, dataset_id, posted)):
        act = partial(_enter, session, person, dataset_id, posted, at)
        return once(session, person, posted, at, act)


def _enter(
    session: Session, person: Actor, dataset_id: str, posted: Posted, at: datetime
) -> Response:
    given = {name: posted.text(name) for name in _LINE if posted.text(name)}
    line = filled(NewLine, territory=tuple(posted.text("territory").split()), **given)
    enter(session, person, EnterLines(dataset_id=dataset_id, lines=(line,)), at=at)
    return see(f"/archive/datasets/{dataset_id}/ledger", done="line")


@router.post("/archive/datasets/{dataset_id}/withdrawals")
def take_back(
    dataset_id: str,
    person: PersonDep,
    posted: PostedDep,
    session: SessionDep,
    runtime: RuntimeDep,
    at: NowDep,
) -> Response:
    """Block items everywhere at once, and go on to the page that follows what becomes of it."""
    with shown_again(partial(_page, person, dataset_id, posted)):
        act = partial(_withdraw, session, person, dataset_id, posted, runtime.ports, at)
        return once(session, person, posted, at, act)


def _withdraw(
    session: Session, person: Actor, dataset_id: str, posted: Posted, ports: Ports, at: datetime
) -> Response:
    command = filled(
        Withdraw,
        dataset_id=dataset_id,
        identifiers=posted.lines("identifiers"),
        rightsholder=posted.text("of_rightsholder"),
        reason=posted.text("reason"),
        days=posted.text("days") or 14,
    )
    made = withdraw(session, person, command, ports=ports, at=at)
    return see(f"/withdrawals/{made.id}", done="withdrawn")


@router.get("/withdrawals")
def withdrawals(
    request: Request,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
    after: str | None = None,
) -> Response:
    """The archive's own, for an auditor all."""
    found = list_withdrawals(session, person, at=at, after=after, limit=PAGE + 1)
    record_look_at_all(runtime, person, "withdrawals", at)
    return render(
        request,
        "withdrawals.html",
        withdrawals=found[:PAGE],
        first="/withdrawals" if after else "",
        following=f"/withdrawals?after={found[PAGE - 1].id}" if len(found) > PAGE else "",
    )


@router.get("/withdrawals/{withdrawal_id}")
def withdrawal_page(
    request: Request,
    withdrawal_id: str,
    person: PersonDep,
    session: ReadingDep,
    runtime: RuntimeDep,
    at: NowDep,
) -> Response:
    """From the act to stop, notice and receipt, with the times of each."""
    told = find_withdrawal(session, person, withdrawal_id, at=at)
    dataset, ids = told.withdrawal.dataset_id, {"withdrawal": withdrawal_id}
    record_look_at_dataset(runtime, person, "withdrawal", dataset, at, ids)
    waits = told.withdrawal.stopped_at is None
    return render(
        request,
        "withdrawal.html",
        withdrawal=told.withdrawal,
        notices=told.notices,
        calls=told.calls,
        under_way=waits,
    )
